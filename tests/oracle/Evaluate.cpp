// Expressions and statements of the model, one case each.
#include "tests/oracle/Evaluate.h"

#include "tests/oracle/Primitives.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace kac::oracle {

Evaluator::Evaluator(const Model &model, int64_t particles)
    : model(model), particleCount(particles), trace([this](const Expr &e, int which, const Numbers &args, bool &zero) {
        const Function *f = size_t(which) < e.derivatives.size() ? e.derivatives[which] : nullptr;
        zero = !f;
        if (zero)
          return Number{};
        std::vector<Value> values;
        for (size_t k = 0; k < e.args.size(); ++k) {
          values.push_back(scalar(0));
          values.back().items[0] = args[k];
        }
        return call(*f, values).items.at(0);
      }) {
  for (const Input &in : model.inputs)
    inputs.push_back(array(in.type.shape, in.values));
}

void Evaluator::set(const std::string &input, const std::vector<double> &values) {
  for (size_t k = 0; k < model.inputs.size(); ++k)
    if (model.inputs[k].name == input) {
      inputs[k] = array(model.inputs[k].type.shape, values);
      return;
    }
  throw std::invalid_argument("no input is called " + input);
}

void Evaluator::broken(const std::string &why) {
  if (!effects.broken)
    effects.why = why;
  effects.broken = true;
}

void Evaluator::illFormed(const Expr &e, const std::string &why) const {
  throw std::logic_error("ill-formed model, operation " + std::to_string(int(e.op)) + " (" + e.name + ") at offset " +
                         std::to_string(e.span.begin) + ": " + why);
}

std::vector<int64_t> Evaluator::extents(const std::vector<int64_t> &shape) const {
  std::vector<int64_t> result = shape;
  for (int64_t &n : result)
    n = n == kParticles ? particleCount : n;
  return result;
}

/// A value of the type, of zeros.
Value Evaluator::empty(const Type &type) const {
  Value result;
  result.isTuple = type.isTuple;
  for (const Component &c : type.components)
    result.parts.push_back(empty(c.type));
  if (!type.isTuple) {
    result.shape = extents(type.shape);
    result.items.resize(volume(result.shape));
  }
  return result;
}

bool Evaluator::conforms(const Value &value, const Type &type) const {
  if (value.isTuple != type.isTuple || value.parts.size() != type.components.size())
    return false;
  for (size_t k = 0; k < value.parts.size(); ++k)
    if (!conforms(value.parts[k], type.components[k].type))
      return false;
  return value.isTuple ||
         std::equal(value.shape.begin(), value.shape.end(), type.shape.begin(), type.shape.end(),
                    [&](int64_t have, int64_t want) { return have == (want == kParticles ? particleCount : want); });
}

// --- functions and statements ---

namespace {
/// The slots that a function takes derivatives by.
struct VariableFinder {
  std::set<int> found;
  std::set<const void *> seen;

  void visit(const ExprPtr &e) {
    if (!e || !seen.insert(e.get()).second)
      return;
    if (e->op == Op::Grad || e->op == Op::Jvp || e->op == Op::Divergence || e->op == Op::Laplacian)
      found.insert(e->slot);
    for (const ExprPtr &a : e->args)
      visit(a);
    visit(e->body.get());
    visit(e->otherwise.get());
  }
  void visit(const Block *b) {
    if (!b || !seen.insert(b).second)
      return;
    for (const Statement &s : b->statements) {
      for (const ExprPtr &e : {s.value, s.second, s.condition})
        visit(e);
      for (const ExprPtr &e : s.indices)
        visit(e);
      visit(s.body.get());
      visit(s.otherwise.get());
    }
    visit(b->result);
  }
};
} // namespace

const std::set<int> &Evaluator::variables(const Function &f) {
  auto [at, isNew] = variablesOf.try_emplace(&f);
  if (isNew) {
    VariableFinder finder;
    finder.visit(&f.body);
    at->second = finder.found;
  }
  return at->second;
}

