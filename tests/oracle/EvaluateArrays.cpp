// Operations on whole arrays, reductions and derivatives.
#include "tests/oracle/Evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace kac::oracle {

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The value of a reduction over nothing.
static double identity(const std::string &name) {
  if (name == "kac.product" || name == "kac.all")
    return 1;
  if (name == "kac.max" || name == "kac.largest")
    return -kInfinity;
  return name == "kac.min" || name == "kac.smallest" ? kInfinity : 0;
}

static bool isReduction(const std::string &name) {
  for (const char *known : {"kac.sum", "kac.product", "kac.max", "kac.min", "kac.any", "kac.all", "kac.mean",
                            "kac.largest", "kac.smallest"})
    if (name == known)
      return true;
  return false;
}

/// A NaN among the operands of max and min is the result; largest and smallest pass over it.
Number Evaluator::combine(const std::string &name, Number a, Number b) {
  if (name == "kac.sum" || name == "kac.mean")
    return trace.add(a, b);
  if (name == "kac.product")
    return trace.multiply(a, b);
  if (name == "kac.any")
    return {a.value != 0 || b.value != 0 ? 1.0 : 0.0};
  if (name == "kac.all")
    return {a.value != 0 && b.value != 0 ? 1.0 : 0.0};
  if (name == "kac.largest" || name == "kac.smallest") {
    if (std::isnan(a.value) || std::isnan(b.value))
      return std::isnan(a.value) ? b : a;
  } else if (std::isnan(a.value) || std::isnan(b.value)) {
    return std::isnan(a.value) ? a : b;
  }
  return (name == "kac.max" || name == "kac.largest" ? b.value > a.value : b.value < a.value) ? b : a;
}

Value Evaluator::whole(const std::string &name, const std::vector<Value> &args) {
  const Value &x = args.at(0);
  if (isReduction(name)) {
    Value result = scalar(identity(name));
    for (size_t k = 0; k < x.items.size(); ++k)
      result.items[0] = k == 0 ? x.items[0] : combine(name, result.items[0], x.items[k]);
    if (name == "kac.mean")
      result.items[0] = trace.divide(result.items[0], {double(x.items.size())});
    return result;
  }
  if (x.shape.size() != 1)
    throw std::logic_error("ill-formed model: " + name + " of an array that has not one axis");
  auto byValue = [](const Number &a, const Number &b) { return a.value < b.value; };
  if (name == "kac.argmax")
    return scalar(double(std::max_element(x.items.begin(), x.items.end(), byValue) - x.items.begin()));
  Value result = x;
  if (name == "kac.cumsum") {
    for (size_t k = 1; k < result.items.size(); ++k)
      result.items[k] = trace.add(result.items[k - 1], result.items[k]);
    return result;
  }
  if (name == "kac.sort") {
    std::stable_sort(result.items.begin(), result.items.end(), [&](const Number &a, const Number &b) {
      return byValue(a, b) || (std::isnan(b.value) && !std::isnan(a.value)); // what is not a number comes last
    });
    return result;
  }
  if (name == "kac.search")
    return zip({args.at(1)}, [&](const Numbers &u) {
      size_t k = 0;
      while (k + 1 < x.items.size() && !(x.items[k].value > u[0].value))
        ++k;
      return Number{double(k)};
    });
  throw std::invalid_argument("the oracle does not know the operation " + name);
}

Value Evaluator::reduce(const Expr &e, Frame &frame) {
  double from = evaluate(*e.args.at(0), frame).scalar(), to = evaluate(*e.args.at(1), frame).scalar();
  std::vector<Value> items;
  for (double i = from; i < to; ++i) {
    assign(e.slots.at(0), scalar(i), frame);
    if (e.args.size() > 2 && evaluate(*e.args[2], frame).scalar() == 0)
      continue;
    items.push_back(block(*e.body, frame));
  }
  Value none = empty(e.type);
  if (!isReduction(e.name))
    return whole(e.name, {stack({int64_t(items.size())}, items, none)});
  double start = e.name == "kac.mean" ? std::numeric_limits<double>::quiet_NaN() : identity(e.name);
  Value result = zip({none}, [&](const Numbers &) { return Number{start}; });
  for (size_t k = 0; k < items.size(); ++k)
    result = k == 0 ? items[0] : zip({result, items[k]}, [&](const Numbers &a) { return combine(e.name, a[0], a[1]); });
  if (e.name == "kac.mean" && !items.empty())
    result = zip({result}, [&](const Numbers &a) { return trace.divide(a[0], {double(items.size())}); });
  return result;
}

// --- derivatives ---

static std::vector<Number> leaves(Value &value) {
  std::vector<Number> result;
  forEach(value, [&](Number &n) { result.push_back(n); });
  return result;
}

/// The value with other numbers in its places.
static Value refill(Value like, const std::vector<Number> &numbers) {
  size_t k = 0;
  forEach(like, [&](Number &n) { n = numbers.at(k++); });
  return like;
}

Value Evaluator::derivative(const Expr &e, Frame &frame) {
  Value at = frame.slots.at(e.slot);
  for (int part : e.path)
    at = Value(at.parts.at(part));
  std::vector<Number> x = leaves(at);
  if (std::any_of(x.begin(), x.end(), [](const Number &n) { return !n.active(); }))
    illFormed(e, "the variable has no value yet");
  if (e.op == Op::Grad && e.type != realType(at.shape) && !at.isTuple)
    return tokenDifference(e, frame, at);

  Value y = evaluate(*e.args.at(0), frame);
  if (e.op == Op::Grad)
    return refill(at, trace.gradient(y.items.at(0), x));
  if (e.op == Op::Jvp) {
    Value v = zip({at, evaluate(*e.args.at(1), frame)}, [](const Numbers &a) { return a[1]; });
    return refill(y, trace.along(leaves(y), x, leaves(v)));
  }
  std::vector<Number> field = e.op == Op::Divergence ? leaves(y) : trace.gradient(y.items.at(0), x);
  if (field.size() != x.size())
    illFormed(e, "a field of another size than its variable");
  Number sum;
  for (size_t i = 0; i < x.size(); ++i) {
    std::vector<Number> direction(x.size());
    direction[i] = {1};
    sum = trace.add(sum, trace.along({field[i]}, x, direction)[0]);
  }
  Value result = scalar(0);
  result.items[0] = sum;
  return result;
}

/// By a token: the expression with x[i] = j, less the expression. Definitions between the two are not made anew.
Value Evaluator::tokenDifference(const Expr &e, Frame &frame, const Value &at) {
  if (!e.path.empty() || e.type.shape.size() != at.shape.size() + 1)
    illFormed(e, "a derivative by something that is neither real nor a token");
  Value saved = frame.slots.at(e.slot), result = empty(e.type);
  Number here = evaluate(*e.args.at(0), frame).items.at(0);
  int64_t letters = result.shape.back();
  for (size_t k = 0; k < result.items.size(); ++k) {
    frame.slots[e.slot].items[k / letters] = {double(k % letters)};
    result.items[k] = trace.subtract(evaluate(*e.args[0], frame).items.at(0), here);
    frame.slots[e.slot] = saved;
  }
  return result;
}

} // namespace kac::oracle
