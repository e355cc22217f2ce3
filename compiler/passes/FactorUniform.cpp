// A function in; the same with uniform factors and terms moved outwards until they meet out. What is uniform is
// computed once a step and in f64, so that each such meeting saves an operation a lineage and a rounding.
#include "compiler/passes/FactorUniform.h"
#include "compiler/passes/HoistUniform.h"

#include "compiler/passes/LowerCost.h"
#include "compiler/passes/Uniformity.h"

#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf;

namespace kac {

namespace {

class Factor {
public:
  Factor(func::FuncOp function, ArrayRef<bool> varying)
      : function(function), varying(varying), b(function.getContext()), uniformity(function, varying, true) {}

  void run();

private:
  /// `value` as core times (or plus) a uniform part; null where it is no such thing, or others ask for it too.
  struct Parts {
    Value core, uniform;
    explicit operator bool() const { return bool(core); }
  };
  template <typename Op> Parts split(Value value, Operation *user);
  template <typename Op> Parts splitOver(Value value);
  Parts splitFactor(Value value) { return passesOn(value) ? splitOver<ir::MulOp>(value) : Parts(); }
  static bool passesOn(Value value);
  bool bringOut(Value value, Operation *owner);
  bool comesFirst(Value value, Operation *op);

  Value rewrite(Operation *op);
  Value rewriteDivision(ir::DivOp op);
  Value rewriteProduct(ir::MulOp op);
  Value rewriteSum(Operation *op, Value x, Value y, bool minus);
  Value rewriteTotal(Operation *op, Value array, Block *body, std::optional<int64_t> count);
  Value rewriteSumOfSums(ir::WholeOp op);
  Value rewriteExtract(ir::ExtractOp op);
  bool rewriteBuild(ir::BuildOp build);
  void clean();

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
  ArrayRef<bool> varying;
  OpBuilder b;
  Uniformity uniformity;
  SmallVector<ir::BuildOp> taken; // whose regions others have now
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
  auto isOuter = [&](Value part) { return std::is_same_v<Op, ir::MulOp> ? comesFirst(part, op) : !varies(part); };
  if (isOuter(x))
    std::swap(x, y);
  if (isOuter(x) || !isOuter(y) || x.getType() != value.getType())
    return {};
  return {x, y};
}

/// Uniform, or one number made before the innermost loop around `op`.
bool Factor::comesFirst(Value value, Operation *op) {
  if (!varies(value))
    return true;
  Operation *around = op->getParentOp();
  return isa<ir::BuildOp, ir::ReduceOp>(around) && shapeOf(value.getType()).empty() && bringOut(value, around);
}

/// Whether a factor of `value` can leave all that ask for it: then none of them needs the product itself.
bool Factor::passesOn(Value value) {
  return llvm::all_of(value.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<ir::YieldOp>(user))
      user = user->getParentOp();
    if (auto whole = dyn_cast<ir::WholeOp>(user))
      return whole.getName() == "kac.sum";
    if (auto reduce = dyn_cast<ir::ReduceOp>(user))
      return reduce.getName() == "kac.sum";
    if (isa<ir::DivOp>(user))
      return use.getOperandNumber() == 0;
    return isa<ir::MulOp, ir::NegOp, ir::ExtractOp, ir::BuildOp>(user);
  });
}

