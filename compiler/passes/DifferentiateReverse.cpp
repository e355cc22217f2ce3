// Adjoints of results in, adjoints of what they were made from out: reverse mode over the kac dialect.
#include "compiler/passes/Derivatives.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf, kac::ir::typeOf;

namespace kac {

void Reverse::add(Derivatives &adjoints, Value operand, Value g) {
  if (g && active(operand)) {
    Value sum = e.add(adjoints.lookup(operand), g);
    adjoints[operand] = sum;
  }
}

void Reverse::add(Derivatives &adjoints, Value operand, Value g, ArrayRef<int64_t> shape) {
  if (g && active(operand))
    add(adjoints, operand, e.sumLeading(g, shape, shapeOf(operand.getType())));
}

void Reverse::addAt(Derivatives &adjoints, Value array, Value g, ValueRange indices) {
  if (!g || !active(array))
    return;
  Value before = adjoints.lookup(array);
  Value into = e.fill(before, array.getType());
  size_t rank = shapeOf(array.getType()).size();
  adjoints[array] = e.insert(before ? e.add(e.extract(into, indices, rank), g) : g, into, indices);
}

void Reverse::run(ArrayRef<Operation *> operations, Derivatives &adjoints) {
  for (Operation *op : llvm::reverse(operations))
    if (active.any(op->getResults()) && !failed)
      visit(op, adjoints);
}

void Reverse::visit(Operation *op, Derivatives &adjoints) {
  if (!llvm::any_of(op->getResults(), [&](Value result) { return bool(adjoints.lookup(result)); }))
    return;
  if (auto branch = dyn_cast<ir::IfOp>(op))
    return visitIf(branch, adjoints);
  if (auto loop = dyn_cast<ir::LoopOp>(op))
    return visitLoop(loop, adjoints);
  if (isa<ir::BuildOp>(op))
    return visitRepeated(op, adjoints);
  if (auto reduce = dyn_cast<ir::ReduceOp>(op)) {
    if (reduce.getName() == "kac.sum")
      return visitRepeated(op, adjoints);
    Operations simpler = simplerReduction(reduce);
    for (Operation *part : simpler)
      active.visit(part);
    adjoints[simpler.back()->getResult(0)] = adjoints.lookup(reduce.getResult());
    return run(simpler, adjoints);
  }
  Value g = adjoints.lookup(op->getResult(0));
  if (auto whole = dyn_cast<ir::WholeOp>(op))
    return visitWhole(whole, g, adjoints);
  if (isa<ir::StackOp, ir::RepeatOp, ir::ConcatOp, ir::ExtractOp, ir::InsertOp>(op))
    return visitArray(op, g, adjoints);
  visitElementwise(op, g, adjoints);
}

void Reverse::visitElementwise(Operation *op, Value g, Derivatives &adjoints) {
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0).getType());
  auto give = [&](unsigned k, llvm::function_ref<Value()> value) {
    if (active(op->getOperand(k)))
      add(adjoints, op->getOperand(k), value(), shape);
  };
  if (isa<ir::VariableOp>(op))
    return add(adjoints, op->getOperand(0), g);
  if (isa<ir::NegOp>(op))
    return give(0, [&] { return e.neg(g); });
  Value x = op->getOperand(0), y = op->getNumOperands() > 1 ? op->getOperand(1) : Value();
  if (isa<ir::AddOp, ir::SubOp>(op)) {
    give(0, [&] { return g; });
    give(1, [&] { return isa<ir::SubOp>(op) ? e.neg(g) : g; });
  } else if (isa<ir::MulOp>(op) && x == y) {
    give(0, [&] { return e.mul(g, e.mul(2, x)); });
  } else if (isa<ir::MulOp>(op)) {
    give(0, [&] { return e.mul(g, y); });
    give(1, [&] { return e.mul(g, x); });
  } else if (isa<ir::DivOp>(op)) {
    give(0, [&] { return e.div(g, y); });
    give(1, [&] { return e.neg(e.div(e.mul(g, op->getResult(0)), y)); });
  } else if (auto power = dyn_cast<ir::PowOp>(op)) {
    give(0, [&] { return e.mul(g, powByBase(power)); });
    give(1, [&] { return e.mul(g, powByExponent(power)); });
  } else if (auto select = dyn_cast<ir::SelectOp>(op)) {
    give(1, [&] { return e.select(select.getCondition(), g, {}); });
    give(2, [&] { return e.select(select.getCondition(), {}, g); });
  } else if (auto primitive = dyn_cast<ir::PrimitiveOp>(op)) {
    for (unsigned k = 0; k < op->getNumOperands(); ++k)
      give(k, [&] { return e.mul(g, partial(primitive, k)); });
  } else {
    fail(op, Twine("no derivative of '") + op->getName().getStringRef() + "'");
  }
}

