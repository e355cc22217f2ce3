// What derivation has found, as text for people: drift, noise and weight of each sampler, in the words of the language.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace kac {

/// Of a module after kac-derive-sampler. `sampler`: only the one of this name, if it is not empty. `lowered`: the same
/// after kac-lower-lineages, which knows what memory is taken.
std::string explain(mlir::ModuleOp module, const std::string &sampler = "", mlir::ModuleOp lowered = {});

} // namespace kac
