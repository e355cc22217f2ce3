// Philox4x32-10 and the two primitive laws made of it.
#include "tests/oracle/Philox.h"

#include <cmath>

namespace kac::oracle {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t p = uint64_t{0xD2511F53} * c[0], q = uint64_t{0xCD9E8D57} * c[2];
    c = {uint32_t(q >> 32) ^ c[1] ^ key[0], uint32_t(q), uint32_t(p >> 32) ^ c[3] ^ key[1], uint32_t(p)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return c;
}

static std::array<uint32_t, 4> words(const Address &a, uint32_t site, uint64_t index) {
  return philox({a.lineage, a.step, site, uint32_t(index / 4)}, {uint32_t(a.seed), uint32_t(a.seed >> 32)});
}

/// The midpoint of the cell that a word falls into: of 2^32 cells, or of the 2^23 that a single precision number can
/// tell.
static double midpoint(uint32_t word, bool fine) {
  return fine ? (word + 0.5) / 4294967296.0 : ((word >> 9) + 0.5) / 8388608.0;
}

double drawUniform(const Address &address, uint32_t site, uint64_t index, bool fine) {
  uint32_t word = words(address, site, index)[index % 4];
  if (!fine)
    return midpoint(word, false);
  uint32_t low = words(address, site | 0x80000000u, index)[index % 4]; // 20 more bits, for 2^52 cells
  return (double(uint64_t(word) << 20 | low >> 12) + 0.5) / 4503599627370496.0;
}

double drawNormal(const Address &address, uint32_t site, uint64_t index, bool fine) {
  std::array<uint32_t, 4> w = words(address, site, index);
  size_t pair = 2 * (index / 2 % 2);
  double radius = std::sqrt(-2 * std::log(midpoint(w[pair], fine)));
  double angle = 2 * M_PI * midpoint(w[pair + 1], fine);
  return radius * (index % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

} // namespace kac::oracle
