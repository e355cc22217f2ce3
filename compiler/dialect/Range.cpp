// An int of the dialect in, bounds of it out: what loops, sizes and constants tell, so that indices need no check.
#include "compiler/dialect/Kac.h"

#include "mlir/IR/Matchers.h"

#include <algorithm>
#include <limits>

using namespace mlir;
using namespace kac::ir;

namespace {

constexpr Range everything{std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};

/// Arithmetic wraps: a result that may leave i32 may be anything.
Range checked(int64_t low, int64_t high) {
  return low < everything.low || high > everything.high || low > high ? everything : Range{low, high};
}

Range find(Value value, int depth);

Range ofArgument(BlockArgument argument, int depth) {
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto build = dyn_cast<BuildOp>(parent)) {
    int64_t extent = build.getExtents()[argument.getArgNumber()];
    return extent < 0 ? Range{0, everything.high} : checked(0, extent - 1);
  }
  if (!isa<ReduceOp, LoopOp>(parent) || argument.getArgNumber() != 0)
    return everything;
  // The body is entered only where lower < upper.
  return checked(find(parent->getOperand(0), depth).low, find(parent->getOperand(1), depth).high - 1);
}

Range find(Value value, int depth) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return {constant.getSExtValue(), constant.getSExtValue()};
  if (depth == 0)
    return everything;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return ofArgument(argument, depth - 1);
  Operation *op = value.getDefiningOp();
  auto operand = [&](unsigned i) { return find(op->getOperand(i), depth - 1); };
  if (isa<AddOp>(op)) {
    Range a = operand(0), b = operand(1);
    return checked(a.low + b.low, a.high + b.high);
  }
  if (isa<SubOp>(op)) {
    Range a = operand(0), b = operand(1);
    return checked(a.low - b.high, a.high - b.low);
  }
  if (isa<MulOp>(op)) {
    Range a = operand(0), b = operand(1);
    auto [low, high] = std::minmax({a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high});
    return checked(low, high);
  }
  if (isa<RemainderOp>(op)) {
    Range b = operand(1);
    return b.low > 0 ? Range{0, b.high - 1} : everything;
  }
  if (auto primitive = dyn_cast<PrimitiveOp>(op); primitive && primitive.getName() == "kac.quotient") {
    Range a = operand(0), b = operand(1);
    return a.low >= 0 && b.low > 0 ? Range{a.low / b.high, a.high / b.low} : everything;
  }
  if (auto whole = dyn_cast<WholeOp>(op); whole && findWhole(whole.getName())->shape != WholeShape::Total) {
    int64_t extent = shapeOf(whole.getOperands().front().getType()).front();
    return ShapedType::isDynamic(extent) ? Range{0, everything.high} : checked(0, extent - 1);
  }
  if (isa<SelectOp>(op)) {
    Range a = operand(1), b = operand(2);
    return {std::min(a.low, b.low), std::max(a.high, b.high)};
  }
  return everything;
}

} // namespace

Range kac::ir::rangeOf(Value value) { return value.getType().isInteger(32) ? find(value, 6) : everything; }
