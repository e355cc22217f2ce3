// Tangents of what operations use in, tangents of their results out: forward mode over the kac dialect.
#include "compiler/passes/Derivatives.h"

using namespace mlir;
using kac::ir::shapeOf;

namespace kac {

void Forward::run(ArrayRef<Operation *> operations, Derivatives &tangents) {
  for (Operation *op : operations)
    if (active.any(op->getResults()) && !failed)
      visit(op, tangents);
}

void Forward::visit(Operation *op, Derivatives &tangents) {
  if (auto build = dyn_cast<ir::BuildOp>(op))
    return visitBuild(build, tangents);
  if (auto reduce = dyn_cast<ir::ReduceOp>(op))
    return visitReduce(reduce, tangents);
  if (auto branch = dyn_cast<ir::IfOp>(op))
    return visitIf(branch, tangents);
  if (auto loop = dyn_cast<ir::LoopOp>(op))
    return visitLoop(loop, tangents);
  Value tangent;
  if (auto wholeOp = dyn_cast<ir::WholeOp>(op))
    tangent = whole(wholeOp, tangents);
  else if (isa<ir::StackOp, ir::RepeatOp, ir::ConcatOp, ir::ExtractOp, ir::InsertOp>(op))
    tangent = array(op, tangents);
  else
    tangent = elementwise(op, tangents);
  if (tangent)
    tangents[op->getResult(0)] = tangent;
}

Value Forward::elementwise(Operation *op, Derivatives &tangents) {
  Value x = op->getOperand(0), y = op->getNumOperands() > 1 ? op->getOperand(1) : Value();
  Value dx = tangents.lookup(x), dy = y ? tangents.lookup(y) : Value();
  if (isa<ir::VariableOp>(op))
    return dx;
  if (isa<ir::NegOp>(op))
    return e.neg(dx);
  if (isa<ir::AddOp>(op))
    return e.add(dx, dy);
  if (isa<ir::SubOp>(op))
    return e.sub(dx, dy);
  if (isa<ir::MulOp>(op) && x == y)
    return e.mul(e.mul(2, x), dx);
  if (isa<ir::MulOp>(op))
    return e.add(e.mul(dx, y), e.mul(x, dy));
  if (isa<ir::DivOp>(op))
    return e.div(e.sub(dx, e.mul(op->getResult(0), dy)), y);
  if (auto power = dyn_cast<ir::PowOp>(op))
    return e.add(dx ? e.mul(dx, powByBase(power)) : Value(), dy ? e.mul(dy, powByExponent(power)) : Value());
  if (auto select = dyn_cast<ir::SelectOp>(op))
    return e.select(select.getCondition(), tangents.lookup(select.getOnTrue()), tangents.lookup(select.getOnFalse()));
  if (auto primitive = dyn_cast<ir::PrimitiveOp>(op)) {
    Value sum;
    for (auto [k, operand] : llvm::enumerate(op->getOperands()))
      if (Value tangent = tangents.lookup(operand))
        sum = e.add(sum, e.mul(tangent, partial(primitive, unsigned(k))));
    return sum;
  }
  fail(op, Twine("no derivative of '") + op->getName().getStringRef() + "'");
  return {};
}

Value Forward::whole(ir::WholeOp op, Derivatives &tangents) {
  Value x = op.getOperands()[0], dx = tangents.lookup(x);
  if (!dx)
    return {};
  ArrayRef<int64_t> shape = shapeOf(x.getType());
  StringRef name = op.getName();
  if (name == "kac.sum")
    return e.sumAll(dx, shape);
  if (name == "kac.mean")
    return e.div(e.sumAll(dx, shape), e.real(cast<RankedTensorType>(x.getType()).getNumElements()));
  if (name == "kac.product")
    return e.sum(shape, [&](ValueRange i) { return e.mul(e.extract(dx, i, shape.size()), productOfOthers(x, i)); });
  if (int extreme = ir::extremeOf(name))
    return e.extract(dx, firstExtreme(x, extreme > 0), shape.size());
  if (name == "kac.cumsum")
    return ir::WholeOp::create(b, e.loc, x.getType(), name, ValueRange{e.fill(dx, x.getType())});
  if (name == "kac.sort") {
    Value init = e.zeros(x.getType());
    auto loop =
        ir::LoopOp::create(b, e.loc, TypeRange{x.getType()}, e.integer(0), e.integer(shape[0]), ValueRange{init});
    OpBuilder::InsertionGuard guard(b);
    Block *block = b.createBlock(&loop.getBody(), {}, {b.getI32Type(), x.getType()}, {e.loc, e.loc});
    Value i = block->getArgument(0);
    Value next = e.insert(e.extract(dx, i, 1), block->getArgument(1), rankOf(x, i));
    ir::YieldOp::create(b, e.loc, next);
    return loop.getResult(0);
  }
  fail(op, Twine("no derivative of '") + name + "'");
  return {};
}

Value Forward::array(Operation *op, Derivatives &tangents) {
  if (auto stack = dyn_cast<ir::StackOp>(op)) {
    SmallVector<Value> parts;
    for (Value operand : op->getOperands())
      parts.push_back(e.fill(tangents.lookup(operand), operand.getType()));
    return ir::StackOp::create(b, e.loc, op->getResult(0).getType(), parts);
  }
  if (isa<ir::RepeatOp>(op))
    return tangents.lookup(op->getOperand(0));
  if (auto concat = dyn_cast<ir::ConcatOp>(op)) {
    Value lhs = e.fill(tangents.lookup(concat.getLhs()), concat.getLhs().getType());
    Value rhs = e.fill(tangents.lookup(concat.getRhs()), concat.getRhs().getType());
    return ir::ConcatOp::create(b, e.loc, concat.getType(), lhs, rhs);
  }
  if (auto extract = dyn_cast<ir::ExtractOp>(op))
    return e.extract(tangents.lookup(extract.getArray()), extract.getIndices(),
                     shapeOf(extract.getArray().getType()).size());
  auto insert = cast<ir::InsertOp>(op);
  Value value = tangents.lookup(insert.getValue()), into = tangents.lookup(insert.getArray());
  if (!value && !into)
    return {};
  return e.insert(value, e.fill(into, insert.getArray().getType()), insert.getIndices());
}

void Forward::visitBuild(ir::BuildOp op, Derivatives &tangents) {
  SmallVector<unsigned> moving;
  SmallVector<Type> types;
  for (auto [k, result] : llvm::enumerate(op.getResults()))
    if (active(result)) {
      moving.push_back(unsigned(k));
      types.push_back(result.getType());
    }
  auto build = ir::BuildOp::create(b, e.loc, types, op.getExtentsAttr());
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  SmallVector<Type> indices(op.getExtents().size(), b.getI32Type());
  Block *block = b.createBlock(&build.getBody(), {}, indices, SmallVector<Location>(indices.size(), e.loc));
  Copy copy = copyBody(op.getBody().front(), block->getArguments());
  run(copy.operations, tangents);
  SmallVector<Value> yields;
  bool zero = true;
  for (unsigned k : moving) {
    zero &= !tangents.lookup(copy.yields[k]);
    yields.push_back(e.fill(tangents.lookup(copy.yields[k]), copy.yields[k].getType()));
  }
  ir::YieldOp::create(b, e.loc, yields);
  b.restoreInsertionPoint(here);
  if (!zero)
    for (auto [i, k] : llvm::enumerate(moving))
      tangents[op.getResult(k)] = build.getResult(i);
}

void Forward::visitReduce(ir::ReduceOp op, Derivatives &tangents) {
  if (op.getName() != "kac.sum") {
    Operations simpler = simplerReduction(op);
    for (Operation *part : simpler)
      active.visit(part);
    run(simpler, tangents);
    if (Value tangent = tangents.lookup(simpler.back()->getResult(0)))
      tangents[op.getResult()] = tangent;
    return;
  }
  auto sum = ir::ReduceOp::create(b, e.loc, op.getType(), op.getName(), op.getLower(), op.getUpper());
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  Block *block = b.createBlock(&sum.getBody(), {}, {b.getI32Type()}, {e.loc});
  Copy copy = copyBody(op.getBody().front(), block->getArguments());
  run(copy.operations, tangents);
  SmallVector<Value> yields(copy.yields);
  Value tangent = tangents.lookup(yields[0]);
  yields[0] = tangent ? tangent : e.real(0);
  ir::YieldOp::create(b, e.loc, yields);
  b.restoreInsertionPoint(here);
  sum.getResult().setType(yields[0].getType());
  if (tangent)
    tangents[op.getResult()] = hoistFactors(sum);
}

void Forward::visitIf(ir::IfOp op, Derivatives &tangents) {
  SmallVector<unsigned> moving;
  SmallVector<Type> types;
  for (auto [k, result] : llvm::enumerate(op.getResults()))
    if (active(result)) {
      moving.push_back(unsigned(k));
      types.push_back(result.getType());
    }
  auto branch = ir::IfOp::create(b, e.loc, types, op.getCondition());
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  for (auto [from, to] : llvm::zip(op->getRegions(), branch->getRegions())) {
    b.createBlock(&to);
    Copy copy = copyBody(from.front(), {});
    run(copy.operations, tangents);
    SmallVector<Value> yields;
    for (unsigned k : moving)
      yields.push_back(e.fill(tangents.lookup(copy.yields[k]), copy.yields[k].getType()));
    ir::YieldOp::create(b, e.loc, yields);
  }
  b.restoreInsertionPoint(here);
  for (auto [i, k] : llvm::enumerate(moving))
    tangents[op.getResult(k)] = branch.getResult(i);
}

void Forward::visitLoop(ir::LoopOp op, Derivatives &tangents) {
  Block &body = op.getBody().front();
  size_t n = op.getInits().size();
  SmallVector<unsigned> moving;
  SmallVector<Value> inits(op.getInits());
  for (size_t k = 0; k < n; ++k)
    if (active(body.getArgument(1 + k))) {
      moving.push_back(unsigned(k));
      inits.push_back(e.fill(tangents.lookup(op.getInits()[k]), op.getInits()[k].getType()));
    }
  auto loop = ir::LoopOp::create(b, e.loc, ValueRange(inits).getTypes(), op.getLower(), op.getUpper(), inits);
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  SmallVector<Type> types{b.getI32Type()};
  llvm::append_range(types, ValueRange(inits).getTypes());
  SmallVector<Location> locations(types.size(), e.loc);
  if (!op.getCondition().empty()) {
    Block *block = b.createBlock(&loop.getCondition(), {}, types, locations);
    Copy copy = copyBody(op.getCondition().front(), block->getArguments().take_front(n + 1));
    ir::YieldOp::create(b, e.loc, copy.yields);
  }
  Block *block = b.createBlock(&loop.getBody(), {}, types, locations);
  for (auto [i, k] : llvm::enumerate(moving)) {
    active.mark(block->getArgument(1 + k));
    tangents[block->getArgument(1 + k)] = block->getArgument(1 + n + i);
  }
  Copy copy = copyBody(body, block->getArguments().take_front(n + 1));
  run(copy.operations, tangents);
  SmallVector<Value> yields(copy.yields);
  for (unsigned k : moving)
    yields.push_back(e.fill(tangents.lookup(copy.yields[k]), copy.yields[k].getType()));
  ir::YieldOp::create(b, e.loc, yields);
  b.restoreInsertionPoint(here);
  for (auto [i, k] : llvm::enumerate(moving))
    tangents[op.getResult(k)] = loop.getResult(n + i);
}

} // namespace kac
