// Facts in, constants out: one global a struct, its fields in the order of runtime/kac_abi.h.
#include "compiler/emit/Descriptor.h"
#include "compiler/emit/EmitLlvm.h"
#include "runtime/kac_abi.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"

namespace kac {

namespace {

using llvm::Constant;

/// Makes constants; all but the descriptors are local to the object.
class Constants {
public:
  explicit Constants(llvm::Module &module) : module(module), context(module.getContext()) {}

  Constant *i32(int64_t value) { return number(32, value); }
  Constant *i64(int64_t value) { return number(64, value); }
  Constant *none() { return llvm::ConstantPointerNull::get(llvm::PointerType::get(context, 0)); }

  Constant *global(Constant *value, const llvm::Twine &name = "",
                   llvm::GlobalValue::LinkageTypes linkage = llvm::GlobalValue::PrivateLinkage) {
    auto *made = new llvm::GlobalVariable(module, value->getType(), true, linkage, value, name);
    made->setAlignment(llvm::Align(value->getType()->isArrayTy() ? 64 : 8));
    return made;
  }
  Constant *text(llvm::StringRef value) { return global(llvm::ConstantDataArray::getString(context, value)); }
  /// Fields at their natural places, as C lays them out.
  Constant *record(llvm::ArrayRef<Constant *> fields) { return llvm::ConstantStruct::getAnon(context, fields); }
  Constant *table(llvm::ArrayRef<Constant *> rows) {
    if (rows.empty())
      return none();
    return global(llvm::ConstantArray::get(llvm::ArrayType::get(rows[0]->getType(), rows.size()), rows));
  }
  Constant *function(mlir::Attribute symbol) {
    auto reference = mlir::dyn_cast_or_null<mlir::FlatSymbolRefAttr>(symbol);
    llvm::Function *found = reference ? module.getFunction(reference.getValue()) : nullptr;
    return found ? static_cast<Constant *>(found) : none();
  }

  /// struct kac_array_type
  Constant *arrayType(llvm::StringRef name, mlir::Type type) {
    mlir::Type element = mlir::getElementTypeOrSelf(type);
    int32_t kind = element.isInteger(1) ? KAC_BOOL : element.isInteger(32) ? KAC_INT : KAC_REAL;
    llvm::SmallVector<Constant *> shape;
    if (auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type))
      for (int64_t extent : tensor.getShape())
        shape.push_back(i64(extent));
    return record({text(name), i32(kind), i32(int64_t(shape.size())), table(shape)});
  }

  /// The default or the contents: f64, i32 or u8.
  Constant *contents(mlir::Attribute value) {
    if (auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(value)) {
      mlir::Type element = dense.getElementType();
      if (element.isF64())
        return values<double>(dense.getValues<double>());
      if (element.isInteger(32))
        return values<uint32_t>(dense.getValues<uint32_t>());
      return values<uint8_t>(dense.getValues<bool>());
    }
    if (auto real = mlir::dyn_cast<mlir::FloatAttr>(value))
      return global(llvm::ConstantFP::get(context, real.getValue()));
    auto integer = mlir::cast<mlir::IntegerAttr>(value);
    if (integer.getType().isInteger(1))
      return global(number(8, integer.getValue().getZExtValue()));
    return global(i32(integer.getInt()));
  }

private:
  template <typename Number, typename Range> Constant *values(const Range &range) {
    llvm::SmallVector<Number> all(range.begin(), range.end());
    return global(llvm::ConstantDataArray::get(context, llvm::ArrayRef<Number>(all)));
  }
  Constant *number(unsigned bits, int64_t value) {
    return llvm::ConstantInt::get(llvm::IntegerType::get(context, bits), uint64_t(value), true);
  }
  llvm::Module &module;
  llvm::LLVMContext &context;
};

} // namespace

static mlir::Attribute get(mlir::DictionaryAttr facts, llvm::StringRef name) {
  return facts ? facts.get(name) : mlir::Attribute();
}

static int64_t number(mlir::DictionaryAttr facts, llvm::StringRef name) {
  if (auto boolean = mlir::dyn_cast<mlir::BoolAttr>(get(facts, name)))
    return boolean.getValue();
  return mlir::cast<mlir::IntegerAttr>(get(facts, name)).getInt();
}

