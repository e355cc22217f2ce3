// Operations in; rough counts of instructions and uses out.
#include "compiler/passes/LowerCost.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using kac::ir::shapeOf;

namespace kac {

static constexpr int64_t smallCount = 16; // elements that may be values of their own
static constexpr int64_t smallCost = 800; // instructions that these may take together
static constexpr int64_t cheap = 4;       // instructions that are repeated sooner than stored
static constexpr int64_t unknownTrips = 16;

std::optional<int64_t> Cost::constantOf(Value value) {
  APInt number;
  if (matchPattern(value, m_ConstantInt(&number)))
    return number.getSExtValue();
  return std::nullopt;
}

std::optional<int64_t> Cost::countOf(Type type) {
  ArrayRef<int64_t> shape = shapeOf(type);
  return ShapedType::isDynamicShape(shape) ? std::nullopt : std::optional(ShapedType::getNumElements(shape));
}

bool Cost::hasEffects(Operation *op) {
  return op
      ->walk([](Operation *inner) {
        return isa<ir::WeighOp, ir::RequireOp>(inner) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

int64_t Cost::ofBlock(Block &block) {
  int64_t sum = 0;
  for (Operation &op : block) {
    bool scalar = llvm::all_of(op.getResultTypes(), [](Type type) { return shapeOf(type).empty(); });
    if (scalar)
      sum += ofOperation(&op);
    else
      for (Value result : op.getResults())
        if (isSmall(result) || isStored(result))
          sum += ofElement(result) * countOf(result.getType()).value_or(unknownTrips);
  }
  for (Value yielded : block.getTerminator()->getOperands())
    if (Operation *op = yielded.getDefiningOp(); op && op->getBlock() == &block &&
                                                 !shapeOf(yielded.getType()).empty() && !isSmall(yielded) &&
                                                 !isStored(yielded))
      sum += ofElement(yielded);
  return sum;
}

int64_t Cost::ofOperation(Operation *op) {
  auto trips = [](Value lower, Value upper) {
    auto from = constantOf(lower), to = constantOf(upper);
    return from && to ? std::max<int64_t>(*to - *from, 0) : unknownTrips;
  };
  return TypeSwitch<Operation *, int64_t>(op)
      .Case([](ir::PrimitiveOp primitive) { return primitive.getName() == "math.absf" ? 1 : 15; })
      .Case([](ir::PowOp pow) { return constantOf(pow.getRhs()) ? 3 : 60; })
      .Case([](ir::DivOp) { return 5; })
      .Case([](ir::RemainderOp) { return 5; })
      .Case([](ir::RandomOp) { return 40; })
      .Case([](ir::ExtractOp) { return 1; })
      .Case([&](ir::ReduceOp reduce) {
        return trips(reduce.getLower(), reduce.getUpper()) * (1 + ofBlock(reduce.getBody().front()));
      })
      .Case([&](ir::LoopOp loop) {
        return trips(loop.getLower(), loop.getUpper()) * (1 + ofBlock(loop.getBody().front()));
      })
      .Case([&](ir::BuildOp build) { return ofBlock(build.getBody().front()); })
      .Case([&](ir::IfOp branch) { return ofBlock(branch.getOnTrue().front()) + ofBlock(branch.getOnFalse().front()); })
      .Case([&](ir::WholeOp whole) {
        Value array = whole.getOperands().front();
        return countOf(array.getType()).value_or(unknownTrips) * (1 + ofElement(array));
      })
      .Default([](Operation *other) {
        return isa<ir::YieldOp, ir::InputOp>(other) || other->getNumOperands() == 0 ? 0 : 1;
      });
}

int64_t Cost::ofElement(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || isa<ir::InputOp>(op))
    return 1;
  if (auto found = known.find(value); found != known.end())
    return found->second;
  known[value] = 1;
  int64_t sum;
  if (isa<ir::StackOp, ir::RepeatOp, ir::ConcatOp>(op))
    sum = 0;
  else if (isa<ir::WholeOp>(op) && !shapeOf(value.getType()).empty())
    sum = 4;
  else
    sum = ofOperation(op);
  if (!isa<ir::WholeOp>(op))
    for (Value operand : op->getOperands())
      if (!shapeOf(operand.getType()).empty())
        sum += isSmall(operand) || isStored(operand) ? 1 : ofElement(operand);
  known[value] = sum;
  return sum;
}

bool Cost::isSmall(Value value) {
  auto count = countOf(value.getType());
  if (!count || *count > smallCount)
    return false;
  if (isa_and_nonnull<ir::IfOp, ir::LoopOp, ir::ReduceOp>(value.getDefiningOp())) // made at once, not by elements
    return true;
  return *count * ofElement(value) <= smallCost;
}

/// The outermost of the builds and reductions between `value` and `extract`, if the indices are their arguments, each
/// once; null else.
static Operation *walkedBy(ir::ExtractOp extract, Value value) {
  Block *home = value.getParentBlock();
  SmallVector<Value> open;
  Operation *outermost = nullptr;
  for (Block *block = extract->getBlock(); block != home; block = block->getParentOp()->getBlock()) {
    Operation *around = block->getParentOp();
    if (isa<ir::IfOp>(around))
      continue;
    if (!isa<ir::BuildOp, ir::ReduceOp>(around))
      return nullptr;
    llvm::append_range(open, block->getArguments());
    outermost = around;
  }
  for (Value index : extract.getIndices()) {
    auto found = llvm::find(open, index);
    if (found == open.end())
      return nullptr;
    open.erase(found);
  }
  return open.empty() ? outermost : nullptr;
}

/// The loop of `op`; or, where its results are made on demand, the loops that ask for them.
void Cost::addLoop(Operation *op, ValueRange results, Askers &askers) {
  if (isa<ir::ReduceOp>(op)) {
    auto group = op->getAttrOfType<IntegerAttr>(groupAttribute);
    askers.loops.insert(group ? group.getAsOpaquePointer() : static_cast<const void *>(op));
    return;
  }
  for (Value result : results) {
    if (isStored(result) || isSmall(result)) {
      askers.loops.insert(op);
      continue;
    }
    Askers further = askersOf(result);
    askers.many |= further.many;
    askers.loops.insert(further.loops.begin(), further.loops.end());
  }
}

void Cost::addAsker(OpOperand &use, Value value, Askers &askers) {
  Operation *user = use.getOwner();
  if (auto extract = dyn_cast<ir::ExtractOp>(user)) {
    bool whole = extract.getIndices().size() == shapeOf(value.getType()).size();
    Operation *walker = whole || isSmall(extract) ? walkedBy(extract, value) : nullptr;
    if (walker)
      addLoop(walker, walker->getResults(), askers);
    else
      askers.many = true;
    return;
  }
  for (Block *block = user->getBlock(); block != value.getParentBlock(); block = block->getParentOp()->getBlock())
    askers.many |= !isa<ir::IfOp>(block->getParentOp());
  if (user->hasTrait<ir::ElementwiseShapes>()) {
    Value result = user->getResult(0);
    askers.many |= shapeOf(result.getType()).size() != shapeOf(value.getType()).size();
    addLoop(user, result, askers);
  } else if (auto whole = dyn_cast<ir::WholeOp>(user)) {
    ir::WholeShape shape = ir::findWhole(whole.getName())->shape;
    askers.many |= shape == ir::WholeShape::Pick || shape == ir::WholeShape::Search;
    askers.loops.insert(user);
  } else if (isa<ir::YieldOp>(user) && isa<ir::BuildOp, ir::ReduceOp>(user->getParentOp())) {
    addLoop(user->getParentOp(), user->getParentOp()->getResults(), askers);
  } else {
    askers.many |= isa<ir::RepeatOp>(user);
    askers.loops.insert(user);
  }
}

Cost::Askers Cost::askersOf(Value value) {
  Askers askers;
  for (OpOperand &use : value.getUses())
    addAsker(use, value, askers);
  return askers;
}

bool Cost::isRepeated(Value value) {
  Askers askers = askersOf(value);
  return askers.many || askers.loops.size() > 1;
}

bool Cost::isStored(Value value) {
  if (auto found = stored.find(value); found != stored.end())
    return found->second;
  Operation *op = value.getDefiningOp();
  bool result;
  if (!op || isa<ir::InputOp, ir::ExtractOp>(op))
    result = false;
  else if (isa<ir::LoopOp, ir::InsertOp, ir::IfOp, ir::ReduceOp, ir::StackOp>(op))
    result = true;
  else if (auto whole = dyn_cast<ir::WholeOp>(op))
    result = ir::findWhole(whole.getName())->shape == ir::WholeShape::Scan || isRepeated(value);
  else
    result = hasEffects(op) || (ofElement(value) > cheap && isRepeated(value));
  stored[value] = result;
  return result;
}

} // namespace kac
