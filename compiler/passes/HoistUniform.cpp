// A function of one lineage in; the part of it that no lineage changes as a function of its own, and the rest, out. In
// three steps: divisions by what is uniform become products; uniform operations leave the regions that they do not
// depend on, or become tables over the indices that they do depend on; the rest at the top is outlined.
#include "compiler/passes/HoistUniform.h"
#include "compiler/passes/Arithmetic.h"
#include "compiler/passes/FactorUniform.h"
#include "compiler/passes/FlattenIfs.h"

#include "compiler/passes/LowerCost.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf, kac::ir::typeOf;

namespace kac {

namespace {

constexpr int64_t largestTable = 1 << 20; // elements

class Hoist {
public:
  Hoist(func::FuncOp function, ArrayRef<bool> varying, bool drawsVary)
      : function(function), varying(varying), drawsVary(drawsVary), body(function.getBody().front()),
        b(function.getContext()), uniformity(function, varying, drawsVary) {}

  void run() {
    splitBuilds();
    flattenIfs(function, varying);
    leaveRegions();
    factorUniform(function, varying);
    leaveRegions();
    tabulate();
    simplify();
    outline();
  }

private:
  void simplify();
  void leaveRegions() {
    do { // what is left of a region may leave the next
      refresh();
      simplify();
    } while (leaveRegions(body));
  }
  void refresh() { uniformity = Uniformity(function, varying, drawsVary); }
  void splitBuilds();
  bool leaveRegions(Block &block);
  void tabulate();
  void outline();

  bool isUniform(Operation *op);
  bool isTopLevel(Value value) const { return value.getParentBlock() == &body; }
  std::optional<int64_t> extentOf(BlockArgument index) const;
  bool collect(Value value, SetVector<Operation *> &slice, SetVector<BlockArgument> &indices);
  void makeTable(Value value);
  Operation *topAncestor(Value value);

  func::FuncOp function;
  ArrayRef<bool> varying;
  bool drawsVary;
  Block &body;
  OpBuilder b;
  Uniformity uniformity;
};

} // namespace

bool isMovable(Operation *op) {
  return !op->walk([](Operation *inner) {
              if (isa<ir::WeighOp, ir::RequireOp, ir::RandomOp>(inner))
                return WalkResult::interrupt();
              if (auto extract = dyn_cast<ir::ExtractOp>(inner); extract && !extract.getInRange())
                return WalkResult::interrupt();
              if (auto insert = dyn_cast<ir::InsertOp>(inner); insert && !insert.getInRange())
                return WalkResult::interrupt();
              auto primitive = dyn_cast<ir::PrimitiveOp>(inner);
              if (primitive && primitive.getName() == "math.floor")
                return WalkResult::interrupt();
              bool divides = isa<ir::RemainderOp>(inner) || (primitive && primitive.getName() == "kac.quotient");
              if (divides && constantOf(inner->getOperand(1)).value_or(0) == 0)
                return WalkResult::interrupt();
              return WalkResult::advance();
            }).wasInterrupted();
}

namespace {

/// All results and all that is inside are the same for all lineages.
bool Hoist::isUniform(Operation *op) {
  if (op->getNumResults() == 0)
    return false;
  bool uniform = true;
  op->walk([&](Operation *inner) {
    for (Value result : inner->getResults())
      uniform &= !uniformity.varies(result);
    for (Value operand : inner->getOperands())
      uniform &= !uniformity.varies(operand);
  });
  return uniform;
}

/// A build that has uniform results beside others becomes two.
void Hoist::splitBuilds() {
  SmallVector<ir::BuildOp> builds;
  function.walk([&](ir::BuildOp build) { builds.push_back(build); });
  for (ir::BuildOp build : builds) {
    SmallVector<unsigned> apart;
    for (auto [k, result] : llvm::enumerate(build.getResults()))
      if (!uniformity.varies(result))
        apart.push_back(unsigned(k));
    if (apart.empty() || apart.size() == build.getNumResults() || Cost::hasEffects(build))
      continue;
    b.setInsertionPoint(build);
    SmallVector<Type> types, others;
    SmallVector<Value> kept, rest;
    for (auto [k, result] : llvm::enumerate(build.getResults())) {
      bool moves = llvm::is_contained(apart, k);
      (moves ? types : others).push_back(result.getType());
      (moves ? kept : rest).push_back(result);
    }
    auto half = [&](ArrayRef<Type> resultTypes, ArrayRef<Value> results) {
      auto made = ir::BuildOp::create(b, build.getLoc(), resultTypes, build.getExtents());
      IRMapping map;
      build.getBody().cloneInto(&made.getBody(), map);
      Operation *yield = made.getBody().front().getTerminator();
      SmallVector<Value> yielded;
      for (Value result : results)
        yielded.push_back(yield->getOperand(cast<OpResult>(result).getResultNumber()));
      yield->setOperands(yielded);
      for (size_t k = 0; k < results.size(); ++k)
        Value(results[k]).replaceAllUsesWith(made.getResult(unsigned(k)));
    };
    half(types, kept);
    half(others, rest);
    build.erase();
  }
  DominanceInfo dominance; // also takes away what each half does not need
  IRRewriter rewriter(b);
  eliminateCommonSubExpressions(rewriter, dominance, function);
  refresh();
}

/// The patterns of our dialect: factors that have left arrays leave [a[i] for i in n] behind.
void Hoist::simplify() {
  RewritePatternSet patterns(function.getContext());
  function.getContext()->getLoadedDialect<ir::KacDialect>()->getCanonicalizationPatterns(patterns);
  (void)applyPatternsGreedily(function, std::move(patterns));
  DominanceInfo dominance;
  IRRewriter rewriter(b);
  eliminateCommonSubExpressions(rewriter, dominance, function);
  refresh();
}

/// Innermost first: uniform operations go before the operation around them, as far as what they use allows.
bool Hoist::leaveRegions(Block &block) {
  bool changed = false;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        changed |= leaveRegions(inner);
    if (&block == &body || !isUniform(&op) || !isMovable(&op))
      continue;
    Operation *around = block.getParentOp();
    bool bound = false;
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        Operation *home = operand.getParentBlock()->getParentOp();
        bound |= home == around && operand.getParentBlock() == &block;
      }
    });
    if (!bound) {
      op.moveBefore(around);
      changed = true;
    }
  }
  return changed;
}

