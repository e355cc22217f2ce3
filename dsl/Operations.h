// The rows of Operations.def: what a body may name instead of saying it.
#pragma once

#include <string>

namespace kac {

/// What an operation does with the axes of its operands; a Law has none, and draws.
enum class OperationShape { Elementwise, Total, Scan, Pick, Search, Law };

struct Operation {
  const char *name;
  OperationShape shape;
  const char *operands; // a letter each: r a real, i an int, b a bool
  char result;
};

/// Null for a name that is none.
const Operation *findOperation(const std::string &name);

} // namespace kac
