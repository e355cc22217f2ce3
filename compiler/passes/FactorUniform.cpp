// A function in; the same with uniform factors and terms moved outwards until they meet out. What is uniform is
// computed once a step and in f64, so that each such meeting saves an operation a lineage and a rounding.
#include "compiler/passes/FactorUniform.h"

#include "compiler/passes/LowerCost.h"
#include "compiler/passes/Uniformity.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf;

namespace kac {

namespace {

class Factor {
public:
  Factor(func::FuncOp function, ArrayRef<bool> varying)
      : function(function), b(function.getContext()), uniformity(function, varying, true) {}

  void run();

private:
  /// `value` as core times (or plus) a uniform part; null where it is no such thing, or others ask for it too.
  struct Parts {
    Value core, uniform;
    explicit operator bool() const { return bool(core); }
  };
  template <typename Op> Parts split(Value value, Operation *user);
  template <typename Op> Parts splitOver(Value value);

  Value rewrite(Operation *op);
  Value rewriteDivision(ir::DivOp op);
  Value rewriteProduct(ir::MulOp op);
  Value rewriteSum(Operation *op, Value x, Value y, bool minus);
  Value rewriteTotal(Operation *op, Value array, Block *body, std::optional<int64_t> count);
  void erase(Operation *op);

  bool varies(Value value) const { return uniformity.varies(value); }
  /// The operation on `x` and `y`, with the type of the larger.
  template <typename Op> Value make(Location loc, Value x, Value y) {
    Type type = shapeOf(x.getType()).size() >= shapeOf(y.getType()).size() ? x.getType() : y.getType();
    Value result = Op::create(b, loc, type, x, y);
    if (varies(x) || varies(y))
      uniformity.note(result);
    return result;
  }
  Value constant(Location loc, double value) { return arith::ConstantOp::create(b, loc, b.getF64FloatAttr(value)); }