/// Computed before `owner`: moved there where it was not.
bool Factor::bringOut(Value value, Operation *owner) {
  if (!owner->isAncestor(value.getParentBlock()->getParentOp()))
    return true;
  Operation *source = value.getDefiningOp();
  if (!source || source->getNumRegions() > 0 || !isMovable(source) || isa<ir::ExtractOp>(source))
    return false;
  for (Value operand : source->getOperands())
    if (!bringOut(operand, owner))
      return false;
  source->moveBefore(owner);
  return true;
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
  if (comesFirst(op, op))
    return {}; // it has left the loop around it, and is a factor there
  Value x = op.getLhs(), y = op.getRhs();
  auto isOuter = [&](Value part, Value other) {
    return !varies(part) || (comesFirst(part, op) && !comesFirst(other, op));
  };
  if (isOuter(x, y))
    std::swap(x, y);
  if (isOuter(y, x)) { // v u u': as many operations as before, even where others ask for v u too
    Parts left = splitOver<ir::MulOp>(x);
    return left ? make<ir::MulOp>(loc, left.core, make<ir::MulOp>(loc, left.uniform, y)) : Value();
  }
  Parts left = splitFactor(x), right = splitFactor(y);
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
  if (Parts product = array ? splitFactor(array) : Parts(); product && shapeOf(product.uniform.getType()).empty()) {
    Value total = ir::WholeOp::create(b, loc, op->getResult(0).getType(), cast<ir::WholeOp>(op).getName(),
                                      ValueRange{product.core});
    uniformity.note(total);
    return make<ir::MulOp>(loc, total, product.uniform);
  }
  if (auto build = array ? array.getDefiningOp<ir::BuildOp>() : ir::BuildOp()) {
    if (build.getNumResults() != 1 || !array.hasOneUse())
      return {};
    body = &build.getBody().front();
    owner = build;
  }
  Operation *yield = body ? body->getTerminator() : nullptr;
  if (!body || yield->getNumOperands() != 1)
    return {};
  Value yielded = yield->getOperand(0);
  bool scalar = shapeOf(yielded.getType()).empty();
  auto leaves = [&](Value uniform) {
    return (scalar || shapeOf(uniform.getType()).empty()) && bringOut(uniform, owner);
  };
  if (Parts product = splitFactor(yielded); product && leaves(product.uniform)) {
    yield->setOperand(0, product.core);
    b.setInsertionPointAfter(op);
    return make<ir::MulOp>(loc, op->getResult(0), product.uniform);
  }
  if (Parts sum = split<ir::AddOp>(yielded, yield); sum && scalar && count && leaves(sum.uniform)) {
    yield->setOperand(0, sum.core);
    b.setInsertionPointAfter(op);
    return make<ir::AddOp>(loc, op->getResult(0), make<ir::MulOp>(loc, constant(loc, double(*count)), sum.uniform));
  }
  return {};
}

/// A sum of x + y, where a factor of x or y can leave it, is a sum of x and one of y.
Value Factor::rewriteSumOfSums(ir::WholeOp op) {
  auto array = dyn_cast<OpResult>(op.getOperands().front());
  auto build = array ? dyn_cast<ir::BuildOp>(array.getOwner()) : ir::BuildOp();
  if (!build || !array.hasOneUse())
    return {};
  Operation *yield = build.getBody().front().getTerminator();
  auto sum = yield->getOperand(array.getResultNumber()).getDefiningOp<ir::AddOp>();
  if (!sum || !sum->hasOneUse() || !shapeOf(sum.getType()).empty() || !varies(sum.getLhs()) || !varies(sum.getRhs()))
    return {};
  auto hasFactor = [&](Value value) { return value.hasOneUse() && bool(splitOver<ir::MulOp>(value)); };
  if (!hasFactor(sum.getLhs()) && !hasFactor(sum.getRhs()))
    return {};
  SmallVector<Type> types(build.getResultTypes());
  types.push_back(array.getType());
  b.setInsertionPoint(build);
  auto both = ir::BuildOp::create(b, build.getLoc(), types, build.getExtents());
  both.getBody().takeBody(build.getBody());
  yield->setOperand(array.getResultNumber(), sum.getLhs());
  yield->insertOperands(yield->getNumOperands(), sum.getRhs());
  for (auto [old, now] : llvm::zip(build.getResults(), both.getResults())) {
    if (varies(old))
      uniformity.note(now);
    old.replaceAllUsesWith(now);
  }
  uniformity.note(both.getResults().back());
  taken.push_back(build);
  b.setInsertionPoint(op);
  auto total = [&](Value of) {
    Value result = ir::WholeOp::create(b, op.getLoc(), op.getType(), op.getName(), ValueRange{of});
    uniformity.note(result);
    return result;
  };
  return make<ir::AddOp>(op.getLoc(), total(both.getResult(array.getResultNumber())), total(both.getResults().back()));
}

