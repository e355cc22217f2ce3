// Derived samplers in, a report for each out, and the same as fields that a program may take over.
#include "compiler/Explain.h"

#include "compiler/dialect/Kac.h"
#include "compiler/passes/KindFields.h"

using namespace mlir;

namespace kac {

static std::string placeOf(Operation *op) {
  auto place = dyn_cast<FileLineColLoc>(op->getLoc());
  return place ? place.getFilename().str() + ":" + std::to_string(place.getLine()) : "";
}

static std::string explainOne(ir::SamplerOp sampler) {
  std::string name = sampler.getSymName().str(), title = "sampler " + name;
  std::string place = placeOf(sampler), text;
  text = title + (place.empty() ? "" : std::string(std::max<int>(2, 48 - int(title.size())), ' ') + place) + "\n";
  auto derived = sampler->getAttrOfType<DictionaryAttr>(kinds::kDerived);
  if (!derived)
    return text + "  procedural: its step is as the text gives it\n";
  auto of = [&](StringRef key) {
    auto entry = derived.getAs<StringAttr>(key);
    return entry ? entry.str() : std::string();
  };
  auto row = [&](const std::string &word, const std::string &value) {
    if (!value.empty())
      text += "  " + word + std::string(10 - word.size(), ' ') + value + "\n";
  };
  bool weighted = !of("weight").empty() && !sampler.getUnweighted();
  row("drift", (of("scheme").empty() ? "" : of("scheme") + ": ") + of("drift") + of("followed"));
  row("noise", of("noise"));
  row("weight", weighted                  ? of("weight")
                : sampler.getUnweighted() ? "none: samples do not follow the target"
                                          : "that of its own step or `weights`; none is derived");
  row("evidence", of("evidence").empty() ? "" : of("evidence") + ": the same for all lineages");
  row("from", of("from"));
  row("checks", of("assumed").empty() ? "" : "where the drift holds is checked at creation");
  row("cost", of("cost"));
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

std::string explain(ModuleOp module, const std::string &sampler) {
  std::string text;
  for (auto op : module.getOps<ir::SamplerOp>())
    if (sampler.empty() || op.getSymName() == sampler)
      text += (text.empty() ? "" : "\n") + explainOne(op);
  return text;
}

} // namespace kac
