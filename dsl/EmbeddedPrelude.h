// The library's own .dsl files as they were when the program was built, in the order of their names.
#pragma once

#include <string_view>
#include <vector>

namespace kac {

struct EmbeddedFile {
  std::string_view name; // "functions.dsl"
  std::string_view text;
};

const std::vector<EmbeddedFile> &embeddedPrelude();

} // namespace kac
