// One reduction while its loop is made: what it starts from, what a turn adds, what is left at the end.
#pragma once

#include "compiler/passes/LowerBody.h"

namespace kac {

class Reduction {
public:
  /// `type`: of an element as it is accumulated, a scalar or a vector of lanes.
  Reduction(Body &body, llvm::StringRef name, mlir::Type type);

  mlir::Value identity();
  mlir::Value combine(mlir::Value total, mlir::Value value);

  /// For scalars: puts the values to be carried by the loop behind `carried`.
  void start(llvm::SmallVectorImpl<mlir::Value> &carried);
  void startCount(llvm::SmallVectorImpl<mlir::Value> &carried);
  /// Takes its values from the front of `before`, gives the rest back, and puts the new ones behind `after`.
  mlir::ValueRange turn(const Thing &value, mlir::Value filter, mlir::ValueRange before,
                        llvm::SmallVectorImpl<mlir::Value> &after, int64_t cost);
  Thing finish(llvm::ArrayRef<int64_t> shape, mlir::ValueRange &totals);

  Thing total;         // of an array: its values so far, or memory
  bool isList = false; // of an array: carried by value

private:
  bool isIdentity(mlir::Value total);

  Body &body;
  mlir::Value first;
  llvm::StringRef name;
  mlir::Type type;
  bool isMean;
};

} // namespace kac
