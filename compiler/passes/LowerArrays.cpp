// Operations on arrays in; values of their own, memory, or elements on demand out.
#include "compiler/passes/LowerBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf;

namespace kac {

// --- the three forms ---

Value Body::extent(int64_t size) { return ShapedType::isDynamic(size) ? frame.particles : integer(size); }

Thing Body::lazy(ArrayRef<int64_t> shape, std::function<Thing(Value)> at) {
  auto array = std::make_shared<Array>();
  array->shape.assign(shape.begin(), shape.end());
  array->mask = mask;
  array->at = std::move(at);
  return Thing(std::move(array));
}

Thing Body::list(std::vector<Thing> parts, ArrayRef<int64_t> shape) {
  auto array = std::make_shared<Array>();
  array->shape.assign(shape.begin(), shape.end());
  array->mask = mask;
  array->parts = std::move(parts);
  array->block = b.getInsertionBlock();
  if (b.getInsertionPoint() != array->block->begin())
    array->after = &*std::prev(b.getInsertionPoint());
  return Thing(std::move(array));
}

Thing Body::view(Value address, ArrayRef<int64_t> shape, Type element) {
  auto array = std::make_shared<Array>();
  array->shape.assign(shape.begin(), shape.end());
  array->base = address;
  array->element = element;
  return Thing(std::move(array));
}

/// As it lies in memory: a bool is a byte.
static Type stored(Type type) {
  Type byte = IntegerType::get(type.getContext(), 8);
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getElementType().isInteger(1) ? vector.clone(byte) : type;
  return type.isInteger(1) ? byte : type;
}

static int64_t bytesOf(Type type) {
  int64_t lanes = 1;
  if (auto vector = dyn_cast<VectorType>(type)) {
    lanes = vector.getNumElements();
    type = vector.getElementType();
  }
  return lanes * std::max<int64_t>(type.getIntOrFloatBitWidth() / 8, 1);
}

Thing Body::buffer(ArrayRef<int64_t> shape, Type element) {
  int64_t count = 1;
  bool dynamic = false;
  for (int64_t size : shape)
    ShapedType::isDynamic(size) ? void(dynamic = true) : void(count *= size);
  Type memory = stored(element);
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  if (!dynamic || !frame.scratch) {
    Value size = LLVM::ConstantOp::create(frame.entry, loc, b.getI64IntegerAttr(std::max<int64_t>(count, 1)));
    return view(LLVM::AllocaOp::create(frame.entry, loc, pointer, memory, size, 64), shape, memory);
  }
  // Room over all lineages: what was taken before, for each of them.
  int64_t before = *frame.scratchBytes;
  *frame.scratchBytes += (count * bytesOf(memory) + 7) / 8 * 8;
  Value address = scratchAt(before);
  frame.scratchOf[address] = before;
  return view(address, shape, memory);
}

/// The place in the scratch behind `bytes` for each lineage.
Value Body::scratchAt(int64_t bytes) {
  OpBuilder &e = frame.entry;
  Value wide = arith::ExtSIOp::create(e, loc, e.getI64Type(), frame.particles);
  Value skip = arith::MulIOp::create(e, loc, wide, arith::ConstantOp::create(e, loc, e.getI64IntegerAttr(bytes)));
  return LLVM::GEPOp::create(e, loc, frame.scratch.getType(), e.getI8Type(), frame.scratch, ValueRange{skip});
}

Thing Body::spill(const Array &list) {
  if (list.spilled.array)
    return list.spilled;
  OpBuilder::InsertionGuard guard(b);
  llvm::SaveAndRestore made(mask, list.mask);
  if (list.after)
    b.setInsertionPointAfter(list.after);
  else
    b.setInsertionPointToStart(list.block);
  Thing parts = Thing(std::make_shared<Array>(list));
  SmallVector<Value> values;
  flatten(parts, values);
  if (values.empty())
    values.push_back(real(0));
  unify(values);
  Thing memory = buffer(list.shape, values.front().getType());
  store(memory, parts, 1);
  list.spilled = memory;
  return memory;
}

Value Body::load(const Array &memory) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Type element = memory.element;
  auto booleanFromByte = [&](Value value) -> Value {
    if (!getElementTypeOrSelf(value.getType()).isInteger(8))
      return value;
    Type type = b.getI1Type();
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      type = vector.clone(type);
    return arith::TruncIOp::create(b, loc, type, value);
  };
  Value offset = memory.offset;
  if (!offset)
    return booleanFromByte(LLVM::LoadOp::create(b, loc, element, memory.base));
  if (!isVector(offset)) {
    Value address = LLVM::GEPOp::create(b, loc, pointer, element, memory.base, ValueRange{offset});
    return booleanFromByte(LLVM::LoadOp::create(b, loc, element, address));
  }
  // Each lane its own element: lane l of element k of an array of lanes, or element k of a common one.
  Type lane = getElementTypeOrSelf(element);
  Type wide = VectorType::get(frame.lanes, b.getI64Type());
  offset = arith::ExtSIOp::create(b, loc, wide, offset);
  if (isa<VectorType>(element)) {
    SmallVector<int64_t> lanes(llvm::to_vector(llvm::seq<int64_t>(0, frame.lanes)));
    Value count = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(cast<ShapedType>(wide), frame.lanes));
    Value own = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(cast<ShapedType>(wide), ArrayRef(lanes)));
    offset = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, offset, count), own);
  }
  Type addresses = VectorType::get(frame.lanes, pointer);
  Value where = LLVM::GEPOp::create(b, loc, addresses, lane, memory.base, ValueRange{offset});
  Value all = vary(arith::ConstantOp::create(b, loc, b.getBoolAttr(true)));
  Value gathered = LLVM::masked_gather::create(b, loc, VectorType::get(frame.lanes, lane), where, all, ValueRange(),
                                               b.getI32IntegerAttr(int32_t(bytesOf(lane))));
  if (lane.isF64() && frame.real.isF32())
    gathered = arith::TruncFOp::create(b, loc, VectorType::get(frame.lanes, frame.real), gathered);
  return booleanFromByte(gathered);
}

