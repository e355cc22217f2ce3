// init, step, monitor and output: functions of one lineage in, kernels over tiles of lineages out.
#include "compiler/passes/FuseReductions.h"
#include "compiler/passes/HoistUniform.h"
#include "compiler/passes/LowerKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf;

namespace kac {

// Fields of struct kac_run.
enum Field : unsigned {
  Seed,
  Particles,
  Steps,
  Inputs,
  Grid,
  StateIn,
  StateOut,
  Ancestors,
  LogWeight,
  Dead,
  UniformRoom
};

/// How many values of the state, and how many known ones (t, dt, n), come first; then the lineage in init and step,
/// then what is uniform.
std::pair<unsigned, unsigned> KernelMaker::argumentRanges(Phase phase) const {
  switch (phase) {
  case Phase::Init:
    return {0, 0};
  case Phase::Step:
    return {unsigned(state.size()), 3};
  case Phase::Output:
    return {unsigned(state.size()), 0};
  case Phase::Monitor:
    return {unsigned(state.size()), 2};
  }
  llvm_unreachable("all phases are listed");
}

SmallVector<bool> KernelMaker::varyingArguments(Phase phase, func::FuncOp function) const {
  auto [states, knowns] = argumentRanges(phase);
  bool counted = phase == Phase::Init || phase == Phase::Step;
  SmallVector<bool> varying(function.getNumArguments(), false);
  for (unsigned k = 0; k < varying.size(); ++k)
    varying[k] = k < states || (counted && k == states + knowns);
  return varying;
}

Uniformity KernelMaker::uniformity(Phase phase, func::FuncOp function) {
  return Uniformity(function, varyingArguments(phase, function), true);
}

/// t, dt and n, as the phase is given them.
SmallVector<Thing> KernelMaker::known(Phase phase, Kernel &kernel, Body &body, Value n) {
  (void)body;
  if (phase == Phase::Init || phase == Phase::Output)
    return {};
  Value grid = field(kernel, Grid, pointer);
  auto point = [&](int64_t later) -> Value {
    Value place = LLVM::GEPOp::create(b, loc, pointer, b.getF64Type(), byteOffset(grid, 8 * later), ValueRange{n});
    return LLVM::LoadOp::create(b, loc, b.getF64Type(), place);
  };
  Value number = arith::TruncIOp::create(b, loc, b.getI32Type(), n), next = point(1);
  if (phase == Phase::Monitor)
    return {Thing(next), Thing(number)};
  Value t = point(0);
  return {Thing(t), Thing(arith::SubFOp::create(b, loc, next, t).getResult()), Thing(number)};
}

// --- what is the same for all lineages ---

/// Whether a uniform real is computed from `value` in a kernel over lineages.
static bool feedsUniform(Value value, const Uniformity &uniformity) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    return llvm::any_of(user->getResults(), [&](Value result) {
      if (uniformity.varies(result) || !isa<FloatType>(elementOf(result.getType())))
        return false;
      return !isa<ir::ExtractOp, ir::StackOp, ir::RepeatOp>(user) || feedsUniform(result, uniformity);
    });
  });
}

/// Room for the uniform arguments of `function`, behind what is taken.
void KernelMaker::layOut(func::FuncOp function, const Uniformity &all) {
  func::FuncOp uniform = uniformOf(function);
  if (!uniform)
    return;
  unsigned first = function.getNumArguments() - uniform.getNumResults();
  for (BlockArgument argument : function.getArguments().drop_front(first)) {
    Type element = elementOf(argument.getType());
    if (isa<FloatType>(element))
      element = feedsUniform(argument, all) ? Type(b.getF64Type()) : real;
    if (element.isInteger(1))
      element = b.getI8Type();
    std::optional<int64_t> count = Cost::countOf(argument.getType());
    if (!count) // an array over all lineages lies in the scratch
      continue;
    int64_t bytes = std::max<int64_t>(element.getIntOrFloatBitWidth() / 8, 1) * *count;
    int64_t align = shapeOf(argument.getType()).empty() ? 8 : 64;
    uniformBytes = (uniformBytes + align - 1) / align * align;
    slots[argument] = {uniformBytes, element};
    uniformBytes += bytes;
  }
}

