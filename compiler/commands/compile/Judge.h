// A compiled law in, what is against it out: mass, draws and score are held against its log density.
#pragma once

#include "compiler/commands/compile/LawSampler.h"
#include "dsl/Types.h"

#include <string>
#include <vector>

namespace kac {

/// What was compared, and one line for each thing that does not agree.
struct Judgement {
  int compared = 0;
  std::vector<std::string> faults;
};

struct Claims {
  bool mass = true;  // the density is to integrate to one
  bool score = true; // output 2 is to be the derivative of output 1
};

/// Statistical comparisons are to agree within 4 standard errors; states that no comparison is known for give none.
Judgement judge(const LawSampler &law, const Type &state, const Claims &claims);

} // namespace kac
