// One function of LLVM IR for each that the generated header declares: it hands libkac the sampler's descriptor.
#include "compiler/emit/Wrappers.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace kac {

namespace {

class Wrappers {
public:
  explicit Wrappers(llvm::Module &module)
      : module(module), b(module.getContext()), pointer(b.getPtrTy()), size(b.getIntPtrTy(module.getDataLayout())) {}

  /// `name` is `callee` under another name.
  void forward(const std::string &name, llvm::StringRef callee, llvm::Type *result,
               llvm::ArrayRef<llvm::Type *> parameters) {
    llvm::Function *function = begin(name, result, parameters);
    llvm::SmallVector<llvm::Value *> arguments;
    for (llvm::Argument &argument : function->args())
      arguments.push_back(&argument);
    end(callee, result, arguments);
  }
  void sampler(const InterfaceSampler &sampler);
  void model(const Interface &interface) {
    forward(interface.symbol + "_abi_version", "kac_abi_version", b.getInt32Ty(), {});
    forward(interface.symbol + "_status_text", "kac_status_text", pointer, {b.getInt32Ty()});
  }

private:
  llvm::Function *begin(const std::string &name, llvm::Type *result, llvm::ArrayRef<llvm::Type *> parameters) {
    auto *function = llvm::Function::Create(llvm::FunctionType::get(result, parameters, false),
                                            llvm::Function::ExternalLinkage, name, module);
    // Runs before the CPU is known to be right.
    function->addFnAttr("target-cpu", "generic");
    function->addFnAttr("target-features", "");
    function->setDoesNotThrow();
    b.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "", function));
    return function;
  }
  void end(llvm::StringRef callee, llvm::Type *result, llvm::ArrayRef<llvm::Value *> arguments) {
    llvm::SmallVector<llvm::Type *> types;
    for (llvm::Value *argument : arguments)
      types.push_back(argument->getType());
    llvm::FunctionCallee found = module.getOrInsertFunction(callee, llvm::FunctionType::get(result, types, false));
    auto *function = llvm::cast<llvm::Function>(found.getCallee());
    function->setVisibility(llvm::GlobalValue::HiddenVisibility);
    function->setDoesNotThrow();
    llvm::CallInst *call = b.CreateCall(found, arguments);
    if (result->isVoidTy())
      b.CreateRetVoid();
    else
      b.CreateRet(call);
  }

  llvm::Module &module;
  llvm::IRBuilder<> b;
  llvm::Type *pointer, *size;
};

void Wrappers::sampler(const InterfaceSampler &sampler) {
  llvm::Type *status = b.getInt32Ty();
  llvm::Value *descriptor = module.getNamedGlobal(sampler.symbol + "_descriptor");
  assert(descriptor && "the descriptors come first");

  llvm::Function *defaults = begin(sampler.symbol + "_defaults_sized", status, {pointer, size});
  end("kac_params_defaults", status, {descriptor, defaults->getArg(0), defaults->getArg(1)});

  llvm::Function *create = begin(sampler.symbol + "_create", status, {pointer, pointer, pointer});
  end("kac_create", status, {create->getArg(0), descriptor, create->getArg(1), create->getArg(2)});

  // A buffer for each output, the log weights, the result; libkac takes a table of the buffers, or none where no
  // samples are asked for.
  const unsigned count = sampler.outputs.size();
  llvm::Function *sample =
      begin(sampler.symbol + "_sample", status, llvm::SmallVector<llvm::Type *>(count + 3, pointer));
  llvm::Value *none = llvm::ConstantPointerNull::get(b.getPtrTy());
  llvm::Value *any = b.CreateICmpNE(sample->getArg(count + 1), none);
  llvm::Value *table = b.CreateAlloca(llvm::ArrayType::get(pointer, std::max(count, 1u)));
  for (unsigned k = 0; k < count; ++k) {
    llvm::Value *buffer = sample->getArg(k + 1);
    b.CreateStore(buffer, b.CreateConstInBoundsGEP1_32(pointer, table, k));
    any = b.CreateOr(any, b.CreateICmpNE(buffer, none));
  }
  end("kac_sample", status,
      {sample->getArg(0), b.CreateSelect(any, table, none), sample->getArg(count + 1), sample->getArg(count + 2)});

  forward(sampler.symbol + "_destroy", "kac_destroy", b.getVoidTy(), {pointer});
}

} // namespace

void emitWrappers(const Interface &interface, llvm::Module &module) {
  Wrappers wrappers(module);
  wrappers.model(interface);
  for (const InterfaceSampler &sampler : interface.samplers)
    wrappers.sampler(sampler);
}

} // namespace kac