FlatSymbolRefAttr KernelMaker::prepare(Phase phase, StringRef name, ArrayRef<func::FuncOp> functions) {
  if (llvm::none_of(functions, [&](func::FuncOp function) { return bool(uniformOf(function)); }))
    return {};
  Kernel kernel = begin(name, "prepare", {b.getI64Type()});
  Value room = field(kernel, UniformRoom, pointer);
  Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  LLVM::StoreOp::create(b, loc, zero, room);
  kernel.frame.fault = room;
  for (func::FuncOp function : functions) {
    func::FuncOp uniform = uniformOf(function);
    if (!uniform)
      continue;
    Uniformity none(uniform, SmallVector<bool>(uniform.getNumArguments(), false), false);
    Body body(b, kernel.frame, none);
    SmallVector<Thing> given = known(phase, kernel, body, kernel.function.getArgument(1));
    given.resize(uniform.getNumArguments());
    share(kernel, body, function, given);
  }
  end(kernel);
  return FlatSymbolRefAttr::get(kernel.function);
}

/// Computes what lineages have in common, and leaves it where layOut has made room or, if it is an array over all of
/// them, where it was made.
void KernelMaker::share(Kernel &kernel, Body &body, func::FuncOp function, ArrayRef<Thing> given) {
  func::FuncOp uniform = uniformOf(function);
  auto results = body.lower(uniform, given);
  Value room = field(kernel, UniformRoom, pointer);
  unsigned first = function.getNumArguments() - uniform.getNumResults();
  for (auto [k, result] : llvm::enumerate(results)) {
    Slot &slot = slots[function.getArgument(first + k)];
    Type type = uniform.getResultTypes()[k];
    if (Cost::countOf(type)) {
      body.store(body.view(byteOffset(room, slot.offset), shapeOf(type), slot.element), result, 8);
      continue;
    }
    Thing memory = result;
    if (!result.array->base || result.array->offset || !kernel.frame.scratchOf.contains(result.array->base)) {
      memory = body.buffer(shapeOf(type), elementOf(type));
      body.store(memory, result, 8);
    }
    slot = {kernel.frame.scratchOf[memory.array->base], memory.array->element};
  }
}

// --- the state ---

/// The lineages of `tile`, and marks that are clear.
void KernelMaker::openTile(Kernel &kernel, Value tile) {
  auto vector = VectorType::get(lanes, b.getI32Type());
  SmallVector<int32_t> count(llvm::to_vector(llvm::seq<int32_t>(0, int32_t(lanes))));
  Value own = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, ArrayRef(count)));
  Value first = arith::TruncIOp::create(b, loc, b.getI32Type(), arith::MulIOp::create(b, loc, tile, i64(lanes)));
  Value all = vector::BroadcastOp::create(b, loc, vector, first);
  kernel.frame.lineage = arith::AddIOp::create(b, loc, all, own);
}

static Type laneTypeIn(const KernelFrame &frame, Type element) {
  Type lane = isa<FloatType>(element) ? frame.real : element;
  if (element.isInteger(1))
    lane = IntegerType::get(element.getContext(), 8);
  return VectorType::get(frame.lanes, lane);
}

