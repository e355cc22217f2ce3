// A choice in a function in; whether what it gives jumps where its condition changes out, judged by numbers.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"

#include <map>
#include <optional>

namespace kac {

/// The values of one function on a line: what moves goes along it, from a place and in a direction that are drawn, and
/// the rest stays. What is not computed with numbers alone is a smooth function, drawn too, of what it is made of.
class ChoiceLine {
public:
  ChoiceLine(mlir::ModuleOp module, const mlir::DenseSet<mlir::Value> &moving, unsigned seed)
      : module(module), moving(moving), seed(seed) {}

  /// Whether `value` jumps somewhere that `condition` changes; nothing where it does not change on the line, or what it
  /// chooses is no number there.
  std::optional<bool> jumps(mlir::Value value, mlir::Value condition);

private:
  double at(double place, mlir::Value value);
  double number(mlir::Value value);
  double made(mlir::OpResult value);
  double called(mlir::func::FuncOp callee, unsigned result, llvm::ArrayRef<double> arguments);
  double drawn(llvm::StringRef text, size_t count) const;

  mlir::ModuleOp module;
  const mlir::DenseSet<mlir::Value> &moving;
  unsigned seed;
  double along = 0;
  int budget = 400000; // operations; a larger choice is not judged
  mlir::DenseMap<mlir::Value, double> known;
  std::map<const void *, size_t> ends; // arguments by their order of use
};

} // namespace kac
