// Values in, operations of the kac dialect out, with what is zero or one left away.
#include "compiler/passes/Arithmetic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf, kac::ir::typeOf;

namespace kac {

std::optional<double> constantOf(Value value) {
  if (!value)
    return std::nullopt;
  if (auto repeat = value.getDefiningOp<ir::RepeatOp>())
    return constantOf(repeat.getOperand());
  if (auto cast = value.getDefiningOp<ir::CastOp>())
    return constantOf(cast.getOperand());
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  if (!constant)
    return std::nullopt;
  Attribute attribute = constant.getValue();
  if (auto splat = dyn_cast<SplatElementsAttr>(attribute))
    attribute = splat.getSplatValue<Attribute>();
  if (auto real = dyn_cast<FloatAttr>(attribute))
    return real.getValueAsDouble();
  if (auto integer = dyn_cast<IntegerAttr>(attribute))
    return integer.getType().isInteger(1) ? double(integer.getValue().getZExtValue()) : double(integer.getInt());
  return std::nullopt;
}

std::optional<Choice> choiceOf(Value value) {
  if (auto branch = value.getDefiningOp<ir::IfOp>()) {
    unsigned i = cast<OpResult>(value).getResultNumber();
    return Choice{branch.getCondition(), branch.getOnTrue().front().getTerminator()->getOperand(i),
                  branch.getOnFalse().front().getTerminator()->getOperand(i)};
  }
  auto select = value.getDefiningOp<ir::SelectOp>();
  if (select && shapeOf(select.getCondition().getType()).empty())
    return Choice{select.getCondition(), select.getOnTrue(), select.getOnFalse()};
  return std::nullopt;
}

Value Arithmetic::real(double value) { return arith::ConstantOp::create(b, loc, b.getF64FloatAttr(value)); }

Value Arithmetic::integer(int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value)));
}

Value Arithmetic::zeros(Type type) {
  return fill(arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(elementOf(type)))), type);
}

Value Arithmetic::binary(Value x, Value y, llvm::function_ref<Value(Type)> make) {
  bool first = shapeOf(x.getType()).size() >= shapeOf(y.getType()).size();
  return make(typeOf(elementOf(x.getType()), shapeOf((first ? x : y).getType())));
}

static bool covers(Value x, Value y) { return shapeOf(x.getType()).size() >= shapeOf(y.getType()).size(); }

Value Arithmetic::add(Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  auto p = constantOf(x), q = constantOf(y);
  if (p && q && covers(x, y) && covers(y, x) && shapeOf(x.getType()).empty())
    return real(*p + *q);
  if (p == 0.0 && covers(y, x))
    return y;
  if (q == 0.0 && covers(x, y))
    return x;
  if (auto negated = y.getDefiningOp<ir::NegOp>())
    return sub(x, negated.getOperand());
  return binary(x, y, [&](Type type) { return ir::AddOp::create(b, loc, type, x, y); });
}

Value Arithmetic::sub(Value x, Value y) {
  if (!x || !y)
    return x ? x : neg(y);
  auto p = constantOf(x), q = constantOf(y);
  if (p && q && shapeOf(x.getType()).empty() && shapeOf(y.getType()).empty())
    return real(*p - *q);
  if (q == 0.0 && covers(x, y))
    return x;
  return binary(x, y, [&](Type type) { return ir::SubOp::create(b, loc, type, x, y); });
}

/// The constant factor of a product, and the rest; null where there is none.
static std::pair<double, Value> scaledBy(Value x) {
  if (auto product = x.getDefiningOp<ir::MulOp>(); product && elementOf(product.getType()).isF64())
    for (int side = 0; side < 2; ++side)
      if (Value factor = product->getOperand(side); shapeOf(factor.getType()).empty())
        if (auto c = constantOf(factor))
          return {*c, product->getOperand(1 - side)};
  return {1, {}};
}

