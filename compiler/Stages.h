// The table of stages as data, for the driver that walks it and for all that prints it.
#pragma once

#include <string_view>
#include <vector>

namespace kac {

struct Stage {
  std::string_view verb;     // "derive"
  std::string_view from;     // what it takes: "kac"
  std::string_view to;       // what it leaves, and --emit prints: "derived"
  std::string_view ending;   // of a file that holds it
  std::string_view passes;   // an MLIR pass pipeline, or empty
  std::string_view sentence; // its promise
};

const std::vector<Stage> &stages();

/// Index of the stage that leaves `product`, or -1.
int stageThatLeaves(std::string_view product);

} // namespace kac
