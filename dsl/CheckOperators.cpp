// Operators on run-time values: result types, suffix frames, tuples by component, folding of constants.
#include "dsl/Elaborate.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace kac::checking {

Type Elaborator::suffixShape(const Type &a, const Type &b, Span span) const {
  const Type &longer = a.shape.size() >= b.shape.size() ? a : b;
  const Type &shorter = &longer == &a ? b : a;
  if (!std::equal(shorter.shape.rbegin(), shorter.shape.rend(), longer.shape.rbegin()))
    fail("E0304", span, "the shapes of " + printType(a) + " and " + printType(b) + " do not fit",
         "the axes of the one must be the last axes of the other");
  return realType(longer.shape);
}

static bool isPositive(const Expr &e) {
  return e.type.scalar == Scalar::Positive || (e.op == Op::Number && !e.type.isBool() && e.number > 0);
}

static double fold(Op op, double a, double b) {
  switch (op) {
  case Op::Add:
    return a + b;
  case Op::Sub:
    return a - b;
  case Op::Mul:
    return a * b;
  case Op::Div:
    return a / b;
  case Op::Pow:
    return std::pow(a, b);
  default:
    return a - b * std::floor(a / b);
  }
}

ExprPtr Elaborator::arithmetic(Op op, ExprPtr a, ExprPtr b, Span span) {
  if (a->type.isTuple || b->type.isTuple) {
    const Type &shape = a->type.isTuple ? a->type : b->type;
    if (a->type.isTuple && b->type.isTuple && a->type.components.size() != b->type.components.size())
      fail("E0304", span, printType(a->type) + " and " + printType(b->type) + " differ in components");
    sameNames(a->type, b->type, span);
    a = hold(a);
    b = hold(b);
    Type type = shape;
    std::vector<ExprPtr> parts;
    for (size_t i = 0; i < shape.components.size(); ++i) {
      parts.push_back(
          arithmetic(op, a->type.isTuple ? part(a, i, span) : a, b->type.isTuple ? part(b, i, span) : b, span));
      type.components[i].type = parts.back()->type;
    }
    return make(Op::Tuple, type, std::move(parts), span);
  }
  if (a->type.isBool() || b->type.isBool())
    fail("E0301", span, "a bool is not a number", "`indicator` makes a number of a bool");
  bool integers = a->type.isInteger() && b->type.isInteger();
  if (op == Op::Remainder && !integers)
    fail("E0301", span, "`%` needs two ints, these are " + printType(a->type) + " and " + printType(b->type));
  bool integral = integers && op != Op::Div && op != Op::Pow;
  Type type = suffixShape(a->type, b->type, span);
  if (integral) {
    type.scalar = Scalar::Int;
    if (op == Op::Remainder && b->op == Op::Number && b->number > 0) {
      type.scalar = Scalar::Token;
      type.letters = static_cast<int64_t>(b->number);
    }
  } else if (op != Op::Sub && isPositive(*a) && (isPositive(*b) || op == Op::Pow)) {
    type.scalar = Scalar::Positive;
  }
  if (a->op == Op::Number && b->op == Op::Number && type.shape.empty()) {
    if (integral && op == Op::Remainder && b->number == 0)
      fail("E0308", span, "the remainder by zero");
    double value = fold(op, a->number, b->number);
    if (integral && std::abs(value) >= 2147483648.0)
      fail("E0308", span, "an int lies between -2^31 and 2^31");
    if (!integral && type.scalar == Scalar::Positive && !(value > 0))
      type.scalar = Scalar::Real;
    return number(value, type, span);
  }
  auto isNumber = [](const Expr &e, double v) {
    const Expr &one = e.op == Op::Repeat ? *e.args[0] : e;
    return one.op == Op::Number && one.number == v;
  };
  if (op == Op::Mul && isNumber(*a, 0)) {
    type.scalar = integral ? Scalar::Int : Scalar::Real;
    return repeatTo(number(0, integral ? intType() : realType(), span), type, span);
  }
  auto same = [&](const ExprPtr &e) { return e->type.shape == type.shape && (integral || e->type.isFloat()); };
  if ((op == Op::Add && isNumber(*a, 0) && same(b)) || (op == Op::Mul && isNumber(*a, 1) && same(b)))
    return b;
  if (((op == Op::Add || op == Op::Sub) && isNumber(*b, 0) && same(a)) ||
      ((op == Op::Mul || op == Op::Div || op == Op::Pow) && isNumber(*b, 1) && same(a)))
    return a;
  if (!integral) {
    Type real = a->type;
    real.scalar = Scalar::Real;
    if (a->type.isInteger())
      a = coerce(a, realType(a->type.shape), a->span, false);
    if (b->type.isInteger())
      b = coerce(b, realType(b->type.shape), b->span, false);
  }
  return make(op, type, {std::move(a), std::move(b)}, span);
}

