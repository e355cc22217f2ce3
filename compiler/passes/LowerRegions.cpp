// Builds, reductions, branches and loops in; loops and selects out.
#include "compiler/passes/FuseReductions.h"
#include "compiler/passes/LowerBody.h"
#include "compiler/passes/LowerReduction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf;

namespace kac {

static constexpr int64_t unrolledTrips = 8;
static constexpr int64_t unrolledCost = 400;

// --- counted loops ---

SmallVector<Value> Body::loop(Value lower, Value upper, ValueRange inits, int64_t cost, Turn turn) {
  auto from = Cost::constantOf(lower), to = Cost::constantOf(upper);
  if (from && to && *to - *from <= unrolledTrips && (*to - *from <= 1 || (*to - *from) * cost <= unrolledCost)) {
    SmallVector<Value> values(inits);
    for (int64_t i = *from; i < *to; ++i)
      values = turn(integer(i), values);
    return values;
  }
  auto forOp =
      scf::ForOp::create(b, loc, lower, upper, integer(1), inits,
                         [&](OpBuilder &, Location, Value index, ValueRange carried) { (void)index, (void)carried; });
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(forOp.getBody());
  SmallVector<Value> values = turn(forOp.getInductionVar(), forOp.getRegionIterArgs());
  scf::YieldOp::create(b, loc, values);
  return SmallVector<Value>(forOp.getResults());
}

SmallVector<Value> Body::walk(const Thing &array, ValueRange inits, int64_t cost, Turn turn) {
  if (array.scalar)
    return turn(array.scalar, inits);
  int64_t inner = cost;
  for (int64_t size : ArrayRef(array.array->shape).drop_front())
    inner *= ShapedType::isDynamic(size) ? 16 : size;
  return loop(integer(0), extent(array.array->shape.front()), inits, inner,
              [&](Value index, ValueRange carried) { return walk(at(array, index), carried, cost, turn); });
}

// --- builds ---

Thing Body::build(ir::BuildOp op, unsigned result, SmallVector<Value> indices, const KnownPtr &scope) {
  ArrayRef<int64_t> shape = shapeOf(op.getResult(result).getType()).drop_front(indices.size());
  if (indices.size() == op.getExtents().size()) {
    SmallVector<Thing> arguments(indices.begin(), indices.end());
    return evaluate(op.getBody().front(), scope, arguments)[result];
  }
  return lazy(shape, [=, this](Value index) {
    SmallVector<Value> further = indices;
    further.push_back(index);
    return build(op, result, further, scope);
  });
}

void Body::buildAll(ir::BuildOp op, const KnownPtr &scope) {
  for (auto [k, result] : llvm::enumerate(op.getResults()))
    bind(result, build(op, k, {}, scope), scope);
}

// --- reductions ---

/// `first` and those behind it in its group (see FuseReductions.h).
static SmallVector<ir::ReduceOp> siblings(ir::ReduceOp first) {
  SmallVector<ir::ReduceOp> found{first};
  Attribute group = first->getAttr(groupAttribute);
  for (auto next = dyn_cast_or_null<ir::ReduceOp>(first->getNextNode()); next && group;
       next = dyn_cast_or_null<ir::ReduceOp>(next->getNextNode())) {
    if (next->getAttr(groupAttribute) != group)
      break;
    found.push_back(next);
  }
  return found;
}

/// The element of the turn `index`, and whether it counts: where the filter fails, nothing is asked of the element.
std::pair<Thing, Value> Body::elementOfTurn(ir::ReduceOp op, Value index, const KnownPtr &around) {
  Block &body = op.getBody().front();
  Operation *yield = body.getTerminator();
  KnownPtr scope = open(body, around, {Thing(index)});
  llvm::SetVector<Operation *> first = filterOf(op);
  for (Operation &each : body.without_terminator())
    if (first.contains(&each))
      visit(&each, scope);
  Value filter = yield->getNumOperands() > 1 ? scalar(yield->getOperand(1), scope) : Value();
  llvm::SaveAndRestore counting(mask, both(mask, filter));
  for (Operation &each : body.without_terminator())
    if (!first.contains(&each))
      visit(&each, scope);
  return {look(yield->getOperand(0), scope), filter};
}

void Body::reduce(ir::ReduceOp leader, const KnownPtr &scope) {
  SmallVector<ir::ReduceOp> ops = siblings(leader);
  ir::ReduceOp first = ops.front();
  Value lower = scalar(first.getLower(), scope), upper = scalar(first.getUpper(), scope);
  bool laneBounds = isVector(lower) || isVector(upper);
  Value begin = lower, end = upper;
  if (laneBounds) {
    Value trips = arith::SubIOp::create(b, loc, vary(upper), vary(lower));
    begin = integer(0);
    end = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXSI, trips);
  }
  SmallVector<Reduction> reductions;
  SmallVector<Value> carried;
  int64_t turnCost = 0;
  for (ir::ReduceOp op : ops) {
    bool varies = uniformity.varies(op.getResult());
    Type element = elementOf(op.getType());
    Reduction reduction(*this, op.getName(), varies ? laneType(element) : element);
    auto count = Cost::countOf(op.getType());
    if (shapeOf(op.getType()).empty()) {
      reduction.start(carried);
    } else {
      Thing identity = repeat(reduction.identity(), 0, shapeOf(op.getType()));
      reduction.total = keep(identity, op.getType(), varies, *count <= 16, 1);
      reduction.isList = *count <= 16;
      if (reduction.isList)
        flatten(reduction.total, carried);
      reduction.startCount(carried);
    }
    reductions.push_back(reduction);
    turnCost += cost.ofBlock(op.getBody().front());
  }
  SmallVector<Value> totals =
      loop(begin, end, carried, turnCost, [&](Value turn, ValueRange before) -> SmallVector<Value> {
        Value index = laneBounds ? add(lower, turn) : turn;
        Value active = laneBounds ? compare("lt", index, upper) : Value();
        SmallVector<Value> after;
        for (auto [op, reduction] : llvm::zip(ops, reductions)) {
          llvm::SaveAndRestore turning(mask, both(mask, active));
          auto [element, filter] = elementOfTurn(op, index, scope);
          before = reduction.turn(element, both(active, filter), before, after,
                                  cost.ofElement(op.getBody().front().getTerminator()->getOperand(0)));
        }
        return after;
      });
  ValueRange rest(totals);
  for (auto [op, reduction] : llvm::zip(ops, reductions)) {
    Thing result = reduction.finish(shapeOf(op.getType()), rest);
    bind(op.getResult(), result, scope);
  }
}