/// Indices of builds, reductions and counted loops run from 0 or more below a constant.
std::optional<int64_t> Hoist::extentOf(BlockArgument index) const {
  Operation *around = index.getOwner()->getParentOp();
  if (auto build = dyn_cast<ir::BuildOp>(around)) {
    int64_t extent = build.getExtents()[index.getArgNumber()];
    return extent < 0 ? std::nullopt : std::optional(extent);
  }
  if (!isa<ir::ReduceOp, ir::LoopOp>(around) || index.getArgNumber() != 0)
    return std::nullopt;
  auto lower = Cost::constantOf(around->getOperand(0)), upper = Cost::constantOf(around->getOperand(1));
  return lower && upper && *lower >= 0 ? upper : std::nullopt;
}

/// What `value` is computed from inside regions: operations, and indices of constant extents. False where there is
/// more.
bool Hoist::collect(Value value, SetVector<Operation *> &slice, SetVector<BlockArgument> &indices) {
  if (uniformity.varies(value))
    return false;
  if (isTopLevel(value))
    return true;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (!extentOf(argument))
      return false;
    indices.insert(argument);
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (slice.contains(op))
    return true;
  if (!isUniform(op) || !isMovable(op))
    return false;
  bool good = true;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (!op->isAncestor(operand.getParentBlock()->getParentOp()))
        good = good && collect(operand, slice, indices);
  });
  slice.insert(op);
  return good;
}

/// Uniform reals inside regions that varying operations use become elements of tables made once.
void Hoist::tabulate() {
  SetVector<Value> wanted;
  function.walk([&](Operation *op) {
    bool top = op->getBlock() == &body;
    if (top && op->getNumRegions() == 0)
      return;
    bool uses = isa<ir::YieldOp>(op) ? !isUniform(op->getParentOp()) : !isUniform(op);
    if (!uses)
      return;
    for (Value operand : op->getOperands()) {
      Operation *source = operand.getDefiningOp();
      if (source && !isTopLevel(operand) && !isa<arith::ConstantOp>(source) && !uniformity.varies(operand) &&
          isa<FloatType>(elementOf(operand.getType())))
        wanted.insert(operand);
    }
  });
  for (Value value : wanted)
    makeTable(value);
}

Operation *Hoist::topAncestor(Value value) { return body.findAncestorOpInBlock(*value.getDefiningOp()); }

