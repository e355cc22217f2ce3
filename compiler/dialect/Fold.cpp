// Folders: an operation whose operands are constants, or that changes nothing, in; its value out. Only what is exact as
// IEEE arithmetic (but for the sign of a zero), and 0 * x, which the language says is 0.
#include "compiler/dialect/Kac.h"

#include <cmath>

using namespace mlir;
using namespace kac::ir;

namespace {

bool isNumber(Attribute constant, double value) {
  if (auto real = dyn_cast_if_present<FloatAttr>(constant))
    return real.getValueAsDouble() == value;
  if (auto integer = dyn_cast_if_present<IntegerAttr>(constant))
    return !integer.getType().isInteger(1) && integer.getInt() == value;
  return false;
}

/// The result of real(l, r) or integer(l, r) if both are constants of that type.
template <typename Real, typename Integer>
Attribute foldNumbers(Attribute lhs, Attribute rhs, Real real, Integer integer) {
  if (auto l = dyn_cast_if_present<FloatAttr>(lhs))
    if (auto r = dyn_cast_if_present<FloatAttr>(rhs))
      return FloatAttr::get(l.getType(), real(l.getValueAsDouble(), r.getValueAsDouble()));
  if (auto l = dyn_cast_if_present<IntegerAttr>(lhs))
    if (auto r = dyn_cast_if_present<IntegerAttr>(rhs))
      return IntegerAttr::get(l.getType(), integer(l.getValue(), r.getValue()));
  return {};
}

/// `value` if it has the type of the result: what changes nothing may still repeat.
OpFoldResult unchanged(Operation *op, Value value) {
  return value.getType() == op->getResult(0).getType() ? OpFoldResult(value) : OpFoldResult();
}

std::optional<bool> boolOf(Attribute constant) {
  auto integer = dyn_cast_if_present<IntegerAttr>(constant);
  return integer && integer.getType().isInteger(1) ? std::optional(integer.getValue().getBoolValue()) : std::nullopt;
}

bool compares(StringRef predicate, auto lhs, auto rhs) {
  if (predicate == "eq")
    return lhs == rhs;
  if (predicate == "ne")
    return lhs != rhs;
  return predicate == "lt" ? lhs < rhs : lhs <= rhs;
}

} // namespace

OpFoldResult AddOp::fold(FoldAdaptor constants) {
  if (isNumber(constants.getRhs(), 0))
    if (OpFoldResult same = unchanged(*this, getLhs()))
      return same;
  if (isNumber(constants.getLhs(), 0))
    if (OpFoldResult same = unchanged(*this, getRhs()))
      return same;
  return foldNumbers(constants.getLhs(), constants.getRhs(), std::plus<double>(),
                     [](const APInt &l, const APInt &r) { return l + r; });
}

OpFoldResult SubOp::fold(FoldAdaptor constants) {
  if (isNumber(constants.getRhs(), 0))
    if (OpFoldResult same = unchanged(*this, getLhs()))
      return same;
  return foldNumbers(constants.getLhs(), constants.getRhs(), std::minus<double>(),
                     [](const APInt &l, const APInt &r) { return l - r; });
}

OpFoldResult MulOp::fold(FoldAdaptor constants) {
  if (isNumber(constants.getLhs(), 0) && shapeOf(getType()).empty())
    return constants.getLhs();
  if (isNumber(constants.getRhs(), 1))
    if (OpFoldResult same = unchanged(*this, getLhs()))
      return same;
  if (isNumber(constants.getLhs(), 1))
    if (OpFoldResult same = unchanged(*this, getRhs()))
      return same;
  return foldNumbers(constants.getLhs(), constants.getRhs(), std::multiplies<double>(),
                     [](const APInt &l, const APInt &r) { return l * r; });
}

OpFoldResult DivOp::fold(FoldAdaptor constants) {
  if (isNumber(constants.getRhs(), 1))
    return unchanged(*this, getLhs());
  return foldNumbers(constants.getLhs(), constants.getRhs(), std::divides<double>(),
                     [](const APInt &l, const APInt &) { return l; });
}

OpFoldResult PowOp::fold(FoldAdaptor constants) {
  if (isNumber(constants.getRhs(), 1))
    return unchanged(*this, getLhs());
  if (isNumber(constants.getRhs(), 0) && shapeOf(getType()).empty())
    return FloatAttr::get(getType(), 1);
  return foldNumbers(
      constants.getLhs(), constants.getRhs(), [](double l, double r) { return std::pow(l, r); },
      [](const APInt &l, const APInt &) { return l; });
}

/// a - b floor(a / b), and floor(a / b), of constants; null where b is 0 or the quotient is no int.
static std::optional<std::pair<APInt, APInt>> floorDivide(Attribute a, Attribute b) {
  auto l = dyn_cast_if_present<IntegerAttr>(a), r = dyn_cast_if_present<IntegerAttr>(b);
  if (!l || !r || r.getValue().isZero() || (l.getValue().isMinSignedValue() && r.getValue().isAllOnes()))
    return std::nullopt;
  APInt quotient, remainder;
  APInt::sdivrem(l.getValue(), r.getValue(), quotient, remainder);
  if (!remainder.isZero() && remainder.isNegative() != r.getValue().isNegative()) {
    quotient -= 1;
    remainder += r.getValue();
  }
  return std::pair(quotient, remainder);
}

OpFoldResult RemainderOp::fold(FoldAdaptor constants) {
  if (auto parts = floorDivide(constants.getLhs(), constants.getRhs()))
    return IntegerAttr::get(elementOf(getType()), parts->second);
  return {};
}

