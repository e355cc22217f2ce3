// Which values of a function depend on the lineage: all that the state, the index or a draw reaches.
#pragma once

#include "compiler/dialect/Kac.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace kac {

class Uniformity {
public:
  Uniformity(mlir::func::FuncOp function, llvm::ArrayRef<bool> varyingArguments, bool drawsVary);

  bool varies(mlir::Value value) const { return varying.contains(value); }
  /// A new value that varies.
  void note(mlir::Value value) { mark(value, true); }
  /// Lineages may leave the loop at different turns.
  bool turnsVary(ir::LoopOp loop) const;

private:
  bool visit(mlir::Block &block);
  bool mark(mlir::Value value, bool varies) { return varies && varying.insert(value).second; }

  llvm::DenseSet<mlir::Value> varying;
  bool drawsVary;
};

} // namespace kac
