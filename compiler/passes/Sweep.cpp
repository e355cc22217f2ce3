// A variable and a value in; what lies between, and the partial derivatives of single operations, out.
#include "compiler/passes/Derivatives.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf, kac::ir::typeOf;

namespace kac {

//===--- what depends on the variable ---===//

bool Activity::any(ValueRange values) const {
  return llvm::any_of(values, [&](Value value) { return active.contains(value); });
}

bool Activity::markYielded(Region &region, ValueRange targets) {
  bool changed = false;
  for (auto [yielded, target] : llvm::zip(region.front().getTerminator()->getOperands(), targets))
    changed |= active.contains(yielded) && active.insert(target).second;
  return changed;
}

void Activity::visitBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    visit(&op);
}

void Activity::visit(Operation *op) {
  if (auto loop = dyn_cast<ir::LoopOp>(op)) {
    auto carried = loop.getBody().front().getArguments().drop_front();
    for (auto [init, argument] : llvm::zip(loop.getInits(), carried))
      if (active.contains(init))
        active.insert(argument);
    do
      visitBlock(loop.getBody().front());
    while (markYielded(loop.getBody(), carried));
    for (auto [argument, result] : llvm::zip(carried, loop.getResults()))
      if (active.contains(argument))
        active.insert(result);
    return;
  }
  if (op->getNumRegions() > 0) {
    for (Region &region : op->getRegions()) {
      visitBlock(region.front());
      markYielded(region, op->getResults());
    }
    return;
  }
  if (isa<ir::StopOp>(op) || !any(op->getOperands()))
    return;
  for (Value result : op->getResults())
    if (elementOf(result.getType()).isF64())
      active.insert(result);
}

llvm::SetVector<Value> Activity::captured(Operation *op) const {
  llvm::SetVector<Value> values;
  getUsedValuesDefinedAbove(op->getRegions(), values);
  values.remove_if([&](Value value) { return !active.contains(value); });
  return values;
}

FailureOr<Path> pathBetween(Value variable, Value value, Operation *asker) {
  Path path;
  path.active.mark(variable);
  SmallVector<Block *> blocks{value.getParentBlock()};
  while (blocks.back() != variable.getParentBlock()) {
    Operation *parent = blocks.back()->getParentOp();
    if (!parent || isa<FunctionOpInterface>(parent)) // the variable lies in a region that the value does not see
      return path;
    blocks.push_back(parent->getBlock());
  }
  Operation *from = variable.getDefiningOp();
  for (Block *block : llvm::reverse(blocks)) {
    Operation *op = from && from->getBlock() == block ? from->getNextNode() : &block->front();
    Operation *end = block == blocks.front() ? value.getDefiningOp() : nullptr;
    if (block == blocks.front() && (!end || end == from))
      break; // the value is an argument or the variable itself
    for (; op; op = op->getNextNode()) {
      bool around = op->isAncestor(value.getParentBlock()->getParentOp()) && op != end;
      if (around) {
        if (auto loop = dyn_cast<ir::LoopOp>(op)) {
          path.active.visit(op);
          if (path.active.any(loop.getBody().front().getArguments()))
            return asker->emitError("E0312: the derivative reaches around a loop that carries what depends on the "
                                    "variable; take it after the loop");
        }
        break;
      }
      path.active.visit(op);
      if (path.active.any(op->getResults()))
        path.operations.push_back(op);
      if (op == end)
        break;
    }
  }
  // What the value does not need is left out.
  llvm::DenseSet<Value> needed{value};
  Operations kept;
  for (Operation *op : llvm::reverse(path.operations)) {
    if (!llvm::any_of(op->getResults(), [&](Value result) { return needed.contains(result); }))
      continue;
    kept.push_back(op);
    for (Value operand : op->getOperands())
      needed.insert(operand);
    for (Value inner : path.active.captured(op))
      needed.insert(inner);
  }
  path.operations.assign(kept.rbegin(), kept.rend());
  return path;
}

//===--- copies and partial derivatives ---===//

void Sweep::fail(Operation *op, const Twine &text) {
  if (!failed)
    op->emitError(text);
  failed = true;
}

Sweep::Copy Sweep::copyBody(Block &body, ValueRange arguments) {
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);
  Copy copy;
  for (Operation &op : body.without_terminator()) {
    Operation *clone = b.clone(op, mapping);
    active.visit(clone);
    copy.operations.push_back(clone);
  }
  for (Value yielded : body.getTerminator()->getOperands())
    copy.yields.push_back(mapping.lookupOrDefault(yielded));
  return copy;
}

