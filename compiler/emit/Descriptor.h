// The facts of kac-lower-lineages (the attributes kac.inputs and kac.samplers) in, struct kac_sampler constants of
// runtime/kac_abi.h in an LLVM module out.
#pragma once

#include "mlir/IR/BuiltinOps.h"

namespace llvm {
class Module;
}

namespace kac {

/// `features`: what the CPU must have, comma separated.
void emitDescriptors(mlir::ModuleOp facts, llvm::Module &module, const std::string &stem, const std::string &features);

} // namespace kac
