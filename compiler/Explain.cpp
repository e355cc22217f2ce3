// Derived samplers in, a report for each out, and the same as fields that a program may take over.
#include "compiler/Explain.h"

#include "compiler/dialect/Kac.h"
#include "compiler/passes/KindFields.h"
#include "compiler/passes/StepCost.h"

using namespace mlir;

namespace kac {

static std::string placeOf(Operation *op) {
  auto place = dyn_cast<FileLineColLoc>(op->getLoc());
  return place ? place.getFilename().str() + ":" + std::to_string(place.getLine()) : "";
}

/// Of one lineage, from the facts of the kernels.
static std::string memoryOf(DictionaryAttr facts) {
  auto number = [&](StringRef name) { return facts.getAs<IntegerAttr>(name).getInt(); };
  int64_t lanes = number("lanes"), state = (number("tile_bytes") + lanes - 1) / lanes,
          scratch = number("scratch_bytes");
  return std::to_string(state) + " bytes of state" + (facts.contains("resample") ? ", kept twice for resampling" : "") +
         (scratch ? "; " + std::to_string(scratch) + " bytes of scratch" : "") + "; for each lineage";
}

static std::string explainOne(ir::SamplerOp sampler, ModuleOp lowered, DictionaryAttr facts) {
  std::string name = sampler.getSymName().str(), title = "sampler " + name;
  std::string place = placeOf(sampler), text;
  text = title + (place.empty() ? "" : std::string(std::max<int>(2, 48 - int(title.size())), ' ') + place) + "\n";
  auto derived = sampler->getAttrOfType<DictionaryAttr>(kinds::kDerived);
  auto of = [&](StringRef key) {
    auto entry = derived ? derived.getAs<StringAttr>(key) : StringAttr();
    return entry ? entry.str() : std::string();
  };
  auto row = [&](const std::string &word, const std::string &value) {
    if (!value.empty())
      text += "  " + word + std::string(10 - word.size(), ' ') + value + "\n";
  };
  auto costs = [&] {
    if (auto name = sampler.getStepAttr()) {
      auto step = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(sampler, name);
      std::string cost = of("cost") + (of("cost").empty() ? "" : "; ") + drawsOf(step);
      if (facts) {
        auto tiles = facts.getAs<DictionaryAttr>("step").getAs<FlatSymbolRefAttr>("tiles");
        cost += "; " + std::to_string(arithmeticOf(lowered.lookupSymbol<func::FuncOp>(tiles))) + " operations";
      }
      row("cost", cost);
    }
    row("memory", facts ? memoryOf(facts) : "");
  };
  if (of("drift").empty() && of("weight").empty()) {
    text += sampler.getStep() ? "  procedural: its step is as the text gives it\n" : "  no steps\n";
    costs();
    return text;
  }
  bool weighted = !of("weight").empty() && !sampler.getUnweighted();
  row("drift", (of("scheme").empty() ? "" : of("scheme") + ": ") + of("drift") + of("followed"));
  row("noise", of("noise"));
  row("weight", weighted                  ? of("weight")
                : sampler.getUnweighted() ? "none: samples do not follow the target"
                                          : "that of its own step or `weights`; none is derived");
  row("evidence", of("evidence").empty() ? "" : of("evidence") + ": the same for all lineages");
  row("from", of("from"));
  row("checks", of("assumed").empty() ? "" : "where the drift holds is checked at creation");
  costs();
  row("left", "Euler step, O(dt)");
  text += "\nsampler " + name + "_explained = " + name + " with {\n";
  auto field = [&](const std::string &head, const std::string &value) {
    if (!value.empty())
      text += "  " + head + " = " + value + "\n";
  };
  field("drift(x, t)", of("drift"));
  field("diffusion(t)", of("noise"));
  field("rate(x, t)", weighted ? of("weight") : "");
  return text + "}\n";
}

std::string explain(ModuleOp module, const std::string &sampler, ModuleOp lowered) {
  std::string text;
  llvm::StringMap<DictionaryAttr> facts;
  if (auto rows = lowered ? lowered->getAttrOfType<ArrayAttr>("kac.samplers") : ArrayAttr())
    for (auto each : rows.getAsRange<DictionaryAttr>())
      facts[each.getAs<StringAttr>("name").getValue()] = each;
  for (auto op : module.getOps<ir::SamplerOp>())
    if (sampler.empty() || op.getSymName() == sampler)
      text += (text.empty() ? "" : "\n") + explainOne(op, lowered, facts.lookup(op.getSymName()));
  return text;
}

} // namespace kac
