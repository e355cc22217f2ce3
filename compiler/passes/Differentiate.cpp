// Functions with kac.grad, jvp, divergence, laplacian, stop and variable in, plain operations of the kac dialect out.
#include "compiler/passes/Derivatives.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf;

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

static LogicalResult expand(Operation *op) {
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
  op->erase();
  return success();
}

namespace {
struct DifferentiatePass : impl::DifferentiateBase<DifferentiatePass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      // A derivative that another is taken of stands before it.
      prune(function);
      Operations asked;
      function.walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (isa<ir::GradOp, ir::JvpOp, ir::DivergenceOp, ir::LaplacianOp>(op))
          asked.push_back(op);
      });
      for (Operation *op : asked)
        if (failed(expand(op)))
          return signalPassFailure();
      function.walk([](Operation *op) {
        if (isa<ir::VariableOp, ir::StopOp>(op)) {
          op->getResult(0).replaceAllUsesWith(op->getOperand(0));
          op->erase();
        }
      });
      prune(function);
    }
  }
};
} // namespace

} // namespace kac
