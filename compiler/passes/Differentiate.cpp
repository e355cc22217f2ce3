// Functions with kac.grad, jvp, divergence, laplacian, stop and variable in, plain operations of the kac dialect out.
#include "compiler/passes/Derivatives.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"

using namespace mlir;
using kac::ir::shapeOf;

namespace kac {

#define GEN_PASS_DEF_DIFFERENTIATE
#include "compiler/passes/Passes.h.inc"

Value gradient(OpBuilder &b, Operation *asker, Value value, Value variable) {
  FailureOr<Path> path = pathBetween(variable, value, asker);
  if (failed(path))
    return {};
  Arithmetic e(b, asker->getLoc());
  Derivatives adjoints;
  if (path->active(value))
    adjoints[value] = e.real(1);
  Reverse reverse(b, asker->getLoc(), std::move(path->active));
  reverse.run(path->operations, adjoints);
  return reverse.failed ? Value() : e.fill(adjoints.lookup(variable), variable.getType());
}

FailureOr<Value> directional(OpBuilder &b, Operation *asker, Value value, Value variable, Value direction) {
  FailureOr<Path> path = pathBetween(variable, value, asker);
  if (failed(path))
    return failure();
  Derivatives tangents;
  tangents[variable] = direction;
  Forward forward(b, asker->getLoc(), std::move(path->active));
  forward.run(path->operations, tangents);
  if (forward.failed)
    return failure();
  return tangents.lookup(value);
}

/// The sum over all directions of the variable of the derivative, along it, of the element there.
static FailureOr<Value> divergence(OpBuilder &b, Operation *asker, Value value, Value variable) {
  Arithmetic e(b, asker->getLoc());
  ArrayRef<int64_t> shape = shapeOf(variable.getType());
  bool failedInside = false;
  Value total = e.sum(shape, [&](ValueRange indices) -> Value {
    Value direction = e.real(1);
    if (!shape.empty())
      direction = e.insert(direction, e.zeros(variable.getType()), indices);
    FailureOr<Value> along = directional(b, asker, value, variable, direction);
    failedInside |= failed(along);
    return failed(along) || !*along ? Value() : e.extract(*along, indices, shape.size());
  });
  if (failedInside)
    return failure();
  return total;
}

/// Whether `value` depends on `other` in a way that does not go through `variable`.
static bool reachesBeside(Value value, Value other, Value variable) {
  llvm::SetVector<Value> todo;
  todo.insert(value);
  for (size_t k = 0; k < todo.size(); ++k) {
    Value each = todo[k];
    if (each == variable)
      continue;
    if (each == other)
      return true;
    // An argument of a region stands for what its operation uses.
    Operation *op = each.getDefiningOp() ? each.getDefiningOp() : each.getParentBlock()->getParentOp();
    if (!isa<FunctionOpInterface>(op))
      op->walk([&](Operation *inner) { todo.insert(inner->operand_begin(), inner->operand_end()); });
  }
  return false;
}

static bool isVariableOf(Value value, Value variable) {
  while (value != variable)
    if (auto op = value.getDefiningOp<ir::VariableOp>())
      value = op.getOperand();
    else
      return false;
  return true;
}

void mergeVariables(Operation *root) {
  llvm::MapVector<Value, SmallVector<Value>> groups;
  Operations asked;
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<ir::GradOp, ir::JvpOp, ir::DivergenceOp, ir::LaplacianOp>(op))
      asked.push_back(op);
    auto variable = dyn_cast<ir::VariableOp>(op);
    Value of = variable ? variable.getOperand() : Value();
    while (auto inner = of ? of.getDefiningOp<ir::VariableOp>() : ir::VariableOp())
      of = inner.getOperand();
    if (variable)
      groups[of].push_back(variable.getResult());
  });
  for (auto &[of, members] : groups) {
    Block *block = members.front().getParentBlock();
    bool apart = false;
    for (Operation *op : asked) {
      Value by = op->getOperand(1);
      if (!llvm::is_contained(members, by))
        continue;
      for (Value other : members)
        apart = apart || (!isVariableOf(other, by) && reachesBeside(op->getOperand(0), other, by));
    }
    for (Value other : ArrayRef<Value>(members).drop_front())
      if (!apart && block->getParent()->isAncestor(other.getParentRegion()))
        other.replaceAllUsesWith(members.front());
  }
}

