// A module with its kernel table (after kac-split-kernels) in, LLVM IR, assembly or an object out.
#pragma once

#include <string>

namespace mlir {
class ModuleOp;
}

namespace kac {

struct EmitOptions {
  std::string cpu = "native"; // or a name that LLVM knows: x86-64-v3
};

enum class EmitKind { Llvm, Assembly, Object };

/// The text or the bytes. The module is changed on the way: nothing but this may follow. `stem` stands before the names
/// of all that is visible: <stem>_<sampler>_descriptor. Empty, with `error` set, where it cannot be done.
std::string emitLlvm(mlir::ModuleOp module, const std::string &stem, const EmitOptions &options, EmitKind kind,
                     std::string &error);

/// A part of a name of C: other characters become `_`, a leading digit gets one in front.
std::string cName(const std::string &name);

} // namespace kac
