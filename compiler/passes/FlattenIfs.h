// A function in; the same where an `if` that lineages decide differently, and that gives arrays, is a select out.
#pragma once

#include "compiler/dialect/Kac.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace kac {

/// `varying`: which arguments differ from lineage to lineage.
void flattenIfs(mlir::func::FuncOp function, llvm::ArrayRef<bool> varying);

} // namespace kac