// --- branches ---

Thing Body::selectThing(Value condition, const Thing &x, const Thing &y, ArrayRef<int64_t> shape) {
  if (shape.empty())
    return select(condition, x.scalar, y.scalar);
  SmallVector<int64_t> axes(shape);
  return lazy(shape, [=, this](Value index) {
    return selectThing(condition, at(x, index), at(y, index), ArrayRef(axes).drop_front());
  });
}

void Body::branch(ir::IfOp op, const KnownPtr &scope) {
  Value condition = scalar(op.getCondition(), scope);
  if (auto constant = Cost::constantOf(condition)) {
    auto values = evaluate((*constant ? op.getOnTrue() : op.getOnFalse()).front(), scope, {});
    for (auto [result, value] : llvm::zip(op.getResults(), values))
      bind(result, value, scope);
    return;
  }
  int64_t both = cost.ofBlock(op.getOnTrue().front()) + cost.ofBlock(op.getOnFalse().front());
  if (!isVector(condition) && (both > 12 || Cost::hasEffects(op)))
    return branchUniform(op, scope);
  Value outside = mask;
  mask = this->both(outside, condition);
  auto onTrue = evaluate(op.getOnTrue().front(), scope, {});
  for (auto [result, value] : llvm::zip(op.getResults(), onTrue))
    value = value.array ? keep(value, result) : value;
  mask = this->both(outside, negate(condition));
  auto onFalse = evaluate(op.getOnFalse().front(), scope, {});
  mask = outside;
  for (auto [result, x, y] : llvm::zip(op.getResults(), onTrue, onFalse))
    bind(result, selectThing(condition, x, y, shapeOf(result.getType())), scope);
}

