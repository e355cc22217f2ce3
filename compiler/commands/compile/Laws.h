// A program in; the tests that follow from the kinds of the values that its own tests build, run, out.
#pragma once

#include "compiler/commands/compile/Compile.h"

namespace kac {

/// Prints a line for each that does not hold, and how many there were. Done, FailedRun, or what stood in the way.
int testLaws(const DriverOptions &options, const CommandLine &line);

} // namespace kac
