// A number in, the text of a random program with one declarative sampler `s` out: targets, drifts and noises of every
// shape that the language derives weights for.
#pragma once

#include <cstdint>
#include <string>

namespace kac {

struct Generated {
  std::string text;
  int dimension = 1; // the state is a real, or real[dimension]
};

Generated generateProgram(uint64_t seed);

} // namespace kac