/// Copies the body of a scalar function with arrays for some of its scalars. False where an operation has no
/// elementwise form.
static bool copyElementwise(OpBuilder &b, Block &body, IRMapping &mapping) {
  for (Operation &op : body.without_terminator()) {
    if (auto branch = dyn_cast<ir::IfOp>(op)) {
      if (!copyElementwise(b, branch.getOnTrue().front(), mapping) ||
          !copyElementwise(b, branch.getOnFalse().front(), mapping))
        return false;
      Arithmetic e(b, op.getLoc());
      for (auto [result, onTrue, onFalse] :
           llvm::zip(op.getResults(), branch.getOnTrue().front().getTerminator()->getOperands(),
                     branch.getOnFalse().front().getTerminator()->getOperands()))
        mapping.map(result, e.select(mapping.lookup(branch.getCondition()), mapping.lookupOrDefault(onTrue),
                                     mapping.lookupOrDefault(onFalse)));
      continue;
    }
    if (op.getNumRegions() > 0 || op.getNumResults() != 1 || !shapeOf(op.getResult(0).getType()).empty())
      return false;
    Operation *clone = b.clone(op, mapping);
    ArrayRef<int64_t> shape;
    for (Value operand : clone->getOperands())
      if (shapeOf(operand.getType()).size() > shape.size())
        shape = shapeOf(operand.getType());
    clone->getResult(0).setType(typeOf(elementOf(op.getResult(0).getType()), shape));
  }
  return true;
}

/// Inlines a pure function: its one result.
static Value inlineCall(OpBuilder &b, func::FuncOp function, ValueRange arguments) {
  Block &body = function.getBody().front();
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);
  for (Operation &op : body.without_terminator()) {
    auto call = dyn_cast<func::CallOp>(op);
    auto callee = call ? SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(function, call.getCalleeAttr()) : nullptr;
    if (callee && !callee.isExternal() && call.getNumResults() == 1) {
      SmallVector<Value> inner;
      for (Value operand : call.getOperands())
        inner.push_back(mapping.lookupOrDefault(operand));
      mapping.map(call.getResult(0), inlineCall(b, callee, inner));
    } else {
      b.clone(op, mapping);
    }
  }
  return mapping.lookupOrDefault(body.getTerminator()->getOperand(0));
}

static func::FuncOp derivativeOf(ir::PrimitiveOp op, unsigned k) {
  auto symbols = op.getDerivatives();
  auto symbol = symbols && k < symbols->size() ? dyn_cast<FlatSymbolRefAttr>((*symbols)[k]) : nullptr;
  return symbol ? SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, symbol) : nullptr;
}

Value Sweep::partialAt(ir::PrimitiveOp op, unsigned k, ValueRange scalars) {
  auto function = derivativeOf(op, k);
  return function && !function.isExternal() ? inlineCall(b, function, scalars) : Value();
}

Value Sweep::partial(ir::PrimitiveOp op, unsigned k) {
  if (!op.getDerivatives())
    fail(op, Twine("E0503: '") + op.getName() + "' has no derivative");
  auto function = derivativeOf(op, k);
  if (!function || function.isExternal())
    return {};
  ArrayRef<int64_t> shape = shapeOf(op.getType());
  if (shape.empty())
    return inlineCall(b, function, op.getOperands());
  // A copy of the function with its calls inlined, taken elementwise where that is possible.
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  Block scratch;
  for (Type type : function.getArgumentTypes())
    scratch.addArgument(type, op.getLoc());
  b.setInsertionPointToStart(&scratch);
  Value result = inlineCall(b, function, scratch.getArguments());
  ir::YieldOp::create(b, op.getLoc(), result);
  b.restoreInsertionPoint(here);
  IRMapping mapping;
  mapping.map(scratch.getArguments(), op.getOperands());
  Operation *before =
      b.getInsertionPoint() == b.getInsertionBlock()->begin() ? nullptr : &*std::prev(b.getInsertionPoint());
  if (copyElementwise(b, scratch, mapping))
    return mapping.lookup(result);
  while (b.getInsertionPoint() != b.getInsertionBlock()->begin() && &*std::prev(b.getInsertionPoint()) != before)
    std::prev(b.getInsertionPoint())->erase();
  return e.build(shape, b.getF64Type(), [&](ValueRange indices) {
    SmallVector<Value> scalars;
    for (Value operand : op.getOperands())
      scalars.push_back(e.extract(operand, indices, shape.size()));
    return inlineCall(b, function, scalars);
  });
}

Value Sweep::powByBase(ir::PowOp op) {
  Value y = op.getRhs();
  if (auto exponent = constantOf(y))
    return *exponent == 0 ? Value() : e.mul(*exponent, e.pow(op.getLhs(), e.real(*exponent - 1)));
  return e.mul(y, e.pow(op.getLhs(), e.sub(y, e.real(1))));
}

Value Sweep::powByExponent(ir::PowOp op) {
  // The logarithm carries its own derivative, for the derivative after this one.
  constexpr StringLiteral symbol = "kac.reciprocal";
  auto module = op->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(symbol)) {
    OpBuilder outer = OpBuilder::atBlockEnd(module.getBody());
    auto type = outer.getFunctionType({outer.getF64Type()}, {outer.getF64Type()});
    auto function = func::FuncOp::create(outer, op.getLoc(), symbol, type);
    function.setPrivate();
    outer.setInsertionPointToStart(function.addEntryBlock());
    Arithmetic inner(outer, op.getLoc());
    func::ReturnOp::create(outer, op.getLoc(), inner.div(inner.real(1), function.getArgument(0)));
  }
  ArrayAttr derivatives = b.getArrayAttr({FlatSymbolRefAttr::get(b.getContext(), symbol)});
  Value log =
      ir::PrimitiveOp::create(b, e.loc, op.getLhs().getType(), "math.log", ValueRange{op.getLhs()}, derivatives);
  return e.mul(op.getResult(), log);
}

