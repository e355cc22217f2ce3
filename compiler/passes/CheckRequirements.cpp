// A module whose derivation is done in; a message for what must hold at creation and is seen not to already now out.
#include "compiler/dialect/Kac.h"
#include "compiler/passes/KindFields.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <set>

using namespace mlir;

namespace kac {

#define GEN_PASS_DEF_CHECKREQUIREMENTS
#include "compiler/passes/Passes.h.inc"

namespace {

/// The result of a function of these constants; null where it is not made of scalar operations that fold.
Attribute evaluate(func::FuncOp function, ArrayRef<Attribute> arguments) {
  if (!function || function.isExternal() || function.getNumArguments() != arguments.size())
    return {};
  Block &body = function.getBody().front();
  llvm::DenseMap<Value, Attribute> known;
  for (auto [argument, value] : llvm::zip(body.getArguments(), arguments))
    known[argument] = value;
  for (Operation &op : body.without_terminator()) {
    SmallVector<Attribute> operands;
    for (Value operand : op.getOperands())
      operands.push_back(known.lookup(operand));
    SmallVector<OpFoldResult> results;
    if (op.getNumResults() != 1 || op.getNumRegions() != 0 || failed(op.fold(operands, results)) || results.empty())
      continue;
    auto value = dyn_cast<Value>(results[0]);
    known[op.getResult(0)] = value ? known.lookup(value) : cast<Attribute>(results[0]);
  }
  return known.lookup(body.getTerminator()->getOperand(0));
}

std::optional<double> realOf(Attribute value) {
  auto real = dyn_cast_if_present<FloatAttr>(value);
  return real ? std::optional(real.getValueAsDouble()) : std::nullopt;
}

bool isFalse(Attribute value) {
  auto boolean = dyn_cast_if_present<IntegerAttr>(value);
  return boolean && boolean.getType().isInteger(1) && boolean.getValue().isZero();
}

/// The place in the program's own file, if there is one; else any.
std::string placeOf(Location location, StringRef stem) {
  FileLineColLoc place;
  location->walk([&](Location inner) {
    auto one = dyn_cast<FileLineColLoc>(inner);
    if (one && (!place || llvm::sys::path::stem(place.getFilename()) != stem))
      place = one;
    return WalkResult::advance();
  });
  if (!place)
    return "";
  return llvm::sys::path::filename(place.getFilename()).str() + ":" + std::to_string(place.getLine()) + ":" +
         std::to_string(place.getColumn()) + ": ";
}

std::string textOf(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.6g", value);
  return text;
}

/// What `value` is made of in its function, in order; false where that is a draw, or an argument other than `time`.
bool collect(Value value, BlockArgument time, SetVector<Operation *> &made) {
  Operation *op = value.getDefiningOp();
  if (!op || made.contains(op))
    return op || value == time;
  bool draws = op->walk([](Operation *inner) {
                   return isa<ir::RandomOp, ir::RequireOp>(inner) ? WalkResult::interrupt() : WalkResult::advance();
                 }).wasInterrupted();
  SetVector<Value> used(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  if (draws || !llvm::all_of(used, [&](Value each) { return collect(each, time, made); }))
    return false;
  made.insert(op);
  return true;
}

/// Conditions that no lineage and no draw decides become requirements of the run.
void liftRequires(SymbolTable &symbols, ir::SamplerOp sampler, FlatSymbolRefAttr entry, bool atSteps) {
  auto function = entry ? symbols.lookup<func::FuncOp>(entry.getValue()) : func::FuncOp();
  if (!function || function.isExternal())
    return;
  OpBuilder b(sampler);
  // A step's arguments end in t, dt, n, i.
  auto time = atSteps ? function.getArgument(function.getNumArguments() - 4) : BlockArgument();
  for (auto require : llvm::make_early_inc_range(function.getBody().front().getOps<ir::RequireOp>())) {
    SetVector<Operation *> made;
    if (!collect(require.getCondition(), time, made))
      continue;
    SmallVector<Type> arguments(atSteps ? 1 : 0, b.getF64Type());
    auto condition = func::FuncOp::create(require.getLoc(), (sampler.getName() + ".require").str(),
                                          b.getFunctionType(arguments, {b.getI1Type()}));
    condition.setPrivate();
    symbols.insert(condition);
    b.setInsertionPointAfter(sampler); // before what derivation asks for: it may be the cause
    ir::RequireInputsOp::create(b, CallSiteLoc::get(require.getLoc(), sampler.getLoc()),
                                FlatSymbolRefAttr::get(condition), FlatSymbolRefAttr::get(sampler.getSymNameAttr()),
                                b.getStringAttr("E0405: " + require.getText()));
    Block *body = condition.addEntryBlock();
    b.setInsertionPointToStart(body);
    IRMapping map;
    if (atSteps)
      map.map(time, body->getArgument(0));
    for (Operation *op : made)
      b.clone(*op, map);
    func::ReturnOp::create(b, require.getLoc(), map.lookup(require.getCondition()));
    require.erase();
  }
}

struct CheckRequirementsPass : impl::CheckRequirementsBase<CheckRequirementsPass> {
  /// The times of the run as the program fixes it: all of them where they are few, else the first and the last ones.
  SmallVector<double> gridOf(ir::SamplerOp sampler, func::FuncOp time, bool &wrong) {
    constexpr int64_t most = 256;
    int64_t steps = std::max<int64_t>(sampler.getSteps(), 1);
    SmallVector<double> grid;
    auto real = FloatAttr::get(Float64Type::get(&getContext()), 0);
    for (int64_t n = 0; n <= steps; ++n) {
      if (steps > most && n > most / 2 && n < steps - most / 2)
        continue;
      auto t = realOf(evaluate(time, {FloatAttr::get(real.getType(), double(n) / double(steps))}));
      if (!t)
        return {};
      const char *fault = !std::isfinite(*t)                     ? "is not finite"
                          : *t < 0 || *t > 1                     ? "lies outside [0, 1]"
                          : !grid.empty() && !(*t > grid.back()) ? "is not above the time before it"
                                                                 : nullptr;
      if (fault && (n == 0 || sampler.getSteps() > 0)) {
        emitError(CallSiteLoc::get(time.getLoc(), sampler.getLoc()))
            << "E0403: time(" << n << " / " << steps << ") = " << textOf(*t) << " " << fault;
        wrong = true;
        return {};
      }
      grid.push_back(*t);
    }
    return sampler.getSteps() > 0 ? grid : SmallVector<double>(); // without steps none begins
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    bool wrong = false;
    llvm::StringMap<SmallVector<double>> grids;
    SymbolTable symbols(module);
    for (auto sampler : module.getOps<ir::SamplerOp>()) {
      liftRequires(symbols, sampler, sampler.getInitAttr(), false);
      liftRequires(symbols, sampler, sampler.getStepAttr(), true);
    }
    for (auto sampler : module.getOps<ir::SamplerOp>())
      grids[sampler.getSymName()] = gridOf(sampler, symbols.lookup<func::FuncOp>(sampler.getTime()), wrong);
    std::set<std::pair<std::string, std::string>> said; // one of a code for each sampler
    for (auto require : module.getOps<ir::RequireInputsOp>()) {
      auto function = symbols.lookup<func::FuncOp>(require.getFunction());
      auto broken = [&](const std::string &where) {
        emitError(require.getLoc()) << require.getText() << where;
        wrong = true;
      };
      if (function.getNumArguments() == 0) {
        if (isFalse(evaluate(function, {})))
          broken("");
        continue;
      }
      std::pair once(require.getSampler()->str(), require.getText().take_front(5).str());
      if (said.count(once))
        continue;
      const SmallVector<double> &grid = grids[*require.getSampler()];
      for (size_t n = 0; n + 1 < grid.size(); ++n)
        if (isFalse(evaluate(function, {FloatAttr::get(Float64Type::get(&getContext()), grid[n])}))) {
          broken(" (at t = " + textOf(grid[n]) + ")");
          said.insert(once);
          break;
        }
    }
    if (wrong)
      return signalPassFailure();
    // From here on nothing reads places: the text that a run may say has its own.
    StringRef stem = module.getSymName().value_or("");
    for (auto require : module.getOps<ir::RequireInputsOp>())
      require.setText(placeOf(require.getLoc(), stem) + require.getText().str());
    for (auto sampler : module.getOps<ir::SamplerOp>()) {
      auto time = symbols.lookup<func::FuncOp>(sampler.getTime());
      Location place = CallSiteLoc::get(time.getLoc(), sampler.getLoc());
      sampler->setAttr(kinds::kTimePlace, StringAttr::get(&getContext(), placeOf(place, stem)));
    }
  }
};

} // namespace

} // namespace kac