void Reverse::visitWhole(ir::WholeOp op, Value g, Derivatives &adjoints) {
  Value x = op.getOperands()[0];
  ArrayRef<int64_t> shape = shapeOf(x.getType());
  StringRef name = op.getName();
  if (name == "kac.sum") {
    add(adjoints, x, g);
  } else if (name == "kac.mean") {
    add(adjoints, x, e.div(g, e.real(cast<RankedTensorType>(x.getType()).getNumElements())));
  } else if (name == "kac.product") {
    add(adjoints, x, e.mul(g, e.build(shape, b.getF64Type(), [&](ValueRange i) { return productOfOthers(x, i); })));
  } else if (int extreme = ir::extremeOf(name)) {
    addAt(adjoints, x, g, firstExtreme(x, extreme > 0));
  } else if (name == "kac.cumsum") {
    Value last = e.integer(shape[0] - 1), full = e.fill(g, x.getType());
    auto reversed = [&](Value array) {
      return e.build(shape, b.getF64Type(),
                     [&](ValueRange i) -> Value { return e.extract(array, ValueRange{e.subIndex(last, i[0])}, 1); });
    };
    Value sums = ir::WholeOp::create(b, e.loc, full.getType(), name, ValueRange{reversed(full)});
    add(adjoints, x, reversed(sums));
  } else if (name == "kac.sort") {
    add(adjoints, x, e.build(shape, b.getF64Type(), [&](ValueRange i) -> Value {
      return e.extract(g, ValueRange{rankOf(x, i[0])}, 1);
    }));
  } else {
    fail(op, Twine("no derivative of '") + name + "'");
  }
}

void Reverse::visitArray(Operation *op, Value g, Derivatives &adjoints) {
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0).getType());
  if (auto stack = dyn_cast<ir::StackOp>(op)) {
    for (auto [k, operand] : llvm::enumerate(op->getOperands()))
      if (active(operand))
        add(adjoints, operand, e.extract(g, ValueRange{e.integer(int64_t(k))}, shape.size()));
  } else if (auto repeat = dyn_cast<ir::RepeatOp>(op)) {
    add(adjoints, repeat.getOperand(), g, shape);
  } else if (auto concat = dyn_cast<ir::ConcatOp>(op)) {
    int64_t offset = 0;
    for (Value operand : op->getOperands()) {
      ArrayRef<int64_t> part = shapeOf(operand.getType());
      if (active(operand))
        add(adjoints, operand, e.build(part, b.getF64Type(), [&](ValueRange i) {
          SmallVector<Value> indices(i);
          indices.back() = e.addIndex(indices.back(), e.integer(offset));
          return e.extract(g, indices, shape.size());
        }));
      offset += part.back();
    }
  } else if (auto extract = dyn_cast<ir::ExtractOp>(op)) {
    addAt(adjoints, extract.getArray(), g, extract.getIndices());
  } else if (auto insert = dyn_cast<ir::InsertOp>(op)) {
    Value value = insert.getValue(), array = insert.getArray();
    add(adjoints, value, e.extract(g, insert.getIndices(), shape.size()));
    if (active(array))
      add(adjoints, array, e.insert({}, e.fill(g, array.getType()), insert.getIndices()));
  }
}