ExprPtr Elaborator::negate(ExprPtr a, Span span) {
  if (a->type.isTuple) {
    a = hold(a);
    Type type = a->type;
    std::vector<ExprPtr> parts;
    for (size_t i = 0; i < type.components.size(); ++i) {
      parts.push_back(negate(part(a, i, span), span));
      type.components[i].type = parts.back()->type;
    }
    return make(Op::Tuple, type, std::move(parts), span);
  }
  if (a->type.isBool())
    fail("E0301", span, "a bool has no negative", "`!` is the other bool");
  Type type = realType(a->type.shape);
  if (a->type.isInteger())
    type.scalar = Scalar::Int;
  if (a->op == Op::Number)
    return number(-a->number, type, span);
  return make(Op::Neg, type, {std::move(a)}, span);
}

ExprPtr Elaborator::compare(const std::string &sign, ExprPtr a, ExprPtr b, Span span) {
  if (a->type.isTuple || b->type.isTuple)
    fail("E0301", span, "tuples are not compared", "compare their components");
  bool equality = sign == "==" || sign == "!=";
  if (a->type.isBool() != b->type.isBool() || (a->type.isBool() && !equality))
    fail("E0301", span, printType(a->type) + " and " + printType(b->type) + " are not compared by `" + sign + "`");
  Type type = suffixShape(a->type, b->type, span);
  type.scalar = Scalar::Bool;
  if (sign == ">" || sign == ">=")
    std::swap(a, b);
  Op op = sign == "=="                 ? Op::Equal
          : sign == "!="               ? Op::NotEqual
          : sign == "<" || sign == ">" ? Op::Less
                                       : Op::LessEqual;
  if (a->op == Op::Number && b->op == Op::Number) {
    double x = a->number, y = b->number;
    bool holds = op == Op::Equal ? x == y : op == Op::NotEqual ? x != y : op == Op::Less ? x < y : x <= y;
    return number(holds, type, span);
  }
  if (a->type.isFloat() != b->type.isFloat()) {
    if (a->type.isInteger())
      a = coerce(a, realType(a->type.shape), a->span, false);
    else if (b->type.isInteger())
      b = coerce(b, realType(b->type.shape), b->span, false);
  }
  return make(op, type, {std::move(a), std::move(b)}, span);
}

