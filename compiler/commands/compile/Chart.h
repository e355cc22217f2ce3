// The type of a state in; coordinates in the unit cube for the states of it, or a list of them all, out.
#pragma once

#include "compiler/commands/compile/LawSampler.h"
#include "dsl/Types.h"

#include <functional>

namespace kac {

class Chart {
public:
  /// `samples` say where on an unbounded axis the law is, and how wide.
  Chart(const Type &type, const States &samples);

  /// Bools and tokens.
  static bool isDiscrete(const Type &type) { return type.isBool() || type.scalar == Scalar::Token; }
  /// Reals, positives, and rows that sum to one.
  static bool isContinuous(const Type &type);
  /// All states of a discrete type; none where there are more than `most`.
  static States all(const Type &type, size_t most);

  size_t dimensions() const { return axes; }
  /// The state at a point of the cube, and the log of the volume that a unit of the cube has there.
  double state(const double *point, double *state) const;
  void point(const double *state, double *point) const;
  /// A direction that stays in the space, of the size of the law; `random` gives numbers between -1 and 1.
  std::vector<double> direction(const double *state, const std::function<double()> &random) const;

private:
  Type type;
  size_t width, row, axes; // numbers of a state, of a row that sums to one, and coordinates
  std::vector<double> centre, scale;
};

/// The integral of a function over each of some boxes [low, high) in the unit cube, of one or two dimensions.
struct Box {
  std::vector<double> low, high;
};
struct Integral {
  double value = 0, error = 0;
};
using Integrand = std::function<std::vector<double>(const States &points)>;
std::vector<Integral> integrate(const Integrand &f, const std::vector<Box> &boxes);

} // namespace kac