/// The divergence of this gradient by the same variable, where it is asked for.
static ir::DivergenceOp divergenceOf(ir::GradOp grad) {
  for (Operation *user : grad.getResult().getUsers())
    if (auto div = dyn_cast<ir::DivergenceOp>(user); div && div.getVariable() == grad.getVariable())
      return div;
  return {};
}

/// Both in one sweep, where that goes.
static bool expandTogether(Operation *op) {
  auto grad = dyn_cast<ir::GradOp>(op);
  auto div = grad ? divergenceOf(grad) : ir::DivergenceOp();
  if (!div && !isa<ir::LaplacianOp>(op))
    return false;
  OpBuilder b(op);
  Arithmetic e(b, op->getLoc());
  auto both = secondOrder(b, op, op->getOperand(0), op->getOperand(1));
  if (!both)
    return false;
  Value laplacian = e.fill(both->laplacian, b.getF64Type());
  if (!grad)
    op->getResult(0).replaceAllUsesWith(laplacian);
  else
    grad.getResult().replaceAllUsesWith(both->gradient);
  if (div)
    div.getResult().replaceAllUsesWith(laplacian);
  return true;
}

static LogicalResult expand(Operation *op) {
  if (op->use_empty() || expandTogether(op))
    return success();
  OpBuilder b(op);
  Arithmetic e(b, op->getLoc());
  Value result;
  if (auto grad = dyn_cast<ir::GradOp>(op)) {
    result = gradient(b, op, grad.getValue(), grad.getVariable());
    if (!result)
      return failure();
  } else if (auto jvp = dyn_cast<ir::JvpOp>(op)) {
    FailureOr<Value> tangent = directional(b, op, jvp.getValue(), jvp.getVariable(), jvp.getDirection());
    if (failed(tangent))
      return failure();
    result = *tangent;
  } else if (auto div = dyn_cast<ir::DivergenceOp>(op)) {
    FailureOr<Value> sum = divergence(b, op, div.getValue(), div.getVariable());
    if (failed(sum))
      return failure();
    result = *sum;
  } else if (auto laplacian = dyn_cast<ir::LaplacianOp>(op)) {
    Value slope = gradient(b, op, laplacian.getValue(), laplacian.getVariable());
    FailureOr<Value> sum = slope ? divergence(b, op, slope, laplacian.getVariable()) : FailureOr<Value>(failure());
    if (failed(sum))
      return failure();
    result = *sum;
  }
  op->getResult(0).replaceAllUsesWith(e.fill(result, op->getResult(0).getType()));
  return success();
}

namespace {
struct DifferentiatePass : impl::DifferentiateBase<DifferentiatePass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      // A derivative that another is taken of stands before it.
      mergeVariables(function);
      IRRewriter rewriter(&getContext());
      DominanceInfo dominance(function);
      eliminateCommonSubExpressions(rewriter, dominance, function);
      prune(function);
      Operations asked;
      function.walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (isa<ir::GradOp, ir::JvpOp, ir::DivergenceOp, ir::LaplacianOp>(op))
          asked.push_back(op);
      });
      for (Operation *op : asked) {
        if (failed(expand(op)))
          return signalPassFailure();
        if (op->use_empty())
          op->erase(); // else a later sweep over its region would meet it
      }
      function.walk([](Operation *op) {
        if (isa<ir::VariableOp, ir::StopOp>(op)) {
          op->getResult(0).replaceAllUsesWith(op->getOperand(0));
          op->erase();
        } else if (isa<ir::GradOp, ir::JvpOp, ir::DivergenceOp, ir::LaplacianOp>(op)) {
          op->erase();
        }
      });
      prune(function);
    }
  }
};
} // namespace

} // namespace kac