SmallVector<Thing> KernelMaker::loadState(Kernel &kernel, Body &body, Value tile, bool gathered) {
  Value from = field(kernel, StateIn, pointer);
  Value own = byteOffset(from, arith::MulIOp::create(b, loc, tile, i64(tileBytes)));
  SmallVector<Thing> memory;
  SmallVector<int64_t> extents;
  for (const Component &component : state)
    memory.push_back(body.view(byteOffset(own, component.offset), shapeOf(component.type),
                               laneTypeIn(kernel.frame, elementOf(component.type))));
  auto asValues = [&](ArrayRef<Thing> things) {
    SmallVector<Value> values;
    for (auto [component, thing] : llvm::zip(state, things))
      if (Cost::countOf(component.type).value_or(17) <= 16) {
        if (!thing.array->shape.empty())
          body.flatten(thing, values);
        else
          values.push_back(body.loadScalar(thing));
      }
    return values;
  };
  SmallVector<Thing> result = memory;
  SmallVector<Value> values;
  if (!gathered) {
    values = asValues(memory);
  } else {
    // Large arrays have room of their own: what they come from is either side by side or far apart.
    for (auto [component, thing] : llvm::zip(state, result))
      if (Cost::countOf(component.type).value_or(17) > 16)
        thing = body.buffer(shapeOf(component.type), laneTypeIn(kernel.frame, elementOf(component.type)));
    Value ancestors = field(kernel, Ancestors, pointer);
    Value none = LLVM::ZeroOp::create(b, loc, pointer);
    Value moved = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, ancestors, none);
    SmallVector<Type> types;
    for (const Component &component : state)
      if (auto count = Cost::countOf(component.type); count && *count <= 16)
        types.append(*count, laneTypeIn(kernel.frame, elementOf(component.type)));
    for (Type &type : types)
      if (cast<VectorType>(type).getElementType().isInteger(8))
        type = VectorType::get(lanes, b.getI1Type());
    auto branch = scf::IfOp::create(b, loc, types, moved, true, true);
    for (bool far : {true, false}) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(far ? branch.thenBlock() : branch.elseBlock());
      SmallVector<Thing> sources = memory;
      if (far) {
        auto wide = VectorType::get(lanes, b.getI64Type());
        auto splat = [&](int64_t value) -> Value {
          return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(wide, value));
        };
        Value place = byteOffset(ancestors, arith::MulIOp::create(b, loc, tile, i64(4 * lanes)));
        Value who = LLVM::LoadOp::create(b, loc, VectorType::get(lanes, b.getI32Type()), place, 4);
        who = arith::ExtSIOp::create(b, loc, wide, who);
        Value theirTile = arith::ShRUIOp::create(b, loc, who, splat(llvm::Log2_64(lanes)));
        Value theirLane = arith::AndIOp::create(b, loc, who, splat(lanes - 1));
        Value tileStart = arith::MulIOp::create(b, loc, theirTile, splat(tileBytes));
        for (auto [component, source] : llvm::zip(state, sources)) {
          Type element = laneTypeIn(kernel.frame, elementOf(component.type));
          Type lane = cast<VectorType>(element).getElementType();
          int64_t bytes = lane.getIntOrFloatBitWidth() / 8;
          Value start = byteOffset(from, component.offset);
          Value base = arith::AddIOp::create(b, loc, tileStart, arith::MulIOp::create(b, loc, theirLane, splat(bytes)));
          int64_t stride = bytes * lanes;
          source = gatheredArray(body, start, base, stride, lane, shapeOf(component.type), Value());
        }
      }
      SmallVector<Value> yielded;
      for (auto [component, source, target] : llvm::zip(state, sources, result)) {
        if (Cost::countOf(component.type).value_or(17) > 16)
          body.store(target, source, 4);
        else if (source.scalar)
          yielded.push_back(source.scalar);
        else if (source.array->shape.empty())
          yielded.push_back(body.loadScalar(source));
        else
          body.flatten(source, yielded);
      }
      scf::YieldOp::create(b, loc, yielded);
    }
    values.assign(branch.getResults().begin(), branch.getResults().end());
  }
  ValueRange rest(values);
  for (auto [component, thing] : llvm::zip(state, result))
    if (Cost::countOf(component.type).value_or(17) <= 16)
      thing = body.unflatten(shapeOf(component.type), rest);
  return result;
}

/// The array of `shape` whose elements lie `stride` bytes apart, each lane at an offset of its own.
Thing KernelMaker::gatheredArray(Body &body, Value start, Value lanesAt, int64_t stride, Type lane,
                                 ArrayRef<int64_t> shape, Value flat) {
  if (shape.empty()) {
    Value place = start;
    if (flat)
      place = byteOffset(
          start, arith::MulIOp::create(b, loc, arith::ExtSIOp::create(b, loc, b.getI64Type(), flat), i64(stride)));
    Type addresses = VectorType::get(lanes, pointer);
    Value where = LLVM::GEPOp::create(b, loc, addresses, b.getI8Type(), place, ValueRange{lanesAt});
    Value all = body.vary(arith::ConstantOp::create(b, loc, b.getBoolAttr(true)));
    Value value = LLVM::masked_gather::create(b, loc, VectorType::get(lanes, lane), where, all, ValueRange(),
                                              b.getI32IntegerAttr(lane.getIntOrFloatBitWidth() / 8));
    if (lane.isInteger(8))
      value = arith::TruncIOp::create(b, loc, VectorType::get(lanes, b.getI1Type()), value);
    return Thing(value);
  }
  SmallVector<int64_t> rest(shape.drop_front());
  int64_t size = shape.front();
  return body.lazy(shape, [=, this, &body](Value index) {
    Value further = flat ? body.add(body.multiply(flat, body.integer(size)), index) : index;
    return gatheredArray(body, start, lanesAt, stride, lane, rest, further);
  });
}