SmallVector<Value> Sweep::firstExtreme(Value array, bool greatest) {
  ArrayRef<int64_t> shape = shapeOf(array.getType());
  Value keys = array;
  if (shape.size() > 1)
    keys = e.build(shape.take_front(1), b.getF64Type(), [&](ValueRange i) -> Value {
      StringRef name = greatest ? "kac.largest" : "kac.smallest";
      return ir::WholeOp::create(b, e.loc, b.getF64Type(), name, ValueRange{e.extract(array, i, shape.size())});
    });
  if (!greatest)
    keys = e.neg(keys);
  SmallVector<Value> indices{ir::WholeOp::create(b, e.loc, b.getI32Type(), "kac.argmax", ValueRange{keys})};
  if (shape.size() > 1)
    llvm::append_range(indices, firstExtreme(e.extract(array, indices[0], shape.size()), greatest));
  return indices;
}

Value Sweep::rankOf(Value array, Value i) {
  Value own = e.extract(array, i, 1);
  return e.sum(shapeOf(array.getType()), [&](ValueRange j) -> Value {
    Value other = e.extract(array, j, 1);
    Value tie = ir::AndOp::create(b, e.loc, b.getI1Type(), e.compare("eq", other, own), e.compare("lt", j[0], i));
    Value before = ir::OrOp::create(b, e.loc, b.getI1Type(), e.compare("lt", other, own), tie);
    return e.select(before, e.integer(1), e.integer(0));
  });
}

Value Sweep::productOfOthers(Value array, ValueRange indices) {
  ArrayRef<int64_t> shape = shapeOf(array.getType());
  Value others = e.build(shape, b.getF64Type(), [&](ValueRange j) {
    Value same;
    for (auto [own, other] : llvm::zip(indices, j)) {
      Value equal = e.compare("eq", own, other);
      same = same ? Value(ir::AndOp::create(b, e.loc, b.getI1Type(), same, equal)) : equal;
    }
    return e.select(same, e.real(1), e.extract(array, j, shape.size()));
  });
  return ir::WholeOp::create(b, e.loc, b.getF64Type(), "kac.product", ValueRange{others});
}

Operations Sweep::simplerReduction(ir::ReduceOp op) {
  Block &body = op.getBody().front();
  bool filtered = body.getTerminator()->getNumOperands() == 2;
  if (op.getName() == "kac.mean") {
    auto sum = cast<ir::ReduceOp>(b.clone(*op));
    sum.setName("kac.sum");
    Value count;
    if (filtered) {
      auto counter = cast<ir::ReduceOp>(b.clone(*sum));
      auto yield = cast<ir::YieldOp>(counter.getBody().front().getTerminator());
      OpBuilder inner(yield);
      yield.setOperand(0, Arithmetic(inner, e.loc).real(1));
      counter.getResult().setType(b.getF64Type());
      count = counter;
    } else {
      count = ir::CastOp::create(b, e.loc, b.getF64Type(), e.subIndex(op.getUpper(), op.getLower()));
    }
    return {sum, ir::DivOp::create(b, e.loc, op.getType(), sum.getResult(), count)};
  }
  double start = op.getName() == "kac.product" ? 1 : ir::extremeOf(op.getName()) * -HUGE_VAL;
  Value init = e.fill(e.real(start), op.getType());
  auto loop = ir::LoopOp::create(b, e.loc, TypeRange{op.getType()}, op.getLower(), op.getUpper(), ValueRange{init});
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&loop.getBody(), {}, {b.getI32Type(), op.getType()}, {e.loc, e.loc});
  IRMapping mapping;
  mapping.map(body.getArgument(0), block->getArgument(0));
  for (Operation &inner : body.without_terminator())
    b.clone(inner, mapping);
  SmallVector<Value> yields;
  for (Value yielded : body.getTerminator()->getOperands())
    yields.push_back(mapping.lookupOrDefault(yielded));
  Value total = block->getArgument(1), next = e.fill(yields[0], op.getType());
  if (op.getName() == "kac.product") {
    next = ir::MulOp::create(b, e.loc, op.getType(), total, next);
  } else {
    Value further = ir::extremeOf(op.getName()) > 0 ? e.compare("lt", total, next) : e.compare("lt", next, total);
    if (op.getName() == "kac.max" || op.getName() == "kac.min") {
      Value isNaN = e.compare("ne", next, next);
      further = ir::OrOp::create(b, e.loc, further.getType(), further, isNaN);
    }
    next = e.select(further, next, total);
  }
  if (filtered)
    next = e.select(yields[1], next, total);
  ir::YieldOp::create(b, e.loc, next);
  return {loop};
}

} // namespace kac