void Body::storeLeaf(const Array &memory, Value value) {
  if (isa<VectorType>(memory.element))
    value = vary(value);
  Type want = getElementTypeOrSelf(memory.element), have = getElementTypeOrSelf(value.getType());
  if (have.isInteger(1) && want.isInteger(8))
    value = arith::ExtUIOp::create(b, loc, memory.element, value);
  else if (have.isF64() && want.isF32())
    value = b.createOrFold<arith::TruncFOp>(loc, memory.element, value);
  else if (have.isF32() && want.isF64())
    value = b.createOrFold<arith::ExtFOp>(loc, memory.element, value);
  Value address = memory.base;
  if (memory.offset)
    address = LLVM::GEPOp::create(b, loc, address.getType(), memory.element, address, ValueRange{memory.offset});
  LLVM::StoreOp::create(b, loc, value, address);
}

/// Where the element `index` of `memory` is.
Thing Body::placeAt(const Thing &memory, Value index) {
  const Array &array = *memory.array;
  auto rest = std::make_shared<Array>(array);
  rest->shape.erase(rest->shape.begin());
  rest->spilled = {};
  rest->offset = array.offset ? add(multiply(array.offset, extent(array.shape.front())), index) : index;
  return Thing(rest);
}

Thing Body::at(const Thing &thing, Value index) {
  const Array &array = *thing.array;
  if (array.at) { // the index is one of the array where those who ask are active
    llvm::SaveAndRestore made(mask, both(array.mask, mask));
    return array.at(index);
  }
  if (!array.base) {
    if (auto constant = Cost::constantOf(index))
      if (*constant >= 0 && *constant < int64_t(array.parts.size()))
        return array.parts[*constant];
    return at(spill(array), index);
  }
  Thing place = placeAt(thing, index);
  return place.array->shape.empty() ? Thing(load(*place.array)) : place;
}

