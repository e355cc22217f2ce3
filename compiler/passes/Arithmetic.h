// Emission of arithmetic with its zeros known: a null value is a structural zero, and no operation is made for it.
#pragma once

#include "compiler/dialect/Kac.h"
#include "mlir/IR/Builders.h"

#include <optional>

namespace kac {

/// What `value` is, where it is a constant (a scalar, or all elements the same).
std::optional<double> constantOf(mlir::Value value);

/// A value that is one of two, for the whole of it.
struct Choice {
  mlir::Value condition, onTrue, onFalse;
};

/// What an if or a select chooses between.
std::optional<Choice> choiceOf(mlir::Value value);

/// Makes operations at the insertion point of `b`. Shapes of operands are suffixes of the longer; a value may always
/// stand for its repetition along further leading axes.
class Arithmetic {
public:
  Arithmetic(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Value real(double value);
  mlir::Value integer(int64_t value);
  mlir::Value zeros(mlir::Type type);

  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value mul(double x, mlir::Value y);
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value neg(mlir::Value x);
  mlir::Value pow(mlir::Value x, mlir::Value y);
  /// Of null operands the zero is written out; null where both are null.
  mlir::Value select(mlir::Value condition, mlir::Value onTrue, mlir::Value onFalse);
  mlir::Value compare(llvm::StringRef predicate, mlir::Value x, mlir::Value y);
  mlir::Value addIndex(mlir::Value x, mlir::Value y);
  mlir::Value subIndex(mlir::Value x, mlir::Value y);

  /// x[indices] for an `x` that stands for an array of `rank` axes. Goes through products with a scalar, so that the
  /// scalar stays visible.
  mlir::Value extract(mlir::Value x, mlir::ValueRange indices, size_t rank);
  mlir::Value insert(mlir::Value value, mlir::Value into, mlir::ValueRange indices);
  /// `x` repeated to the shape of `type`; zeros for null.
  mlir::Value fill(mlir::Value x, mlir::Type type);
  /// The sum of all elements of an array of shape `shape` that `x` stands for.
  mlir::Value sumAll(mlir::Value x, llvm::ArrayRef<int64_t> shape);
  /// Sums over leading axes of `from` until the shape is `to`; factors that do not vary stay outside.
  mlir::Value sumLeading(mlir::Value x, llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);
  mlir::Value dot(mlir::Value x, mlir::Value y, llvm::ArrayRef<int64_t> shape);

  using Body = llvm::function_ref<mlir::Value(mlir::ValueRange indices)>;
  /// [body for indices in extents]; the body's value is filled to `element` (a type).
  mlir::Value build(llvm::ArrayRef<int64_t> extents, mlir::Type element, Body body);
  /// The sum of body over all indices below extents; null where the body's value is.
  mlir::Value sum(llvm::ArrayRef<int64_t> extents, Body body);

private:
  mlir::Value binary(mlir::Value x, mlir::Value y, llvm::function_ref<mlir::Value(mlir::Type)> make);
};

/// Moves what does not vary out of a kac.reduce sum: operations on outer values, then factors of what is summed.
/// Gives the value that stands for the sum; the reduction must not be in use yet.
mlir::Value hoistFactors(ir::ReduceOp reduce);

} // namespace kac
