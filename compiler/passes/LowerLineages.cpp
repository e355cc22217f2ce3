// A module after derive in; one in upstream dialects alone out, with the kernels of each sampler and, as an attribute,
// what its descriptor states.
#include "compiler/passes/LowerKernels.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace kac {

#define GEN_PASS_DEF_LOWERLINEAGES
#include "compiler/passes/Passes.h.inc"

namespace {

struct LowerLineages : impl::LowerLineagesBase<LowerLineages> {
  using LowerLineagesBase::LowerLineagesBase;

  void runOnOperation() override {
    mlir::ModuleOp module = getOperation();
    bool failed = false;
    mlir::ScopedDiagnosticHandler watch(&getContext(), [&](mlir::Diagnostic &diagnostic) {
      failed |= diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
      return mlir::failure(); // shown by those around
    });
    LowerOptions options{f64, lanes};
    if (lanes && (lanes < 16 || !llvm::isPowerOf2_64(uint64_t(lanes)))) {
      module.emitError("lower: lanes are a power of two of at least 16");
      return signalPassFailure();
    }
    KernelMaker maker(module, options);
    mlir::Builder b(&getContext());
    llvm::SmallVector<mlir::Attribute> samplers;
    llvm::SmallPtrSet<mlir::Operation *, 32> made;
    maker.onKernel = [&](mlir::Operation *kernel) { made.insert(kernel); };
    for (auto sampler : llvm::to_vector(module.getOps<ir::SamplerOp>()))
      samplers.push_back(maker.make(sampler));
    module->setAttr("kac.f64", b.getBoolAttr(f64));
    module->setAttr("kac.inputs", maker.inputs());
    module->setAttr("kac.samplers", b.getArrayAttr(samplers));
    for (mlir::Operation &op : llvm::make_early_inc_range(*module.getBody()))
      if (!made.contains(&op) && !isa<mlir::LLVM::LLVMFuncOp>(op)) // what kernels call stays
        op.erase();
    if (failed)
      signalPassFailure();
  }
};

} // namespace

} // namespace kac