static llvm::StringRef text(mlir::DictionaryAttr facts, llvm::StringRef name) {
  return mlir::cast<mlir::StringAttr>(get(facts, name)).getValue();
}

static mlir::Type type(mlir::DictionaryAttr facts) { return mlir::cast<mlir::TypeAttr>(facts.get("type")).getValue(); }

void emitDescriptors(mlir::ModuleOp facts, llvm::Module &module, const std::string &stem, const std::string &features) {
  Constants make(module);
  auto rows = [](mlir::Attribute list) {
    llvm::SmallVector<mlir::DictionaryAttr> all;
    for (mlir::Attribute row : mlir::cast<mlir::ArrayAttr>(list))
      all.push_back(mlir::cast<mlir::DictionaryAttr>(row));
    return all;
  };
  llvm::SmallVector<Constant *> inputs;
  for (mlir::DictionaryAttr row : rows(facts->getAttr("kac.inputs")))
    inputs.push_back(make.record({make.arrayType(text(row, "name"), type(row)), make.i32(number(row, "data")),
                                  make.contents(row.get("value"))}));
  Constant *inputTable = make.table(inputs);
  bool wide = mlir::cast<mlir::BoolAttr>(facts->getAttr("kac.f64")).getValue();
  for (mlir::DictionaryAttr row : rows(facts->getAttr("kac.samplers"))) {
    std::string name = cName(stem + "_" + text(row, "name").str());
    llvm::SmallVector<Constant *> outputs, monitors, conditions;
    for (mlir::DictionaryAttr output : rows(row.get("outputs")))
      outputs.push_back(make.arrayType(text(output, "name"), type(output)));
    for (mlir::DictionaryAttr monitor : rows(row.get("monitors")))
      monitors.push_back(make.arrayType(text(monitor, "name"), type(monitor)));
    for (mlir::DictionaryAttr condition : rows(row.get("requires")))
      conditions.push_back(make.record({make.function(condition.get("holds")), make.text(text(condition, "text")),
                                        make.i32(number(condition, "at_steps"))}));
    auto phase = [&](llvm::StringRef which) {
      auto parts = mlir::dyn_cast_or_null<mlir::DictionaryAttr>(row.get(which));
      return make.record({make.function(get(parts, "prepare")), make.function(get(parts, "tiles")),
                          make.function(get(parts, "values"))});
    };
    auto resampler = mlir::dyn_cast_or_null<mlir::DictionaryAttr>(row.get("resample"));
    Constant *resample =
        make.record({make.function(get(resampler, "prepare")), make.function(get(resampler, "tiles"))});
    Constant *record = make.record({make.i32(KAC_ABI_VERSION),
                                    make.text(name),
                                    make.text(features),
                                    make.i32(wide ? 8 : 4),
                                    make.i32(number(row, "lanes")),
                                    make.i64(number(row, "tile_bytes")),
                                    make.i64(number(row, "uniform_bytes")),
                                    make.i64(number(row, "scratch_bytes")),
                                    make.i64(number(row, "particles")),
                                    make.i64(number(row, "steps")),
                                    make.i32(number(row, "steps_fixed")),
                                    make.i32(int64_t(inputs.size())),
                                    make.i32(int64_t(outputs.size())),
                                    make.i32(int64_t(monitors.size())),
                                    make.i32(int64_t(conditions.size())),
                                    inputTable,
                                    make.table(outputs),
                                    make.table(monitors),
                                    make.table(conditions),
                                    phase("init"),
                                    phase("step"),
                                    phase("output"),
                                    phase("monitor"),
                                    make.function(row.get("time")),
                                    resample,
                                    make.function(row.get("when")),
                                    make.function(row.get("weights")),
                                    make.text(text(row, "time_place"))});
    assert(module.getDataLayout().getTypeAllocSize(record->getType()) == sizeof(kac_sampler));
    make.global(record, name + "_descriptor", llvm::GlobalValue::ExternalLinkage);
  }
}

} // namespace kac