//===--- regions ---===//

namespace {
/// How the adjoint of an outer array is collected from a repeated body.
enum class Collect {
  Dense,  // a sum of whole adjoints
  Slices, // the body reads only its own slice: the adjoints of the slices, side by side
  Scatter // elements at indices of the body's choice are added to in turn
};
} // namespace

static bool isFull(Operation *op) {
  auto reduce = dyn_cast<ir::ReduceOp>(op);
  return !reduce || constantOf(reduce.getLower()) == 0.0;
}

/// The extents that a repeated operation runs over; none where a bound is not constant.
static SmallVector<int64_t> extentsOf(Operation *op) {
  if (auto build = dyn_cast<ir::BuildOp>(op))
    return SmallVector<int64_t>(build.getExtents());
  auto upper = constantOf(cast<ir::ReduceOp>(op).getUpper());
  return upper && isFull(op) ? SmallVector<int64_t>{int64_t(*upper)} : SmallVector<int64_t>{};
}

static Collect howToCollect(Operation *op, Value array) {
  Block &body = op->getRegion(0).front();
  ArrayRef<int64_t> shape = shapeOf(array.getType());
  SmallVector<int64_t> extents = extentsOf(op);
  bool slices = !extents.empty() && shape.take_front(extents.size()) == ArrayRef<int64_t>(extents);
  bool scatter = false;
  for (Operation *user : array.getUsers()) {
    if (!op->isProperAncestor(user))
      continue;
    auto extract = dyn_cast<ir::ExtractOp>(user);
    bool own = extract && extract.getIndices().size() >= extents.size() &&
               llvm::equal(extract.getIndices().take_front(extents.size()), body.getArguments());
    slices &= own;
    // What an operation inside collects by slices is whole by the time that it gets here.
    bool whole = !extract;
    for (Operation *inner = user->getParentOp(); inner != op && !whole; inner = inner->getParentOp())
      whole = isa<ir::BuildOp, ir::ReduceOp>(inner) && howToCollect(inner, array) == Collect::Slices;
    scatter |= !whole && llvm::any_of(extract.getIndices(), [&](Value index) {
      return op->isAncestor(index.getParentBlock()->getParentOp());
    });
  }
  return slices ? Collect::Slices : scatter ? Collect::Scatter : Collect::Dense;
}

