// The rules of differentiation, and the two orders in which the chain rule can be applied.
#include "tests/oracle/Trace.h"

#include <algorithm>
#include <cmath>

namespace kac::oracle {

Number Trace::record(Rule rule, double value, Number a, Number b) {
  if (!a.active() && !b.active())
    return {value};
  steps.push_back({rule, value, {a, b, Number{}}, nullptr});
  return {value, int(steps.size()) - 1};
}

Number Trace::power(Number a, Number b) { return record(Rule::Power, std::pow(a.value, b.value), a, b); }

Number Trace::primitive(const Expr &e, double value, const std::array<Number, 3> &args) {
  if (std::none_of(args.begin(), args.end(), [](const Number &a) { return a.active(); }))
    return {value};
  steps.push_back({Rule::Primitive, value, args, &e});
  return {value, int(steps.size()) - 1};
}

Number Trace::variable(Number a) {
  steps.push_back({Rule::Copy, a.value, {a, Number{}, Number{}}, nullptr});
  return {a.value, int(steps.size()) - 1};
}

Number Trace::partial(const Step &step, int node, int which, bool &zero) {
  const Number &a = step.args[0], &b = step.args[1];
  switch (step.rule) {
  case Rule::Copy:
  case Rule::Add:
    return {1};
  case Rule::Subtract:
    return {which == 0 ? 1.0 : -1.0};
  case Rule::Negate:
    return {-1};
  case Rule::Multiply:
    return which == 0 ? b : a;
  case Rule::Divide:
    return which == 0 ? divide({1}, b) : negate(divide({step.value, node}, b));
  case Rule::Power: {
    if (which == 0) {
      zero = !b.active() && b.value == 0;
      return zero ? Number{} : multiply(b, power(a, subtract(b, {1})));
    }
    zero = a.value == 0 && b.value > 0; // a^b log a tends to 0
    if (zero)
      return {};
    // log a is not an operation of its own here: its derivative is 1 / a, so it is kept as a primitive without a name.
    Number log = {std::log(a.value)};
    if (a.active()) {
      steps.push_back({Rule::Primitive, log.value, {a, Number{}, Number{}}, nullptr});
      log.node = int(steps.size()) - 1;
    }
    return multiply({step.value, node}, log);
  }
  case Rule::Primitive:
    if (!step.primitive)
      return divide({1}, a);
    return primitiveDerivative(*step.primitive, which, step.args, zero);
  }
  return {};
}

std::vector<bool> Trace::needed(const std::vector<Number> &outputs, int lowest, int highest) const {
  std::vector<bool> result(std::max(0, highest - lowest + 1));
  for (const Number &o : outputs)
    if (o.node >= lowest)
      result[o.node - lowest] = true;
  for (int i = highest; i >= lowest; --i)
    if (result[i - lowest])
      for (const Number &a : steps[i].args)
        if (a.node >= lowest)
          result[a.node - lowest] = true;
  return result;
}

static int highestNode(const std::vector<Number> &numbers) {
  int highest = -1;
  for (const Number &n : numbers)
    highest = std::max(highest, n.node);
  return highest;
}

static int lowestNode(const std::vector<Number> &numbers) {
  int lowest = -1;
  for (const Number &n : numbers)
    if (n.active() && (lowest < 0 || n.node < lowest))
      lowest = n.node;
  return lowest;
}

std::vector<Number> Trace::along(const std::vector<Number> &outputs, const std::vector<Number> &variables,
                                 const std::vector<Number> &directions) {
  std::vector<Number> result(outputs.size());
  int lowest = lowestNode(variables), highest = highestNode(outputs);
  if (lowest < 0 || highest < lowest)
    return result;
  std::vector<bool> wanted = needed(outputs, lowest, highest), moves(highest - lowest + 1), fixed(highest - lowest + 1);
  std::vector<Number> tangent(highest - lowest + 1);
  for (size_t k = 0; k < variables.size(); ++k)
    if (variables[k].active() && variables[k].node <= highest) {
      int at = variables[k].node - lowest;
      tangent[at] = directions[k];
      fixed[at] = true;
      moves[at] = directions[k].active() || directions[k].value != 0;
    }
  for (int i = lowest; i <= highest; ++i) {
    if (!wanted[i - lowest] || fixed[i - lowest])
      continue;
    Step step = steps[i]; // a copy: what follows adds steps
    for (int which = 0; which < 3; ++which) {
      int arg = step.args[which].node - lowest;
      if (arg < 0 || !moves[arg])
        continue;
      bool zero = false;
      Number slope = partial(step, i, which, zero);
      if (zero)
        continue;
      Number term = !slope.active() && slope.value == 1 ? tangent[arg] : multiply(slope, tangent[arg]);
      tangent[i - lowest] = moves[i - lowest] ? add(tangent[i - lowest], term) : term;
      moves[i - lowest] = true;
    }
  }
  for (size_t k = 0; k < outputs.size(); ++k)
    if (outputs[k].node >= lowest && moves[outputs[k].node - lowest])
      result[k] = tangent[outputs[k].node - lowest];
  return result;
}

std::vector<Number> Trace::gradient(Number output, const std::vector<Number> &variables) {
  std::vector<Number> result(variables.size());
  int lowest = lowestNode(variables), highest = output.node;
  if (lowest < 0 || highest < lowest)
    return result;
  // Only what depends on a variable and reaches the output takes part; variables end the way.
  std::vector<bool> wanted = needed({output}, lowest, highest), moves(highest - lowest + 1),
                    fixed(highest - lowest + 1);
  for (const Number &v : variables)
    if (v.active() && v.node <= highest)
      moves[v.node - lowest] = fixed[v.node - lowest] = true;
  for (int i = lowest; i <= highest; ++i)
    for (const Number &a : steps[i].args)
      if (!fixed[i - lowest] && a.node >= lowest && moves[a.node - lowest])
        moves[i - lowest] = true;
  std::vector<Number> adjoint(highest - lowest + 1);
  std::vector<bool> reached(highest - lowest + 1);
  if (!moves[highest - lowest])
    return result;
  adjoint[highest - lowest] = {1};
  reached[highest - lowest] = true;
  for (int i = highest; i >= lowest; --i) {
    if (!wanted[i - lowest] || !reached[i - lowest] || fixed[i - lowest])
      continue;
    Step step = steps[i];
    Number weight = adjoint[i - lowest];
    for (int which = 0; which < 3; ++which) {
      int arg = step.args[which].node - lowest;
      if (arg < 0 || !moves[arg])
        continue;
      bool zero = false;
      Number slope = partial(step, i, which, zero);
      if (zero)
        continue;
      Number term = !slope.active() && slope.value == 1 ? weight : multiply(weight, slope);
      adjoint[arg] = reached[arg] ? add(adjoint[arg], term) : term;
      reached[arg] = true;
    }
  }
  for (size_t k = 0; k < variables.size(); ++k)
    if (variables[k].active() && variables[k].node <= highest)
      result[k] = adjoint[variables[k].node - lowest];
  return result;
}

} // namespace kac::oracle
