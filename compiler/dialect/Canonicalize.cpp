// The patterns of canonicalization on values: repeated operands, signs, indices that are in range, elements of arrays
// that are made element by element. Exact but for the sign of a zero. Those on regions are in CanonicalizeRegions.cpp.
#include "compiler/dialect/Kac.h"
#include "compiler/dialect/Regions.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace kac::ir {

namespace {

bool isReal(Value value, double number) {
  FloatAttr constant;
  return matchPattern(value, m_Constant(&constant)) && constant.getValueAsDouble() == number;
}

Value repeated(PatternRewriter &rewriter, Location loc, Value value, Type type) {
  return value.getType() == type ? value : Value(RepeatOp::create(rewriter, loc, type, value));
}

/// f(repeat a, b) -> f(a, b): operands repeat by themselves; where none is as long as the result, the result repeats.
struct UnrepeatOperands : OpTraitRewritePattern<ElementwiseShapes> {
  using OpTraitRewritePattern::OpTraitRewritePattern;
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    SmallVector<Value> operands;
    ArrayRef<int64_t> longest;
    bool changed = false;
    for (Value operand : op->getOperands()) {
      auto repeat = operand.getDefiningOp<RepeatOp>();
      changed |= bool(repeat);
      operands.push_back(repeat ? repeat.getOperand() : operand);
      ArrayRef<int64_t> shape = shapeOf(operands.back().getType());
      longest = shape.size() > longest.size() ? shape : longest;
    }
    if (!changed)
      return failure();
    Type result = op->getResult(0).getType();
    OperationState state(op->getLoc(), op->getName(), operands, typeOf(elementOf(result), longest), op->getAttrs());
    Operation *shorter = rewriter.create(state);
    rewriter.replaceOp(op, repeated(rewriter, op->getLoc(), shorter->getResult(0), result));
    return success();
  }
};

struct MergeRepeats : OpRewritePattern<RepeatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RepeatOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getOperand().getDefiningOp<RepeatOp>();
    if (!inner)
      return failure();
    rewriter.replaceOpWithNewOp<RepeatOp>(op, op.getType(), inner.getOperand());
    return success();
  }
};

/// 0 * array -> an array of zeros; x * -1 -> -x; -a * -b -> a * b.
struct SimplifyMul : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    Value lhs = op.getLhs(), rhs = op.getRhs();
    if (isReal(lhs, 0) || matchPattern(lhs, m_Zero())) {
      rewriter.replaceOp(op, repeated(rewriter, op.getLoc(), lhs, op.getType()));
      return success();
    }
    for (auto [factor, other] : {std::pair(lhs, rhs), std::pair(rhs, lhs)})
      if (isReal(factor, -1) && other.getType() == op.getType()) {
        rewriter.replaceOpWithNewOp<NegOp>(op, op.getType(), other);
        return success();
      }
    auto l = lhs.getDefiningOp<NegOp>(), r = rhs.getDefiningOp<NegOp>();
    if (!l || !r)
      return failure();
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), l.getOperand(), r.getOperand());
    return success();
  }
};

/// a + -b -> a - b; -a + b -> b - a.
struct SimplifyAdd : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    for (auto [term, other] : {std::pair(op.getRhs(), op.getLhs()), std::pair(op.getLhs(), op.getRhs())})
      if (auto neg = term.getDefiningOp<NegOp>()) {
        rewriter.replaceOpWithNewOp<SubOp>(op, op.getType(), other, neg.getOperand());
        return success();
      }
    return failure();
  }
};

/// a - -b -> a + b; 0 - b -> -b.
struct SimplifySub : OpRewritePattern<SubOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SubOp op, PatternRewriter &rewriter) const override {
    if (auto neg = op.getRhs().getDefiningOp<NegOp>()) {
      rewriter.replaceOpWithNewOp<AddOp>(op, op.getType(), op.getLhs(), neg.getOperand());
      return success();
    }
    if (!isReal(op.getLhs(), 0) || op.getRhs().getType() != op.getType())
      return failure();
    rewriter.replaceOpWithNewOp<NegOp>(op, op.getType(), op.getRhs());
    return success();
  }
};

/// x^2 -> x x and x^-1 -> 1 / x, which round alike; array^0 -> ones.
struct SimplifyPow : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PowOp op, PatternRewriter &rewriter) const override {
    Value base = op.getLhs(), exponent = op.getRhs();
    auto one = [&] { return arith::ConstantOp::create(rewriter, op.getLoc(), rewriter.getF64FloatAttr(1)); };
    if (isReal(exponent, 2))
      rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), base, base);
    else if (isReal(exponent, -1))
      rewriter.replaceOpWithNewOp<DivOp>(op, op.getType(), one(), base);
    else if (isReal(exponent, 0))
      rewriter.replaceOp(op, repeated(rewriter, op.getLoc(), one(), op.getType()));
    else
      return failure();
    return success();
  }
};

