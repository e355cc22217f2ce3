// Reductions, and operations on whole arrays: their names in, loops over the elements out.
#include "compiler/passes/LowerReduction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf;

namespace kac {

// --- one reduction ---

Reduction::Reduction(Body &body, StringRef name, Type type)
    : body(body), name(name), type(type), isMean(name == "kac.mean") {}

/// The constant that a reduction starts from: the first turn of an unrolled loop needs no operation.
bool Reduction::isIdentity(Value total) {
  auto constant = total.getDefiningOp<arith::ConstantOp>(), start = first.getDefiningOp<arith::ConstantOp>();
  return constant && start && constant.getValue() == start.getValue();
}

Value Reduction::identity() {
  bool isReal = isa<FloatType>(getElementTypeOrSelf(type)), isBool = getElementTypeOrSelf(type).isInteger(1);
  double infinity = std::numeric_limits<double>::infinity();
  Value value;
  if (isBool)
    value = arith::ConstantOp::create(body.b, body.loc, body.b.getBoolAttr(name == "kac.all"));
  else if (int extreme = ir::extremeOf(name))
    value = isReal ? body.real(extreme * -infinity) : body.integer(extreme > 0 ? INT32_MIN : INT32_MAX);
  else
    value = isReal ? body.real(name == "kac.product") : body.integer(name == "kac.product");
  return first = isa<VectorType>(type) ? body.vary(value) : value;
}

Value Reduction::combine(Value total, Value value) {
  int extreme = ir::extremeOf(name);
  bool isReal = isa<FloatType>(getElementTypeOrSelf(type)), takesNaN = name == "kac.max" || name == "kac.min";
  if (isIdentity(total) && (!extreme || !isReal || takesNaN))
    return isa<VectorType>(type) ? body.vary(value) : value;
  if (name == "kac.product")
    return body.multiply(total, value);
  if (extreme) {
    Value further = extreme > 0 ? body.compare("lt", total, value) : body.compare("lt", value, total);
    if (isReal && takesNaN) {
      Value pair[] = {further, body.compare("ne", value, value)};
      body.unify(pair);
      further = body.b.createOrFold<arith::OrIOp>(body.loc, pair[0], pair[1]);
    }
    return body.select(further, value, total);
  }
  if (name == "kac.all")
    return body.both(total, value);
  if (name == "kac.any") {
    Value pair[] = {total, value};
    body.unify(pair);
    return body.b.createOrFold<arith::OrIOp>(body.loc, pair[0], pair[1]);
  }
  return body.add(total, value);
}

void Reduction::start(SmallVectorImpl<Value> &carried) {
  carried.push_back(identity());
  startCount(carried);
}

void Reduction::startCount(SmallVectorImpl<Value> &carried) {
  if (isMean) // how many passed the filter
    carried.push_back(isa<VectorType>(type) ? body.vary(body.integer(0)) : body.integer(0));
}

ValueRange Reduction::turn(const Thing &value, Value filter, ValueRange before, SmallVectorImpl<Value> &after,
                           int64_t cost) {
  auto filtered = [&](Value old, Value now) {
    Value sum = combine(old, now);
    return filter ? body.select(filter, sum, old) : sum;
  };
  size_t taken = 0;
  if (value.scalar) {
    after.push_back(filtered(before[taken++], value.scalar));
  } else if (isList) {
    SmallVector<Value> elements;
    body.flatten(value, elements);
    for (Value element : elements)
      after.push_back(filtered(before[taken++], element));
  } else {
    std::function<Thing(const Thing &, const Thing &, ArrayRef<int64_t>)> join = [&](const Thing &x, const Thing &y,
                                                                                     ArrayRef<int64_t> shape) -> Thing {
      if (shape.empty())
        return filtered(x.scalar, y.scalar);
      SmallVector<int64_t> rest(shape.drop_front());
      return body.lazy(shape,
                       [&, x, y, rest](Value index) { return join(body.at(x, index), body.at(y, index), rest); });
    };
    body.store(total, join(total, value, total.array->shape), cost);
  }
  if (isMean) {
    Value count = before[taken++], more = body.add(count, body.integer(1));
    after.push_back(filter ? body.select(filter, more, count) : more);
  }
  return before.drop_front(taken);
}

Thing Reduction::finish(ArrayRef<int64_t> shape, ValueRange &totals) {
  Thing result = total;
  if (shape.empty() || isList)
    result = body.unflatten(shape, totals);
  if (!isMean)
    return result;
  Value count = totals.front();
  totals = totals.drop_front();
  Type reals = body.isVector(count) ? body.laneType(body.b.getF64Type()) : body.b.getF64Type();
  Value number = arith::SIToFPOp::create(body.b, body.loc, reals, count);
  std::function<Thing(const Thing &, ArrayRef<int64_t>)> scaled = [&, number](const Thing &x,
                                                                              ArrayRef<int64_t> axes) -> Thing {
    if (axes.empty()) {
      Value pair[] = {x.scalar, number};
      body.unify(pair);
      return Thing(arith::DivFOp::create(body.b, body.loc, pair[0], pair[1]).getResult());
    }
    SmallVector<int64_t> rest(axes.drop_front());
    return body.lazy(axes, [=, this](Value index) { return scaled(body.at(x, index), rest); });
  };
  if (shape.empty())
    return scaled(result, shape);
  if (!isList) { // divided in place
    Thing memory = result;
    body.store(memory, scaled(result, shape), 5);
    return memory;
  }
  SmallVector<Value> values;
  body.flatten(scaled(result, shape), values);
  ValueRange rest(values);
  return body.unflatten(shape, rest);
}

// --- whole arrays ---

Thing Body::whole(ir::WholeOp op, const KnownPtr &scope) {
  Value operand = op.getOperands().front();
  Thing array = look(operand, scope);
  StringRef name = op.getName();
  int64_t each = cost.ofElement(operand);
  bool varies = uniformity.varies(op.getResult());
  switch (ir::findWhole(name)->shape) {
  case ir::WholeShape::Total: {
    Type element = elementOf(op.getType());
    Reduction reduction(*this, name, varies ? laneType(element) : element);
    SmallVector<Value> carried;
    reduction.start(carried);
    SmallVector<Value> totals = walk(array, carried, each + 1, [&](Value value, ValueRange before) {
      SmallVector<Value> after;
      reduction.turn(value, Value(), before, after, each);
      return after;
    });
    ValueRange rest(totals);
    return reduction.finish({}, rest);
  }
  case ir::WholeShape::Pick: {
    Type element = elementOf(operand.getType());
    Reduction best(*this, "kac.largest", varies ? laneType(element) : element);
    Value zero = varies ? vary(integer(0)) : integer(0);
    Value first = at(array, integer(0)).scalar;
    SmallVector<Value> found = loop(integer(1), extent(array.array->shape[0]), {varies ? vary(first) : first, zero},
                                    each + 2, [&](Value index, ValueRange before) -> SmallVector<Value> {
                                      Value value = at(array, index).scalar;
                                      Value larger = compare("lt", before[0], value);
                                      return {select(larger, value, before[0]), select(larger, index, before[1])};
                                    });
    return found[1];
  }
  case ir::WholeShape::Scan:
    return name == "kac.sort" ? sort(array, op.getResult()) : scan(array, op.getResult(), each);
  case ir::WholeShape::Search:
    break;
  }
  if (!array.array->base && !cost.isSmall(operand))
    array = keep(array, operand.getType(), uniformity.varies(operand), false, each);
  return searchAll(array, look(op.getOperands().back(), scope), shapeOf(op.getType()), varies);
}

Thing Body::searchAll(const Thing &array, const Thing &u, ArrayRef<int64_t> shape, bool varies) {
  if (shape.empty())
    return array.array->base ? bisect(array, u.scalar, varies) : count(array, u.scalar, varies);
  SmallVector<int64_t> rest(shape.drop_front());
  return lazy(shape, [=, this](Value index) { return this->searchAll(array, at(u, index), rest, varies); });
}

/// How many elements but the last are not above u.
Value Body::count(const Thing &array, Value u, bool varies) {
  auto fit = [&](Value value) { return varies ? vary(value) : value; };
  return loop(integer(0), integer(array.array->shape[0] - 1), fit(integer(0)), 3,
              [&](Value index, ValueRange before) -> SmallVector<Value> {
                Value above = compare("lt", u, at(array, index).scalar);
                return {fit(select(above, before[0], add(before[0], integer(1))))};
              })[0];
}

/// How many elements but the last are not above u, of elements that do not decrease.
Value Body::bisect(const Thing &array, Value u, bool varies) {
  Value last = arith::SubIOp::create(b, loc, extent(array.array->shape[0]), integer(1)), place;
  std::pair<Value, Value> range(integer(0), last);
  if (varies && ShapedType::isDynamic(array.array->shape[0]) && !isa<VectorType>(array.array->element)) {
    u = vary(u);
    Value one = arith::ConstantOp::create(frame.entry, loc, frame.entry.getI32IntegerAttr(1));
    place =
        LLVM::AllocaOp::create(frame.entry, loc, LLVM::LLVMPointerType::get(b.getContext()), b.getI32Type(), one, 4);
    LLVM::StoreOp::create(frame.entry, loc, one, place);
    range = near(array, u, last, LLVM::LoadOp::create(b, loc, b.getI32Type(), place));
  }
  auto [low, left] = range;
  Value found = whileLoop(
      {varies ? vary(low) : low, left}, [&](ValueRange now) { return compare("lt", integer(0), now[1]); },
      [&](ValueRange now) -> SmallVector<Value> {
        Value rest = arith::ShRSIOp::create(b, loc, now[1], integer(1));
        Value next = add(now[0], arith::SubIOp::create(b, loc, now[1], rest));
        Value above = compare("lt", u, at(array, add(next, integer(-1))).scalar);
        return {select(above, now[0], next), rest};
      })[0];
  if (place) {
    Value end = vector::ExtractOp::create(b, loc, found, frame.lanes - 1);
    LLVM::StoreOp::create(b, loc, end, place);
  }
  return found;
}

/// Of many elements those between which all lanes seek, the first and how many more: behind where the last search
/// ended, if they all seek there, as they do where what is sought rises with the lineage.
std::pair<Value, Value> Body::near(const Thing &array, Value u, Value last, Value ended) {
  Value before = arith::MaxSIOp::create(b, loc, add(ended, integer(-1)), integer(0));
  Value behind = any(compare("lt", u, at(array, before).scalar));
  Value low = select(behind, integer(0), ended), all = arith::SubIOp::create(b, loc, last, low);
  Value few = arith::MinSIOp::create(b, loc, all, integer(frame.lanes));
  Value left = whileLoop(
      {select(behind, all, few)},
      [&](ValueRange now) {
        Value open = any(negate(compare("lt", u, at(array, add(low, now[0])).scalar)));
        return both(compare("lt", now[0], all), open);
      },
      [&](ValueRange now) -> SmallVector<Value> {
        Value more = arith::SubIOp::create(b, loc, all, now[0]);
        return {add(now[0], arith::MinSIOp::create(b, loc, more, now[0]))};
      })[0];
  return {low, left};
}

/// While `goes` holds, of the values that are carried, `turn` makes the next ones.
SmallVector<Value> Body::whileLoop(ArrayRef<Value> inits, llvm::function_ref<Value(ValueRange)> goes,
                                   llvm::function_ref<SmallVector<Value>(ValueRange)> turn) {
  auto whileOp = scf::WhileOp::create(
      b, loc, ValueRange(inits).getTypes(), inits, [&](OpBuilder &, Location, ValueRange) {},
      [&](OpBuilder &, Location, ValueRange) {});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(whileOp.getBeforeBody());
  scf::ConditionOp::create(b, loc, goes(whileOp.getBeforeArguments()), whileOp.getBeforeArguments());
  b.setInsertionPointToStart(whileOp.getAfterBody());
  scf::YieldOp::create(b, loc, turn(whileOp.getAfterArguments()));
  return SmallVector<Value>(whileOp.getResults());
}

Thing Body::scan(const Thing &array, Value of, int64_t cost) {
  bool varies = uniformity.varies(of);
  Type element = varies ? laneType(elementOf(of.getType())) : elementOf(of.getType());
  Value zero = Reduction(*this, "kac.sum", element).identity();
  if (this->cost.isSmall(of)) {
    std::vector<Thing> parts;
    for (int64_t i = 0; i < array.array->shape[0]; ++i) {
      Value value = at(array, integer(i)).scalar;
      parts.push_back(varies ? vary(i ? add(parts.back().scalar, value) : value)
                             : (i ? add(parts.back().scalar, value) : value));
    }
    return list(std::move(parts), array.array->shape);
  }
  Thing memory = buffer(array.array->shape, element);
  loop(integer(0), extent(array.array->shape[0]), zero, cost + 2,
       [&](Value index, ValueRange before) -> SmallVector<Value> {
         Value sum = add(before[0], at(array, index).scalar);
         auto place = std::make_shared<Array>(*memory.array);
         place->shape.clear();
         place->offset = index;
         storeLeaf(*place, sum);
         return {sum};
       });
  return memory;
}

/// Exchanges of neighbours, in rounds of odd and even places: no branch depends on a lineage.
Thing Body::sort(const Thing &array, Value of) {
  bool varies = uniformity.varies(of);
  Type element = varies ? laneType(elementOf(of.getType())) : elementOf(of.getType());
  Thing memory = buffer(array.array->shape, element);
  store(memory, array, cost.ofElement(of));
  Value size = extent(array.array->shape[0]);
  auto put = [&](Value index, Value value) { store(placeAt(memory, index), value, 1); };
  loop(integer(0), size, {}, 1 << 20, [&](Value round, ValueRange) -> SmallVector<Value> {
    Value first = arith::AndIOp::create(b, loc, round, integer(1));
    Value pairs = arith::ShRSIOp::create(b, loc, arith::SubIOp::create(b, loc, size, first), integer(1));
    loop(integer(0), pairs, {}, 1 << 20, [&](Value pair, ValueRange) -> SmallVector<Value> {
      Value left = add(first, arith::ShLIOp::create(b, loc, pair, integer(1)));
      Value right = add(left, integer(1));
      Value x = at(memory, left).scalar, y = at(memory, right).scalar;
      // What is not a number comes last.
      Value moves = arith::AndIOp::create(b, loc, compare("ne", x, x), compare("eq", y, y));
      Value swapped = arith::OrIOp::create(b, loc, compare("lt", y, x), moves);
      put(left, select(swapped, y, x));
      put(right, select(swapped, x, y));
      return {};
    });
    return {};
  });
  return memory;
}

} // namespace kac
