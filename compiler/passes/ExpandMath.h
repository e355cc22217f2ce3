// Elementary functions as our own polynomials: names and operands in, arithmetic out; scalars and vectors of f32 and
// f64 alike. Accuracy in design.md 4. Results below the smallest normal become 0; NaN stays NaN.
#pragma once

#include "mlir/IR/Builders.h"

namespace kac {

/// The value of the primitive `name` ("math.exp", "kac.lgamma", "kac.pow") for operands of one real type. Null where
/// the table has no such name.
mlir::Value expandMath(mlir::OpBuilder &b, mlir::Location loc, llvm::StringRef name, mlir::ValueRange operands);

/// x^n for a constant whole number, by squaring.
mlir::Value expandPower(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, int64_t n);

/// Radius sqrt(-2 log u) of a Box-Muller pair, 0 < u < 1, normal number.
mlir::Value expandRadius(mlir::OpBuilder &b, mlir::Location loc, mlir::Value u);
/// cos (and, if `sine`, sin) of 2 pi u, 0 <= u <= 1.
mlir::Value expandTurn(mlir::OpBuilder &b, mlir::Location loc, mlir::Value u, bool sine);

} // namespace kac
