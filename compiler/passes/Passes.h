// The passes of Passes.td: their constructors, options and registration (registerKacPasses).
#pragma once

#include "mlir/Pass/Pass.h"

namespace kac {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/passes/Passes.h.inc"

} // namespace kac
