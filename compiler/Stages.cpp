// Stages.def in, the table out.
#include "compiler/Stages.h"

#include <algorithm>

namespace kac {

const std::vector<Stage> &stages() {
  static const std::vector<Stage> table = {
#define KAC_STAGE(verb, from, to, ending, passes, sentence) {#verb, from, to, ending, passes, sentence},
#include "compiler/Stages.def"
#undef KAC_STAGE
  };
  return table;
}

std::vector<std::string_view> namesIn(std::string_view list) {
  std::vector<std::string_view> names;
  while (!list.empty()) {
    size_t end = std::min(list.find(' '), list.size());
    names.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return names;
}

int stageThatLeaves(std::string_view product) {
  for (size_t i = 0; i < stages().size(); ++i)
    for (std::string_view name : namesIn(stages()[i].to))
      if (name == product)
        return static_cast<int>(i);
  return -1;
}

} // namespace kac
