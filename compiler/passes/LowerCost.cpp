// Operations in; rough counts of instructions and uses out.
#include "compiler/passes/LowerCost.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using kac::ir::shapeOf;

namespace kac {

static constexpr int64_t smallCount = 16;   // elements that may be values of their own
static constexpr int64_t smallCost = 800;   // instructions that these may take together
static constexpr int64_t cheap = 4;         // instructions that are repeated sooner than stored
static constexpr int64_t unknownTrips = 16;

std::optional<int64_t> Cost::constantOf(Value value) {
  APInt number;
  if (matchPattern(value, m_ConstantInt(&number)))
    return number.getSExtValue();
  return std::nullopt;
}

std::optional<int64_t> Cost::countOf(Type type) {
  int64_t count = 1;
  for (int64_t extent : shapeOf(type)) {
    if (ShapedType::isDynamic(extent))
      return std::nullopt;
    count *= extent;
  }
  return count;
}

bool Cost::hasEffects(Operation *op) {
  return op->walk([](Operation *inner) {
             return isa<ir::WeighOp, ir::RequireOp>(inner) ? WalkResult::interrupt() : WalkResult::advance();
           }).wasInterrupted();
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
    if (Operation *op = yielded.getDefiningOp(); op && op->getBlock() == &block && !shapeOf(yielded.getType()).empty() &&
                                                 !isSmall(yielded) && !isStored(yielded))
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
      .Case([&](ir::IfOp branch) {
        return ofBlock(branch.getOnTrue().front()) + ofBlock(branch.getOnFalse().front());
      })
      .Case([&](ir::WholeOp whole) {
        Value array = whole.getOperands().front();
        return countOf(array.getType()).value_or(unknownTrips) * (1 + ofElement(array));
      })
      .Default([](Operation *other) { return isa<ir::YieldOp, ir::InputOp>(other) || other->getNumOperands() == 0 ? 0 : 1; });
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
  return *count * ofElement(value) <= smallCost;
}

/// Whether the indices of `extract` are, each once, arguments of the builds and reductions between `value` and it.
static bool walksOnce(ir::ExtractOp extract, Value value) {
  if (extract.getIndices().size() != shapeOf(value.getType()).size())
    return false;
  Block *home = value.getParentBlock();
  SmallVector<Value> open;
  for (Operation *op = extract->getBlock()->getParentOp(); op && op->getBlock(); op = op->getBlock()->getParentOp()) {
    if (extract->getBlock() == home)
      break;
    if (!isa<ir::BuildOp, ir::ReduceOp>(op))
      return false;
    llvm::append_range(open, op->getRegion(0).getArguments());
    if (op->getBlock() == home)
      break;
  }
  for (Value index : extract.getIndices()) {
    auto found = llvm::find(open, index);
    if (found == open.end())
      return false;
    open.erase(found);
  }
  return open.empty();
}

bool Cost::isRepeated(Value value) {
  int uses = 0;
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (auto extract = dyn_cast<ir::ExtractOp>(user)) {
      uses += walksOnce(extract, value) ? 1 : 2;
      continue;
    }
    bool inside = user->getBlock() != value.getParentBlock();
    bool widened = user->hasTrait<ir::ElementwiseShapes>() &&
                   shapeOf(user->getResult(0).getType()).size() != shapeOf(value.getType()).size();
    bool looked = isa<ir::WholeOp>(user) && !cast<ir::WholeOp>(user).getName().ends_with("sum") &&
                  ir::findWhole(cast<ir::WholeOp>(user).getName())->shape != ir::WholeShape::Total;
    uses += inside || widened || looked || isa<ir::RepeatOp>(user) ? 2 : 1;
  }
  return uses > 1;
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
