// A function in; the same with its reductions grouped (the attribute kac.group) out.
#include "compiler/passes/FuseReductions.h"

#include "compiler/passes/LowerCost.h"

#include "mlir/Analysis/SliceAnalysis.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf, kac::ir::typeOf;

namespace kac {

static constexpr int64_t unrolledLength = 8;

/// A long sum over all of an array, as a sum over its first axis.
static void openWhole(ir::WholeOp whole) {
  Value array = whole.getOperands().front();
  ArrayRef<int64_t> shape = shapeOf(array.getType());
  if (ir::findWhole(whole.getName())->shape != ir::WholeShape::Total || shape.empty() ||
      ShapedType::isDynamic(shape[0]) || shape[0] <= unrolledLength || whole.getName() == "kac.mean")
    return;
  OpBuilder b(whole);
  Location loc = whole.getLoc();
  Value lower = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  Value upper = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(shape[0])));
  auto reduce = ir::ReduceOp::create(b, loc, whole.getType(), whole.getName(), lower, upper);
  Block *body = b.createBlock(&reduce.getBody(), {}, b.getI32Type(), loc);
  Type rest = typeOf(elementOf(array.getType()), shape.drop_front());
  Value part = ir::ExtractOp::create(b, loc, rest, array, ValueRange{body->getArgument(0)}, b.getUnitAttr());
  if (shape.size() > 1)
    part = ir::WholeOp::create(b, loc, whole.getType(), whole.getName(), ValueRange{part});
  ir::YieldOp::create(b, loc, ValueRange{part});
  whole.replaceAllUsesWith(reduce.getResult());
  whole.erase();
}

/// What `op` uses, directly and through others of its block, that stands behind `limit`.
static bool needs(Operation *op, Operation *limit, llvm::SetVector<Operation *> &between) {
  bool clash = false;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      Operation *source = operand.getDefiningOp();
      if (!source || source->getBlock() != limit->getBlock())
        continue;
      clash |= source == limit;
      if (limit->isBeforeInBlock(source) && !between.contains(source)) {
        clash |= needs(source, limit, between);
        between.insert(source);
      }
    }
  });
  return clash;
}

static bool sameBound(Value x, Value y) {
  auto p = Cost::constantOf(x), q = Cost::constantOf(y);
  return x == y || (p && q && *p == *q);
}

static void group(Block &block, int64_t &count) {
  llvm::SmallPtrSet<Operation *, 8> grouped;
  auto around = dyn_cast<ir::ReduceOp>(block.getParentOp());
  llvm::SetVector<Operation *> filter = around ? filterOf(around) : llvm::SetVector<Operation *>();
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto first = dyn_cast<ir::ReduceOp>(op);
    if (!first || grouped.contains(first) || Cost::hasEffects(first))
      continue;
    OpBuilder b(first);
    SmallVector<ir::ReduceOp> members{first};
    for (Operation *next = first->getNextNode(); next; next = next->getNextNode()) {
      auto other = dyn_cast<ir::ReduceOp>(next);
      if (!other || grouped.contains(other) || Cost::hasEffects(other) ||
          !sameBound(first.getLower(), other.getLower()) || !sameBound(first.getUpper(), other.getUpper()) ||
          filter.contains(first) != filter.contains(other))
        continue;
      llvm::SetVector<Operation *> between;
      if (needs(other, first, between))
        continue;
      bool movable = llvm::none_of(
          between, [&](Operation *source) { return Cost::hasEffects(source) || llvm::is_contained(members, source); });
      if (!movable)
        continue;
      for (Operation *source : between)
        source->moveBefore(first);
      members.push_back(other);
    }
    ++count;
    for (ir::ReduceOp member : members) {
      member->setAttr(groupAttribute, b.getI64IntegerAttr(count));
      grouped.insert(member);
    }
    for (ir::ReduceOp member : llvm::reverse(ArrayRef(members).drop_front()))
      member->moveAfter(first);
  }
}

llvm::SetVector<Operation *> filterOf(ir::ReduceOp op) {
  llvm::SetVector<Operation *> made;
  Block &body = op.getBody().front();
  Operation *yield = body.getTerminator();
  if (yield->getNumOperands() < 2)
    return made;
  BackwardSliceOptions inBody([&](Operation *source) { return body.findAncestorOpInBlock(*source); });
  inBody.inclusive = true;
  inBody.omitUsesFromAbove = false;
  (void)getBackwardSlice(yield->getOperand(1), &made, inBody);
  return made;
}

void fuseReductions(func::FuncOp function) {
  SmallVector<ir::WholeOp> wholes;
  function.walk([&](ir::WholeOp whole) { wholes.push_back(whole); });
  for (ir::WholeOp whole : wholes)
    openWhole(whole);
  SmallVector<Block *> blocks;
  function.walk([&](Block *block) { blocks.push_back(block); });
  int64_t count = 0;
  for (Block *block : blocks)
    group(*block, count);
}

} // namespace kac