Value Arithmetic::mul(Value x, Value y) {
  if (!x || !y)
    return {};
  auto p = constantOf(x), q = constantOf(y);
  if (q && !p)
    return mul(y, x);
  if (p && shapeOf(x.getType()).empty()) {
    if (*p == 0)
      return {};
    if (*p == 1)
      return y;
    if (*p == -1)
      return neg(y);
    if (q && shapeOf(y.getType()).empty())
      return real(*p * *q);
    if (auto [c, rest] = scaledBy(y); rest)
      return mul(real(*p * c), rest);
  } else {
    // Constants come to the front, where they meet.
    if (auto [c, rest] = scaledBy(x); rest)
      return mul(c, mul(rest, y));
    if (auto [c, rest] = scaledBy(y); rest)
      return mul(c, mul(x, rest));
  }
  if (auto negated = y.getDefiningOp<ir::NegOp>())
    return neg(mul(x, negated.getOperand()));
  if (auto negated = x.getDefiningOp<ir::NegOp>())
    return neg(mul(negated.getOperand(), y));
  return binary(x, y, [&](Type type) { return ir::MulOp::create(b, loc, type, x, y); });
}

Value Arithmetic::mul(double x, Value y) {
  if (!y || x == 0)
    return {};
  return x == 1 ? y : mul(real(x), y);
}

Value Arithmetic::div(Value x, Value y) {
  if (!x || constantOf(y) == 1.0)
    return x;
  if (auto negated = x.getDefiningOp<ir::NegOp>())
    return neg(div(negated.getOperand(), y));
  return binary(x, y, [&](Type type) { return ir::DivOp::create(b, loc, type, x, y); });
}

Value Arithmetic::neg(Value x) {
  if (!x)
    return {};
  if (auto negated = x.getDefiningOp<ir::NegOp>())
    return negated.getOperand();
  if (auto constant = constantOf(x); constant && shapeOf(x.getType()).empty() && elementOf(x.getType()).isF64())
    return real(-*constant);
  return ir::NegOp::create(b, loc, x.getType(), x);
}

Value Arithmetic::pow(Value x, Value y) {
  if (auto exponent = constantOf(y)) {
    if (*exponent == 0)
      return real(1);
    if (*exponent == 1)
      return x;
    if (*exponent == 2)
      return mul(x, x);
  }
  return binary(x, y, [&](Type type) { return ir::PowOp::create(b, loc, type, x, y); });
}

Value Arithmetic::select(Value condition, Value onTrue, Value onFalse) {
  if (!onTrue && !onFalse)
    return {};
  if (onTrue == onFalse)
    return onTrue;
  Type element = elementOf((onTrue ? onTrue : onFalse).getType());
  auto zero = [&]() -> Value { return arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(element))); };
  if (!onTrue)
    onTrue = zero();
  if (!onFalse)
    onFalse = zero();
  ArrayRef<int64_t> shape = shapeOf(condition.getType());
  for (Value side : {onTrue, onFalse})
    if (shapeOf(side.getType()).size() > shape.size())
      shape = shapeOf(side.getType());
  return ir::SelectOp::create(b, loc, typeOf(element, shape), condition, onTrue, onFalse);
}

Value Arithmetic::compare(StringRef predicate, Value x, Value y) {
  Type type = typeOf(b.getI1Type(), shapeOf((covers(x, y) ? x : y).getType()));
  return ir::CompareOp::create(b, loc, type, predicate, x, y);
}

Value Arithmetic::addIndex(Value x, Value y) {
  if (constantOf(x) == 0.0)
    return y;
  if (constantOf(y) == 0.0)
    return x;
  return ir::AddOp::create(b, loc, x.getType(), x, y);
}

Value Arithmetic::subIndex(Value x, Value y) {
  if (constantOf(y) == 0.0)
    return x;
  if (auto p = constantOf(x), q = constantOf(y); p && q)
    return integer(int64_t(*p - *q));
  return ir::SubOp::create(b, loc, x.getType(), x, y);
}

