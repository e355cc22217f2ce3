// A compiled program and the command line in; the run, and its exit status, out.
#pragma once

#include "compiler/Cache.h"
#include "compiler/commands/CommandLine.h"

namespace kac {

int runLibraryCommand(const CachedLibrary &library, const CommandLine &line, double secondsCompile);

} // namespace kac
