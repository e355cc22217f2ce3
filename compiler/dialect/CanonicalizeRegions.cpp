// The patterns of canonicalization on build, reduce, if and loop: what is constant, unused or the same is taken out.
#include "compiler/dialect/Kac.h"
#include "compiler/dialect/Regions.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace kac::ir {

void keepOperands(RewriterBase &rewriter, Operation *terminator, ArrayRef<unsigned> keep) {
  SmallVector<Value> kept(llvm::map_range(keep, [&](unsigned i) { return terminator->getOperand(i); }));
  rewriter.modifyOpInPlace(terminator, [&] { terminator->setOperands(kept); });
}

Operation *withResults(RewriterBase &rewriter, Operation *op, ArrayRef<unsigned> keep, ValueRange operands) {
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.addAttributes(op->getAttrs());
  for (unsigned i : keep)
    state.addTypes(op->getResult(i).getType());
  for (unsigned i = 0; i < op->getNumRegions(); ++i)
    state.addRegion();
  Operation *smaller = rewriter.create(state);
  for (auto [from, to] : llvm::zip(op->getRegions(), smaller->getRegions()))
    rewriter.inlineRegionBefore(from, to, to.end());
  for (auto [i, old] : llvm::enumerate(keep))
    rewriter.replaceAllUsesWith(op->getResult(old), smaller->getResult(i));
  rewriter.eraseOp(op);
  return smaller;
}

namespace {

YieldOp yieldOf(Region &region) { return cast<YieldOp>(region.front().getTerminator()); }

bool isOutside(Value value, Operation *op) { return !op->isAncestor(value.getParentRegion()->getParentOp()); }

/// Moves what the region does to before `op`, its arguments being `arguments`; gives what it yields.
SmallVector<Value> inlineRegion(PatternRewriter &rewriter, Operation *op, Region &region, ValueRange arguments) {
  YieldOp yield = yieldOf(region);
  SmallVector<Value> results(yield.getOperands());
  for (Value &result : results)
    if (auto argument = dyn_cast<BlockArgument>(result); argument && argument.getOwner() == &region.front())
      result = arguments[argument.getArgNumber()];
  rewriter.eraseOp(yield);
  rewriter.inlineBlockBefore(&region.front(), op, arguments);
  return results;
}

/// Results of build and if that nobody uses are not made.
template <typename Op> struct DropUnused : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    SmallVector<unsigned> keep;
    for (OpResult result : op->getResults())
      if (!result.use_empty())
        keep.push_back(result.getResultNumber());
    if (keep.size() == op->getNumResults())
      return failure();
    for (Region &region : op->getRegions())
      keepOperands(rewriter, region.front().getTerminator(), keep);
    withResults(rewriter, op, keep, op->getOperands());
    return success();
  }
};

// --- build ---

/// [v for i in n] -> repeat v; [a[i] for i in n] -> a.
struct SimplifyBuild : OpRewritePattern<BuildOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BuildOp op, PatternRewriter &rewriter) const override {
    bool changed = false;
    for (auto [result, element] : llvm::zip(op.getResults(), yieldOf(op.getBody()).getOperands())) {
      if (result.use_empty())
        continue;
      Value whole;
      if (isOutside(element, op)) {
        whole = RepeatOp::create(rewriter, op.getLoc(), result.getType(), element);
      } else if (auto extract = element.getDefiningOp<ExtractOp>()) {
        if (llvm::equal(extract.getIndices(), op.getBody().getArguments()) &&
            extract.getArray().getType() == result.getType() && isOutside(extract.getArray(), op))
          whole = extract.getArray();
      }
      if (!whole)
        continue;
      rewriter.replaceAllUsesWith(result, whole);
      changed = true;
    }
    return success(changed);
  }
};

/// [f(i) for i in n][k] -> f(k), where that is no more work: all of the build's use, in the same block.
struct ForwardBuild : OpRewritePattern<ExtractOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ExtractOp op, PatternRewriter &rewriter) const override {
    auto build = op.getArray().getDefiningOp<BuildOp>();
    if (!build || build->getNumResults() != 1 || !build->hasOneUse() || build->getBlock() != op->getBlock() ||
        !op.getInRange() || op.getIndices().size() < build.getExtents().size() || !isMemoryEffectFree(build))
      return failure();
    size_t used = build.getExtents().size();
    rewriter.setInsertionPoint(op);
    Value element = inlineRegion(rewriter, op, build.getBody(), op.getIndices().take_front(used)).front();
    ValueRange left = op.getIndices().drop_front(used);
    if (!left.empty())
      element = ExtractOp::create(rewriter, op.getLoc(), op.getType(), element, left, true);
    rewriter.replaceOp(op, element);
    rewriter.eraseOp(build);
    return success();
  }
};

// --- reduce ---