void Body::flatten(const Thing &thing, SmallVectorImpl<Value> &values) {
  if (thing.scalar)
    return values.push_back(thing.scalar);
  for (int64_t i = 0; i < thing.array->shape.front(); ++i)
    flatten(at(thing, integer(i)), values);
}

Thing Body::unflatten(ArrayRef<int64_t> shape, ValueRange &values) {
  if (shape.empty()) {
    Thing first = values.front();
    values = values.drop_front();
    return first;
  }
  std::vector<Thing> parts;
  for (int64_t i = 0; i < shape.front(); ++i)
    parts.push_back(unflatten(shape.drop_front(), values));
  return list(std::move(parts), shape);
}

// --- storing ---

void Body::store(const Thing &memory, const Thing &values, int64_t cost) {
  const Array &to = *memory.array;
  if (values.scalar)
    return storeLeaf(to, values.scalar);
  if (!values.array->at && !values.array->base) { // a list: only constants find its parts
    for (auto [index, part] : llvm::enumerate(values.array->parts))
      store(placeAt(memory, integer(int64_t(index))), part, cost);
    return;
  }
  int64_t inner = cost;
  for (int64_t size : ArrayRef(to.shape).drop_front())
    inner *= ShapedType::isDynamic(size) ? 16 : size;
  loop(integer(0), extent(to.shape.front()), {}, inner, [&](Value index, ValueRange) -> SmallVector<Value> {
    store(placeAt(memory, index), at(values, index), cost);
    return {};
  });
}

Thing Body::keep(const Thing &thing, Type kacType, bool varies, bool small, int64_t cost) {
  ArrayRef<int64_t> shape = shapeOf(kacType);
  auto fit = [&](Value value) { return varies ? vary(value) : value; };
  if (shape.empty())
    return fit(thing.scalar);
  if (small) {
    SmallVector<Value> values;
    flatten(thing, values);
    for (Value &value : values)
      value = fit(value);
    ValueRange rest(values);
    return unflatten(shape, rest);
  }
  if (thing.array->base && !thing.array->offset)
    if (isa<VectorType>(thing.array->element) == varies)
      return thing;
  Type element = varies ? laneType(elementOf(kacType)) : elementOf(kacType);
  Thing memory = buffer(shape, element);
  store(memory, thing, cost);
  return memory;
}

Thing Body::keep(const Thing &thing, Value of) {
  return keep(thing, of.getType(), uniformity.varies(of), cost.isSmall(of), cost.ofElement(of));
}

/// What is made now comes after `op`.
bool Body::isBehind(Operation *op) {
  Block *block = b.getInsertionBlock();
  if (block == op->getBlock())
    return b.getInsertionPoint() == block->end() || op->isBeforeInBlock(&*b.getInsertionPoint());
  Operation *around = op->getBlock()->findAncestorOpInBlock(*block->getParentOp());
  return around && op->isBeforeInBlock(around);
}

