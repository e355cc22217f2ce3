// Reductions over one range, none of which needs another, come side by side, so that one loop makes them all.
#pragma once

#include "compiler/dialect/Kac.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace kac {

/// Also writes long kac.whole reductions as kac.reduce.
void fuseReductions(mlir::func::FuncOp function);

/// What the filter of `op` is made of, in its body: it comes before all that only counts where the filter holds.
llvm::SetVector<mlir::Operation *> filterOf(ir::ReduceOp op);

} // namespace kac