void Body::branchUniform(ir::IfOp op, const KnownPtr &scope) {
  SmallVector<Type> types;
  SmallVector<Thing> buffers(op.getNumResults());
  for (auto [result, memory] : llvm::zip(op.getResults(), buffers)) {
    Type element = elementOf(result.getType());
    Type type = uniformity.varies(result) ? laneType(element) : element;
    if (shapeOf(result.getType()).empty() || cost.isSmall(result))
      types.append(*Cost::countOf(result.getType()), type);
    else
      memory = buffer(shapeOf(result.getType()), type);
  }
  auto ifOp = scf::IfOp::create(b, loc, types, scalar(op.getCondition(), scope), true, true);
  for (auto [from, to] :
       {std::pair(&op.getOnTrue(), &ifOp.getThenRegion()), {&op.getOnFalse(), &ifOp.getElseRegion()}}) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&to->front());
    auto values = evaluate(from->front(), scope, {});
    SmallVector<Value> yielded;
    for (auto [result, value, memory] : llvm::zip(op.getResults(), values, buffers))
      if (memory.array)
        store(memory, value, cost.ofElement(result));
      else
        flatten(keep(value, result.getType(), uniformity.varies(result), true, 1), yielded);
    for (auto [value, type] : llvm::zip(yielded, types))
      if (value.getType() != type) // a uniform number read in the precision of the build
        value = arith::ExtFOp::create(b, loc, type, value);
    scf::YieldOp::create(b, loc, yielded);
  }
  ValueRange rest(ifOp.getResults());
  for (auto [result, memory] : llvm::zip(op.getResults(), buffers))
    bind(result, memory.array ? memory : unflatten(shapeOf(result.getType()), rest), scope);
}

// --- loops with carried values ---

Value Body::any(Value lanes) {
  return isVector(lanes) ? vector::ReductionOp::create(b, loc, vector::CombiningKind::OR, lanes).getResult() : lanes;
}

/// A carried array is values of its own where it is small and every index into it is known.
static bool isCarriedByValue(BlockArgument argument, bool unrolled) {
  auto count = Cost::countOf(argument.getType());
  if (!count || *count > 16)
    return false;
  return unrolled || llvm::all_of(argument.getUsers(), [&](Operation *user) {
           if (auto extract = dyn_cast<ir::ExtractOp>(user))
             return llvm::all_of(extract.getIndices(), [](Value index) { return Cost::constantOf(index).has_value(); });
           if (auto insert = dyn_cast<ir::InsertOp>(user))
             return llvm::all_of(insert.getIndices(), [](Value index) { return Cost::constantOf(index).has_value(); });
           return true;
         });
}

