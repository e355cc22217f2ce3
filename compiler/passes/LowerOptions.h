// What a build fixes for the lowering.
#pragma once

#include <cstdint>

namespace kac {

struct LowerOptions {
  bool f64 = false;  // precision of what differs between lineages
  int64_t lanes = 0; // lineages a tile, a power of two of at least 16; 0: the best known
};

/// What each of the lanes of a tile holds, and how many there are.
inline int64_t lanesOf(const LowerOptions &options) { return options.lanes ? options.lanes : options.f64 ? 16 : 32; }

} // namespace kac
