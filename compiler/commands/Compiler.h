// Where the program kac-compile is, and which build of it: beside kacc in a build tree, under libexec once installed.
#pragma once

#include "compiler/Cache.h"
#include "compiler/commands/CommandLine.h"

#include <string>

namespace kac {

std::string compilerProgram();

/// What a run of this command line asks of the cache.
CacheRequest cacheRequestOf(const CommandLine &line);

} // namespace kac