/// Stores the state; the lanes in which all of it is finite.
Value KernelMaker::storeState(Kernel &kernel, Body &body, Value tile, ArrayRef<Thing> values) {
  Value to = field(kernel, StateOut, pointer);
  to = byteOffset(to, arith::MulIOp::create(b, loc, tile, i64(tileBytes)));
  Value finite = body.vary(arith::ConstantOp::create(b, loc, b.getBoolAttr(true)));
  Value infinity = body.real(std::numeric_limits<double>::infinity());
  // What large arrays are made from may lie where they are stored: all are made first.
  SmallVector<Thing> made;
  for (auto [component, value] : llvm::zip(state, values))
    made.push_back(value.scalar ? Thing(body.vary(value.scalar))
                                : body.keep(value, component.type, true, *Cost::countOf(component.type) <= 16, 4));
  for (auto [component, value] : llvm::zip(state, made)) {
    Type element = laneTypeIn(kernel.frame, elementOf(component.type));
    Thing memory = body.view(byteOffset(to, component.offset), shapeOf(component.type), element);
    body.store(memory, value, 4);
    if (!isa<FloatType>(elementOf(component.type)))
      continue;
    finite = body.walk(value, finite, 3, [&](Value number, ValueRange before) -> SmallVector<Value> {
      Value size = math::AbsFOp::create(b, loc, body.vary(number));
      return {body.both(before[0], body.compare("lt", size, infinity))};
    })[0];
  }
  return finite;
}

/// Marks what is broken, and brings the log weights up to date.
void KernelMaker::settle(Phase phase, Kernel &kernel, Value tile, Value finite, bool weighed) {
  auto wide = VectorType::get(lanes, b.getF64Type());
  auto bytes = VectorType::get(lanes, b.getI8Type());
  auto splat = [&](double value) -> Value {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(wide, value));
  };
  Value weightAt = byteOffset(field(kernel, LogWeight, pointer), arith::MulIOp::create(b, loc, tile, i64(8 * lanes)));
  Value deadAt = byteOffset(field(kernel, Dead, pointer), arith::MulIOp::create(b, loc, tile, i64(lanes)));
  Value weight = splat(0);
  if (phase == Phase::Step)
    weight = LLVM::LoadOp::create(b, loc, wide, weightAt, 8);
  if (weighed)
    weight = arith::AddFOp::create(b, loc, weight, LLVM::LoadOp::create(b, loc, wide, kernel.frame.weight));
  Value dead = LLVM::LoadOp::create(b, loc, bytes, kernel.frame.dead);
  if (phase == Phase::Step)
    dead = arith::OrIOp::create(b, loc, dead, LLVM::LoadOp::create(b, loc, bytes, deadAt, 1));
  Value below =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, weight, splat(std::numeric_limits<double>::infinity()));
  Value fine = arith::AndIOp::create(b, loc, finite, below);
  auto everyone = DenseElementsAttr::get(VectorType::get(lanes, b.getI1Type()), true);
  Value broken = arith::XOrIOp::create(b, loc, fine, arith::ConstantOp::create(b, loc, everyone));
  dead = arith::OrIOp::create(b, loc, dead, arith::ExtUIOp::create(b, loc, bytes, broken));
  LLVM::StoreOp::create(b, loc, dead, deadAt, 1);
  Value zero = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(bytes, b.getI8IntegerAttr(0).getValue()));
  Value gone = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, dead, zero);
  weight = arith::SelectOp::create(b, loc, gone, splat(-std::numeric_limits<double>::infinity()), weight);
  LLVM::StoreOp::create(b, loc, weight, weightAt, 8);
}

// --- phases ---

SmallVector<Thing> KernelMaker::arguments(Phase phase, func::FuncOp function, ArrayRef<Thing> lineageState,
                                          ArrayRef<Thing> knowns, const Thing &lineage, Body &body, Kernel &kernel) {
  SmallVector<Thing> things(lineageState);
  llvm::append_range(things, knowns);
  if (phase == Phase::Init || phase == Phase::Step)
    things.push_back(lineage);
  addShared(things, function, body, kernel);
  return things;
}

/// Puts what `share` has left behind the other arguments of `function`.
void KernelMaker::addShared(SmallVector<Thing> &things, func::FuncOp function, Body &body, Kernel &kernel) {
  Value room;
  while (things.size() < function.getNumArguments()) {
    BlockArgument argument = function.getArgument(things.size());
    Slot slot = slots[argument];
    OpBuilder::InsertionGuard guard(b);
    b.restoreInsertionPoint(kernel.frame.entry.saveInsertionPoint());
    if (!room)
      room = field(kernel, UniformRoom, pointer);
    Value place = byteOffset(room, slot.offset);
    if (!Cost::countOf(argument.getType()))
      place = body.scratchAt(slot.offset);
    Thing memory = body.view(place, shapeOf(argument.getType()), slot.element);
    things.push_back(memory.array->shape.empty() ? Thing(body.loadScalar(memory)) : memory);
  }
}