/// And, or: `neutral` is the constant that changes nothing; the other one decides.
static OpFoldResult foldLogic(Operation *op, Attribute lhs, Attribute rhs, bool neutral) {
  for (auto [constant, other] : {std::pair(lhs, op->getOperand(1)), std::pair(rhs, op->getOperand(0))}) {
    std::optional<bool> value = boolOf(constant);
    if (value == neutral)
      if (OpFoldResult same = unchanged(op, other))
        return same;
    if (value == !neutral && shapeOf(op->getResult(0).getType()).empty())
      return constant;
  }
  return {};
}

OpFoldResult AndOp::fold(FoldAdaptor constants) {
  return foldLogic(*this, constants.getLhs(), constants.getRhs(), true);
}
OpFoldResult OrOp::fold(FoldAdaptor constants) {
  return foldLogic(*this, constants.getLhs(), constants.getRhs(), false);
}

OpFoldResult NegOp::fold(FoldAdaptor constants) {
  if (auto inner = getOperand().getDefiningOp<NegOp>())
    return unchanged(*this, inner.getOperand());
  if (auto real = dyn_cast_if_present<FloatAttr>(constants.getOperand()))
    return FloatAttr::get(real.getType(), -real.getValue());
  if (auto integer = dyn_cast_if_present<IntegerAttr>(constants.getOperand()))
    return IntegerAttr::get(integer.getType(), -integer.getValue());
  return {};
}

OpFoldResult NotOp::fold(FoldAdaptor constants) {
  if (auto inner = getOperand().getDefiningOp<NotOp>())
    return unchanged(*this, inner.getOperand());
  if (std::optional<bool> value = boolOf(constants.getOperand()))
    return BoolAttr::get(getContext(), !*value);
  return {};
}

OpFoldResult CompareOp::fold(FoldAdaptor constants) {
  if (getLhs() == getRhs() && getType().isInteger(1) && !isa<FloatType>(getLhs().getType()))
    return BoolAttr::get(getContext(), compares(getPredicate(), 0, 0));
  if (auto l = dyn_cast_if_present<FloatAttr>(constants.getLhs()))
    if (auto r = dyn_cast_if_present<FloatAttr>(constants.getRhs()))
      return BoolAttr::get(getContext(), compares(getPredicate(), l.getValueAsDouble(), r.getValueAsDouble()));
  if (auto l = dyn_cast_if_present<IntegerAttr>(constants.getLhs()))
    if (auto r = dyn_cast_if_present<IntegerAttr>(constants.getRhs())) {
      bool isBool = l.getType().isInteger(1);
      int64_t left = isBool ? l.getValue().getZExtValue() : l.getValue().getSExtValue();
      int64_t right = isBool ? r.getValue().getZExtValue() : r.getValue().getSExtValue();
      return BoolAttr::get(getContext(), compares(getPredicate(), left, right));
    }
  return {};
}

OpFoldResult SelectOp::fold(FoldAdaptor constants) {
  if (std::optional<bool> condition = boolOf(constants.getCondition()))
    return unchanged(*this, *condition ? getOnTrue() : getOnFalse());
  if (getOnTrue() == getOnFalse())
    return unchanged(*this, getOnTrue());
  return {};
}

OpFoldResult CastOp::fold(FoldAdaptor constants) {
  if (auto integer = dyn_cast_if_present<IntegerAttr>(constants.getOperand()))
    return FloatAttr::get(elementOf(getType()), double(integer.getValue().getSExtValue()));
  return {};
}

OpFoldResult PrimitiveOp::fold(FoldAdaptor constants) {
  struct Row {
    StringLiteral name;
    double (*value)(double);
  };
  static constexpr Row rows[] = {{"math.exp", std::exp},     {"math.log", std::log}, {"math.sqrt", std::sqrt},
                                 {"math.sin", std::sin},     {"math.cos", std::cos}, {"math.tanh", std::tanh},
                                 {"math.absf", std::fabs},   {"math.erf", std::erf}, {"math.acos", std::acos},
                                 {"kac.lgamma", std::lgamma}};
  ArrayRef<Attribute> operands = constants.getOperands();
  if (operands.size() == 2 && getName() == "kac.quotient") {
    if (auto parts = floorDivide(operands[0], operands[1]))
      return IntegerAttr::get(elementOf(getType()), parts->first);
    return {};
  }
  auto operand = operands.size() == 1 ? dyn_cast_if_present<FloatAttr>(operands[0]) : FloatAttr();
  if (!operand || operand.getType() != getType())
    return {};
  for (const Row &row : rows)
    if (row.name == getName())
      return FloatAttr::get(operand.getType(), row.value(operand.getValueAsDouble()));
  return {};
}

OpFoldResult RepeatOp::fold(FoldAdaptor) { return unchanged(*this, getOperand()); }

OpFoldResult WholeOp::fold(FoldAdaptor) {
  Value operand = getOperands().front();
  if (findWhole(getName())->shape == WholeShape::Total && shapeOf(operand.getType()).empty())
    return operand;
  return {};
}

OpFoldResult ExtractOp::fold(FoldAdaptor constants) {
  if (getIndices().empty())
    return getArray();
  if (auto stack = getArray().getDefiningOp<StackOp>()) {
    auto index = dyn_cast_if_present<IntegerAttr>(constants.getIndices().front());
    if (index && getIndices().size() == 1 && index.getValue().ult(stack.getOperands().size()))
      return stack.getOperands()[index.getInt()];
  }
  if (auto insert = getArray().getDefiningOp<InsertOp>())
    if (getInRange() && llvm::equal(insert.getIndices(), getIndices()))
      return insert.getValue();
  return {};
}
