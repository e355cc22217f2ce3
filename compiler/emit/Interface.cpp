// The attributes of a lowered module in, the one record of its interface out; and the files made from it.
#include "compiler/emit/Interface.h"
#include "compiler/emit/EmitLlvm.h"
#include "runtime/kac_abi.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

namespace kac {

int64_t InterfaceValue::count() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
}

namespace {

/// Of C11, C17, C23 and C++ up to 23, with the names that our own header needs; each between two blanks.
constexpr llvm::StringLiteral keywords =
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class "
    "co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype "
    "default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline "
    "int int32_t int64_t linux long mutable namespace new noexcept not not_eq NULL nullptr operator or or_eq "
    "private protected public register reinterpret_cast requires restrict return short signed size_t sizeof "
    "static static_assert static_cast struct switch template this thread_local throw true try typedef typeid "
    "typename typeof typeof_unqual uint64_t uint8_t union unix unsigned using virtual void volatile wchar_t while "
    "xor xor_eq ";

std::string upper(const std::string &name) { return llvm::StringRef(name).upper(); }

/// A name that stands alone in C: of a field, a parameter, a namespace.
std::string wholeName(const std::string &name) {
  std::string result = cName(name);
  return keywords.contains(" " + result + " ") ? result + "_" : result;
}

/// Names of one scope: the second that comes out the same gets a `_` behind.
class Scope {
public:
  Scope(std::initializer_list<const char *> taken = {}) : taken(taken.begin(), taken.end()) {}
  std::string add(std::string name) {
    while (!taken.insert(name).second)
      name += "_";
    return name;
  }

private:
  std::set<std::string> taken;
};

llvm::SmallVector<mlir::DictionaryAttr> rows(mlir::Attribute list) {
  llvm::SmallVector<mlir::DictionaryAttr> all;
  for (mlir::Attribute row : mlir::cast<mlir::ArrayAttr>(list))
    all.push_back(mlir::cast<mlir::DictionaryAttr>(row));
  return all;
}

std::string text(mlir::DictionaryAttr row, llvm::StringRef name) {
  return mlir::cast<mlir::StringAttr>(row.get(name)).getValue().str();
}

int64_t number(mlir::DictionaryAttr row, llvm::StringRef name) {
  if (auto boolean = mlir::dyn_cast<mlir::BoolAttr>(row.get(name)))
    return boolean.getValue();
  return mlir::cast<mlir::IntegerAttr>(row.get(name)).getInt();
}

InterfaceValue valueOf(mlir::DictionaryAttr row, Scope &fields, Scope &macros, const std::string &before) {
  mlir::Type type = mlir::cast<mlir::TypeAttr>(row.get("type")).getValue();
  mlir::Type element = mlir::getElementTypeOrSelf(type);
  InterfaceValue value;
  value.name = text(row, "name");
  value.field = fields.add(wholeName(value.name));
  value.macro = macros.add(upper(before + "_" + cName(value.name)));
  value.element = element.isInteger(1) ? KAC_BOOL : element.isInteger(32) ? KAC_INT : KAC_REAL;
  if (auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type))
    value.shape = tensor.getShape().vec();
  return value;
}

std::vector<double> numbersOf(mlir::Attribute value) {
  std::vector<double> all;
  if (auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(value)) {
    if (mlir::isa<mlir::FloatType>(dense.getElementType()))
      for (const llvm::APFloat &real : dense.getValues<llvm::APFloat>())
        all.push_back(real.convertToDouble());
    else
      for (const llvm::APInt &integer : dense.getValues<llvm::APInt>())
        all.push_back(integer.getBitWidth() == 1 ? double(integer.getZExtValue()) : double(integer.getSExtValue()));
  } else if (auto real = mlir::dyn_cast<mlir::FloatAttr>(value)) {
    all.push_back(real.getValueAsDouble());
  } else {
    llvm::APInt integer = mlir::cast<mlir::IntegerAttr>(value).getValue();
    all.push_back(integer.getBitWidth() == 1 ? double(integer.getZExtValue()) : double(integer.getSExtValue()));
  }
  return all;
}