FlatSymbolRefAttr KernelMaker::tiles(Phase phase, StringRef name, func::FuncOp function) {
  Type index = b.getI64Type();
  Kernel kernel = begin(name, "tiles", {index, index, index});
  Value n = kernel.function.getArgument(1);
  Uniformity varying = uniformity(phase, function);
  Body body(b, kernel.frame, varying);
  b.restoreInsertionPoint(kernel.frame.entry.saveInsertionPoint());
  if (phase == Phase::Step)
    kernel.frame.step =
        arith::AddIOp::create(b, loc, arith::TruncIOp::create(b, loc, b.getI32Type(), n), body.integer(1));
  Value one = i64(1);
  kernel.frame.weight = LLVM::AllocaOp::create(b, loc, pointer, VectorType::get(lanes, b.getF64Type()), one, 64);
  kernel.frame.dead = LLVM::AllocaOp::create(b, loc, pointer, VectorType::get(lanes, b.getI8Type()), one, 64);
  SmallVector<Thing> knowns = known(phase, kernel, body, n);
  Value fault;
  if (uniformOf(function))
    fault = LLVM::LoadOp::create(b, loc, b.getI32Type(), field(kernel, UniformRoom, pointer));
  b.setInsertionPointToEnd(&kernel.function.getBody().front());
  auto tileLoop = scf::ForOp::create(b, loc, kernel.function.getArgument(2), kernel.function.getArgument(3), i64(1));
  b.setInsertionPointToStart(tileLoop.getBody());
  Value tile = tileLoop.getInductionVar();
  openTile(kernel, tile);
  auto wide = VectorType::get(lanes, b.getF64Type());
  LLVM::StoreOp::create(b, loc, arith::ConstantOp::create(b, loc, DenseElementsAttr::get(wide, 0.0)),
                        kernel.frame.weight);
  allAlive(kernel, body, fault);
  SmallVector<Thing> before;
  if (phase == Phase::Step)
    before = loadState(kernel, body, tile, true);
  auto given = arguments(phase, function, before, knowns, Thing(kernel.frame.lineage), body, kernel);
  SmallVector<Thing> after = body.lower(function, given);
  Value finite = storeState(kernel, body, tile, after);
  bool weighed = function.walk([](ir::WeighOp) { return WalkResult::interrupt(); }).wasInterrupted();
  settle(phase, kernel, tile, finite, weighed);
  end(kernel);
  return FlatSymbolRefAttr::get(kernel.function);
}

/// No lane is dead yet; or all are, where something that is the same for all was at fault.
void KernelMaker::allAlive(Kernel &kernel, Body &body, Value fault) {
  auto bytes = VectorType::get(lanes, b.getI8Type());
  Value alive = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(bytes, b.getI8IntegerAttr(0).getValue()));
  LLVM::StoreOp::create(b, loc, alive, kernel.frame.dead);
  if (fault)
    body.require(body.compare("eq", fault, body.integer(0)));
}