void Reverse::visitRepeated(Operation *op, Derivatives &adjoints) {
  Block &body = op->getRegion(0).front();
  auto reduce = dyn_cast<ir::ReduceOp>(op);
  bool filtered = reduce && body.getTerminator()->getNumOperands() == 2;
  SmallVector<Value> dense, sliced, scattered;
  for (Value outer : active.captured(op)) {
    Collect how = howToCollect(op, outer);
    (how == Collect::Dense ? dense : how == Collect::Slices ? sliced : scattered).push_back(outer);
  }
  if (!scattered.empty()) { // one more value costs nothing in a loop that is there
    llvm::append_range(scattered, dense);
    dense.clear();
  }
  // Each of the three ways below asks for its own arrays alone.
  auto only = [&](ArrayRef<Value> wanted) {
    for (ArrayRef<Value> group : {ArrayRef<Value>(dense), ArrayRef<Value>(sliced), ArrayRef<Value>(scattered)})
      for (Value outer : group)
        active.drop(outer);
    for (Value outer : wanted)
      active.mark(outer);
  };
  // Sweeps one turn at the insertion point. Afterwards `turn` has the adjoints; the filter's value, null without one.
  llvm::DenseMap<Value, Value> slices;
  auto sweepTurn = [&](ValueRange indices, Derivatives &turn) -> Value {
    Copy copy = copyBody(body, indices);
    slices.clear();
    if (!copy.operations.empty()) {
      OpBuilder::InsertionGuard guard(b);
      for (Value array : sliced) {
        if (!active(array))
          continue;
        b.setInsertionPoint(copy.operations.front());
        Value slice = e.extract(array, indices, shapeOf(array.getType()).size());
        active.mark(slice);
        slices[array] = slice;
      }
    }
    for (Operation *inner : copy.operations)
      inner->walk([&](ir::ExtractOp extract) {
        if (Value slice = slices.lookup(extract.getArray())) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(extract);
          ValueRange rest = ValueRange(extract.getIndices()).drop_front(indices.size());
          if (rest.empty()) {
            for (OpOperand &use : llvm::make_early_inc_range(extract.getResult().getUses()))
              use.set(slice);
            for (Value &yielded : copy.yields)
              yielded = yielded == extract.getResult() ? slice : yielded;
          } else {
            extract.getArrayMutable().assign(slice);
            extract.getIndicesMutable().assign(SmallVector<Value>(rest));
          }
        }
      });
    for (auto [k, result] : llvm::enumerate(op->getResults())) {
      Value g = adjoints.lookup(result);
      if (isa<ir::BuildOp>(op))
        g = e.extract(g, indices, shapeOf(result.getType()).size());
      add(turn, copy.yields[k], g);
    }
    run(copy.operations, turn);
    return filtered ? copy.yields[1] : Value();
  };
  SmallVector<int64_t> extents = extentsOf(op);
  SmallVector<std::pair<Value, Value>> totals;

  if (!sliced.empty()) {
    only(sliced);
    SmallVector<Type> types;
    for (Value array : sliced)
      types.push_back(array.getType());
    auto build = ir::BuildOp::create(b, e.loc, types, b.getDenseI64ArrayAttr(extents));
    OpBuilder::InsertPoint here = b.saveInsertionPoint();
    SmallVector<Type> indexTypes(extents.size(), b.getI32Type());
    Block *block = b.createBlock(&build.getBody(), {}, indexTypes, SmallVector<Location>(extents.size(), e.loc));
    Derivatives turn;
    Value filter = sweepTurn(block->getArguments(), turn);
    SmallVector<Value> yields;
    for (Value array : sliced) {
      Value g = turn.lookup(slices.lookup(array));
      Type part = typeOf(b.getF64Type(), shapeOf(array.getType()).drop_front(extents.size()));
      yields.push_back(e.fill(filter && g ? e.select(filter, g, {}) : g, part));
    }
    ir::YieldOp::create(b, e.loc, yields);
    b.restoreInsertionPoint(here);
    for (auto [array, result] : llvm::zip(sliced, build.getResults()))
      totals.push_back({array, result});
  }

  for (Value outer : dense) {
    only(outer);
    Value total;
    if (reduce) {
      auto sum = ir::ReduceOp::create(b, e.loc, b.getF64Type(), "kac.sum", reduce.getLower(), reduce.getUpper());
      OpBuilder::InsertPoint here = b.saveInsertionPoint();
      Block *block = b.createBlock(&sum.getBody(), {}, {b.getI32Type()}, {e.loc});
      Derivatives turn;
      SmallVector<Value> yields{sweepTurn(block->getArguments(), turn)};
      if (!filtered)
        yields.pop_back();
      Value g = turn.lookup(outer);
      yields.insert(yields.begin(), g ? g : e.real(0));
      ir::YieldOp::create(b, e.loc, yields);
      sum.getResult().setType(yields[0].getType());
      b.restoreInsertionPoint(here);
      total = g ? hoistFactors(sum) : Value();
    } else {
      total = e.sum(extents, [&](ValueRange indices) {
        Derivatives turn;
        sweepTurn(indices, turn);
        return turn.lookup(outer);
      });
    }
    totals.push_back({outer, total});
  }
  only(scattered);
  // Nested loops, which carry the adjoints of all arrays together.
  std::function<SmallVector<Value>(SmallVector<Value>, SmallVector<Value>)> nest =
      [&](SmallVector<Value> indices, SmallVector<Value> carried) -> SmallVector<Value> {
    if (indices.size() == body.getNumArguments()) {
      Derivatives turn;
      for (auto [array, adjoint] : llvm::zip(scattered, carried))
        turn[array] = adjoint;
      Value filter = sweepTurn(indices, turn);
      SmallVector<Value> next;
      for (auto [array, adjoint] : llvm::zip(scattered, carried)) {
        Value g = e.fill(turn.lookup(array), array.getType());
        next.push_back(filter ? e.select(filter, g, adjoint) : g);
      }
      return next;
    }
    Value lower = reduce ? reduce.getLower() : e.integer(0);
    Value upper = reduce ? reduce.getUpper() : e.integer(cast<ir::BuildOp>(op).getExtents()[indices.size()]);
    auto loop = ir::LoopOp::create(b, e.loc, ValueRange(carried).getTypes(), lower, upper, carried);
    OpBuilder::InsertionGuard guard(b);
    SmallVector<Type> types{b.getI32Type()};
    llvm::append_range(types, ValueRange(carried).getTypes());
    Block *block = b.createBlock(&loop.getBody(), {}, types, SmallVector<Location>(types.size(), e.loc));
    indices.push_back(block->getArgument(0));
    SmallVector<Value> next = nest(indices, SmallVector<Value>(block->getArguments().drop_front()));
    ir::YieldOp::create(b, e.loc, next);
    return SmallVector<Value>(loop.getResults());
  };
  SmallVector<Value> inits;
  for (Value array : scattered)
    inits.push_back(e.fill(adjoints.lookup(array), array.getType()));
  if (!scattered.empty())
    for (auto [array, result] : llvm::zip(scattered, nest({}, inits)))
      adjoints[array] = result;
  for (ArrayRef<Value> group : {ArrayRef<Value>(dense), ArrayRef<Value>(sliced)})
    for (Value outer : group)
      active.mark(outer);
  for (auto [outer, total] : totals)
    add(adjoints, outer, total);
}