/// A sum of literal zeros is 0; a reduction of one element is that element.
struct SimplifyReduce : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceOp op, PatternRewriter &rewriter) const override {
    YieldOp yield = yieldOf(op.getBody());
    Value element = yield.getOperand(0);
    Value scalar = element;
    if (auto repeat = element.getDefiningOp<RepeatOp>())
      scalar = repeat.getOperand();
    FloatAttr real;
    bool isZero =
        matchPattern(scalar, m_Zero()) || (matchPattern(scalar, m_Constant(&real)) && real.getValueAsDouble() == 0);
    if (isZero && op.getName() == "kac.sum") {
      Value zero = arith::ConstantOp::create(rewriter, op.getLoc(), rewriter.getZeroAttr(elementOf(op.getType())));
      if (op.getType() != zero.getType())
        zero = RepeatOp::create(rewriter, op.getLoc(), op.getType(), zero);
      rewriter.replaceOp(op, zero);
      return success();
    }
    Range lower = rangeOf(op.getLower()), upper = rangeOf(op.getUpper());
    if (yield->getNumOperands() != 1 || lower.low != lower.high || upper.low != upper.high ||
        upper.low != lower.low + 1)
      return failure();
    rewriter.replaceOp(op, inlineRegion(rewriter, op, op.getBody(), op.getLower()));
    return success();
  }
};

// --- if ---

struct ConstantIf : OpRewritePattern<IfOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(IfOp op, PatternRewriter &rewriter) const override {
    BoolAttr condition;
    if (!matchPattern(op.getCondition(), m_Constant(&condition)))
      return failure();
    rewriter.replaceOp(op, inlineRegion(rewriter, op, condition.getValue() ? op.getOnTrue() : op.getOnFalse(), {}));
    return success();
  }
};

/// A result that is the same in both branches.
struct SameInBoth : OpRewritePattern<IfOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(IfOp op, PatternRewriter &rewriter) const override {
    bool changed = false;
    for (auto [result, a, b] :
         llvm::zip(op.getResults(), yieldOf(op.getOnTrue()).getOperands(), yieldOf(op.getOnFalse()).getOperands())) {
      Attribute left, right;
      Value same;
      if (a == b && isOutside(a, op))
        same = a;
      else if (!result.use_empty() && matchPattern(a, m_Constant(&left)) && matchPattern(b, m_Constant(&right)) &&
               left == right)
        same = arith::ConstantOp::create(rewriter, op.getLoc(), cast<TypedAttr>(left));
      if (!same || result.use_empty())
        continue;
      rewriter.replaceAllUsesWith(result, same);
      changed = true;
    }
    return success(changed);
  }
};

// --- loop ---

/// Values that a loop carries but does not change, or that nobody reads, are not carried.
struct DropCarried : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LoopOp op, PatternRewriter &rewriter) const override {
    SmallVector<unsigned> keep;
    for (unsigned i = 0; i < op.getNumResults(); ++i) {
      bool unchanged = yieldOf(op.getBody()).getOperands()[i] == op.getBody().getArgument(i + 1);
      if (unchanged)
        rewriter.replaceAllUsesWith(op.getResult(i), op.getInits()[i]);
      if (!unchanged && !isUnread(op, i))
        keep.push_back(i);
    }
    if (keep.size() == op.getNumResults())
      return failure();
    SmallVector<Value> operands{op.getLower(), op.getUpper()};
    for (unsigned i : keep)
      operands.push_back(op.getInits()[i]);
    keepOperands(rewriter, yieldOf(op.getBody()), keep);
    for (Region *region : op.getRegions())
      for (unsigned i = op.getNumResults(); i > 0 && !region->empty(); --i)
        if (!llvm::is_contained(keep, i - 1)) {
          rewriter.replaceAllUsesWith(region->getArgument(i), op.getInits()[i - 1]);
          region->front().eraseArgument(i);
        }
    withResults(rewriter, op, keep, operands);
    return success();
  }

  static bool isUnread(LoopOp op, unsigned i) {
    return op.getResult(i).use_empty() && op.getBody().getArgument(i + 1).use_empty() &&
           (op.getCondition().empty() || op.getCondition().getArgument(i + 1).use_empty());
  }
};

/// A loop of no turns gives what it started from; one of one turn is its body.
struct ShortLoop : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LoopOp op, PatternRewriter &rewriter) const override {
    Range lower = rangeOf(op.getLower()), upper = rangeOf(op.getUpper());
    if (lower.low >= upper.high) {
      rewriter.replaceOp(op, op.getInits());
      return success();
    }
    if (!op.getCondition().empty() || lower.low != lower.high || upper.low != upper.high || upper.low != lower.low + 1)
      return failure();
    SmallVector<Value> arguments{op.getLower()};
    llvm::append_range(arguments, op.getInits());
    rewriter.replaceOp(op, inlineRegion(rewriter, op, op.getBody(), arguments));
    return success();
  }
};

} // namespace

void addRegionPatterns(RewritePatternSet &patterns) {
  patterns.add<DropUnused<BuildOp>, DropUnused<IfOp>, SimplifyBuild, ForwardBuild, SimplifyReduce, ConstantIf,
               SameInBoth, DropCarried, ShortLoop>(patterns.getContext());
}

} // namespace kac::ir