void Body::loop(ir::LoopOp op, const KnownPtr &scope) {
  Block &body = op.getBody().front();
  Value lower = scalar(op.getLower(), scope), upper = scalar(op.getUpper(), scope);
  bool laneBounds = isVector(lower) || isVector(upper);
  bool whileLoop = !op.getCondition().empty();
  bool laneTurns = laneBounds || (whileLoop && uniformity.turnsVary(op));
  auto from = Cost::constantOf(lower), to = Cost::constantOf(upper);
  int64_t turnCost = 1 + cost.ofBlock(body);
  bool unrolled = !whileLoop && !laneBounds && from && to && *to - *from <= unrolledTrips &&
                  (*to - *from) * turnCost <= unrolledCost;

  // What is carried: scalars and small arrays by value, others in a buffer of their own.
  SmallVector<Value> inits;
  SmallVector<Thing> buffers(op.getNumResults());
  for (auto [k, init] : llvm::enumerate(op.getInits())) {
    BlockArgument argument = body.getArgument(k + 1);
    bool varies = uniformity.varies(argument);
    Thing value = look(init, scope);
    if (value.scalar || isCarriedByValue(argument, unrolled)) {
      flatten(keep(value, init.getType(), varies, true, 1), inits);
      continue;
    }
    Type element = elementOf(init.getType());
    buffers[k] = buffer(shapeOf(init.getType()), varies ? laneType(element) : element);
    store(buffers[k], value, cost.ofElement(init));
  }
  for (Value &init : inits)
    if (init.getType().isF32())
      init = arith::ExtFOp::create(b, loc, b.getF64Type(), init);
  auto arguments = [&](Value index, ValueRange carried) {
    SmallVector<Thing> things{index};
    for (auto [k, memory] : llvm::enumerate(buffers))
      things.push_back(memory.array ? memory : unflatten(shapeOf(op.getResult(k).getType()), carried));
    return things;
  };
  auto turn = [&](Value index, ValueRange carried, Value active) {
    Value outside = mask;
    mask = both(mask, active);
    SmallVector<Value> next;
    SmallVector<Value> old(carried);
    auto values = evaluate(body, scope, arguments(index, carried));
    mask = outside;
    SmallVector<std::pair<unsigned, Thing>> copies;
    for (auto [k, value] : llvm::enumerate(values)) {
      BlockArgument argument = body.getArgument(k + 1);
      bool varies = uniformity.varies(argument);
      int64_t each = cost.ofElement(body.getTerminator()->getOperand(k));
      if (!buffers[k].array) {
        flatten(keep(value, argument.getType(), varies, true, each), next);
      } else if (value.array->base != buffers[k].array->base) {
        Thing result = active ? selectThing(active, value, buffers[k], shapeOf(argument.getType())) : value;
        Thing aside = buffer(shapeOf(argument.getType()),
                             varies ? laneType(elementOf(argument.getType())) : elementOf(argument.getType()));
        store(aside, result, each);
        copies.push_back({unsigned(k), aside});
      }
    }
    for (auto &[k, aside] : copies)
      store(buffers[k], aside, 1);
    for (auto [value, before] : llvm::zip(next, old)) {
      if (active)
        value = select(active, value, before);
      if (value.getType().isF32() && before.getType().isF64())
        value = arith::ExtFOp::create(b, loc, b.getF64Type(), value);
    }
    return next;
  };

  SmallVector<Value> results;
  if (!whileLoop && !laneBounds) {
    results = loop(lower, upper, inits, unrolled ? 0 : unrolledCost + 1,
                   [&](Value index, ValueRange carried) { return turn(index, carried, Value()); });
  } else {
    // index (from 0 where lanes have bounds of their own), active lanes, carried values
    Value trips = upper, start = lower;
    if (laneBounds) {
      trips = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXSI,
                                          arith::SubIOp::create(b, loc, vary(upper), vary(lower)));
      start = integer(0);
    }
    SmallVector<Value> state{start};
    Value everyone = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
    if (laneTurns)
      state.push_back(mask ? vary(mask) : vary(everyone));
    llvm::append_range(state, inits);
    size_t head = laneTurns ? 2 : 1;
    SmallVector<Type> types(llvm::map_range(state, [](Value value) { return value.getType(); }));
    SmallVector<Type> bodyTypes = types;
    auto whileOp = scf::WhileOp::create(b, loc, types, state);
    OpBuilder::InsertionGuard guard(b);
    SmallVector<Location> places(types.size(), loc);
    Block *before = b.createBlock(&whileOp.getBefore(), {}, types, places);
    ValueRange now = before->getArguments();
    Value index = laneBounds ? add(lower, now[0]) : now[0];
    Value go = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, now[0], trips);
    Value active = laneTurns ? now[1] : Value();
    if (laneBounds)
      active = both(active, compare("lt", index, upper));
    if (whileLoop) {
      llvm::SaveAndRestore asking(mask, both(laneTurns ? active : mask, go));
      Value holds = evaluate(op.getCondition().front(), scope, arguments(index, now.drop_front(head)))[0].scalar;
      if (laneTurns)
        active = both(active, holds);
      else
        go = both(go, holds);
    }
    SmallVector<Value> passed(now);
    if (laneTurns) {
      go = both(go, any(active));
      passed[1] = active;
    }
    scf::ConditionOp::create(b, loc, go, passed);
    Block *after = b.createBlock(&whileOp.getAfter(), {}, types, places);
    ValueRange then = after->getArguments();
    index = laneBounds ? add(lower, then[0]) : then[0];
    SmallVector<Value> next{arith::AddIOp::create(b, loc, then[0], integer(1))};
    if (laneTurns)
      next.push_back(then[1]);
    llvm::append_range(next, turn(index, then.drop_front(head), laneTurns ? then[1] : Value()));
    scf::YieldOp::create(b, loc, next);
    results.assign(whileOp.getResults().begin() + head, whileOp.getResults().end());
    b.setInsertionPointAfter(whileOp);
    ValueRange rest(results);
    for (auto [k, result] : llvm::enumerate(op.getResults()))
      bind(result, buffers[k].array ? buffers[k] : unflatten(shapeOf(result.getType()), rest), scope);
    return;
  }
  ValueRange rest(results);
  for (auto [k, result] : llvm::enumerate(op.getResults()))
    bind(result, buffers[k].array ? buffers[k] : unflatten(shapeOf(result.getType()), rest), scope);
}

} // namespace kac
