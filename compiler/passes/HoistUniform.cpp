// A function of one lineage in; the part of it that no lineage changes as a function of its own, and the rest, out. In
// three steps: divisions by what is uniform become products; uniform operations leave the regions that they do not
// depend on, or become tables over the indices that they do depend on; the rest at the top is outlined.
#include "compiler/passes/HoistUniform.h"

#include "compiler/passes/LowerCost.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf, kac::ir::typeOf;

namespace kac {

namespace {

constexpr int64_t largestTable = 1 << 20; // elements

class Hoist {
public:
  Hoist(func::FuncOp function, ArrayRef<bool> varying)
      : function(function), varying(varying), body(function.getBody().front()), b(function.getContext()),
        uniformity(function, varying, true) {}

  void run() {
    multiplyByReciprocals();
    refresh();
    joinUniformSums();
    refresh();
    while (leaveRegions(body))
      continue;
    tabulate();
    DominanceInfo dominance;
    IRRewriter rewriter(b);
    eliminateCommonSubExpressions(rewriter, dominance, function);
    refresh();
    outline();
  }

private:
  void refresh() { uniformity = Uniformity(function, varying, true); }
  void multiplyByReciprocals();
  void joinUniformSums();
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
  Block &body;
  OpBuilder b;
  Uniformity uniformity;
};

/// Computes the same wherever it stands: no effects, no fault that only some turns have.
bool isMovable(Operation *op) {
  return !op->walk([](Operation *inner) {
              if (isa<ir::WeighOp, ir::RequireOp, ir::RandomOp>(inner))
                return WalkResult::interrupt();
              if (auto extract = dyn_cast<ir::ExtractOp>(inner); extract && !extract.getInRange())
                return WalkResult::interrupt();
              if (auto insert = dyn_cast<ir::InsertOp>(inner); insert && !insert.getInRange())
                return WalkResult::interrupt();
              if (auto primitive = dyn_cast<ir::PrimitiveOp>(inner); primitive && primitive.getName() == "math.floor")
                return WalkResult::interrupt();
              return WalkResult::advance();
            }).wasInterrupted();
}

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

/// x / y is x (1 / y) where y is uniform: one division a step. Whole numbers keep theirs, which may be exact.
void Hoist::multiplyByReciprocals() {
  SmallVector<ir::DivOp> divisions;
  function.walk([&](ir::DivOp div) {
    Value dividend = div.getLhs();
    while (auto repeat = dividend.getDefiningOp<ir::RepeatOp>())
      dividend = repeat.getOperand();
    bool whole = isa_and_nonnull<ir::CastOp, arith::ConstantOp>(dividend.getDefiningOp());
    if (!whole && uniformity.varies(div.getLhs()) && !uniformity.varies(div.getRhs()))
      divisions.push_back(div);
  });
  for (ir::DivOp div : divisions) {
    b.setInsertionPoint(div);
    Value one = arith::ConstantOp::create(b, div.getLoc(), b.getF64FloatAttr(1));
    Value inverse = ir::DivOp::create(b, div.getLoc(), div.getRhs().getType(), one, div.getRhs());
    Value product = ir::MulOp::create(b, div.getLoc(), div.getType(), div.getLhs(), inverse);
    div.replaceAllUsesWith(product);
    div.erase();
  }
}

/// (v + u) - w is v + (u - w) where only v varies: one addition, and that of the others in f64.
void Hoist::joinUniformSums() {
  auto isSum = [](Operation *op) { return isa_and_nonnull<ir::AddOp, ir::SubOp>(op); };
  SmallVector<Operation *> dead;
  function.walk([&](Operation *op) {
    if (!isSum(op) || !isa<FloatType>(elementOf(op->getResult(0).getType())))
      return;
    unsigned side = uniformity.varies(op->getOperand(0)) ? 0 : 1;
    Value v = op->getOperand(side), w = op->getOperand(1 - side);
    Operation *inner = v.getDefiningOp();
    if (!uniformity.varies(v) || uniformity.varies(w) || !isSum(inner) || !v.hasOneUse())
      return;
    unsigned innerSide = uniformity.varies(inner->getOperand(0)) ? 0 : 1;
    Value core = inner->getOperand(innerSide), u = inner->getOperand(1 - innerSide);
    if (!uniformity.varies(core) || uniformity.varies(u) || core.getType() != v.getType() ||
        v.getType() != op->getResult(0).getType())
      return;
    // op is s v + r w and inner p core + q u, with signs s, r, p, q.
    bool s = side == 1 && isa<ir::SubOp>(op), r = side == 0 && isa<ir::SubOp>(op);
    bool p = innerSide == 1 && isa<ir::SubOp>(inner), q = innerSide == 0 && isa<ir::SubOp>(inner);
    b.setInsertionPoint(op);
    Location loc = op->getLoc();
    Type wide = shapeOf(u.getType()).size() >= shapeOf(w.getType()).size() ? u.getType() : w.getType();
    bool minusU = s != q;
    if (s != p && minusU && r)
      return;
    Value sum = minusU == r ? Value(ir::AddOp::create(b, loc, wide, u, w))
                            : Value(ir::SubOp::create(b, loc, wide, minusU ? w : u, minusU ? u : w));
    bool minusSum = minusU && r, minusCore = s != p;
    Value result;
    if (minusCore)
      result = ir::SubOp::create(b, loc, v.getType(), sum, core);
    else if (minusSum)
      result = ir::SubOp::create(b, loc, v.getType(), core, sum);
    else
      result = ir::AddOp::create(b, loc, v.getType(), core, sum);
    uniformity.note(result);
    op->getResult(0).replaceAllUsesWith(result);
    dead.append({inner, op});
  });
  for (Operation *op : llvm::reverse(dead))
    op->erase();
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
    bool effects = op.walk([](Operation *inner) {
                       return isa<ir::WeighOp, ir::RequireOp, ir::RandomOp>(inner) ? WalkResult::interrupt()
                                                                                   : WalkResult::advance();
                     }).wasInterrupted();
    bool known = !effects;
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

void hoistUniform(func::FuncOp function, ArrayRef<bool> varying) { Hoist(function, varying).run(); }

} // namespace kac