/// Puts the lanes of `value` where the array [particles, shape...] at `out` has them.
void KernelMaker::storeValue(Kernel &kernel, Body &body, const Thing &value, Type type, Value out, bool mayFail) {
  Type element = elementOf(type);
  Type lane = isa<FloatType>(element) ? real : element.isInteger(1) ? Type(b.getI8Type()) : element;
  int64_t size = Cost::countOf(type).value_or(1);
  auto wide = VectorType::get(lanes, b.getI64Type());
  Value lineage = kernel.frame.lineage;
  Value inside = body.compare("lt", lineage, kernel.frame.particles);
  Value first = arith::MulIOp::create(b, loc, arith::ExtSIOp::create(b, loc, wide, lineage),
                                      arith::ConstantOp::create(b, loc, DenseElementsAttr::get(wide, size)));
  // What could not be computed is no number; an int cannot say so.
  Value dead;
  if (mayFail) {
    auto bytes = VectorType::get(lanes, b.getI8Type());
    Value marks = LLVM::LoadOp::create(b, loc, bytes, kernel.frame.dead);
    Value zero = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(bytes, b.getI8IntegerAttr(0).getValue()));
    dead = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, marks, zero);
  }
  auto counter = body.integer(0);
  body.walk(value, counter, 4, [&](Value number, ValueRange before) -> SmallVector<Value> {
    number = body.vary(number);
    if (dead && isa<FloatType>(element)) {
      auto type = cast<VectorType>(number.getType());
      auto none = DenseElementsAttr::get(type, b.getFloatAttr(type.getElementType(), NAN));
      number = arith::SelectOp::create(b, loc, dead, arith::ConstantOp::create(b, loc, none), number);
    }
    if (element.isInteger(1))
      number = arith::ExtUIOp::create(b, loc, VectorType::get(lanes, lane), number);
    Value flat = arith::ExtSIOp::create(b, loc, b.getI64Type(), before[0]);
    Value place = LLVM::GEPOp::create(b, loc, pointer, lane, out, ValueRange{flat});
    Value where = LLVM::GEPOp::create(b, loc, VectorType::get(lanes, pointer), lane, place, ValueRange{first});
    LLVM::masked_scatter::create(b, loc, number, where, inside, b.getI32IntegerAttr(lane.getIntOrFloatBitWidth() / 8));
    return {body.add(before[0], body.integer(1))};
  });
}

FlatSymbolRefAttr KernelMaker::values(Phase phase, StringRef name, ArrayRef<func::FuncOp> functions) {
  Type index = b.getI64Type();
  Kernel kernel = begin(name, "values", {index, index, index, pointer});
  Value n = kernel.function.getArgument(1), outs = kernel.function.getArgument(4), one = i64(1);
  kernel.frame.dead = LLVM::AllocaOp::create(b, loc, pointer, VectorType::get(lanes, b.getI8Type()), one, 64);
  b.setInsertionPointToEnd(&kernel.function.getBody().front());
  auto tileLoop = scf::ForOp::create(b, loc, kernel.function.getArgument(2), kernel.function.getArgument(3), i64(1));
  int64_t component = 0;
  b.setInsertionPointToStart(tileLoop.getBody());
  Value tile = tileLoop.getInductionVar();
  openTile(kernel, tile);
  for (func::FuncOp function : functions) {
    Uniformity varying = uniformity(phase, function);
    Body body(b, kernel.frame, varying);
    SmallVector<Thing> before = loadState(kernel, body, tile, false);
    SmallVector<Thing> knowns;
    Value fault;
    {
      OpBuilder::InsertionGuard guard(b);
      b.restoreInsertionPoint(kernel.frame.entry.saveInsertionPoint());
      knowns = known(phase, kernel, body, n);
      if (uniformOf(function))
        fault = LLVM::LoadOp::create(b, loc, b.getI32Type(), field(kernel, UniformRoom, pointer));
    }
    allAlive(kernel, body, fault);
    const unsigned untouched = std::distance(kernel.frame.dead.use_begin(), kernel.frame.dead.use_end());
    auto given = arguments(phase, function, before, knowns, Thing(), body, kernel);
    SmallVector<Thing> results = body.lower(function, given);
    for (auto [result, type] : llvm::zip(results, function.getResultTypes())) {
      Value out = LLVM::LoadOp::create(b, loc, pointer, byteOffset(outs, 8 * component++));
      storeValue(kernel, body, result, type, out, fault || kernel.frame.dead.hasNUsesOrMore(untouched + 1));
    }
  }
  end(kernel);
  return FlatSymbolRefAttr::get(kernel.function);
}

DictionaryAttr KernelMaker::phase(Phase phase, StringRef name, ArrayRef<func::FuncOp> functions) {
  int64_t before = uniformBytes;
  uniformBytes = 64; // the count of faults comes first
  slots.clear();
  for (func::FuncOp function : functions) {
    if (!uniformOf(function))
      hoistUniform(function, varyingArguments(phase, function));
    fuseReductions(function);
    layOut(function, uniformity(phase, function));
  }
  SmallVector<NamedAttribute> made;
  if (auto symbol = prepare(phase, name, functions))
    made.push_back(b.getNamedAttr("prepare", symbol));
  if (phase == Phase::Init || phase == Phase::Step)
    made.push_back(b.getNamedAttr("tiles", tiles(phase, name, functions.front())));
  else
    made.push_back(b.getNamedAttr("values", values(phase, name, functions)));
  uniformBytes = std::max(uniformBytes, before);
  return b.getDictionaryAttr(made);
}

} // namespace kac
