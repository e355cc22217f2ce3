// What does not depend on the lineage leaves the functions of one lineage.
#pragma once

#include "compiler/passes/Uniformity.h"

namespace kac {

/// Splits `function`: what is the same for all lineages goes to a function <name>.uniform of the arguments that neither
/// `varying` names, and `function` takes its results as further arguments. The attribute kac.uniform names it. Draws
/// are the lineage's own, unless all lineages share them.
void hoistUniform(mlir::func::FuncOp function, llvm::ArrayRef<bool> varying, bool drawsVary = true);

/// Computes the same wherever it stands: no effects, no fault that only some turns have.
bool isMovable(mlir::Operation *op);

} // namespace kac
