// A built sampler, called kernel by kernel: a shared library in, states and weights of single lineages out. It stands
// where the runtime stands, and does nothing of what the runtime does.
#pragma once

#include "runtime/kac_abi.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kac {

class CompiledSampler {
public:
  /// Throws std::runtime_error where the library or the symbol is missing, or the numbers are not doubles.
  CompiledSampler(const std::string &library, const std::string &symbol);

  struct Lineages {
    std::vector<std::vector<double>> state; // of each lineage: the scalars of its state
    std::vector<double> logWeight;
    std::vector<bool> dead;
  };
  Lineages init(uint64_t seed, int64_t particles) const;
  /// One step from time t to t + dt, as step number n; weights start at 0.
  Lineages step(uint64_t seed, int64_t n, double t, double dt, const std::vector<std::vector<double>> &state) const;

  const kac_sampler &descriptor() const { return *sampler; }

private:
  std::shared_ptr<void> handle;
  const kac_sampler *sampler = nullptr;

  Lineages call(const kac_phase &phase, kac_run &run, int64_t n, const std::vector<std::vector<double>> &state) const;
};

} // namespace kac
