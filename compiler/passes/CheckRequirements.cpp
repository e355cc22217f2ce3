// A module whose derivation is done in; a message for what must hold at creation and is seen not to already now out.
#include "compiler/dialect/Kac.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
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
    for (auto sampler : module.getOps<ir::SamplerOp>())
      grids[sampler.getSymName()] = gridOf(sampler, module.lookupSymbol<func::FuncOp>(sampler.getTime()), wrong);
    std::set<std::pair<std::string, std::string>> said; // one of a code for each sampler
    for (auto require : module.getOps<ir::RequireInputsOp>()) {
      auto function = module.lookupSymbol<func::FuncOp>(require.getFunction());
      auto broken = [&](const std::string &where) {
        emitError(require.getLoc()) << require.getText() << where;
        wrong = true;
      };
      if (!require.getSampler()) {
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
    for (auto require : module.getOps<ir::RequireInputsOp>())
      require.setText(placeOf(require.getLoc(), module.getSymName().value_or("")) + require.getText().str());
  }
};

} // namespace

} // namespace kac