Value Evaluator::call(const Function &f, const std::vector<Value> &args) {
  if (args.size() != f.parameters.size())
    throw std::logic_error(f.name + " is called with " + std::to_string(args.size()) + " arguments");
  bool active = std::any_of(args.begin(), args.end(), isActive);
  size_t mark = trace.size();
  Frame frame{std::vector<Value>(f.slots.size()), variables(f)};
  for (size_t k = 0; k < args.size(); ++k) {
    if (!conforms(args[k], f.slots[f.parameters[k]].type))
      throw std::logic_error("argument " + std::to_string(k) + " of " + f.name + " has another shape");
    assign(f.parameters[k], args[k], frame);
  }
  Value result = block(f.body, frame);
  if (!active) { // nothing outside can be a variable of what was computed here
    forEach(result, [](Number &n) { n.node = -1; });
    trace.cut(mark);
  }
  return result;
}

Value Evaluator::block(const Block &b, Frame &frame) {
  Value result;
  if (!run(b, frame, result))
    throw std::logic_error("ill-formed model: a block without a value is used as one");
  return result;
}

bool Evaluator::run(const Block &b, Frame &frame, Value &result) {
  for (const Statement &s : b.statements)
    run(s, frame);
  if (b.result)
    result = evaluate(*b.result, frame);
  return b.result != nullptr;
}

void Evaluator::assign(int slot, Value value, Frame &frame) {
  if (frame.variables.count(slot))
    forEach(value, [&](Number &n) { n = trace.variable(n); });
  frame.slots.at(slot) = std::move(value);
}

void Evaluator::run(const Statement &s, Frame &frame) {
  Value ignored;
  switch (s.kind) {
  case Statement::Kind::Assign:
    return assign(s.slot, evaluate(*s.value, frame), frame);
  case Statement::Kind::AssignElement: {
    std::vector<int64_t> indices;
    for (const ExprPtr &i : s.indices)
      indices.push_back(int64_t(evaluate(*i, frame).scalar()));
    Value item = evaluate(*s.value, frame), whole = frame.slots.at(s.slot);
    if (!replace(whole, indices, item))
      broken("an element outside its array is assigned");
    return assign(s.slot, whole, frame);
  }
  case Statement::Kind::For:
    return runLoop(s, frame);
  case Statement::Kind::If:
    if (evaluate(*s.condition, frame).scalar() != 0)
      run(*s.body, frame, ignored);
    else if (s.otherwise)
      run(*s.otherwise, frame, ignored);
    return;
  case Statement::Kind::Weigh:
    effects.logWeight += evaluate(*s.value, frame).scalar();
    return;
  case Statement::Kind::Require:
    if (evaluate(*s.condition, frame).scalar() == 0)
      broken(s.text);
    return;
  }
}

void Evaluator::runLoop(const Statement &s, Frame &frame) {
  double from = evaluate(*s.value, frame).scalar(), to = evaluate(*s.second, frame).scalar();
  Value ignored;
  for (double i = from; i < to; ++i) {
    assign(s.slot, scalar(i), frame);
    if (s.condition && evaluate(*s.condition, frame).scalar() == 0)
      break;
    run(*s.body, frame, ignored);
  }
}

// --- expressions ---

Value Evaluator::evaluate(const Expr &e, Frame &frame) {
  Value result = compute(e, frame);
  if (!conforms(result, e.type))
    illFormed(e, "the value is not of the type " + printType(e.type));
  return result;
}

Value Evaluator::zip(const std::vector<Value> &args, const std::function<Number(const Numbers &)> &f) {
  Value result;
  const Value *longest = &args.at(0);
  for (const Value &a : args) {
    if (a.isTuple) { // part by part; a number goes with every part
      for (size_t k = 0; k < a.parts.size(); ++k) {
        std::vector<Value> column;
        for (const Value &b : args)
          column.push_back(b.isTuple ? b.parts.at(k) : b);
        result.parts.push_back(zip(column, f));
      }
      result.isTuple = true;
      return result;
    }
    if (a.shape.size() > longest->shape.size())
      longest = &a;
  }
  result.shape = longest->shape;
  result.items.resize(longest->items.size());
  for (const Value &a : args)
    if (!std::equal(a.shape.rbegin(), a.shape.rend(), result.shape.rbegin()))
      throw std::logic_error("ill-formed model: operands have shapes that are no suffixes of one");
  for (size_t i = 0; i < result.items.size(); ++i) {
    Numbers at;
    for (size_t k = 0; k < args.size(); ++k)
      at.at(k) = args[k].items[i % args[k].items.size()];
    result.items[i] = f(at);
  }
  return result;
}

