// A compiled law in, what is against it out: mass, draws and score are held against its log density.
#pragma once

#include "compiler/commands/compile/LawSampler.h"
#include "dsl/Model.h"

#include <string>
#include <vector>

namespace kac {

/// What was compared, and one line for each thing that does not agree.
struct Judgement {
  int compared = 0;
  std::vector<std::string> faults;
};

/// Statistical comparisons are to agree within 4 standard errors; states that no comparison is known for give none.
Judgement judge(const LawSampler &law, const Type &state, const LawCase::Promise &promise);

} // namespace kac
