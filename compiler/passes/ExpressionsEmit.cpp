// Nodes and forms in, operations out: every node once in a function.
#include "compiler/passes/Expressions.h"

#include <cmath>

using namespace mlir;

namespace kac {

Emitter::Emitter(Expressions &expressions, func::FuncOp function)
    : expressions(expressions), function(function), b(function.getContext()), e(b, function.getLoc()) {
  old.takeBody(function.getBody());
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  x = ir::VariableOp::create(b, e.loc, entry->getArgument(0));
  t = ir::VariableOp::create(b, e.loc, entry->getArgument(1));
  made[expressions.state] = x;
  made[expressions.time] = t;
  // Further parameters were numbered in their order, behind the time.
  for (unsigned k = 2; k < entry->getNumArguments(); ++k)
    made[expressions.time + int(k) - 1] = entry->getArgument(k);
}

Emitter::~Emitter() { old.dropAllReferences(); }

void Emitter::finish(const Form &form) {
  Type type = function.getResultTypes()[0];
  Value result;
  if (form.kind == Form::IsVector)
    result = vector(form.vector);
  else
    result = form.kind == Form::IsCoef ? coef(form.coef) : scalar(form.scalar);
  func::ReturnOp::create(b, e.loc, e.fill(result, type));
}

void Emitter::finishFinite(Id symbol, int power) {
  Value factor = value(symbol);
  if (power < 0)
    factor = e.div(e.real(1), factor);
  Value infinity = e.real(std::numeric_limits<double>::infinity());
  Value holds = ir::AndOp::create(b, e.loc, b.getI1Type(), e.compare("lt", e.neg(infinity), factor),
                                  e.compare("lt", factor, infinity));
  func::ReturnOp::create(b, e.loc, holds);
}

Value Emitter::coef(const Coef &coef) {
  Value sum;
  for (const auto &[monomial, c] : coef.terms) {
    Value above, below;
    for (auto [id, power] : monomial) {
      Value factor = value(id), &side = power > 0 ? above : below;
      for (int k = 0; k < std::abs(power); ++k)
        side = side ? e.mul(side, factor) : factor;
    }
    Value scale = e.real(std::abs(c.value()));
    above = above ? e.mul(scale, above) : scale;
    if (below)
      above = e.div(above, below);
    sum = c.top < 0 ? e.sub(sum, above) : e.add(sum, above);
  }
  return sum;
}

Value Emitter::atom(const ScalarAtom &atom) {
  switch (atom.kind) {
  case ScalarAtom::One:
    return e.real(1);
  case ScalarAtom::Value:
    return value(atom.a);
  case ScalarAtom::Dot:
    return e.dot(value(atom.a), value(atom.b), ir::shapeOf(x.getType()));
  case ScalarAtom::Divergence:
    return ir::DivergenceOp::create(b, e.loc, b.getF64Type(), value(atom.a), x);
  }
  return {};
}

/// Terms of one coefficient, up to sign, are added before they are multiplied.
Value Emitter::combine(ArrayRef<std::pair<Coef, Value>> terms) {
  Value sum;
  std::vector<bool> done(terms.size());
  for (size_t i = 0; i < terms.size(); ++i) {
    if (done[i])
      continue;
    Value inner = terms[i].second;
    for (size_t j = i + 1; j < terms.size(); ++j)
      if (!done[j] && (terms[j].first == terms[i].first || terms[j].first == -terms[i].first)) {
        done[j] = true;
        inner = terms[j].first == terms[i].first ? e.add(inner, terms[j].second) : e.sub(inner, terms[j].second);
      }
    sum = e.add(sum, e.mul(coef(terms[i].first), inner));
  }
  return sum;
}

Value Emitter::vector(const Vector &form) {
  std::vector<std::pair<Coef, Value>> terms;
  for (const auto &[id, c] : form)
    terms.push_back({c, value(id)});
  return combine(terms);
}

Value Emitter::scalar(Scalar form) {
  std::vector<std::pair<Coef, Value>> terms;
  // Where the rows of a quadratic form in fields of processes sum to zero, it is one of differences: for powers that
  // sum to one the weight is small differences of large scores.
  std::vector<Id> scores;
  for (const auto &[atom, c] : form)
    if (atom.kind == ScalarAtom::Dot)
      for (Id id : {atom.a, atom.b})
        if (expressions.fieldOf(id).kind == kinds::kProcess && !llvm::is_contained(scores, id))
          scores.push_back(id);
  auto entry = [&](Id a, Id b) {
    auto found = form.find(ScalarAtom::dot(a, b));
    return found == form.end() ? Coef() : found->second;
  };
  bool balanced = scores.size() > 1;
  for (Id a : scores) {
    Coef row = entry(a, a) + entry(a, a);
    for (Id b : scores)
      row = row + (a == b ? Coef() : entry(a, b));
    balanced &= row.isZero();
  }
  for (size_t i = 0; balanced && i < scores.size(); ++i)
    for (size_t j = i + 1; j < scores.size(); ++j)
      if (Coef c = entry(scores[i], scores[j]); !c.isZero()) {
        Value difference = e.sub(value(scores[i]), value(scores[j]));
        Value square = e.dot(difference, difference, ir::shapeOf(x.getType()));
        terms.push_back({c * Coef(Rational(-1, 2)), square});
      }
  for (const auto &[each, c] : form) {
    bool squared = balanced && each.kind == ScalarAtom::Dot && llvm::is_contained(scores, each.a) &&
                   llvm::is_contained(scores, each.b);
    if (!squared)
      terms.push_back({c, atom(each)});
  }
  return combine(terms);
}

Value Emitter::value(Id id) {
  auto found = made.find(id);
  if (found != made.end())
    return found->second;
  Value result = make(expressions[id]);
  return made[id] = result;
}

Value Emitter::make(const Expression &node) {
  switch (node.kind) {
  case Expression::Argument:
    return {}; // all are made from the start
  case Expression::Number:
    return e.real(node.number);
  case Expression::Integer:
    return e.integer(int64_t(node.number));
  case Expression::Ones:
    return e.fill(e.real(1), node.type);
  case Expression::Named:
    return value(node.operands[0]);
  case Expression::Reciprocal:
    return e.div(e.real(1), coef(node.form.coef));
  case Expression::Gradient:
    return ir::GradOp::create(b, e.loc, x.getType(), value(node.operands[0]), x);
  case Expression::TimeDerivative:
    return ir::JvpOp::create(b, e.loc, value(node.operands[0]), t, e.real(1));
  case Expression::Formed: {
    Value result;
    if (node.form.kind == Form::IsCoef)
      result = coef(node.form.coef);
    else if (node.form.kind == Form::IsVector)
      result = vector(node.form.vector);
    else if (node.form.kind == Form::IsScalar)
      result = scalar(node.form.scalar);
    else
      for (const auto &[atom, c] : node.form.scalar)
        result = e.add(result, e.mul(coef(c), e.mul(value(atom.a), value(atom.b))));
    return e.fill(result, node.type);
  }
  case Expression::Operation:
    break;
  }
  // Operands first: they are made in front.
  size_t own = node.op->getNumOperands();
  IRMapping mapping;
  for (size_t k = 0; k < own; ++k)
    mapping.map(node.op->getOperand(unsigned(k)), value(node.operands[k]));
  for (auto [k, captured] : llvm::enumerate(node.captured))
    mapping.map(captured, value(node.operands[own + k]));
  Operation *op = b.clone(*node.op, mapping);
  // One operand may stand twice in the text for what are two values here.
  for (size_t k = 0; k < own; ++k)
    op->setOperand(unsigned(k), value(node.operands[k]));
  return op->getResult(0);
}

} // namespace kac
