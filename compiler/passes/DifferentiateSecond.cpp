// A scalar and its variable in, gradient and Laplacian out: value, slope and curve go forward together.
#include "compiler/passes/Derivatives.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf, kac::ir::typeOf;

namespace kac {

SecondOrder::SecondOrder(OpBuilder &b, Location loc, Activity active, Value variable)
    : Sweep(b, loc, std::move(active)), axes(shapeOf(variable.getType())) {
  Jet jet;
  jet.kind = axes.empty() ? Jet::Dense : Jet::Diagonal;
  jet.slope = e.fill(e.real(1), variable.getType());
  jets[variable] = jet;
}

SmallVector<int64_t> SecondOrder::with(ArrayRef<int64_t> shape) const {
  SmallVector<int64_t> all(shape);
  llvm::append_range(all, axes);
  return all;
}

Value SecondOrder::dense(Jet jet, ArrayRef<int64_t> shape) {
  Type type = typeOf(b.getF64Type(), with(shape)), zero = typeOf(b.getF64Type(), axes);
  switch (jet.kind) {
  case Jet::Zero:
    return e.zeros(type);
  case Jet::Dense:
    return jet.slope;
  case Jet::Single:
    return e.insert(jet.slope, e.zeros(zero), jet.at);
  case Jet::Diagonal:
    return e.build(shape, zero,
                   [&](ValueRange i) { return e.insert(e.extract(jet.slope, i, shape.size()), e.zeros(zero), i); });
  }
  return {};
}

//===--- scalars ---===//

static bool sameCoordinate(const Jet &x, const Jet &y) {
  return x.kind == Jet::Single && y.kind == Jet::Single && x.at == y.at;
}

Jet SecondOrder::add(const Jet &x, const Jet &y) {
  if (x.kind == Jet::Zero || y.kind == Jet::Zero) {
    Jet sum = x.kind == Jet::Zero ? y : x;
    sum.curve = e.add(x.curve, y.curve);
    return sum;
  }
  Jet sum = x;
  if (sameCoordinate(x, y)) {
    sum.slope = e.add(x.slope, y.slope);
  } else {
    sum.kind = Jet::Dense;
    sum.slope = e.add(dense(x, {}), dense(y, {}));
  }
  sum.curve = e.add(x.curve, y.curve);
  return sum;
}

Jet SecondOrder::scale(Value factor, const Jet &x) {
  if (!factor)
    return {};
  Jet result = x;
  result.slope = e.mul(factor, x.slope);
  result.curve = e.mul(factor, x.curve);
  if (!result.slope)
    result.kind = Jet::Zero;
  return result;
}

/// The inner product of slopes.
Value SecondOrder::dot(const Jet &x, const Jet &y) {
  if (x.kind == Jet::Zero || y.kind == Jet::Zero)
    return {};
  if (sameCoordinate(x, y))
    return e.mul(x.slope, y.slope);
  if (x.kind == Jet::Single)
    return e.mul(x.slope, e.extract(dense(y, {}), x.at, axes.size()));
  if (y.kind == Jet::Single)
    return dot(y, x);
  return e.dot(x.slope, y.slope, axes);
}

std::optional<Jet> SecondOrder::scalarRule(Operation *op, Value result, ArrayRef<Value> operands, ArrayRef<Jet> of) {
  auto withCurve = [&](Jet jet, Value more) {
    jet.curve = e.add(jet.curve, more);
    return jet;
  };
  if (isa<ir::VariableOp>(op))
    return of[0];
  if (isa<ir::NegOp>(op))
    return scale(e.real(-1), of[0]);
  if (isa<ir::AddOp>(op))
    return add(of[0], of[1]);
  if (isa<ir::SubOp>(op))
    return add(of[0], scale(e.real(-1), of[1]));
  if (isa<ir::MulOp>(op)) {
    if (op->getOperand(0) == op->getOperand(1))
      return withCurve(scale(e.mul(2, operands[0]), of[0]), e.mul(2, dot(of[0], of[0])));
    Jet sum = add(scale(operands[1], of[0]), scale(operands[0], of[1]));
    return withCurve(sum, e.mul(2, dot(of[0], of[1])));
  }
  if (isa<ir::DivOp>(op)) {
    Value reciprocal = e.div(e.real(1), operands[1]);
    Jet quotient = scale(reciprocal, add(of[0], scale(e.neg(result), of[1])));
    return withCurve(quotient, e.mul(-2, e.mul(dot(quotient, of[1]), reciprocal)));
  }
  if (auto power = dyn_cast<ir::PowOp>(op)) {
    if (of[1].kind != Jet::Zero)
      return std::nullopt;
    Value x = operands[0], y = operands[1], less = e.sub(y, e.real(1)), first, second;
    auto exponent = constantOf(y);
    first = exponent == 0.0 ? Value() : e.mul(y, e.pow(x, less));
    if (exponent != 0.0 && exponent != 1.0)
      second = e.mul(e.mul(y, less), e.pow(x, e.sub(y, e.real(2))));
    return withCurve(scale(first, of[0]), e.mul(second, dot(of[0], of[0])));
  }
  if (isa<ir::SelectOp>(op)) {
    Jet jet;
    jet.kind = Jet::Dense;
    if (sameCoordinate(of[1], of[2])) {
      jet = of[1];
      jet.slope = e.select(operands[0], of[1].slope, of[2].slope);
    } else {
      jet.slope = e.select(operands[0], dense(of[1], {}), dense(of[2], {}));
    }
    jet.curve = e.select(operands[0], of[1].curve, of[2].curve);
    return jet;
  }
  auto primitive = dyn_cast<ir::PrimitiveOp>(op);
  if (!primitive || !primitive.getDerivatives())
    return std::nullopt;
  Jet sum;
  Value curve;
  for (unsigned k = 0; k < operands.size(); ++k) {
    if (of[k].kind == Jet::Zero)
      continue;
    // The second derivatives are first ones of the partial derivative, by variables of its own.
    SmallVector<Value> at(operands);
    for (unsigned j = 0; j < operands.size(); ++j)
      if (of[j].kind != Jet::Zero)
        at[j] = ir::VariableOp::create(b, e.loc, operands[j]);
    Value slope = partialAt(primitive, k, at);
    if (!slope)
      continue;
    for (unsigned j = 0; j < operands.size(); ++j) {
      if (of[j].kind == Jet::Zero)
        continue;
      FailureOr<Value> second = directional(b, op, slope, at[j], e.real(1));
      if (mlir::failed(second))
        return std::nullopt;
      curve = e.add(curve, e.mul(*second, dot(of[j], of[k])));
    }
    sum = add(sum, scale(slope, of[k]));
    for (auto [variable, operand] : llvm::zip(at, operands))
      if (variable != operand)
        variable.replaceAllUsesWith(operand);
  }
  return withCurve(sum, curve);
}

//===--- arrays ---===//

/// The jet of value[indices], for indices of a longer shape too.
Jet SecondOrder::element(Value value, ValueRange indices) {
  Jet jet = jetOf(value);
  size_t rank = shapeOf(value.getType()).size();
  ValueRange own = indices.drop_front(indices.size() - rank);
  if (jet.kind == Jet::Zero || own.empty())
    return jet;
  if (jet.kind == Jet::Diagonal) {
    jet.kind = Jet::Single;
    jet.at.assign(own.begin(), own.end());
    jet.slope = e.extract(jet.slope, own, rank);
  } else {
    jet.slope = e.extract(jet.slope, own, rank + axes.size());
  }
  jet.curve = e.extract(jet.curve, own, rank);
  return jet;
}

bool SecondOrder::elementwise(Operation *op) {
  Value result = op->getResult(0);
  ArrayRef<int64_t> shape = shapeOf(result.getType());
  if (shape.empty()) {
    SmallVector<Value> operands(op->getOperands());
    SmallVector<Jet> of;
    for (Value operand : operands)
      of.push_back(jetOf(operand));
    std::optional<Jet> jet = scalarRule(op, result, operands, of);
    if (jet)
      jets[result] = *jet;
    return jet.has_value();
  }
  auto build =
      ir::BuildOp::create(b, e.loc, TypeRange{result.getType(), result.getType()}, b.getDenseI64ArrayAttr(shape));
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  SmallVector<Type> types(shape.size(), b.getI32Type());
  Block *block = b.createBlock(&build.getBody(), {}, types, SmallVector<Location>(shape.size(), e.loc));
  ValueRange indices = block->getArguments();
  SmallVector<Value> operands;
  SmallVector<Jet> of;
  for (Value operand : op->getOperands()) {
    operands.push_back(e.extract(operand, indices, shape.size()));
    of.push_back(element(operand, indices));
  }
  Value own = e.extract(result, indices, shape.size());
  std::optional<Jet> jet = scalarRule(op, own, operands, of);
  // Where the operation itself comes up again (e^x), its result is at hand.
  if (auto primitive = dyn_cast<ir::PrimitiveOp>(op))
    for (auto again : block->getOps<ir::PrimitiveOp>())
      if (again.getName() == primitive.getName() && llvm::equal(again.getOperands(), operands))
        again.getResult().replaceAllUsesWith(own);
  Jet all;
  if (jet) {
    bool diagonal = jet->kind == Jet::Single && llvm::equal(jet->at, indices) && shape == ArrayRef<int64_t>(axes);
    all.kind = jet->kind == Jet::Zero ? Jet::Zero : diagonal ? Jet::Diagonal : Jet::Dense;
    all.slope = build.getResult(0);
    all.curve = jet->curve ? build.getResult(1) : Value();
    Value slope = diagonal ? jet->slope : dense(*jet, {});
    build.getResult(0).setType(typeOf(b.getF64Type(), diagonal ? SmallVector<int64_t>(shape) : with(shape)));
    ir::YieldOp::create(b, e.loc, ValueRange{slope, e.fill(jet->curve, b.getF64Type())});
  } else {
    ir::YieldOp::create(b, e.loc, ValueRange{e.real(0), e.real(0)});
  }
  b.restoreInsertionPoint(here);
  if (jet && (all.kind != Jet::Zero || all.curve))
    jets[result] = all;
  return jet.has_value();
}

bool SecondOrder::whole(ir::WholeOp op) {
  Value x = op.getOperands()[0];
  Jet jet = jetOf(x);
  ArrayRef<int64_t> shape = shapeOf(x.getType());
  StringRef name = op.getName();
  if (name == "kac.sum" || name == "kac.mean") {
    Value share =
        name == "kac.sum" ? e.real(1) : e.real(1 / double(cast<RankedTensorType>(x.getType()).getNumElements()));
    if (jet.kind == Jet::Dense)
      jet.slope = e.sumLeading(jet.slope, with(shape), axes);
    jet.kind = Jet::Dense; // the sum of a diagonal's columns is the diagonal
    jet.curve = e.sumAll(jet.curve, shape);
    jets[op.getResult()] = scale(share, jet);
    return true;
  }
  int extreme = ir::extremeOf(name);
  if (extreme == 0)
    return false;
  jets[op.getResult()] = element(x, firstExtreme(x, extreme > 0));
  return true;
}

bool SecondOrder::array(Operation *op) {
  Value result = op->getResult(0);
  ArrayRef<int64_t> shape = shapeOf(result.getType());
  Jet jet;
  jet.kind = Jet::Dense;
  Type type = typeOf(b.getF64Type(), with(shape));
  auto slopeOf = [&](Value value) { return dense(jetOf(value), shapeOf(value.getType())); };
  if (isa<ir::StackOp>(op)) {
    SmallVector<Value> slopes, curves;
    for (Value operand : op->getOperands()) {
      slopes.push_back(slopeOf(operand));
      curves.push_back(e.fill(jetOf(operand).curve, operand.getType()));
    }
    jet.slope = ir::StackOp::create(b, e.loc, type, slopes);
    jet.curve = ir::StackOp::create(b, e.loc, result.getType(), curves);
  } else if (isa<ir::RepeatOp>(op)) {
    jet.slope = e.fill(slopeOf(op->getOperand(0)), type);
    jet.curve = jetOf(op->getOperand(0)).curve;
  } else if (auto extract = dyn_cast<ir::ExtractOp>(op)) {
    Value from = extract.getArray();
    size_t rank = shapeOf(from.getType()).size();
    if (extract.getIndices().size() == rank) {
      jet = element(from, extract.getIndices());
    } else {
      jet.slope = e.extract(slopeOf(from), extract.getIndices(), rank + axes.size());
      jet.curve = e.extract(jetOf(from).curve, extract.getIndices(), rank);
    }
  } else if (auto insert = dyn_cast<ir::InsertOp>(op)) {
    Value value = insert.getValue(), into = insert.getArray(), before = jetOf(into).curve, after = jetOf(value).curve;
    jet.slope = e.insert(slopeOf(value), slopeOf(into), insert.getIndices());
    if (before || after)
      jet.curve = e.insert(after, e.fill(before, into.getType()), insert.getIndices());
  } else {
    return false;
  }
  jets[result] = jet;
  return true;
}

//===--- regions ---===//

bool SecondOrder::build(ir::BuildOp op) {
  SmallVector<Type> types;
  for (Value result : op.getResults())
    types.append(2, result.getType());
  auto all = ir::BuildOp::create(b, e.loc, types, op.getExtentsAttr());
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  SmallVector<Type> indices(op.getExtents().size(), b.getI32Type());
  Block *block = b.createBlock(&all.getBody(), {}, indices, SmallVector<Location>(indices.size(), e.loc));
  Copy copy = copyBody(op.getBody().front(), block->getArguments());
  bool done = run(copy.operations);
  SmallVector<Value> yields;
  for (auto [k, yielded] : llvm::enumerate(copy.yields)) {
    Jet jet = done ? jetOf(yielded) : Jet(), result = jet;
    ArrayRef<int64_t> part = shapeOf(yielded.getType()), shape = shapeOf(op.getResult(k).getType());
    bool diagonal =
        jet.kind == Jet::Single && llvm::equal(jet.at, block->getArguments()) && shape == ArrayRef<int64_t>(axes);
    if (jet.kind != Jet::Zero)
      result.kind = diagonal ? Jet::Diagonal : Jet::Dense;
    bool real = elementOf(yielded.getType()).isF64();
    yields.push_back(diagonal || !real ? (real ? jet.slope : yielded) : dense(jet, part));
    yields.push_back(real ? e.fill(jet.curve, yielded.getType()) : yielded);
    if (real && !diagonal)
      all.getResult(2 * k).setType(typeOf(b.getF64Type(), with(shape)));
    result.slope = all.getResult(2 * k);
    result.curve = jet.curve ? all.getResult(2 * k + 1) : Value();
    if (jet.kind != Jet::Zero || jet.curve)
      jets[op.getResult(k)] = result;
  }
  ir::YieldOp::create(b, e.loc, yields);
  b.restoreInsertionPoint(here);
  return done;
}

bool SecondOrder::reduce(ir::ReduceOp op) {
  if (op.getName() != "kac.sum") {
    Operations simpler = simplerReduction(op);
    for (Operation *part : simpler)
      active.visit(part);
    bool done = op.getName() == "kac.mean" && run(simpler);
    if (done)
      jets[op.getResult()] = jetOf(simpler.back()->getResult(0));
    return done;
  }
  ArrayRef<int64_t> shape = shapeOf(op.getType());
  Block &body = op.getBody().front();
  bool filtered = body.getTerminator()->getNumOperands() == 2;
  Jet total;
  // The slope and the curve are two sums; operations that only one of them needs are pruned from the other.
  for (bool curve : {false, true}) {
    auto sum = ir::ReduceOp::create(b, e.loc, b.getF64Type(), "kac.sum", op.getLower(), op.getUpper());
    OpBuilder::InsertPoint here = b.saveInsertionPoint();
    Block *block = b.createBlock(&sum.getBody(), {}, {b.getI32Type()}, {e.loc});
    Copy copy = copyBody(body, block->getArguments());
    bool done = run(copy.operations);
    Jet jet = done ? jetOf(copy.yields[0]) : Jet();
    // A term that depends on its own coordinate alone: side by side they are the slope.
    bool diagonal = !curve && !filtered && jet.kind == Jet::Single && jet.at.size() == 1 && axes.size() == 1 &&
                    jet.at[0] == block->getArgument(0) && constantOf(op.getLower()) == 0.0 &&
                    constantOf(op.getUpper()) == double(axes[0]);
    Value term = curve ? jet.curve : jet.kind == Jet::Zero ? Value() : diagonal ? jet.slope : dense(jet, shape);
    SmallVector<Value> yields(copy.yields);
    yields[0] = term ? term : e.real(0);
    ir::YieldOp::create(b, e.loc, yields);
    b.restoreInsertionPoint(here);
    if (!done)
      return false;
    if (!term)
      continue;
    sum.getResult().setType(yields[0].getType());
    if (curve) {
      total.curve = hoistFactors(sum);
    } else if (diagonal) {
      auto side = ir::BuildOp::create(b, e.loc, TypeRange{typeOf(b.getF64Type(), axes)}, b.getDenseI64ArrayAttr(axes));
      side.getBody().takeBody(sum.getBody());
      sum.getBody().emplaceBlock().addArgument(b.getI32Type(), e.loc);
      OpBuilder inner = OpBuilder::atBlockEnd(&sum.getBody().front());
      ir::YieldOp::create(inner, e.loc, Arithmetic(inner, e.loc).real(0));
      total.kind = Jet::Dense;
      total.slope = side.getResult(0);
    } else {
      total.kind = Jet::Dense;
      total.slope = e.fill(hoistFactors(sum), typeOf(b.getF64Type(), with(shape)));
    }
  }
  jets[op.getResult()] = total;
  return true;
}

bool SecondOrder::branch(ir::IfOp op) {
  SmallVector<unsigned> moving;
  SmallVector<Type> types;
  for (auto [k, result] : llvm::enumerate(op.getResults()))
    if (active(result)) {
      moving.push_back(unsigned(k));
      types.push_back(typeOf(b.getF64Type(), with(shapeOf(result.getType()))));
      types.push_back(result.getType());
    }
  auto both = ir::IfOp::create(b, e.loc, types, op.getCondition());
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  bool done = true;
  for (auto [from, to] : llvm::zip(op->getRegions(), both->getRegions())) {
    b.createBlock(&to);
    Copy copy = copyBody(from.front(), {});
    done &= run(copy.operations);
    SmallVector<Value> yields;
    for (unsigned k : moving) {
      Jet jet = jetOf(copy.yields[k]);
      yields.push_back(dense(jet, shapeOf(copy.yields[k].getType())));
      yields.push_back(e.fill(jet.curve, copy.yields[k].getType()));
    }
    ir::YieldOp::create(b, e.loc, yields);
  }
  b.restoreInsertionPoint(here);
  for (auto [i, k] : llvm::enumerate(moving)) {
    Jet jet;
    jet.kind = Jet::Dense;
    jet.slope = both.getResult(2 * i);
    jet.curve = both.getResult(2 * i + 1);
    jets[op.getResult(k)] = jet;
  }
  return done;
}

bool SecondOrder::visit(Operation *op) {
  if (auto each = dyn_cast<ir::BuildOp>(op))
    return build(each);
  if (auto each = dyn_cast<ir::ReduceOp>(op))
    return reduce(each);
  if (auto each = dyn_cast<ir::IfOp>(op))
    return branch(each);
  if (auto each = dyn_cast<ir::WholeOp>(op))
    return whole(each);
  if (isa<ir::StackOp, ir::RepeatOp, ir::ConcatOp, ir::ExtractOp, ir::InsertOp>(op))
    return array(op);
  return op->getNumRegions() == 0 && elementwise(op);
}

bool SecondOrder::run(ArrayRef<Operation *> operations) {
  return llvm::all_of(operations,
                      [&](Operation *op) { return !active.any(op->getResults()) || (visit(op) && !failed); });
}

std::optional<GradientAndLaplacian> secondOrder(OpBuilder &b, Operation *asker, Value value, Value variable) {
  FailureOr<Path> path = pathBetween(variable, value, asker);
  if (mlir::failed(path) || !path->active(value))
    return std::nullopt;
  SecondOrder sweep(b, asker->getLoc(), std::move(path->active), variable);
  if (!sweep.run(path->operations))
    return std::nullopt;
  Jet jet = sweep.jetOf(value);
  return GradientAndLaplacian{sweep.dense(jet, {}), jet.curve};
}

} // namespace kac