  func::FuncOp function;
  OpBuilder b;
  Uniformity uniformity;
  llvm::SmallPtrSet<Operation *, 16> erased;
};

template <typename Op> Factor::Parts Factor::split(Value value, Operation *user) {
  if (!llvm::all_of(value.getUsers(), [&](Operation *other) { return other == user; }))
    return {};
  return splitOver<Op>(value);
}

template <typename Op> Factor::Parts Factor::splitOver(Value value) {
  auto op = value.getDefiningOp<Op>();
  if (!op || !varies(value))
    return {};
  Value x = op.getLhs(), y = op.getRhs();
  if (!varies(x))
    std::swap(x, y);
  if (!varies(x) || varies(y) || x.getType() != value.getType())
    return {};
  return {x, y};
}

/// x / u is x (1 / u): one division a step. Whole numbers keep theirs, which may be exact.
Value Factor::rewriteDivision(ir::DivOp op) {
  Value dividend = op.getLhs();
  while (auto repeat = dividend.getDefiningOp<ir::RepeatOp>())
    dividend = repeat.getOperand();
  if (isa_and_nonnull<ir::CastOp, arith::ConstantOp>(dividend.getDefiningOp()) || !varies(op.getLhs()) ||
      varies(op.getRhs()))
    return {};
  Value inverse = make<ir::DivOp>(op.getLoc(), constant(op.getLoc(), 1), op.getRhs());
  return make<ir::MulOp>(op.getLoc(), op.getLhs(), inverse);
}

Value Factor::rewriteProduct(ir::MulOp op) {
  Location loc = op.getLoc();
  Value x = op.getLhs(), y = op.getRhs();
  if (!varies(x))
    std::swap(x, y);
  Parts left = split<ir::MulOp>(x, op), right = varies(y) ? split<ir::MulOp>(y, op) : Parts();
  if (left && !varies(y))
    return make<ir::MulOp>(loc, left.core, make<ir::MulOp>(loc, left.uniform, y));
  if (left && right)
    return make<ir::MulOp>(loc, make<ir::MulOp>(loc, left.core, right.core),
                           make<ir::MulOp>(loc, left.uniform, right.uniform));
  if (!left && right)
    std::swap(x, y), std::swap(left, right);
  if (left)
    return make<ir::MulOp>(loc, make<ir::MulOp>(loc, left.core, y), left.uniform);
  return {};
}

/// x + y, or x - y.
Value Factor::rewriteSum(Operation *op, Value x, Value y, bool minus) {
  Location loc = op->getLoc();
  auto negated = [&](Value u, bool really) {
    return really ? ir::NegOp::create(b, loc, u.getType(), u).getResult() : u;
  };
  if (minus && varies(x) && !varies(y))
    return make<ir::AddOp>(loc, x, negated(y, true));
  if (!minus && !varies(x))
    std::swap(x, y);
  Parts left = varies(x) ? split<ir::AddOp>(x, op) : Parts(), right = varies(y) ? split<ir::AddOp>(y, op) : Parts();
  if (left && !varies(y)) // v + u + u'
    return make<ir::AddOp>(loc, left.core, make<ir::AddOp>(loc, left.uniform, y));
  auto join = [&](Value core, Value other) {
    return minus ? make<ir::SubOp>(loc, core, other) : make<ir::AddOp>(loc, core, other);
  };
  if (left && right)
    return make<ir::AddOp>(loc, join(left.core, right.core), join(left.uniform, right.uniform));
  if (left)
    return make<ir::AddOp>(loc, join(left.core, y), left.uniform);
  if (right && !varies(x)) // u - (v + u')
    return make<ir::SubOp>(loc, make<ir::SubOp>(loc, x, right.uniform), right.core);
  if (right)
    return make<ir::AddOp>(loc, join(x, right.core), negated(right.uniform, minus));
  return {};
}

/// The sum of `array` (a build of one body, or elementwise), or what `body` yields, over `count` turns.
Value Factor::rewriteTotal(Operation *op, Value array, Block *body, std::optional<int64_t> count) {
  Location loc = op->getLoc();
  Operation *owner = op;
  if (auto build = array ? array.getDefiningOp<ir::BuildOp>() : ir::BuildOp()) {
    if (build.getNumResults() != 1 || !array.hasOneUse())
      return {};
    body = &build.getBody().front();
    owner = build;
  }
  auto outside = [&](Value value) { return !owner->isAncestor(value.getParentBlock()->getParentOp()); };
  Operation *yield = body ? body->getTerminator() : nullptr;
  if (!body || yield->getNumOperands() != 1)
    return {};
  Value yielded = yield->getOperand(0);
  bool scalar = shapeOf(yielded.getType()).empty();
  Parts product = split<ir::MulOp>(yielded, yield), sum = split<ir::AddOp>(yielded, yield);
  if (product && outside(product.uniform) && (scalar || shapeOf(product.uniform.getType()).empty())) {
    yield->setOperand(0, product.core);
    b.setInsertionPointAfter(op);
    return make<ir::MulOp>(loc, op->getResult(0), product.uniform);
  }
  if (sum && scalar && outside(sum.uniform) && count) {
    yield->setOperand(0, sum.core);
    b.setInsertionPointAfter(op);
    return make<ir::AddOp>(loc, op->getResult(0), make<ir::MulOp>(loc, constant(loc, double(*count)), sum.uniform));
  }
  return {};
}

Value Factor::rewrite(Operation *op) {
  b.setInsertionPoint(op);
  if (op->getNumResults() != 1 || !varies(op->getResult(0)) || !isa<FloatType>(elementOf(op->getResult(0).getType())))
    return {};
  if (auto div = dyn_cast<ir::DivOp>(op))
    return rewriteDivision(div);
  if (auto mul = dyn_cast<ir::MulOp>(op))
    return rewriteProduct(mul);
  if (auto add = dyn_cast<ir::AddOp>(op))
    return rewriteSum(op, add.getLhs(), add.getRhs(), false);
  if (auto sub = dyn_cast<ir::SubOp>(op))
    return rewriteSum(op, sub.getLhs(), sub.getRhs(), true);
  if (auto neg = dyn_cast<ir::NegOp>(op)) {
    Parts parts = split<ir::MulOp>(neg.getOperand(), op);
    if (!parts)
      return {};
    Value u = ir::NegOp::create(b, op->getLoc(), parts.uniform.getType(), parts.uniform);
    return make<ir::MulOp>(op->getLoc(), parts.core, u);
  }
  if (auto whole = dyn_cast<ir::WholeOp>(op); whole && whole.getName() == "kac.sum")
    return rewriteTotal(op, whole.getOperands().front(), nullptr, Cost::countOf(whole.getOperands().front().getType()));
  if (auto reduce = dyn_cast<ir::ReduceOp>(op); reduce && reduce.getName() == "kac.sum") {
    auto lower = Cost::constantOf(reduce.getLower()), upper = Cost::constantOf(reduce.getUpper());
    std::optional<int64_t> count;
    if (lower && upper && shapeOf(reduce.getType()).empty())
      count = std::max<int64_t>(*upper - *lower, 0);
    return rewriteTotal(op, {}, &reduce.getBody().front(), count);
  }
  return {};
}

void Factor::erase(Operation *op) {
  if (!isOpTriviallyDead(op))
    return;
  llvm::SmallSetVector<Operation *, 4> sources;
  for (Value operand : op->getOperands())
    if (Operation *source = operand.getDefiningOp())
      sources.insert(source);
  op->walk([&](Operation *inner) { erased.insert(inner); });
  op->erase();
  for (Operation *source : sources)
    if (!erased.contains(source))
      erase(source);
}

void Factor::run() {
  for (bool changed = true; changed;) {
    changed = false;
    SmallVector<Operation *> operations;
    function.walk([&](Operation *op) { operations.push_back(op); });
    erased.clear();
    for (Operation *op : operations) {
      if (erased.contains(op))
        continue;
      Value result = rewrite(op);
      if (!result)
        continue;
      changed = true;
      Operation *made = result.getDefiningOp();
      op->getResult(0).replaceAllUsesExcept(result, made->isBeforeInBlock(op) ? op : made);
      erase(op);
    }
  }
}

} // namespace

void factorUniform(func::FuncOp function, ArrayRef<bool> varying) { Factor(function, varying).run(); }

} // namespace kac
