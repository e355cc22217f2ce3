// Random numbers of the oracle: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011) from its definition, in goes an
// address, out comes a number in double precision.
#pragma once

#include <array>
#include <cstdint>

namespace kac::oracle {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// Who draws: `init` is step 0, step n is n + 1. What is drawn for all lineages together is drawn by lineage 0.
struct Address {
  uint64_t seed = 0;
  uint32_t lineage = 0;
  uint32_t step = 0;
};

/// Number `index` of a site. `fine` takes what a double build takes, else what a single build takes.
double drawUniform(const Address &address, uint32_t site, uint64_t index, bool fine = true);
double drawNormal(const Address &address, uint32_t site, uint64_t index, bool fine = true);

} // namespace kac::oracle
