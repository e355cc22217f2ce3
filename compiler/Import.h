// A checked model in, a module of the kac dialect out: one for one, with the place in the text of every operation.
#pragma once

#include "dsl/Model.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace kac {

/// Loads the dialects it needs. Null, after a message to the context's handler, if the model breaks its own rules.
mlir::OwningOpRef<mlir::ModuleOp> importModel(const Model &model, mlir::MLIRContext &context);

} // namespace kac
