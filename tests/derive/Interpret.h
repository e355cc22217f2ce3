// Functions of the kac dialect and their arguments in, their results out: evaluated in double, one operation at a time.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace kac::interpret {

/// An array in row-major order; a scalar has no shape. Ints and bools are held as doubles too.
struct Array {
  std::vector<int64_t> shape;
  std::vector<double> data;

  Array() = default;
  Array(double scalar) : data{scalar} {}
  Array(std::vector<int64_t> shape, std::vector<double> data) : shape(std::move(shape)), data(std::move(data)) {}
  double scalar() const { return data.at(0); }
};

using Arrays = std::vector<Array>;

/// Evaluates plain functions: those without derivative operations. Throws std::runtime_error on what it does not know.
class Interpreter {
public:
  explicit Interpreter(mlir::ModuleOp module) : module(module) {}

  Arrays call(llvm::StringRef function, const Arrays &arguments);

  /// Values of inputs in place of those declared.
  std::map<std::string, Array> inputs;
  /// One number of "kac.uniform" or "kac.normal" at a site and index; 0.5 and 0 where there is no source.
  std::function<double(llvm::StringRef name, int64_t site, int64_t index)> random;
  /// The extent of axes of `?`, and of kac.build's extent -1.
  int64_t particles = 1;
  /// What kac.weigh has added, and whether each kac.require has held.
  double logWeight = 0;
  bool required = true;
  /// How many operations were evaluated, elements counted: a measure of cost.
  int64_t work = 0;

private:
  mlir::ModuleOp module;
};

} // namespace kac::interpret
