// What a value of the kac dialect is while its function is lowered: a scalar for all lineages, a vector with one lane
// for each, or an array of either in one of three forms.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <functional>
#include <memory>

namespace kac {

struct Array;

/// A scalar or vector (`scalar`), or an array.
struct Thing {
  mlir::Value scalar;
  std::shared_ptr<const Array> array;

  Thing() = default;
  Thing(mlir::Value scalar) : scalar(scalar) {}
  Thing(std::shared_ptr<const Array> array) : array(std::move(array)) {}
};

/// `parts` along the first axis; or memory; or what gives an element on demand (`at`).
struct Array {
  llvm::SmallVector<int64_t> shape;
  mlir::Value mask; // lanes in which the array is made, whoever asks for its elements; null: all

  std::vector<Thing> parts;
  mlir::Block *block = nullptr;     // where the parts are known:
  mlir::Operation *after = nullptr; // behind this (null: from the start)
  mutable Thing spilled;            // the same in memory, once somebody indexes it at run time

  mlir::Value base, offset; // memory: address, and an offset in elements (null: 0)
  mlir::Type element;       // as it is in memory

  std::function<Thing(mlir::Value)> at;
};

/// Values known in a region, and in those around it. Arrays on demand keep the scope of their making.
struct Known {
  llvm::DenseMap<mlir::Value, Thing> things;
  std::shared_ptr<Known> parent;
};
using KnownPtr = std::shared_ptr<Known>;

} // namespace kac
