// Reductions over one range, none of which needs another, come side by side, so that one loop makes them all.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace kac {

/// Also writes long kac.whole reductions as kac.reduce.
void fuseReductions(mlir::func::FuncOp function);

} // namespace kac