Value Arithmetic::extract(Value x, ValueRange indices, size_t rank) {
  if (!x)
    return {};
  size_t own = shapeOf(x.getType()).size(), missing = rank - own;
  ValueRange rest = indices.size() > missing ? indices.drop_front(missing) : ValueRange{};
  if (rest.empty())
    return x;
  if (auto negated = x.getDefiningOp<ir::NegOp>())
    return neg(extract(negated.getOperand(), rest, own));
  if (auto repeat = x.getDefiningOp<ir::RepeatOp>())
    return extract(repeat.getOperand(), rest, own);
  if (auto product = x.getDefiningOp<ir::MulOp>())
    for (int side = 0; side < 2; ++side)
      if (shapeOf(product->getOperand(side).getType()).empty())
        return mul(product->getOperand(side), extract(product->getOperand(1 - side), rest, own));
  if (auto quotient = x.getDefiningOp<ir::DivOp>(); quotient && shapeOf(quotient.getRhs().getType()).empty())
    return div(extract(quotient.getLhs(), rest, own), quotient.getRhs());
  Type type = typeOf(elementOf(x.getType()), shapeOf(x.getType()).drop_front(rest.size()));
  return ir::ExtractOp::create(b, loc, type, x, rest, b.getUnitAttr());
}

Value Arithmetic::insert(Value value, Value into, ValueRange indices) {
  Type part = typeOf(elementOf(into.getType()), shapeOf(into.getType()).drop_front(indices.size()));
  return ir::InsertOp::create(b, loc, into.getType(), fill(value, part), into, indices, b.getUnitAttr());
}

Value Arithmetic::fill(Value x, Type type) {
  if (!x)
    return zeros(type);
  if (shapeOf(x.getType()).size() == shapeOf(type).size())
    return x;
  return ir::RepeatOp::create(b, loc, typeOf(elementOf(x.getType()), shapeOf(type)), x);
}

static double count(ArrayRef<int64_t> shape) { return double(ShapedType::getNumElements(shape)); }

Value Arithmetic::sumAll(Value x, ArrayRef<int64_t> shape) {
  if (!x)
    return {};
  ArrayRef<int64_t> own = shapeOf(x.getType());
  if (double repeats = count(shape.drop_back(own.size())); repeats != 1)
    return mul(repeats, sumAll(x, own));
  if (own.empty())
    return x;
  if (auto negated = x.getDefiningOp<ir::NegOp>())
    return neg(sumAll(negated.getOperand(), own));
  if (auto repeat = x.getDefiningOp<ir::RepeatOp>())
    return sumAll(repeat.getOperand(), own);
  if (auto product = x.getDefiningOp<ir::MulOp>())
    for (int side = 0; side < 2; ++side)
      if (shapeOf(product->getOperand(side).getType()).empty())
        return mul(product->getOperand(side), sumAll(product->getOperand(1 - side), own));
  if (auto quotient = x.getDefiningOp<ir::DivOp>(); quotient && shapeOf(quotient.getRhs().getType()).empty())
    return div(sumAll(quotient.getLhs(), own), quotient.getRhs());
  return ir::WholeOp::create(b, loc, elementOf(x.getType()), "kac.sum", ValueRange{x});
}

Value Arithmetic::sumLeading(Value x, ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (!x || from.size() == to.size())
    return x;
  if (to.empty())
    return sumAll(x, from);
  size_t own = shapeOf(x.getType()).size();
  if (own <= to.size())
    return mul(count(from.drop_back(to.size())), x);
  ArrayRef<int64_t> summed = shapeOf(x.getType()).drop_back(to.size());
  Value total = sum(summed, [&](ValueRange indices) { return extract(x, indices, own); });
  return mul(count(from.drop_back(own)), total);
}

Value Arithmetic::dot(Value x, Value y, ArrayRef<int64_t> shape) { return sumAll(mul(x, y), shape); }