ExprPtr Elaborator::concat(ExprPtr a, ExprPtr b, Span span) {
  if (a->type.isTuple || b->type.isTuple || a->type.isBool() != b->type.isBool())
    fail("E0304", span, printType(a->type) + " and " + printType(b->type) + " cannot be joined");
  auto asArray = [&](ExprPtr e) {
    if (!e->type.shape.empty())
      return e;
    Type t = e->type;
    t.shape = {1};
    return make(Op::Stack, t, {e}, e->span);
  };
  a = asArray(a);
  b = asArray(b);
  if (a->type.isInteger() && b->type.isFloat())
    a = coerce(a, realType(a->type.shape), span, false);
  if (b->type.isInteger() && a->type.isFloat())
    b = coerce(b, realType(b->type.shape), span, false);
  // A shorter one repeats along leading axes, as the suffix rule has it for the axes before the last.
  auto lead = [&](const ExprPtr &e) { return std::vector<int64_t>(e->type.shape.begin(), e->type.shape.end() - 1); };
  auto la = lead(a), lb = lead(b);
  const auto &longer = la.size() >= lb.size() ? la : lb;
  auto raise = [&](ExprPtr e, const std::vector<int64_t> &own) {
    if (own.size() > longer.size() || !std::equal(own.rbegin(), own.rend(), longer.rbegin()))
      fail("E0304", span, "the axes before the last differ: " + printType(a->type) + " and " + printType(b->type));
    if (own.size() == longer.size())
      return e;
    Type t = e->type;
    t.shape = longer;
    t.shape.push_back(e->type.shape.back());
    return make(Op::Repeat, t, {e}, span);
  };
  a = raise(a, la);
  b = raise(b, lb);
  Type type = a->type.isInteger() ? intType() : a->type.isBool() ? boolType() : realType();
  type.shape = longer;
  type.shape.push_back(a->type.shape.back() + b->type.shape.back());
  return make(Op::Concat, type, {a, b}, span);
}

Value Elaborator::operate(const std::string &sign, const Value &a, const Value &b, Span span) {
  if ((sign == "*" || sign == "/" || sign == "^") && (isTargetOperand(a) || isTargetOperand(b)))
    return targetOperate(sign, a, b, span);
  ExprPtr x = asRun(a, span), y = asRun(b, span);
  if (sign == "+")
    return Value::of(arithmetic(Op::Add, x, y, span));
  if (sign == "-")
    return Value::of(arithmetic(Op::Sub, x, y, span));
  if (sign == "*")
    return Value::of(arithmetic(Op::Mul, x, y, span));
  if (sign == "/")
    return Value::of(arithmetic(Op::Div, x, y, span));
  if (sign == "%")
    return Value::of(arithmetic(Op::Remainder, x, y, span));
  if (sign == "^")
    return Value::of(arithmetic(Op::Pow, x, y, span));
  if (sign == "++")
    return Value::of(concat(x, y, span));
  if (sign == "&&" || sign == "||") {
    if (!x->type.isBool() || !y->type.isBool())
      fail("E0301", span,
           "`" + sign + "` needs two bools, these are " + printType(x->type) + " and " + printType(y->type));
    Type type = suffixShape(x->type, y->type, span);
    type.scalar = Scalar::Bool;
    for (auto [known, other] : {std::pair{x, y}, {y, x}})
      if (known->op == Op::Number && known->type.shape.empty())
        return Value::of((known->number != 0) == (sign == "&&")
                             ? other
                             : repeatTo(number(sign == "||", boolType(), span), type, span));
    return Value::of(make(sign == "&&" ? Op::And : Op::Or, type, {x, y}, span));
  }
  return Value::of(compare(sign, x, y, span));
}

namespace {

/// Whether what computes a value can break a lineage on the way: an index or a divisor that is not known to fit, a
/// whole number that does not, a demand.
struct Fallible {
  std::set<const Function *> seen;
  bool in(const Expr &e) {
    bool whole = e.op == Op::Remainder || (e.op == Op::Primitive && e.type.isInteger());
    bool divides = whole && e.args.size() == 2 && e.args[1]->op == Op::Number && e.args[1]->number != 0;
    if ((whole && !divides) || (e.op == Op::Index && !e.inRange))
      return true;
    if (e.function && seen.insert(e.function).second && in(e.function->body))
      return true;
    return std::any_of(e.args.begin(), e.args.end(), [&](const ExprPtr &a) { return in(*a); }) ||
           (e.body && in(*e.body)) || (e.otherwise && in(*e.otherwise));
  }
  bool in(const Block &b) {
    return (b.result && in(*b.result)) ||
           std::any_of(b.statements.begin(), b.statements.end(), [&](const Statement &s) { return in(s); });
  }
  bool in(const Statement &s) {
    if (s.kind != Statement::Kind::Assign && s.kind != Statement::Kind::If && s.kind != Statement::Kind::For)
      return true;
    for (const ExprPtr *part : {&s.value, &s.second, &s.condition})
      if (*part && in(**part))
        return true;
    return (s.body && in(*s.body)) || (s.otherwise && in(*s.otherwise));
  }
};

} // namespace