/// select of a constant condition, where what is chosen is shorter than the result.
struct ChooseConstant : OpRewritePattern<SelectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SelectOp op, PatternRewriter &rewriter) const override {
    BoolAttr condition;
    if (!matchPattern(op.getCondition(), m_Constant(&condition)))
      return failure();
    Value chosen = condition.getValue() ? op.getOnTrue() : op.getOnFalse();
    rewriter.replaceOp(op, repeated(rewriter, op.getLoc(), chosen, op.getType()));
    return success();
  }
};

/// Sets in_range where the bounds of the indices are known to be those of the array.
template <typename Access> struct ProveRange : OpRewritePattern<Access> {
  using OpRewritePattern<Access>::OpRewritePattern;
  LogicalResult matchAndRewrite(Access op, PatternRewriter &rewriter) const override {
    if (op.getInRange())
      return failure();
    for (auto [index, extent] : llvm::zip(op.getIndices(), shapeOf(op.getArray().getType()))) {
      Range range = rangeOf(index);
      if (range.low < 0 || ShapedType::isDynamic(extent) || range.high >= extent)
        return failure();
    }
    rewriter.modifyOpInPlace(op, [&] { op.setInRange(true); });
    return success();
  }
};

/// An element of a part: what is left of the indices is applied to `part`.
Value rest(PatternRewriter &rewriter, ExtractOp op, Value part, size_t used) {
  ValueRange left = op.getIndices().drop_front(used);
  return left.empty() ? part
                      : Value(ExtractOp::create(rewriter, op.getLoc(), op.getType(), part, left, op.getInRange()));
}

/// An element of an array that is stacked, repeated, extracted, written to, or joined: from where it comes.
struct ForwardElement : OpRewritePattern<ExtractOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ExtractOp op, PatternRewriter &rewriter) const override {
    Operation *source = op.getArray().getDefiningOp();
    if (!source || op.getIndices().empty())
      return failure();
    Range first = rangeOf(op.getIndices().front());
    if (auto stack = dyn_cast<StackOp>(source)) {
      if (first.low != first.high || first.low < 0 || first.low >= int64_t(stack.getOperands().size()))
        return failure();
      rewriter.replaceOp(op, rest(rewriter, op, stack.getOperands()[first.low], 1));
      return success();
    }
    if (auto repeat = dyn_cast<RepeatOp>(source)) {
      Value part = repeat.getOperand();
      size_t added = shapeOf(repeat.getType()).size() - shapeOf(part.getType()).size();
      if (!op.getInRange())
        return failure();
      rewriter.replaceOp(op, op.getIndices().size() <= added ? repeated(rewriter, op.getLoc(), part, op.getType())
                                                             : rest(rewriter, op, part, added));
      return success();
    }
    if (auto outer = dyn_cast<ExtractOp>(source)) {
      SmallVector<Value> indices(outer.getIndices());
      llvm::append_range(indices, op.getIndices());
      rewriter.replaceOpWithNewOp<ExtractOp>(op, op.getType(), outer.getArray(), indices,
                                             outer.getInRange() && op.getInRange());
      return success();
    }
    if (auto insert = dyn_cast<InsertOp>(source))
      return passInsert(op, insert, rewriter);
    return failure();
  }

  /// Reads past a write of another element.
  static LogicalResult passInsert(ExtractOp op, InsertOp insert, PatternRewriter &rewriter) {
    if (!insert.getInRange())
      return failure();
    for (auto [read, written] : llvm::zip(op.getIndices(), insert.getIndices())) {
      Range a = rangeOf(read), b = rangeOf(written);
      if (a.high >= b.low && b.high >= a.low)
        continue;
      rewriter.modifyOpInPlace(op, [&] { op.getArrayMutable().assign(insert.getArray()); });
      return success();
    }
    return failure();
  }
};

/// A requirement that holds and a weight of 0 say nothing.
struct DropRequire : OpRewritePattern<RequireOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RequireOp op, PatternRewriter &rewriter) const override {
    if (!matchPattern(op.getCondition(), m_One()))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};
struct DropWeigh : OpRewritePattern<WeighOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(WeighOp op, PatternRewriter &rewriter) const override {
    if (!isReal(op.getValue(), 0))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void KacDialect::getCanonicalizationPatterns(RewritePatternSet &patterns) const {
  patterns.add<UnrepeatOperands, MergeRepeats, SimplifyMul, SimplifyAdd, SimplifySub, SimplifyPow, ChooseConstant,
               ProveRange<ExtractOp>, ProveRange<InsertOp>, ForwardElement, DropRequire, DropWeigh>(getContext());
  addRegionPatterns(patterns);
}

} // namespace kac::ir
