// Forms of operands in, the form of a result out: the algebra of derivation.
#include "compiler/passes/Expressions.h"

#include <cmath>

using namespace mlir;
using kac::ir::shapeOf;

namespace kac {

static Form ofCoef(Coef coef) { return {Form::IsCoef, std::move(coef), {}, {}}; }
static Form ofVector(Vector vector) { return {Form::IsVector, {}, std::move(vector), {}}; }
static Form ofScalar(Scalar scalar) { return {Form::IsScalar, {}, {}, std::move(scalar)}; }

Vector Expressions::asVector(const Form &form) const {
  if (form.kind == Form::IsVector)
    return form.vector;
  throw NoForm();
}

Scalar Expressions::asScalar(const Form &form) const {
  if (form.kind == Form::IsScalar)
    return form.scalar;
  Scalar scalar;
  if (form.kind == Form::IsCoef)
    addTo(scalar, ScalarAtom(), form.coef);
  else
    throw NoForm();
  return scalar;
}

Vector Expressions::asField(const Form &form) const {
  if (!scalarState())
    return form.kind == Form::IsCoef ? Vector() : asVector(form);
  // A scalar is a vector of one coordinate; its constant part has no divergence.
  Vector field;
  for (const auto &[atom, c] : asScalar(form)) {
    if (atom.kind == ScalarAtom::Value)
      addTo(field, atom.a, c);
    else if (atom.kind != ScalarAtom::One)
      throw NoForm();
  }
  return field;
}

Coef Expressions::normal(const Coef &coef) const {
  Coef result = rule ? reduced(coef, rule->first, rule->second) : coef;
  // The square of the root of a number is that number.
  Coef squared;
  for (const auto &[monomial, c] : result.terms) {
    Coef term(c);
    for (auto [id, power] : monomial) {
      const Expression &node = nodes[size_t(id)];
      auto root = dyn_cast_or_null<ir::PrimitiveOp>(node.op);
      auto under =
          root && root.getName() == "math.sqrt" ? nodes[size_t(node.operands[0])].form.coef.constant() : std::nullopt;
      int left = power;
      if (under && under->top > 0 && node.kind == Expression::Operation)
        for (; std::abs(left) > 1; left += left > 0 ? -2 : 2)
          term = term * Coef(left > 0 ? *under : Rational(under->bottom, under->top));
      if (left != 0)
        term = term * Coef::symbol(id, left);
    }
    squared = squared + term;
  }
  return squared;
}

Form Expressions::normal(Form form) const {
  form.coef = normal(form.coef);
  Vector vector;
  for (const auto &[atom, c] : form.vector)
    addTo(vector, atom, normal(c));
  Scalar scalar;
  for (const auto &[atom, c] : form.scalar)
    addTo(scalar, atom, normal(c));
  form.vector = std::move(vector);
  form.scalar = std::move(scalar);
  return form;
}

Form Expressions::opaque(const Expression &node, Id id) const {
  Vector vector;
  Scalar scalar;
  if (node.type.isF64() && !node.usesState)
    return ofCoef(Coef::symbol(id));
  if (node.type.isF64()) {
    addTo(scalar, {ScalarAtom::Value, id}, Coef(1));
    return ofScalar(scalar);
  }
  if (node.type != stateType)
    return {};
  addTo(vector, id, Coef(1));
  return ofVector(vector);
}

Form Expressions::sum(const Form &a, const Form &b) const {
  if (a.kind == Form::None || b.kind == Form::None)
    throw NoForm();
  if (a.kind == Form::IsCoef && b.kind == Form::IsCoef)
    return ofCoef(a.coef + b.coef);
  if (a.kind == Form::IsVector || b.kind == Form::IsVector)
    return ofVector(plus(asVector(a), asVector(b)));
  if (a.kind == Form::IsProduct || b.kind == Form::IsProduct) {
    if (a.kind != b.kind)
      throw NoForm();
    return {Form::IsProduct, {}, {}, plus(a.scalar, b.scalar)};
  }
  return ofScalar(plus(asScalar(a), asScalar(b)));
}

Form Expressions::scale(const Form &a, const Coef &c) const {
  if (a.kind == Form::None)
    throw NoForm();
  return {a.kind, a.coef * c, scaled(a.vector, c), scaled(a.scalar, c)};
}

Form Expressions::multiply(const Form &a, const Form &b) const {
  if (a.kind == Form::IsCoef)
    return scale(b, a.coef);
  if (b.kind == Form::IsCoef)
    return scale(a, b.coef);
  if (a.kind == Form::IsVector && b.kind == Form::IsVector) {
    Scalar product;
    for (const auto &[p, c] : a.vector)
      for (const auto &[q, d] : b.vector)
        addTo(product, ScalarAtom::dot(p, q), c * d);
    return {Form::IsProduct, {}, {}, product};
  }
  if (a.kind != Form::IsScalar || b.kind != Form::IsScalar || !scalarState())
    throw NoForm();
  // On a scalar state values are vectors too: their product is an inner product.
  Scalar product;
  for (const auto &[p, c] : a.scalar)
    for (const auto &[q, d] : b.scalar) {
      if (p.kind == ScalarAtom::One || q.kind == ScalarAtom::One)
        addTo(product, p.kind == ScalarAtom::One ? q : p, c * d);
      else if (p.kind == ScalarAtom::Value && q.kind == ScalarAtom::Value)
        addTo(product, ScalarAtom::dot(p.a, q.a), c * d);
      else
        throw NoForm();
    }
  return ofScalar(product);
}

Coef Expressions::reciprocal(const Coef &coef) {
  if (coef.isZero())
    throw NoForm();
  if (coef.terms.size() == 1) {
    const auto &[monomial, c] = *coef.terms.begin();
    Coef result;
    Monomial inverse = monomial;
    for (auto &[id, power] : inverse)
      power = -power;
    result.terms[inverse] = Rational(c.bottom, c.top);
    return result;
  }
  Expression node{Expression::Reciprocal, Float64Type::get(module.getContext())};
  node.form = ofCoef(coef);
  for (const auto &[monomial, c] : coef.terms)
    for (auto [id, power] : monomial)
      node.usesTime |= nodes[size_t(id)].usesTime;
  Id id = intern(node, "reciprocal " + print(coef, [](Id id) { return std::to_string(id); }));
  if (!rule)
    rule = {id, coef};
  return Coef::symbol(id);
}

Form Expressions::dot(const Form &a, const Form &b) {
  Form product = multiply(a, b);
  return product.kind == Form::IsProduct ? ofScalar(product.scalar) : product;
}

Form Expressions::formOf(Operation *op, const Expression &node, Id id) {
  auto form = [&](unsigned k) -> const Form & { return nodes[size_t(node.operands[k])].form; };
  bool scalar = node.type.isF64();
  if (!scalar && node.type != stateType)
    return {};
  try {
    // A scalar that is repeated over the state's axes.
    auto wide = [&](unsigned k) {
      Form one = form(k);
      if (scalar || one.kind != Form::IsCoef)
        return one;
      Vector vector;
      addTo(vector, ones(), one.coef);
      return ofVector(vector);
    };
    if (isa<ir::AddOp>(op))
      return normal(sum(wide(0), wide(1)));
    if (isa<ir::SubOp>(op))
      return normal(sum(wide(0), scale(wide(1), Coef(-1))));
    if (isa<ir::NegOp>(op))
      return scale(form(0), Coef(-1));
    if (isa<ir::MulOp>(op))
      return normal(multiply(form(0), form(1)));
    if (isa<ir::DivOp>(op) && form(1).kind == Form::IsCoef)
      return normal(scale(form(0), reciprocal(form(1).coef)));
    if (isa<ir::PowOp>(op) && form(1).kind == Form::IsCoef)
      if (auto power = form(1).coef.constant(); power && power->bottom == 1 && std::abs(power->top) <= 4) {
        if (form(0).kind == Form::IsCoef) {
          Coef base = power->top < 0 ? reciprocal(form(0).coef) : form(0).coef, result(1);
          for (int64_t k = 0; k < std::abs(power->top); ++k)
            result = result * base;
          return normal(ofCoef(result));
        }
        if (power->top == 1)
          return form(0);
        if (power->top == 2)
          return normal(multiply(form(0), form(0)));
      }
    if (isa<ir::RepeatOp>(op))
      return wide(0);
    if (auto whole = dyn_cast<ir::WholeOp>(op); whole && whole.getName() == "kac.sum") {
      const Form &of = form(0);
      if (of.kind == Form::IsProduct)
        return normal(ofScalar(of.scalar));
      if (nodes[size_t(node.operands[0])].type.isF64())
        return of;
      if (of.kind == Form::IsVector && node.usesState) {
        Vector all;
        addTo(all, ones(), Coef(1));
        return dot(of, ofVector(all));
      }
    }
  } catch (NoForm) {
  }
  return opaque(node, id);
}

//===--- derivatives ---===//

Scalar Expressions::divergence(const Vector &vector) {
  Scalar result;
  const int64_t size = ShapedType::getNumElements(shapeOf(stateType));
  for (const auto &[atom, c] : vector) {
    if (atom == state)
      addTo(result, ScalarAtom(), c * Coef(size));
    else if (nodes[size_t(atom)].usesState)
      addTo(result, {ScalarAtom::Divergence, atom}, c);
  }
  return result;
}

/// By the state; of a scalar that is linear in what has a gradient.
Form Expressions::gradient(Id id) {
  Form of = nodes[size_t(id)].form, result;
  auto whole = [&] {
    Id slope = derived(Expression::Gradient, id);
    return opaque(nodes[size_t(slope)], slope);
  };
  if (of.kind != Form::IsCoef && of.kind != Form::IsScalar)
    return whole();
  result = scalarState() ? ofCoef(Coef()) : ofVector({});
  if (of.kind == Form::IsCoef)
    return result;
  for (const auto &[atom, c] : of.scalar) {
    if (atom.kind == ScalarAtom::One)
      continue;
    if (atom.kind != ScalarAtom::Value)
      return whole();
    Form part;
    Field field = fieldOf(atom.a);
    if (atom.a == state) {
      part = ofCoef(Coef(1));
    } else if (auto score = field.name == kinds::kLogp ? sibling(atom.a, kinds::kScore) : std::nullopt) {
      part = *score;
    } else if (scalarState() && !field.name.empty() && field.name != kinds::kLogp) {
      Scalar slope;
      addTo(slope, {ScalarAtom::Divergence, atom.a}, Coef(1));
      part = ofScalar(slope);
    } else {
      Id slope = derived(Expression::Gradient, atom.a);
      part = opaque(nodes[size_t(slope)], slope);
    }
    result = sum(result, scale(part, c));
  }
  return normal(result);
}

Coef Expressions::timeDerivative(const Coef &coef) {
  Coef result;
  for (const auto &[monomial, c] : coef.terms)
    for (auto [id, power] : monomial) {
      if (!nodes[size_t(id)].usesTime)
        continue;
      Coef others(c * Rational(power));
      for (auto [other, otherPower] : monomial)
        if (other != id || otherPower != 1)
          others = others * Coef::symbol(other, otherPower - (other == id));
      Coef slope;
      if (id == time)
        slope = Coef(1);
      else if (const Expression &node = nodes[size_t(id)]; node.kind == Expression::Reciprocal)
        slope = -(Coef::symbol(id, 2) * timeDerivative(node.form.coef));
      else
        slope = Coef::symbol(derived(Expression::TimeDerivative, id));
      result = result + others * slope;
    }
  return normal(result);
}

/// At a fixed state. A log density of a process moves by its evolution equation.
Form Expressions::timeDerivative(Id id) {
  Form of = nodes[size_t(id)].form;
  if (of.kind == Form::IsCoef)
    return ofCoef(timeDerivative(of.coef));
  auto whole = [&](Id value) {
    if (!nodes[size_t(value)].usesTime)
      return ofCoef(Coef());
    Id slope = derived(Expression::TimeDerivative, value);
    return opaque(nodes[size_t(slope)], slope);
  };
  if (of.kind != Form::IsScalar)
    return whole(id);
  Form result = ofCoef(Coef());
  for (const auto &[atom, c] : of.scalar) {
    if (Coef slope = timeDerivative(c); !slope.isZero()) {
      Scalar term;
      addTo(term, atom, slope);
      result = sum(result, ofScalar(term));
    }
    auto moves = [&](Id part) { return part >= 0 && nodes[size_t(part)].usesTime; };
    if (atom.kind == ScalarAtom::One || (!moves(atom.a) && !moves(atom.b)))
      continue;
    if (atom.kind != ScalarAtom::Value)
      return whole(id);
    Field field = fieldOf(atom.a);
    if (field.kind == kinds::kProcess && field.name == kinds::kLogp) {
      auto velocity = sibling(atom.a, kinds::kVelocity), score = sibling(atom.a, kinds::kScore);
      if (velocity && score) {
        Form change = sum(ofScalar(divergence(asField(*velocity))), dot(*velocity, *score));
        result = sum(result, scale(change, -c));
        continue;
      }
    }
    result = sum(result, scale(whole(atom.a), c));
  }
  return normal(result);
}

} // namespace kac
