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

/// What `value` is made of in its function, in order; false where that is a draw, or an argument that is not known.
bool collect(Value value, ArrayRef<Value> known, SetVector<Operation *> &made) {
  Operation *op = value.getDefiningOp();
  if (!op || made.contains(op))
    return op || llvm::is_contained(known, value);
  bool draws = op->walk([](Operation *inner) {
                   return isa<ir::RandomOp, ir::RequireOp>(inner) ? WalkResult::interrupt() : WalkResult::advance();
                 }).wasInterrupted();
  SetVector<Value> used(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  if (draws || !llvm::all_of(used, [&](Value each) { return collect(each, known, made); }))
    return false;
  made.insert(op);
  return true;
}

/// Makes requirements of the run of what an entry demands of all lineages alike.
class Lift {
public:
  Lift(SymbolTable &symbols, ir::SamplerOp sampler, FlatSymbolRefAttr entry, bool atSteps)
      : symbols(symbols), sampler(sampler), b(sampler),
        function(entry ? symbols.lookup<func::FuncOp>(entry.getValue()) : func::FuncOp()) {
    if (!function || function.isExternal())
      return;
    Block &body = function.getBody().front();
    if (atSteps) // a step's arguments end in t, dt, n, i
      known = {*(body.args_end() - 4), *(body.args_end() - 2)};
    for (auto require : llvm::make_early_inc_range(body.getOps<ir::RequireOp>()))
      if (lift(require.getLoc(), "E0405: " + require.getText().str(), require.getCondition()))
        require.erase();
    for (auto op : llvm::make_early_inc_range(body.getOps<ir::ExtractOp>()))
      if (!op.getInRange() && liftRange(op.getLoc(), op.getIndices(), ir::shapeOf(op.getArray().getType())))
        op.setInRange(true);
  }

private:
  /// A requirement that `condition`, of the entry, holds; nothing where lineages or draws decide it.
  bool lift(Location loc, const std::string &text, Value condition) {
    SetVector<Operation *> made;
    if (!collect(condition, known, made))
      return false;
    SmallVector<Type> arguments = llvm::map_to_vector(known, [](Value value) { return value.getType(); });
    auto holds = func::FuncOp::create(loc, (sampler.getName() + ".require").str(),
                                      b.getFunctionType(arguments, {b.getI1Type()}));
    holds.setPrivate();
    symbols.insert(holds);
    b.setInsertionPointAfter(sampler); // before what derivation asks for: it may be the cause
    ir::RequireInputsOp::create(b, CallSiteLoc::get(loc, sampler.getLoc()), FlatSymbolRefAttr::get(holds),
                                FlatSymbolRefAttr::get(sampler.getSymNameAttr()), b.getStringAttr(text));
    Block *body = holds.addEntryBlock();
    b.setInsertionPointToStart(body);
    IRMapping map;
    map.map(known, body->getArguments());
    for (Operation *op : made)
      b.clone(*op, map);
    func::ReturnOp::create(b, loc, map.lookup(condition));
    return true;
  }

  /// Requirements that all indices lie in their axes; nothing where lineages decide one of them.
  bool liftRange(Location loc, ValueRange indices, ArrayRef<int64_t> shape) {
    SetVector<Operation *> made;
    if (!llvm::all_of(indices, [&](Value index) { return collect(index, known, made); }))
      return false;
    for (auto [index, extent] : llvm::zip(indices, shape)) {
      OpBuilder in = OpBuilder::atBlockTerminator(&function.getBody().front());
      auto integer = [&](int64_t value) -> Value {
        return arith::ConstantOp::create(in, loc, in.getI32IntegerAttr(int32_t(value)));
      };
      auto compared = [&](StringRef predicate, Value lhs, Value rhs) -> Value {
        return ir::CompareOp::create(in, loc, in.getI1Type(), predicate, lhs, rhs);
      };
      Value inside = ir::AndOp::create(in, loc, in.getI1Type(), compared("le", integer(0), index),
                                       compared("lt", index, integer(extent)));
      lift(loc, "E0307: an index is outside of an axis of length " + std::to_string(extent), inside);
    }
    return true;
  }

  SymbolTable &symbols;
  ir::SamplerOp sampler;
  OpBuilder b;
  func::FuncOp function;
  SmallVector<Value> known; // of the entry's arguments: the time and the step
};

struct CheckRequirementsPass : impl::CheckRequirementsBase<CheckRequirementsPass> {
  /// A step, and the time at which it begins.
  using Start = std::pair<int64_t, double>;

  /// The steps of the run as the program fixes it: all of them where they are few, else the first and the last ones.
  SmallVector<Start> gridOf(ir::SamplerOp sampler, func::FuncOp time, bool &wrong) {
    constexpr int64_t most = 256;
    int64_t steps = std::max<int64_t>(sampler.getSteps(), 1);
    SmallVector<Start> grid;
    auto real = FloatAttr::get(Float64Type::get(&getContext()), 0);
    for (int64_t n = 0; n <= steps; ++n) {
      if (steps > most && n > most / 2 && n < steps - most / 2)
        continue;
      auto t = realOf(evaluate(time, {FloatAttr::get(real.getType(), double(n) / double(steps))}));
      if (!t)
        return {};
      const char *fault = !std::isfinite(*t)                            ? "is not finite"
                          : *t < 0 || *t > 1                            ? "lies outside [0, 1]"
                          : !grid.empty() && !(*t > grid.back().second) ? "is not above the time before it"
                                                                        : nullptr;
      if (fault && (n == 0 || sampler.getSteps() > 0)) {
        emitError(CallSiteLoc::get(time.getLoc(), sampler.getLoc()))
            << "E0403: time(" << n << " / " << steps << ") = " << textOf(*t) << " " << fault;
        wrong = true;
        return {};
      }
      grid.push_back({n, *t});
    }
    grid.pop_back(); // none begins at the last time
    return sampler.getSteps() > 0 ? grid : SmallVector<Start>();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    bool wrong = false;
    llvm::StringMap<SmallVector<Start>> grids;
    SymbolTable symbols(module);
    for (auto sampler : module.getOps<ir::SamplerOp>()) {
      Lift(symbols, sampler, sampler.getInitAttr(), false);
      Lift(symbols, sampler, sampler.getStepAttr(), true);
    }
    for (auto sampler : module.getOps<ir::SamplerOp>())
      grids[sampler.getSymName()] = gridOf(sampler, symbols.lookup<func::FuncOp>(sampler.getTime()), wrong);
    std::set<std::pair<std::string, std::string>> said; // one of a code for each sampler
    for (auto require : llvm::to_vector(module.getOps<ir::RequireInputsOp>())) {
      auto function = symbols.lookup<func::FuncOp>(require.getFunction());
      auto broken = [&](const std::string &where) {
        emitError(require.getLoc()) << require.getText() << where;
        wrong = true;
      };
      if (function.getNumArguments() == 0) {
        Attribute holds = evaluate(function, {});
        if (isFalse(holds))
          broken("");
        else if (isa_and_nonnull<IntegerAttr>(holds))
          require.erase(); // of constants, and settled
        continue;
      }
      std::pair once(require.getSampler()->str(), require.getText().take_front(5).str());
      if (said.count(once))
        continue;
      const SmallVector<Start> &grid = grids[*require.getSampler()];
      for (const auto &[n, t] : grid) {
        SmallVector<Attribute> known{FloatAttr::get(Float64Type::get(&getContext()), t),
                                     IntegerAttr::get(IntegerType::get(&getContext(), 32), n)};
        if (isFalse(evaluate(function, ArrayRef(known).take_front(function.getNumArguments())))) {
          broken(" (at t = " + textOf(t) + ")");
          said.insert(once);
          break;
        }
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