Value Evaluator::elementwise(const Expr &e, Frame &frame, const std::function<Number(const Numbers &)> &f) {
  std::vector<Value> args;
  for (const ExprPtr &a : e.args)
    args.push_back(evaluate(*a, frame));
  return zip(args, f);
}

/// A scalar condition chooses what is evaluated; others choose element by element.
Value Evaluator::select(const Expr &e, Frame &frame) {
  Value condition = evaluate(*e.args[0], frame);
  if (condition.shape.empty()) {
    Value chosen = evaluate(*e.args[condition.scalar() != 0 ? 1 : 2], frame), like = empty(e.type);
    return zip({like, chosen}, [](const Numbers &a) { return a[1]; });
  }
  return zip({condition, evaluate(*e.args[1], frame), evaluate(*e.args[2], frame)},
             [](const Numbers &a) { return a[0].value != 0 ? a[1] : a[2]; });
}

Value Evaluator::random(const Expr &e, Frame &frame) {
  uint64_t index = 0;
  for (size_t k = 0; k < e.args.size(); ++k)
    index = index * extents(e.extents).at(k) + uint64_t(evaluate(*e.args[k], frame).scalar());
  if (e.name == "kac.uniform")
    return scalar(drawUniform(address, uint32_t(e.index), index, fineDraws));
  if (e.name == "kac.normal")
    return scalar(drawNormal(address, uint32_t(e.index), index, fineDraws));
  illFormed(e, "a law that is not primitive");
}

Value Evaluator::build(const Expr &e, Frame &frame) {
  std::vector<int64_t> sizes = extents(e.extents);
  std::vector<Value> items;
  for (int64_t flat = 0; flat < volume(sizes); ++flat) {
    int64_t rest = flat;
    for (size_t k = sizes.size(); k-- > 0; rest /= sizes[k])
      assign(e.slots.at(k), scalar(double(rest % sizes[k])), frame);
    items.push_back(block(*e.body, frame));
  }
  Value none = empty(e.type);
  return items.empty() ? none : stack(sizes, items, none);
}