void Reverse::visitIf(ir::IfOp op, Derivatives &adjoints) {
  SmallVector<Value> outers(active.captured(op).takeVector());
  SmallVector<Type> types;
  for (Value outer : outers)
    types.push_back(outer.getType());
  auto branch = ir::IfOp::create(b, e.loc, types, op.getCondition());
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  for (auto [from, to] : llvm::zip(op->getRegions(), branch->getRegions())) {
    b.createBlock(&to);
    Derivatives turn;
    Copy copy = copyBody(from.front(), {});
    for (Value outer : outers)
      if (Value before = adjoints.lookup(outer))
        turn[outer] = before;
    for (auto [result, yielded] : llvm::zip(op.getResults(), copy.yields))
      add(turn, yielded, adjoints.lookup(result));
    run(copy.operations, turn);
    SmallVector<Value> yields;
    for (Value outer : outers)
      yields.push_back(e.fill(turn.lookup(outer), outer.getType()));
    ir::YieldOp::create(b, e.loc, yields);
  }
  b.restoreInsertionPoint(here);
  for (auto [outer, result] : llvm::zip(outers, branch.getResults()))
    adjoints[outer] = result;
}

void Reverse::visitLoop(ir::LoopOp op, Derivatives &adjoints) {
  ir::Range lower = ir::rangeOf(op.getLower()), upper = ir::rangeOf(op.getUpper());
  int64_t length = std::max<int64_t>(upper.high - lower.low, 0), base = lower.low;
  if (length > std::numeric_limits<int32_t>::max() / 2)
    return fail(op, "E0310: a loop that is differentiated needs bounds made of sizes");
  Block &body = op.getBody().front();
  size_t n = op.getInits().size();

  // Forward again, keeping what each turn began with, and counting turns.
  SmallVector<Value> inits(op.getInits());
  for (Value init : op.getInits()) {
    SmallVector<int64_t> shape{length};
    llvm::append_range(shape, shapeOf(init.getType()));
    inits.push_back(e.zeros(typeOf(elementOf(init.getType()), shape)));
  }
  inits.push_back(op.getLower());
  auto forward = ir::LoopOp::create(b, e.loc, ValueRange(inits).getTypes(), op.getLower(), op.getUpper(), inits);
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  SmallVector<Type> types{b.getI32Type()};
  llvm::append_range(types, ValueRange(inits).getTypes());
  SmallVector<Location> locations(types.size(), e.loc);
  if (!op.getCondition().empty()) {
    Block *block = b.createBlock(&forward.getCondition(), {}, types, locations);
    Copy copy = copyBody(op.getCondition().front(), block->getArguments().take_front(n + 1));
    ir::YieldOp::create(b, e.loc, copy.yields);
  }
  Block *block = b.createBlock(&forward.getBody(), {}, types, locations);
  Value index = block->getArgument(0), place = e.subIndex(index, e.integer(base));
  Copy primal = copyBody(body, block->getArguments().take_front(n + 1));
  SmallVector<Value> yields(primal.yields);
  for (size_t k = 0; k < n; ++k)
    yields.push_back(e.insert(block->getArgument(1 + k), block->getArgument(1 + n + k), place));
  yields.push_back(e.addIndex(index, e.integer(1)));
  ir::YieldOp::create(b, e.loc, yields);
  b.restoreInsertionPoint(here);
  auto kept = forward.getResults().slice(n, n);
  Value end = op.getCondition().empty() ? Value(op.getUpper()) : Value(forward.getResults().back());

  // Backward, carrying the adjoints of carried values and of all outer ones.
  SmallVector<unsigned> moving;
  for (size_t k = 0; k < n; ++k)
    if (active(body.getArgument(1 + k)))
      moving.push_back(k);
  SmallVector<Value> outers(active.captured(op).takeVector()), starts;
  for (unsigned k : moving)
    starts.push_back(e.fill(adjoints.lookup(op.getResult(k)), op.getResult(k).getType()));
  for (Value outer : outers)
    starts.push_back(e.fill(adjoints.lookup(outer), outer.getType()));
  auto backward = ir::LoopOp::create(b, e.loc, ValueRange(starts).getTypes(), op.getLower(), op.getUpper(), starts);
  here = b.saveInsertionPoint();
  types.assign({b.getI32Type()});
  llvm::append_range(types, ValueRange(starts).getTypes());
  locations.assign(types.size(), e.loc);
  if (!op.getCondition().empty()) { // the bounds stay those of sizes, for a further derivative
    block = b.createBlock(&backward.getCondition(), {}, types, locations);
    ir::YieldOp::create(b, e.loc, e.compare("lt", block->getArgument(0), end));
  }
  block = b.createBlock(&backward.getBody(), {}, types, locations);
  // The turn before `end` comes first.
  index = e.subIndex(e.addIndex(op.getLower(), e.subIndex(end, e.integer(1))), block->getArgument(0));
  place = e.subIndex(index, e.integer(base));
  SmallVector<Value> arguments{index};
  for (auto [k, array] : llvm::enumerate(kept)) {
    arguments.push_back(e.extract(array, place, shapeOf(array.getType()).size()));
    if (active(body.getArgument(1 + k)))
      active.mark(arguments.back());
  }
  Copy copy = copyBody(body, arguments);
  Derivatives turn;
  for (auto [i, outer] : llvm::enumerate(outers))
    turn[outer] = block->getArgument(1 + moving.size() + i);
  for (auto [i, k] : llvm::enumerate(moving))
    add(turn, copy.yields[k], block->getArgument(1 + i));
  run(copy.operations, turn);
  yields.clear();
  for (unsigned k : moving)
    yields.push_back(e.fill(turn.lookup(arguments[1 + k]), op.getResult(k).getType()));
  for (Value outer : outers)
    yields.push_back(e.fill(turn.lookup(outer), outer.getType()));
  ir::YieldOp::create(b, e.loc, yields);
  b.restoreInsertionPoint(here);
  for (auto [i, outer] : llvm::enumerate(outers))
    adjoints[outer] = backward.getResult(moving.size() + i);
  for (auto [i, k] : llvm::enumerate(moving))
    add(adjoints, op.getInits()[k], backward.getResult(i));
}

} // namespace kac
