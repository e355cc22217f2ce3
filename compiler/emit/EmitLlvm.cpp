// The passes from upstream dialects to LLVM's, its own optimiser, and its code generator.
#include "compiler/emit/EmitLlvm.h"
#include "compiler/emit/Descriptor.h"
#include "compiler/emit/Wrappers.h"
#include "compiler/passes/KernelTable.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

#include <mutex>

namespace kac {

std::string cName(const std::string &name) {
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  return result.empty() || llvm::isDigit(result[0]) ? "_" + result : result;
}

static bool toLlvmDialect(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  passes.addPass(mlir::createSCFToControlFlowPass());
  passes.addPass(mlir::createConvertVectorToLLVMPass());
  passes.addPass(mlir::createConvertMathToLLVMPass());
  passes.addPass(mlir::createArithToLLVMConversionPass());
  passes.addPass(mlir::createConvertControlFlowToLLVMPass());
  passes.addPass(mlir::createConvertFuncToLLVMPass());
  passes.addPass(mlir::createReconcileUnrealizedCastsPass());
  return mlir::succeeded(passes.run(module));
}

/// The instruction sets that the runtime can ask for.
static constexpr llvm::StringLiteral knownFeatures[] = {
#define KAC_CPU_FEATURE(name, leaf, reg, bit, saved) name,
#include "runtime/kac_cpu.def"
#undef KAC_CPU_FEATURE
};

/// What a descriptor asks of the machine.
static std::string featuresOf(const llvm::TargetMachine &machine) {
  std::string all;
  for (llvm::StringRef name : knownFeatures)
    if (machine.getMCSubtargetInfo()->checkFeatures("+" + name.str()))
      all += (all.empty() ? "" : ",") + name.str();
  return all;
}

static std::unique_ptr<llvm::TargetMachine> machineFor(const EmitOptions &options, std::string &error) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  bool native = options.cpu.empty() || options.cpu == "native";
  llvm::SubtargetFeatures features;
  if (native)
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      features.AddFeature(feature.getKey(), feature.getValue() && llvm::is_contained(knownFeatures, feature.getKey()));
  if (triple.isX86())
    features.AddFeature("prefer-256-bit", false); // else wide registers stay unused
  std::string cpu = native ? llvm::sys::getHostCPUName().str() : options.cpu;
  llvm::TargetOptions settings;
  settings.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, cpu, features.getString(), settings, llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
  if (machine && !machine->getMCSubtargetInfo()->isCPUStringValid(cpu)) {
    error = "no CPU '" + cpu + "' is known for " + triple.str();
    return nullptr;
  }
  return machine;
}

static void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = false; // lanes are vectors already
  // Loops that copy stay loops: a call has no place in one over lineages.
  llvm::TargetLibraryInfoImpl none(machine.getTargetTriple());
  none.disableAllFunctions();
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(none); });
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

/// All that is to be made has a row of the kernel table, and this is who makes it.
static bool isOurs(mlir::ModuleOp module, std::string &error) {
  auto table = module->getAttrOfType<mlir::ArrayAttr>(kernelTableName);
  llvm::StringSet<> ours;
  if (table)
    for (auto row : table.getAsRange<mlir::DictionaryAttr>())
      if (row.getAs<mlir::StringAttr>("target").getValue() == llvmTarget)
        ours.insert(row.getAs<mlir::FlatSymbolRefAttr>("kernel").getValue());
  for (auto kernel : module.getOps<mlir::func::FuncOp>())
    if (!ours.contains(kernel.getName())) {
      error = "no row of the kernel table gives @" + kernel.getName().str() + " to LLVM";
      return false;
    }
  return true;
}

std::string emitLlvm(mlir::ModuleOp module, const std::string &stem, const EmitOptions &options, EmitKind kind,
                     std::string &error) {
  std::unique_ptr<llvm::TargetMachine> machine = machineFor(options, error);
  if (!machine)
    return {};
  bool isModel = module->hasAttr("kac.samplers");
  if (isModel && !isOurs(module, error))
    return {};
  mlir::registerBuiltinDialectTranslation(*module.getContext());
  mlir::registerLLVMDialectTranslation(*module.getContext());
  if (!toLlvmDialect(module)) {
    error = "a lowered module cannot be translated";
    return {};
  }
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> translated = mlir::translateModuleToLLVMIR(module, context, stem);
  if (!translated) {
    error = "a lowered module cannot be translated";
    return {};
  }
  translated->setTargetTriple(machine->getTargetTriple());
  translated->setDataLayout(machine->createDataLayout());
  for (llvm::Function &function : *translated)
    if (!function.isDeclaration()) {
      if (isModel) // reached through descriptors alone
        function.setLinkage(llvm::GlobalValue::InternalLinkage);
      function.setDoesNotThrow();
      // Calls of the whole-vector forms stay within registers of the widest kind.
      function.addFnAttr("target-cpu", machine->getTargetCPU());
      function.addFnAttr("target-features", machine->getTargetFeatureString());
      function.addFnAttr("prefer-vector-width", "512");
      function.addFnAttr("min-legal-vector-width", "512");
    }
  if (isModel) {
    emitDescriptors(module, *translated, stem, featuresOf(*machine));
    emitWrappers(interfaceOf(module, stem), *translated);
  }
  optimise(*translated, *machine);

  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  if (kind == EmitKind::Llvm) {
    translated->print(stream, nullptr);
    return std::string(bytes.begin(), bytes.end());
  }
  llvm::legacy::PassManager passes;
  auto file = kind == EmitKind::Object ? llvm::CodeGenFileType::ObjectFile : llvm::CodeGenFileType::AssemblyFile;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, file)) {
    error = "no code generator for " + machine->getTargetTriple().str();
    return {};
  }
  passes.run(*translated);
  return std::string(bytes.begin(), bytes.end());
}

} // namespace kac
