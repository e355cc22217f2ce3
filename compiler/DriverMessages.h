// Messages of MLIR in, those of the language out: the ones that carry a code are the user's, any other is a defect of
// ours.
#pragma once

#include "dsl/Diagnostics.h"
#include "dsl/Model.h"

#include "mlir/IR/Diagnostics.h"

namespace kac {

/// The text `E0501: what was seen` at a place in the source becomes a row of `messages`, its notes become remarks, and
/// a note that begins with `help: ` the help. An error without a code is added to `defect`.
void translateMessage(mlir::Diagnostic &from, const Model *model, Diagnostics &messages, std::string &defect);

} // namespace kac