Thing Body::defer(const Thing &thing, Value of) {
  struct State {
    Thing memory, row;
    Value index;                                  // of the loop that makes the elements, whose turn `row` is
    Operation *stored = nullptr, *turn = nullptr; // behind these, `memory` and `row` are made
  };
  auto state = std::make_shared<State>();
  Block *home = b.getInsertionBlock();
  bool varies = uniformity.varies(of);
  int64_t each = cost.ofElement(of);
  Type element = varies ? laneType(elementOf(of.getType())) : elementOf(of.getType());
  SmallVector<int64_t> shape(shapeOf(of.getType()));
  Value lanes = mask;
  Type rowType = ir::typeOf(elementOf(of.getType()), ArrayRef(shape).drop_front());
  auto loopOver = [this, home, shape](Value index) {
    auto argument = dyn_cast<BlockArgument>(index);
    auto loop = argument ? dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp()) : scf::ForOp();
    bool all = loop && loop->getBlock() == home && b.getInsertionBlock() == loop.getBody() &&
               argument == loop.getInductionVar() && Cost::constantOf(loop.getLowerBound()) == 0 &&
               Cost::constantOf(loop.getUpperBound()) == shape[0];
    return all ? loop : scf::ForOp();
  };
  return lazy(shape, [=, this](Value index) -> Thing {
    if (state->memory.array) {
      if (index == state->index && isBehind(state->turn))
        return state->row;
      // Others that ask may stand before those who asked first.
      return isBehind(state->stored) ? at(state->memory, index) : at(thing, index);
    }
    state->memory = buffer(shape, element);
    llvm::SaveAndRestore made(mask, lanes); // others ask later, in lanes in which the first does not
    if (scf::ForOp loop = loopOver(index)) {
      Thing row = at(thing, index);
      bool small = Cost::countOf(rowType).value_or(17) <= 16;
      Thing place = placeAt(state->memory, index);
      if (small)
        row = keep(row, rowType, varies, true, each);
      store(place, row, each);
      state->row = small ? row : place;
      state->index = index;
      state->turn = &*std::prev(b.getInsertionPoint());
      state->stored = loop;
      return state->row;
    }
    {
      OpBuilder::InsertionGuard guard(b);
      if (b.getInsertionBlock() != home)
        b.setInsertionPoint(home->findAncestorOpInBlock(*b.getInsertionBlock()->getParentOp()));
      store(state->memory, thing, each);
      state->stored = &*std::prev(b.getInsertionPoint());
    }
    return at(state->memory, index);
  });
}

// --- elements on demand ---

Thing Body::elementwiseArray(Operation *op, const SmallVector<Thing> &operands, ArrayRef<int64_t> shape) {
  if (shape.empty()) {
    SmallVector<Value> values;
    for (const Thing &operand : operands)
      values.push_back(operand.scalar);
    return elementwise(op, values);
  }
  SmallVector<int64_t> axes(shape);
  return lazy(shape, [this, op, operands, axes](Value index) {
    SmallVector<Thing> inner;
    for (const Thing &operand : operands)
      inner.push_back(operand.array && operand.array->shape.size() == axes.size() ? at(operand, index) : operand);
    return elementwiseArray(op, inner, ArrayRef(axes).drop_front());
  });
}

Thing Body::repeat(const Thing &x, size_t rank, ArrayRef<int64_t> shape) {
  if (shape.size() == rank)
    return x;
  SmallVector<int64_t> axes(shape);
  return lazy(shape, [=, this](Value) { return repeat(x, rank, ArrayRef(axes).drop_front()); });
}

Thing Body::concat(const Thing &x, const Thing &y, int64_t split, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> axes(shape);
  return lazy(shape, [=, this](Value index) -> Thing {
    if (axes.size() > 1)
      return concat(at(x, index), at(y, index), split, ArrayRef(axes).drop_front());
    if (auto constant = Cost::constantOf(index))
      return *constant < split ? at(x, index) : at(y, integer(*constant - split));
    // Both sides are read, each at an index that it has.
    if (split == 0 || split == axes[0])
      return split == 0 ? at(y, index) : at(x, index);
    Value boundary = isVector(index) ? vary(integer(split)) : integer(split);
    Value first = compare("lt", index, boundary);
    Value left = at(x, select(first, index, integer(0))).scalar;
    Value right = at(y, select(first, integer(0), arith::SubIOp::create(b, loc, index, boundary))).scalar;
    return select(first, left, right);
  });
}

Thing Body::stack(std::vector<Thing> parts, ArrayRef<int64_t> shape) { return list(std::move(parts), shape); }

// --- elements by index ---

