// The definition of a weight in; what in it jumps with the state out. The weight of a path is made of derivatives,
// which do not see a jump.
#include "compiler/passes/Arithmetic.h"
#include "compiler/passes/ChoiceLine.h"
#include "compiler/passes/DeriveSampler.h"
#include "mlir/Analysis/SliceAnalysis.h"

#include <cmath>

using namespace mlir;

namespace kac {

namespace {

/// Follows the state through functions, and the choices that it decides.
class Jumps {
public:
  explicit Jumps(ModuleOp module) : module(module) {}

  /// Ints that the state chooses, choices whose value jumps; and those with nothing (-inf) on one side.
  llvm::SetVector<Operation *> jumps, edges;

  /// Whether a result depends on the state where these arguments do.
  bool follow(func::FuncOp function, ArrayRef<bool> arguments) {
    auto [known, isNew] = results.try_emplace({function, std::vector<bool>(arguments.begin(), arguments.end())}, false);
    if (!isNew || function.isExternal())
      return known->second;
    DenseSet<Value> state;
    for (auto [argument, moves] : llvm::zip(function.getArguments(), arguments))
      if (moves)
        state.insert(argument);
    follow(function.getBody().front(), state);
    bool moves = llvm::any_of(function.getBody().front().getTerminator()->getOperands(),
                              [&](Value value) { return state.contains(value); });
    results[{function, std::vector<bool>(arguments.begin(), arguments.end())}] = moves;
    return moves;
  }

  /// Whether what a function differentiates along an argument jumps with that argument.
  void followDifferentiated(func::FuncOp function, Value argument) {
    function.walk([&](ir::JvpOp derivative) {
      auto variable = derivative.getVariable().getDefiningOp<ir::VariableOp>();
      if (!variable || variable.getOperand() != argument)
        return;
      SetVector<Operation *> makers;
      BackwardSliceOptions options;
      options.omitBlockArguments = true;
      (void)getBackwardSlice(derivative.getValue(), &makers, options);
      DenseSet<Value> state{argument};
      follow(function.getBody().front(), state, [&](Operation &op) { return makers.contains(&op); });
    });
  }

private:
  static constexpr unsigned kLines = 4;

  void follow(
      Block &block, DenseSet<Value> &state,
      llvm::function_ref<bool(Operation &)> isAsked = [](Operation &) { return true; }) {
    for (Operation &op : block) {
      if (!isAsked(op))
        continue;
      auto moves = [&](Value value) { return state.contains(value); };
      bool any = llvm::any_of(op.getOperands(), moves);
      if (auto call = dyn_cast<func::CallOp>(op)) {
        SmallVector<bool> arguments = llvm::map_to_vector(op.getOperands(), moves);
        auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
        any = any && (!callee || follow(callee, arguments));
      }
      for (Region &region : op.getRegions()) {
        if (region.empty())
          continue;
        // Turns are numbered by what bounds them, and not by what they carry.
        auto isInt = [](Value value) { return !ir::elementOf(value.getType()).isF64(); };
        bool bounds = llvm::any_of(op.getOperands(), [&](Value value) { return isInt(value) && moves(value); });
        for (BlockArgument argument : region.getArguments())
          if (any && !isa<ir::IfOp>(op) && (bounds || !isInt(argument)))
            state.insert(argument);
        follow(region.front(), state);
        any = any || llvm::any_of(region.front().getTerminator()->getOperands(), moves);
      }
      if (any)
        state.insert(op.result_begin(), op.result_end());
      if (any)
        look(op, state);
    }
  }

  /// An int that the state chooses jumps where it becomes a real, or chooses one of reals that do not move.
  void look(Operation &op, const DenseSet<Value> &state) {
    if (isa<ir::CastOp>(op) && !ir::elementOf(op.getOperand(0).getType()).isF64() && !look(op.getOperand(0), state))
      jumps.insert(&op);
    if (auto extract = dyn_cast<ir::ExtractOp>(op); extract && !state.contains(extract.getArray()))
      jumps.insert(&op);
    for (Value value : op.getResults())
      if (state.contains(value) && ir::elementOf(value.getType()).isF64())
        look(value, state);
  }

  /// Whether a value is a choice that the state decides: it may jump.
  bool look(Value value, const DenseSet<Value> &state) {
    auto choice = choiceOf(value);
    if (!choice || !state.contains(choice->condition))
      return choice.has_value();
    auto [condition, x, y] = *choice;
    auto p = constantOf(x), q = constantOf(y);
    if ((p && std::isinf(*p)) || (q && std::isinf(*q))) {
      edges.insert(value.getDefiningOp());
      return true;
    }
    // Between values that both stay there is nothing in between; an array's elements may each change elsewhere.
    const bool stay = !state.contains(x) && !state.contains(y);
    bool jump = stay && x != y && (!p || !q || *p != *q);
    for (unsigned seed = 0; !stay && !jump && isa<FloatType>(value.getType()) && seed < kLines; ++seed)
      jump = ChoiceLine(module, state, seed).jumps(value, condition).value_or(false);
    if (jump)
      jumps.insert(value.getDefiningOp());
    return true;
  }

  ModuleOp module;
  std::map<std::pair<Operation *, std::vector<bool>>, bool> results;
};

} // namespace

void Derivation::warnOfJumps() {
  if (!rate || sampler.getUnweighted())
    return;
  Jumps found(module), inTime(module);
  SmallVector<bool> arguments(rate.getNumArguments(), false);
  arguments.front() = true;
  found.follow(rate, arguments);
  inTime.followDifferentiated(rate, rate.getArguments().back());
  // One of a place: a law that is asked for in several ways is there as often.
  auto warn = [&](const llvm::SetVector<Operation *> &choices, StringRef text, StringRef help) {
    llvm::SetVector<Location> places;
    for (Operation *choice : choices)
      places.insert(CallSiteLoc::get(choice->getLoc(), sampler.getLoc()));
    for (Location place : places)
      emitWarning(place, text).attachNote(place) << "help: " << help;
  };
  warn(
      found.jumps,
      "W0407: here the target or the drift may jump with the state, and the weight is derived as if it did "
      "not",
      "a value that changes gradually, as `sigmoid((x - a) / width)` does; or leave it out of the target and weigh the "
      "difference of its values in a `step` of your own");
  warn(inTime.jumps, "W0407: here the target may jump with time, and the weight is derived as if it did not",
       "a power that changes gradually; or weigh the difference in a `step` of your own");
  warn(found.edges, "W0406: beyond this edge the target is 0, and a lineage that a step takes there keeps its weight",
       "short steps; or another variable, as the logarithm of a positive one");
}

} // namespace kac
