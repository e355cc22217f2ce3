// Stages.def in, the table out.
#include "compiler/Stages.h"

namespace kac {

const std::vector<Stage> &stages() {
  static const std::vector<Stage> table = {
#define KAC_STAGE(verb, from, to, ending, passes, sentence) {#verb, from, to, ending, passes, sentence},
#include "compiler/Stages.def"
#undef KAC_STAGE
  };
  return table;
}

int stageThatLeaves(std::string_view product) {
  for (size_t i = 0; i < stages().size(); ++i)
    if (stages()[i].to == product)
      return static_cast<int>(i);
  return -1;
}

} // namespace kac
