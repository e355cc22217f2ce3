// A lowered module in; the same with its kernel table (the attribute kac.kernels) out: a row for each function that the
// run-time library calls, with the target that makes it. The rows are all that the makers of kernels know of each
// other.
#include "compiler/passes/KernelTable.h"
#include "compiler/passes/Passes.h"
#include "runtime/kac_abi.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/FormatVariadic.h"

#include <map>
#include <optional>

using namespace mlir;

namespace kac {

#define GEN_PASS_DEF_SPLITKERNELS
#include "compiler/passes/Passes.h.inc"

namespace {

/// The memory that a run hands to its kernels, by its place in kac_run.
struct Buffer {
  size_t offset;
  const char *name;
};
#define KAC_BUFFER(field)                                                                                              \
  Buffer { offsetof(kac_run, field), #field }
const Buffer buffers[] = {KAC_BUFFER(inputs),    KAC_BUFFER(grid),       KAC_BUFFER(state_in), KAC_BUFFER(state_out),
                          KAC_BUFFER(ancestors), KAC_BUFFER(log_weight), KAC_BUFFER(dead),     KAC_BUFFER(uniform)};
#undef KAC_BUFFER

struct Use {
  bool read = false, write = false;
};

/// What is done with the memory behind `pointer`; what leaves our sight may be both.
void follow(Value pointer, Use &use) {
  for (OpOperand &operand : pointer.getUses()) {
    Operation *user = operand.getOwner();
    if (isa<LLVM::GEPOp>(user))
      follow(user->getResult(0), use);
    else if (auto store = dyn_cast<LLVM::StoreOp>(user); store && store.getAddr() == pointer)
      use.write = true;
    else if (isa<LLVM::LoadOp>(user))
      use.read = true;
    else if (!isa<LLVM::ICmpOp>(user))
      use.read = use.write = true;
  }
}

/// The constant byte of kac_run that `load` reads, or none.
std::optional<size_t> placeInRun(LLVM::LoadOp load, Value run) {
  if (load.getAddr() == run)
    return 0;
  auto address = load.getAddr().getDefiningOp<LLVM::GEPOp>();
  if (!address || address.getBase() != run || address.getRawConstantIndices().size() != 1 ||
      !address.getDynamicIndices().empty())
    return std::nullopt;
  return size_t(address.getRawConstantIndices()[0]);
}

DictionaryAttr buffersOf(func::FuncOp kernel) {
  Builder b(kernel.getContext());
  std::map<std::string, Use> uses;
  if (kernel.getNumArguments() > 0)
    kernel.walk([&](LLVM::LoadOp load) {
      std::optional<size_t> place = placeInRun(load, kernel.getArgument(0));
      for (const Buffer &buffer : buffers)
        if (place == buffer.offset)
          follow(load.getResult(), uses[buffer.name]);
    });
  SmallVector<NamedAttribute> list;
  for (const auto &[name, use] : uses)
    list.push_back(b.getNamedAttr(name, b.getStringAttr(!use.write ? "in" : use.read ? "inout" : "out")));
  return b.getDictionaryAttr(list);
}

/// The widest vector of reals that the kernel works in, or one f64 where it does the work that all lineages share.
VectorType lanesOf(func::FuncOp kernel) {
  VectorType widest;
  kernel.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      if (auto vector = dyn_cast<VectorType>(type); vector && isa<FloatType>(vector.getElementType()))
        if (!widest || vector.getNumElements() > widest.getNumElements())
          widest = vector;
  });
  return widest ? widest : VectorType::get({1}, Float64Type::get(kernel.getContext()));
}

struct SplitKernels : impl::SplitKernelsBase<SplitKernels> {
  using SplitKernelsBase::SplitKernelsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Builder b(module.getContext());
    SmallVector<Attribute> rows;
    for (auto kernel : module.getOps<func::FuncOp>()) {
      VectorType lanes = lanesOf(kernel);
      rows.push_back(b.getDictionaryAttr({
          b.getNamedAttr("kernel", FlatSymbolRefAttr::get(kernel)),
          b.getNamedAttr("target", b.getStringAttr(llvmTarget)), // no other target takes a kernel yet
          b.getNamedAttr("element", TypeAttr::get(lanes.getElementType())),
          b.getNamedAttr("lanes", b.getI64IntegerAttr(lanes.getNumElements())),
          b.getNamedAttr("buffers", buffersOf(kernel)),
      }));
    }
    module->setAttr(kernelTableName, b.getArrayAttr(rows));
  }
};

} // namespace

std::string kernelTableText(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto table = module->getAttrOfType<ArrayAttr>(kernelTableName);
  if (!table)
    return text;
  constexpr char columns[] = "// {0,-32} {1,-7} {2,-8} {3,-6} ";
  stream << llvm::formatv(columns, "kernel", "target", "element", "lanes") << "buffers\n";
  for (auto row : table.getAsRange<DictionaryAttr>()) {
    stream << llvm::formatv(columns, row.getAs<FlatSymbolRefAttr>("kernel").getValue(),
                            row.getAs<StringAttr>("target").getValue(), row.getAs<TypeAttr>("element").getValue(),
                            row.getAs<IntegerAttr>("lanes").getInt());
    llvm::interleaveComma(row.getAs<DictionaryAttr>("buffers"), stream, [&](NamedAttribute buffer) {
      stream << buffer.getName().strref() << ' ' << cast<StringAttr>(buffer.getValue()).getValue();
    });
    stream << '\n';
  }
  return text;
}

} // namespace kac
