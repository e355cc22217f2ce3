// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011) as arithmetic on i32 values, scalars or vectors.
#pragma once

#include "mlir/IR/Builders.h"

#include <array>

namespace kac {

std::array<mlir::Value, 4> philox(mlir::OpBuilder &b, mlir::Location loc, std::array<mlir::Value, 4> counter,
                                  std::array<mlir::Value, 2> key);

} // namespace kac