Value Arithmetic::build(ArrayRef<int64_t> extents, Type element, Body body) {
  SmallVector<int64_t> shape(extents);
  llvm::append_range(shape, shapeOf(element));
  auto op = ir::BuildOp::create(b, loc, TypeRange{typeOf(elementOf(element), shape)}, b.getDenseI64ArrayAttr(extents));
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(extents.size(), b.getI32Type());
  Block *block = b.createBlock(&op.getBody(), {}, types, SmallVector<Location>(extents.size(), loc));
  Value value = fill(body(block->getArguments()), element);
  ir::YieldOp::create(b, loc, value);
  return op.getResult(0);
}

Value Arithmetic::sum(ArrayRef<int64_t> extents, Body body) {
  if (extents.empty())
    return body({});
  Value lower = integer(0), upper = integer(extents.front());
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  auto op = ir::ReduceOp::create(b, loc, b.getF64Type(), "kac.sum", lower, upper);
  Block *block = b.createBlock(&op.getBody(), {}, {b.getI32Type()}, {loc});
  SmallVector<Value> indices{block->getArgument(0)};
  Value term = sum(extents.drop_front(), [&](ValueRange inner) {
    llvm::append_range(indices, inner);
    return body(indices);
  });
  // An empty sum is left for the end, like all that is unused: sweeps know values by their address.
  ir::YieldOp::create(b, loc, term ? term : real(0));
  if (term)
    op.getResult().setType(term.getType());
  b.restoreInsertionPoint(here);
  return term ? hoistFactors(op) : Value();
}

Value hoistFactors(ir::ReduceOp reduce) {
  Block *block = &reduce.getBody().front();
  auto outside = [&](Value value) { return !reduce.getBody().isAncestor(value.getParentRegion()); };
  for (Operation &op : llvm::make_early_inc_range(block->without_terminator())) {
    llvm::SetVector<Value> used(op.operand_begin(), op.operand_end());
    getUsedValuesDefinedAbove(op.getRegions(), used);
    if (isMemoryEffectFree(&op) && llvm::all_of(used, outside))
      op.moveBefore(reduce);
  }
  auto yield = cast<ir::YieldOp>(block->getTerminator());
  OpBuilder b(reduce->getContext());
  b.setInsertionPointAfter(reduce);
  Arithmetic outer(b, reduce.getLoc());
  if (reduce.getName() != "kac.sum" || !elementOf(reduce.getType()).isF64())
    return reduce.getResult();
  SmallVector<std::function<Value(Value)>> factors;
  Value term = yield.getOperand(0);
  OpBuilder inside(yield);
  Arithmetic inner(inside, reduce.getLoc());
  // Splits a product into (what does not vary, what does); the former is applied to the sum.
  std::function<Value(Value)> varying = [&](Value value) -> Value {
    if (outside(value))
      return value;
    if (auto op = value.getDefiningOp<ir::NegOp>()) {
      factors.push_back([&](Value total) { return outer.neg(total); });
      return varying(op.getOperand());
    }
    if (auto op = value.getDefiningOp<ir::DivOp>(); op && outside(op.getRhs())) {
      Value divisor = op.getRhs();
      factors.push_back([&outer, divisor](Value total) { return outer.div(total, divisor); });
      return varying(op.getLhs());
    }
    if (auto op = value.getDefiningOp<ir::DivOp>())
      return inner.div(varying(op.getLhs()), op.getRhs());
    if (auto op = value.getDefiningOp<ir::MulOp>()) {
      for (int side = 0; side < 2; ++side)
        if (Value factor = op->getOperand(side); outside(factor)) {
          factors.push_back([&outer, factor](Value total) { return outer.mul(factor, total); });
          return varying(op->getOperand(1 - side));
        }
      return inner.mul(varying(op.getLhs()), varying(op.getRhs()));
    }
    return value;
  };
  // A product of which nothing varies stays as it is: the sum then is a count.
  Value rest = outside(term) ? term : varying(term);
  if (factors.empty() || !rest)
    return reduce.getResult();
  yield.setOperand(0, rest);
  reduce.getResult().setType(rest.getType());
  Value total = reduce.getResult();
  for (auto &factor : llvm::reverse(factors))
    total = factor(total);
  return total;
}

} // namespace kac
