// One compiled sampler that stands for a law: its samples, and its log density (and score) at any states, out.
#pragma once

#include "runtime/kac_run.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kac {

/// States after each other, each of `width` numbers.
struct States {
  size_t width = 1;
  std::vector<double> numbers;

  size_t count() const { return numbers.size() / width; }
  const double *operator[](size_t i) const { return &numbers[i * width]; }
  double *operator[](size_t i) { return &numbers[i * width]; }
};

/// The outputs of the sampler are its state, the log density there, and perhaps the score.
class LawSampler {
public:
  explicit LawSampler(const kac_sampler &sampler) : sampler(sampler) {}

  /// Samples, as many as the program says; empty, and `said` why, where the run fails or a lineage is not finite.
  States draw(std::string &said) const;
  /// Output number `which` at each state, all numbers of it after each other.
  std::vector<double> output(int which, const States &states) const;
  /// How many numbers output `which` has.
  size_t width(int which) const;

private:
  const kac_sampler &sampler;

  std::vector<double> outputOfTiles(int which, const States &states, size_t begin, size_t end) const;
};

} // namespace kac