/// `a && b` is `if a { b } else { false }`, and `a || b` is `if a { true } else { b }`, wherever that differs from
/// computing both.
Value Elaborator::evaluateGuarded(const std::string &sign, const Value &a, const Node *right, const ScopePtr &scope,
                                  Span span) {
  auto asked = block([&] { return asRun(evaluate(right, scope), span); });
  Value both = operate(sign, a, Value::of(asked->result), span);
  if (!Fallible().in(*asked)) {
    for (Statement &s : asked->statements)
      emit(std::move(s));
    return both;
  }
  auto settled = std::make_shared<Block>();
  settled->result = repeatTo(number(sign == "||", boolType(), span), both.type(), span);
  auto e = std::make_shared<Expr>(*make(Op::If, both.type(), {a.run}, span));
  e->body = sign == "&&" ? asked : settled;
  e->otherwise = sign == "&&" ? settled : asked;
  return Value::of(e);
}

/// A constant that decides an operation, in the shape and type of its result. The other operand is looked at for these
/// alone, and need not be there: a product with a literal 0 is 0 (section 6).
Value Elaborator::settledBy(const std::string &sign, const Value &constant, const Node *right, const ScopePtr &scope,
                            Span span) {
  Type type = constant.type();
  const std::vector<Slot> outer = frames.empty() ? std::vector<Slot>{} : frame().function->slots;
  try {
    probe([&] {
      frame().function->slots = outer;
      type = operate(sign, constant, evaluate(right, scope), span).type();
    });
  } catch (CheckFailure &failure) {
    if (!failure.missing() && failure.code != "E0208") // where it recurs, this product is the end of it
      throw;
  }
  Type cell = type;
  cell.shape.clear();
  return Value::of(repeatTo(number(constant.run->number, cell, span), type, span));
}

Value Elaborator::evaluateChain(const Node *node, const ScopePtr &scope) {
  Value total = evaluate(node->child(0), scope);
  for (size_t i = 1; i + 1 < node->children.size(); i += 2) {
    const std::string &sign = node->child(i)->text;
    Span span = node->span;
    span.end = node->child(i + 1)->span.end;
    const Expr *whole = total.isRun() ? total.run.get() : nullptr;
    if (whole && whole->op == Op::Repeat)
      whole = whole->args[0].get();
    bool zero = whole && whole->op == Op::Number && whole->number == 0 && !whole->type.isBool();
    if (sign == "*" && zero) {
      total = settledBy(sign, total, node->child(i + 1), scope, span);
      continue;
    }
    bool logical = (sign == "&&" || sign == "||") && total.isRun() && total.type().isBool();
    bool known = logical && total.run->op == Op::Number;
    if (known && (total.run->number != 0) == (sign == "||")) {
      total = settledBy(sign, total, node->child(i + 1), scope, span);
      continue;
    }
    total = logical && !known && total.type().shape.empty()
                ? evaluateGuarded(sign, total, node->child(i + 1), scope, span)
                : operate(sign, total, evaluate(node->child(i + 1), scope), span);
    // A long chain is held now and then, so that no later pass recurses along it.
    if (i % 64 == 63 && total.isRun() && total.run->op != Op::Number) {
      total = Value::of(store("v", total.run, span));
    }
  }
  return total;
}

} // namespace kac::checking
