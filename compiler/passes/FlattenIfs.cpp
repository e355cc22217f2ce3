// A function in; the same where an `if` that lineages decide differently, and that gives arrays, is a select out. All
// lanes of a tile go through both branches anyhow; as a select the choice can leave the sums that its elements go into.
#include "compiler/passes/FlattenIfs.h"
#include "compiler/passes/Arithmetic.h"
#include "compiler/passes/HoistUniform.h"
#include "compiler/passes/Uniformity.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using kac::ir::shapeOf;

namespace kac {

namespace {

/// One choice for the whole value, of a value or zeros.
ir::SelectOp guardOf(Value value) {
  auto select = value.getDefiningOp<ir::SelectOp>();
  bool good = select && shapeOf(select.getCondition().getType()).empty() && constantOf(select.getOnFalse()) == 0 &&
              select.getOnTrue().getType() == select.getType();
  return good ? select : ir::SelectOp();
}

Value guarded(OpBuilder &b, Location loc, ir::SelectOp guard, Value value) {
  Value zeros = Arithmetic(b, loc).zeros(value.getType());
  return ir::SelectOp::create(b, loc, value.getType(), guard.getCondition(), value, zeros);
}

/// An operation that takes zeros to zeros: f(c ? v : 0) -> c ? f(v) : 0.
struct GuardLeaves : RewritePattern {
  GuardLeaves(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &b) const override {
    auto whole = dyn_cast<ir::WholeOp>(op);
    if (!isa<ir::MulOp, ir::DivOp, ir::NegOp, ir::ExtractOp>(op) && !(whole && whole.getName() == "kac.sum"))
      return failure();
    for (OpOperand &operand : op->getOpOperands()) {
      ir::SelectOp guard = guardOf(operand.get());
      if (!guard || (isa<ir::DivOp>(op) && operand.getOperandNumber() == 1))
        continue;
      Operation *inside = b.clone(*op);
      inside->setOperand(operand.getOperandNumber(), guard.getOnTrue());
      b.replaceOp(op, guarded(b, op->getLoc(), guard, inside->getResult(0)));
      return success();
    }
    return failure();
  }
};

/// [c ? v : 0 for i in n] -> c ? [v for i in n] : 0, and sums of these, where c does not depend on i.
struct GuardLeavesRegion : RewritePattern {
  GuardLeavesRegion(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &b) const override {
    auto reduce = dyn_cast<ir::ReduceOp>(op);
    if (!isa<ir::BuildOp>(op) && !(reduce && reduce.getName() == "kac.sum"))
      return failure();
    Operation *yield = op->getRegion(0).front().getTerminator();
    for (OpResult result : op->getResults()) {
      if (result.use_empty())
        continue;
      ir::SelectOp guard = guardOf(yield->getOperand(result.getResultNumber()));
      if (!guard || op->isAncestor(guard.getCondition().getParentBlock()->getParentOp()))
        continue;
      b.modifyOpInPlace(yield, [&] { yield->setOperand(result.getResultNumber(), guard.getOnTrue()); });
      b.setInsertionPointAfter(op);
      Value outside = guarded(b, op->getLoc(), guard, result);
      b.replaceAllUsesExcept(result, outside, outside.getDefiningOp());
      return success();
    }
    return failure();
  }
};

} // namespace

void flattenIfs(func::FuncOp function, ArrayRef<bool> varying) {
  Uniformity uniformity(function, varying, true);
  SmallVector<ir::IfOp> ifs;
  function.walk([&](ir::IfOp op) {
    bool arrays = llvm::any_of(op.getResultTypes(), [](Type type) { return !shapeOf(type).empty(); });
    bool loops = op->walk([](ir::LoopOp) { return WalkResult::interrupt(); }).wasInterrupted();
    if (arrays && !loops && uniformity.varies(op.getCondition()) && isMovable(op))
      ifs.push_back(op);
  });
  IRRewriter b(function.getContext());
  for (ir::IfOp op : ifs) {
    SmallVector<Value> results;
    Operation *yields[] = {op.getOnTrue().front().getTerminator(), op.getOnFalse().front().getTerminator()};
    b.setInsertionPoint(op);
    for (auto [result, x, y] : llvm::zip(op.getResults(), yields[0]->getOperands(), yields[1]->getOperands()))
      results.push_back(ir::SelectOp::create(b, op.getLoc(), result.getType(), op.getCondition(), x, y));
    Operation *first = results.front().getDefiningOp();
    for (Operation *yield : yields) {
      Block *block = yield->getBlock();
      b.eraseOp(yield);
      b.inlineBlockBefore(block, first);
    }
    b.replaceOp(op, results);
  }
  RewritePatternSet patterns(function.getContext());
  patterns.add<GuardLeaves, GuardLeavesRegion>(function.getContext());
  if (!ifs.empty())
    (void)applyPatternsGreedily(function, std::move(patterns));
}

} // namespace kac
