// The table of kernels that `split` leaves with a module: who makes which function.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace kac {

inline constexpr char kernelTableName[] = "kac.kernels"; // attribute of the module: an array of rows
inline constexpr char llvmTarget[] = "llvm";

/// The table for a reader, as comment lines of MLIR's text form; empty where there is none.
std::string kernelTableText(mlir::ModuleOp module);

} // namespace kac