Value Evaluator::compute(const Expr &e, Frame &frame) {
  auto truth = [](bool b) { return Number{b ? 1.0 : 0.0}; };
  switch (e.op) {
  case Op::Number:
    return scalar(e.number);
  case Op::Local:
    return frame.slots.at(e.slot);
  case Op::Input:
    return inputs.at(e.index);
  case Op::Particles:
    return scalar(double(particleCount));
  case Op::Call: {
    std::vector<Value> args;
    for (const ExprPtr &a : e.args)
      args.push_back(evaluate(*a, frame));
    auto other = substitutes.find(e.function);
    return call(other == substitutes.end() ? *e.function : *other->second, args);
  }
  case Op::Add:
    return elementwise(e, frame, [&](const Numbers &a) { return trace.add(a[0], a[1]); });
  case Op::Sub:
    return elementwise(e, frame, [&](const Numbers &a) { return trace.subtract(a[0], a[1]); });
  case Op::Mul:
    return elementwise(e, frame, [&](const Numbers &a) { return trace.multiply(a[0], a[1]); });
  case Op::Div:
    return elementwise(e, frame, [&](const Numbers &a) { return trace.divide(a[0], a[1]); });
  case Op::Pow:
    return elementwise(e, frame, [&](const Numbers &a) { return trace.power(a[0], a[1]); });
  case Op::Neg:
    return elementwise(e, frame, [&](const Numbers &a) { return trace.negate(a[0]); });
  case Op::Remainder:
    return elementwise(e, frame, [&](const Numbers &a) {
      if (a[1].value == 0) {
        broken("the remainder of a division by 0");
        return Number{0};
      }
      return Number{a[0].value - a[1].value * std::floor(a[0].value / a[1].value)};
    });
  case Op::Equal:
    return elementwise(e, frame, [&](const Numbers &a) { return truth(a[0].value == a[1].value); });
  case Op::NotEqual:
    return elementwise(e, frame, [&](const Numbers &a) { return truth(a[0].value != a[1].value); });
  case Op::Less:
    return elementwise(e, frame, [&](const Numbers &a) { return truth(a[0].value < a[1].value); });
  case Op::LessEqual:
    return elementwise(e, frame, [&](const Numbers &a) { return truth(a[0].value <= a[1].value); });
  case Op::And:
    return elementwise(e, frame, [&](const Numbers &a) { return truth(a[0].value != 0 && a[1].value != 0); });
  case Op::Or:
    return elementwise(e, frame, [&](const Numbers &a) { return truth(a[0].value != 0 || a[1].value != 0); });
  case Op::Not:
    return elementwise(e, frame, [&](const Numbers &a) { return truth(a[0].value == 0); });
  case Op::Select:
    return select(e, frame);
  case Op::Cast:
    return evaluate(*e.args[0], frame);
  case Op::Primitive: {
    PrimitiveValue value = primitiveValue(e.name);
    return elementwise(e, frame, [&](const Numbers &a) {
      double plain[3] = {a[0].value, a[1].value, a[2].value};
      double result = value(plain);
      if (!e.type.isFloat() && !std::isfinite(result)) {
        broken("an int that is not finite");
        result = 0;
      }
      return trace.primitive(e, result, a);
    });
  }
  case Op::Whole: {
    std::vector<Value> args;
    for (const ExprPtr &a : e.args)
      args.push_back(evaluate(*a, frame));
    return whole(e.name, args);
  }
  case Op::Random:
    return random(e, frame);
  case Op::Stack: {
    std::vector<Value> items;
    for (const ExprPtr &a : e.args)
      items.push_back(evaluate(*a, frame));
    return stack({int64_t(items.size())}, items, empty(e.type));
  }
  case Op::Repeat: {
    Value item = evaluate(*e.args[0], frame);
    const Type *type = &e.type; // the new axes are those of any component
    const Value *part = &item;
    for (; type->isTuple; part = &part->parts.at(0))
      type = &type->components.at(0).type;
    std::vector<int64_t> sizes = extents(type->shape);
    if (sizes.size() < part->shape.size())
      illFormed(e, "repeated to fewer axes");
    sizes.resize(sizes.size() - part->shape.size());
    return repeat(item, sizes);
  }
  case Op::Concat:
    return concat(evaluate(*e.args[0], frame), evaluate(*e.args[1], frame));
  case Op::Index: {
    std::vector<int64_t> indices;
    for (size_t k = 1; k < e.args.size(); ++k)
      indices.push_back(int64_t(evaluate(*e.args[k], frame).scalar()));
    Value result;
    if (!slice(evaluate(*e.args[0], frame), indices, result)) {
      if (e.inRange)
        illFormed(e, "an index said to be in range is outside");
      broken("an index outside its array");
      forEach(result, [](Number &n) { n = {std::numeric_limits<double>::quiet_NaN()}; });
    }
    return result;
  }
  case Op::Build:
    return build(e, frame);
  case Op::Reduce:
    return reduce(e, frame);
  case Op::If:
    return block(evaluate(*e.args[0], frame).scalar() != 0 ? *e.body : *e.otherwise, frame);
  case Op::Tuple: {
    std::vector<Value> parts;
    for (const ExprPtr &a : e.args)
      parts.push_back(evaluate(*a, frame));
    return tuple(std::move(parts));
  }
  case Op::Part:
    return evaluate(*e.args[0], frame).parts.at(e.index);
  case Op::Do:
    return block(*e.body, frame);
  case Op::Grad:
  case Op::Jvp:
  case Op::Divergence:
  case Op::Laplacian:
    return derivative(e, frame);
  case Op::Missing:
    illFormed(e, e.name);
  case Op::Stop: {
    Value result = evaluate(*e.args[0], frame);
    forEach(result, [](Number &n) { n.node = -1; });
    return result;
  }
  }
  illFormed(e, "an unknown operation");
}

} // namespace kac::oracle