/// An element of s v, where s is one number, is one of v times s.
Value Factor::rewriteExtract(ir::ExtractOp op) {
  auto product = op.getArray().getDefiningOp<ir::MulOp>();
  if (!product || !isa<FloatType>(elementOf(op.getType())))
    return {};
  Value scale = product.getLhs(), array = product.getRhs();
  if (shapeOf(array.getType()).empty())
    std::swap(scale, array);
  if (!shapeOf(scale.getType()).empty() || array.getType() != product.getType())
    return {};
  Value element = ir::ExtractOp::create(b, op.getLoc(), op.getType(), array, op.getIndices(), op.getInRangeAttr());
  if (varies(op.getResult()))
    uniformity.note(element);
  return make<ir::MulOp>(op.getLoc(), element, scale);
}

/// A factor that all elements of a result have.
bool Factor::rewriteBuild(ir::BuildOp build) {
  Operation *yield = build.getBody().front().getTerminator();
  for (auto [k, result] : llvm::enumerate(build.getResults())) {
    Value yielded = yield->getOperand(unsigned(k));
    if (!varies(result) || !isa<FloatType>(elementOf(result.getType())) || !passesOn(result))
      continue;
    Parts product = splitFactor(yielded);
    if (!product || !shapeOf(product.uniform.getType()).empty() || !bringOut(product.uniform, build))
      continue;
    yield->setOperand(unsigned(k), product.core);
    b.setInsertionPointAfter(build);
    Value scaled = make<ir::MulOp>(build.getLoc(), result, product.uniform);
    result.replaceAllUsesExcept(scaled, scaled.getDefiningOp());
    return true;
  }
  return false;
}

Value Factor::rewrite(Operation *op) {
  b.setInsertionPoint(op);
  if (auto extract = dyn_cast<ir::ExtractOp>(op))
    return varies(op->getResult(0)) ? rewriteExtract(extract) : Value();
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
    Parts parts = splitFactor(neg.getOperand());
    if (!parts)
      return {};
    Value u = ir::NegOp::create(b, op->getLoc(), parts.uniform.getType(), parts.uniform);
    return make<ir::MulOp>(op->getLoc(), parts.core, u);
  }
  if (auto whole = dyn_cast<ir::WholeOp>(op); whole && whole.getName() == "kac.sum") {
    if (Value sums = rewriteSumOfSums(whole))
      return sums;
    return rewriteTotal(op, whole.getOperands().front(), nullptr, Cost::countOf(whole.getOperands().front().getType()));
  }
  if (auto reduce = dyn_cast<ir::ReduceOp>(op); reduce && reduce.getName() == "kac.sum") {
    auto lower = Cost::constantOf(reduce.getLower()), upper = Cost::constantOf(reduce.getUpper());
    std::optional<int64_t> count;
    if (lower && upper && shapeOf(reduce.getType()).empty())
      count = std::max<int64_t>(*upper - *lower, 0);
    return rewriteTotal(op, {}, &reduce.getBody().front(), count);
  }
  return {};
}

/// Addresses are free for new operations only here, where what is known of the old ones is forgotten too.
void Factor::clean() {
  for (ir::BuildOp build : taken)
    build.erase();
  taken.clear();
  function.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
  uniformity = Uniformity(function, varying, true);
}

void Factor::run() {
  for (bool changed = true; changed; clean()) {
    changed = false;
    SmallVector<Operation *> operations;
    function.walk([&](Operation *op) { operations.push_back(op); });
    for (Operation *op : operations) {
      if (auto build = dyn_cast<ir::BuildOp>(op)) {
        changed |= !llvm::is_contained(taken, build) && rewriteBuild(build);
        continue;
      }
      if (op->use_empty()) // replaced already
        continue;
      Value result = rewrite(op);
      if (!result)
        continue;
      changed = true;
      Operation *made = result.getDefiningOp();
      bool uses = llvm::is_contained(made->getOperands(), op->getResult(0));
      op->getResult(0).replaceAllUsesExcept(result, uses ? made : op);
    }
  }
}

} // namespace

void factorUniform(func::FuncOp function, ArrayRef<bool> varying) { Factor(function, varying).run(); }

} // namespace kac
