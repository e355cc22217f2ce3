// How dear the elements of arrays are, and how often each is asked for: what decides which arrays are stored.
#pragma once

#include "compiler/dialect/Kac.h"

namespace kac {

/// On reductions that are made in one loop: the same number.
inline constexpr llvm::StringLiteral groupAttribute = "kac.group";

class Cost {
public:
  /// Instructions for one element (or the scalar) `value`, with all that is computed on demand for it.
  int64_t ofElement(mlir::Value value);
  int64_t ofBlock(mlir::Block &block);
  /// More than one: elements are asked for repeatedly.
  bool isRepeated(mlir::Value value);
  /// The loops that ask for elements ask for each once, in order.
  bool isWalked(mlir::Value value) { return !askersOf(value).many; }
  /// Stored once made: repeated and dear, or with effects.
  bool isStored(mlir::Value value);
  /// Few enough elements to be values of their own.
  bool isSmall(mlir::Value value);

  static std::optional<int64_t> constantOf(mlir::Value value);
  static bool hasEffects(mlir::Operation *op);
  /// Elements of a static shape, or nothing.
  static std::optional<int64_t> countOf(mlir::Type type);

private:
  /// The loops that ask for the elements of a value, each element once; or `many`, where one asks more often.
  struct Askers {
    llvm::SmallPtrSet<const void *, 4> loops;
    bool many = false;
  };
  Askers askersOf(mlir::Value value);
  void addAsker(mlir::OpOperand &use, mlir::Value value, Askers &askers);
  void addLoop(mlir::Operation *op, mlir::ValueRange results, Askers &askers);

  int64_t ofOperation(mlir::Operation *op);
  llvm::DenseMap<mlir::Value, int64_t> known;
  llvm::DenseMap<mlir::Value, bool> stored;
};

} // namespace kac
