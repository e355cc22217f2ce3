// How dear the elements of arrays are, and how often each is asked for: what decides which arrays are stored.
#pragma once

#include "compiler/dialect/Kac.h"

namespace kac {

class Cost {
public:
  /// Instructions for one element (or the scalar) `value`, with all that is computed on demand for it.
  int64_t ofElement(mlir::Value value);
  int64_t ofBlock(mlir::Block &block);
  /// More than one: elements are asked for repeatedly.
  bool isRepeated(mlir::Value value);
  /// Stored once made: repeated and dear, or with effects.
  bool isStored(mlir::Value value);
  /// Few enough elements to be values of their own.
  bool isSmall(mlir::Value value);

  static std::optional<int64_t> constantOf(mlir::Value value);
  static bool hasEffects(mlir::Operation *op);
  /// Elements of a static shape, or nothing.
  static std::optional<int64_t> countOf(mlir::Type type);

private:
  int64_t ofOperation(mlir::Operation *op);
  llvm::DenseMap<mlir::Value, int64_t> known;
  llvm::DenseMap<mlir::Value, bool> stored;
};

} // namespace kac