void Hoist::makeTable(Value value) {
  // An element of an array that is known at the top needs no table: the array is one.
  if (auto extract = value.getDefiningOp<ir::ExtractOp>())
    if (isTopLevel(extract.getArray()))
      return;
  SetVector<Operation *> slice;
  SetVector<BlockArgument> indices;
  if (!collect(value, slice, indices) || indices.empty())
    return;
  int64_t count = Cost::countOf(value.getType()).value_or(largestTable + 1);
  SmallVector<int64_t> extents, shape;
  for (BlockArgument index : indices) {
    extents.push_back(*extentOf(index));
    count *= extents.back();
  }
  if (count > largestTable)
    return;
  shape = extents;
  llvm::append_range(shape, shapeOf(value.getType()));
  b.setInsertionPoint(topAncestor(value));
  Location loc = value.getLoc();
  auto build = ir::BuildOp::create(b, loc, TypeRange(typeOf(elementOf(value.getType()), shape)), extents);
  Block *inside = b.createBlock(&build.getBody(), {}, SmallVector<Type>(extents.size(), b.getI32Type()),
                                SmallVector<Location>(extents.size(), loc));
  IRMapping map;
  for (auto [index, argument] : llvm::zip(indices, inside->getArguments()))
    map.map(index, argument);
  for (Operation *op : slice)
    b.clone(*op, map);
  ir::YieldOp::create(b, loc, ValueRange{map.lookup(value)});
  // At each place of use the element is looked up where the value stood.
  b.setInsertionPointAfter(value.getDefiningOp());
  SmallVector<Value> at(indices.begin(), indices.end());
  Value element = ir::ExtractOp::create(b, loc, value.getType(), build.getResult(0), at, b.getUnitAttr());
  value.replaceAllUsesWith(element);
}

// --- outlining ---

/// Inputs that lineages read where they are: nothing is gained by a rounded copy each step.
static bool staysInput(ir::InputOp input) {
  auto count = Cost::countOf(input.getType());
  return !shapeOf(input.getType()).empty() &&
         (!isa<FloatType>(elementOf(input.getType())) || !count || *count > largestTable);
}

void Hoist::outline() {
  SetVector<Operation *> moved;
  auto isKnown = [&](Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argument.getOwner() != &body || !varying[argument.getArgNumber()];
    Operation *source = value.getDefiningOp();
    return source->getBlock() != &body || moved.contains(source) || isa<arith::ConstantOp, ir::InputOp>(source);
  };
  for (Operation &op : body.without_terminator()) {
    if (isa<arith::ConstantOp>(op) || !isUniform(&op))
      continue;
    if (auto input = dyn_cast<ir::InputOp>(op); input && staysInput(input))
      continue;
    bool known = !Cost::hasEffects(&op);
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        known = known && (op.isProperAncestor(operand.getParentBlock()->getParentOp()) || isKnown(operand));
    });
    if (known)
      moved.insert(&op);
  }
  // What the rest still asks for. An input as it is needs no copy, unless it is rounded on the way.
  SetVector<Value> results;
  for (Operation *op : moved)
    for (Value result : op->getResults())
      for (Operation *user : result.getUsers())
        if (!moved.contains(body.findAncestorOpInBlock(*user)))
          results.insert(result);
  if (results.empty())
    return;

  SmallVector<Type> inputs, outputs;
  SmallVector<BlockArgument> arguments;
  for (BlockArgument argument : function.getArguments())
    if (!varying[argument.getArgNumber()]) {
      arguments.push_back(argument);
      inputs.push_back(argument.getType());
    }
  for (Value result : results)
    outputs.push_back(result.getType());
  b.setInsertionPointAfter(function);
  auto uniform = func::FuncOp::create(b, function.getLoc(), (function.getName() + ".uniform").str(),
                                      b.getFunctionType(inputs, outputs));
  b.setInsertionPointToStart(uniform.addEntryBlock());
  IRMapping map;
  for (auto [argument, given] : llvm::zip(arguments, uniform.getArguments()))
    map.map(argument, given);
  for (Operation &op : body)
    if (isa<arith::ConstantOp>(op) || (isa<ir::InputOp>(op) && !moved.contains(&op)))
      b.clone(op, map);
  for (Operation *op : moved)
    b.clone(*op, map);
  SmallVector<Value> returned;
  for (Value result : results)
    returned.push_back(map.lookup(result));
  func::ReturnOp::create(b, function.getLoc(), returned);

  for (Value result : results) {
    (void)function.insertArgument(function.getNumArguments(), result.getType(), {}, result.getLoc());
    result.replaceUsesWithIf(function.getArguments().back(), [&](OpOperand &use) {
      return !moved.contains(body.findAncestorOpInBlock(*use.getOwner()));
    });
  }
  for (Operation *op : llvm::reverse(moved))
    op->erase();
  function->setAttr("kac.uniform", FlatSymbolRefAttr::get(uniform));
}

} // namespace

void hoistUniform(func::FuncOp function, ArrayRef<bool> varying, bool drawsVary) {
  Hoist(function, varying, drawsVary).run();
}

} // namespace kac