Value Body::inRange(Value index, int64_t size) {
  if (auto constant = Cost::constantOf(index); constant && !ShapedType::isDynamic(size))
    if (*constant >= 0 && *constant < size)
      return index;
  Value holds = both(compare("le", integer(0), index), compare("lt", index, extent(size)));
  require(holds);
  return select(holds, index, integer(0));
}

Thing Body::extract(ir::ExtractOp op, const KnownPtr &scope) {
  Thing array = look(op.getArray(), scope);
  for (auto [index, size] : llvm::zip(op.getIndices(), shapeOf(op.getArray().getType()))) {
    Value value = scalar(index, scope);
    array = at(array, op.getInRange() ? value : inRange(value, size));
  }
  return array;
}

/// `array` with `value` at the indices; element by element, so that no index need be constant.
Thing Body::insert(ir::InsertOp op, const KnownPtr &scope) {
  SmallVector<Value> indices;
  for (auto [index, size] : llvm::zip(op.getIndices(), shapeOf(op.getArray().getType()))) {
    Value value = scalar(index, scope);
    indices.push_back(op.getInRange() ? value : inRange(value, size));
  }
  Thing array = look(op.getArray(), scope), value = look(op.getValue(), scope);
  if (indices.empty())
    return value;
  bool varies = uniformity.varies(op.getResult());
  bool laneIndex = llvm::any_of(indices, [&](Value index) { return isVector(index); });
  if (!cost.isSmall(op.getResult()) && !laneIndex) {
    // In place, where nobody looks at the old array later.
    bool last = array.array->base && isa<VectorType>(array.array->element) == varies && mayOverwrite(op);
    Thing memory = array;
    if (!last) {
      memory = buffer(shapeOf(op.getType()), varies ? laneType(elementOf(op.getType())) : elementOf(op.getType()));
      store(memory, array, 1);
    }
    Thing part = memory;
    for (Value index : indices)
      part = placeAt(part, index);
    if (last && mask) { // the other lanes keep what they have
      Thing old = shapeOf(op.getValue().getType()).empty() ? Thing(loadScalar(part)) : part;
      value = selectThing(mask, value, old, shapeOf(op.getValue().getType()));
    }
    store(part, value, 1);
    return memory;
  }
  return keep(replaced(array, value, indices, shapeOf(op.getType()), {}), op.getResult());
}

Thing Body::replaced(const Thing &array, const Thing &value, const SmallVector<Value> &indices, ArrayRef<int64_t> shape,
                     Value condition) {
  if (indices.empty())
    return condition ? selectThing(condition, value, array, shape) : value;
  SmallVector<int64_t> axes(shape);
  return lazy(shape, [=, this](Value index) -> Thing {
    Value here = compare("eq", index, indices.front());
    Thing old = at(array, index);
    if (auto constant = Cost::constantOf(here)) // a bool: 0, or -1 for true
      if (*constant == 0)
        return old;
    Value now = Cost::constantOf(here) ? condition : both(condition, here);
    return replaced(old, value, SmallVector<Value>(ArrayRef(indices).drop_front()), ArrayRef(axes).drop_front(), now);
  });
}

/// The array of `op` is an array that a loop carries, and nothing behind `op` asks for it.
bool Body::mayOverwrite(ir::InsertOp op) {
  Value array = op.getArray();
  auto carried = [](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && isa<ir::LoopOp>(argument.getOwner()->getParentOp());
  };
  if (!carried(array) && !array.getDefiningOp<ir::InsertOp>())
    return false;
  if (array.getParentBlock() != op->getBlock())
    return false;
  return llvm::all_of(array.getUses(), [&](OpOperand &use) {
    if (use.getOwner() == op)
      return use.getOperandNumber() == 1;
    Operation *user = op->getBlock()->findAncestorOpInBlock(*use.getOwner());
    bool scalars = user && llvm::all_of(user->getResultTypes(), [](Type type) { return shapeOf(type).empty(); });
    return scalars && user->isBeforeInBlock(op) && user->getNumResults() > 0;
  });
}

} // namespace kac
