// Algebra that leaves less for each lineage: uniform factors and terms come together.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace kac {

/// Rewrites reals of `function` so that uniform operands of products and sums meet: (v u) w = (v w) u, (v u) u' = v (u
/// u'), (v + u) + w = (v + w) + u, sum (v u) = u sum v, and their like. `varying` tells which arguments differ.
void factorUniform(mlir::func::FuncOp function, llvm::ArrayRef<bool> varying);

} // namespace kac
