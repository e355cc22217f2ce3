// The table of stages as data, for the driver that walks it and for all that prints it.
#pragma once

#include <string_view>
#include <vector>

namespace kac {

struct Stage {
  std::string_view verb;     // "derive"
  std::string_view from;     // what it takes: "kac"
  std::string_view to;       // what it leaves, and --emit prints: "derived"; several products have blanks between
  std::string_view ending;   // of a file that holds it; empty where there is nothing to print
  std::string_view passes;   // an MLIR pass pipeline, or empty
  std::string_view sentence; // its promise
};

const std::vector<Stage> &stages();

/// The names in a list with blanks between.
std::vector<std::string_view> namesIn(std::string_view list);

/// Index of the stage that leaves `product`, or -1.
int stageThatLeaves(std::string_view product);

} // namespace kac