/// By what runtime/kac_create.c allocates.
InterfaceMemory memoryOf(mlir::DictionaryAttr row, const InterfaceSampler &sampler, bool f64) {
  InterfaceMemory memory;
  const int64_t state = (number(row, "tile_bytes") + number(row, "lanes") - 1) / number(row, "lanes");
  const int64_t weights = 2 * sizeof(double) + 2 * sizeof(int32_t) + sizeof(uint8_t); // and ancestors
  const int64_t second = sampler.resamples ? std::max<int64_t>(state, sizeof(double)) : int64_t(sizeof(double));
  memory.perParticle = state + second + weights + number(row, "scratch_bytes");
  memory.perStep = 3 * sizeof(double) + sizeof(uint8_t); // grid and traces
  for (const InterfaceValue &monitor : sampler.monitors) {
    memory.perParticle += monitor.count() * (monitor.element == KAC_BOOL          ? 1
                                             : f64 && monitor.element == KAC_REAL ? 8
                                                                                  : 4);
    memory.perStep += monitor.count() * 2 * int64_t(sizeof(double));
  }
  memory.fixed = number(row, "uniform_bytes");
  return memory;
}

bool writeWhole(const std::string &path, const std::string &text, std::string &error) {
  llvm::Error failure = llvm::writeToOutput(path, [&](llvm::raw_ostream &stream) {
    stream << text;
    return llvm::Error::success();
  });
  if (!failure)
    return true;
  error = "cannot write " + path + ": " + llvm::toString(std::move(failure));
  return false;
}

} // namespace

Interface interfaceOf(mlir::ModuleOp module, const std::string &stem) {
  Interface interface;
  interface.stem = stem;
  interface.symbol = cName(stem);
  interface.space = wholeName(stem);
  interface.f64 = mlir::cast<mlir::BoolAttr>(module->getAttr("kac.f64")).getValue();
  Scope macros, fields{"size", "seed", "particles", "steps"};
  for (mlir::DictionaryAttr row : rows(module->getAttr("kac.inputs"))) {
    InterfaceInput input;
    input.isData = number(row, "data");
    input.value = valueOf(row, fields, macros, interface.symbol);
    if (!input.isData)
      input.defaults = numbersOf(row.get("value"));
    interface.inputs.push_back(std::move(input));
  }
  Scope spaces;
  for (mlir::DictionaryAttr row : rows(module->getAttr("kac.samplers"))) {
    InterfaceSampler sampler;
    sampler.name = text(row, "name");
    sampler.symbol = interface.symbol + "_" + cName(sampler.name);
    sampler.space = spaces.add(wholeName(sampler.name));
    sampler.particles = number(row, "particles");
    sampler.steps = number(row, "steps");
    sampler.stepsFixed = number(row, "steps_fixed");
    sampler.resamples = bool(row.get("resample"));
    Scope outputs{"instance", "log_weight", "result", "Samples"}, monitors;
    for (mlir::DictionaryAttr output : rows(row.get("outputs")))
      sampler.outputs.push_back(valueOf(output, outputs, macros, sampler.symbol));
    for (mlir::DictionaryAttr monitor : rows(row.get("monitors")))
      sampler.monitors.push_back(valueOf(monitor, monitors, macros, sampler.symbol + "_monitor"));
    for (mlir::DictionaryAttr condition : rows(row.get("requires")))
      sampler.conditions.push_back(text(condition, "text"));
    sampler.memory = memoryOf(row, sampler, interface.f64);
    interface.samplers.push_back(std::move(sampler));
  }
  return interface;
}

bool writeInterface(const Interface &interface, const std::string &base, std::string &error) {
  const std::string header = base + ".h";
  return writeWhole(header, cHeader(interface), error) &&
         writeWhole(base + ".hpp", cppHeader(interface, llvm::sys::path::filename(header).str()), error) &&
         writeWhole(base + ".json", manifest(interface), error) &&
         writeWhole(base + ".pc", pkgConfig(interface), error);
}

} // namespace kac
