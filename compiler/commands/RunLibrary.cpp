// kacc run, once there is a library: from the cache (in kacc, without LLVM), or just compiled (in kac-compile).
#include "compiler/commands/RunLibrary.h"
#include "compiler/commands/Commands.h"
#include "compiler/commands/Compiler.h"
#include "compiler/run/Run.h"

#include <unistd.h>

#include <iostream>

namespace kac {

int runLibraryCommand(const CachedLibrary &library, const CommandLine &line, double secondsCompile) {
  if (library.stepsFixed && line.steps) {
    std::cerr << "kacc: the text of `" << library.sampler << "` fixes its steps; leave out --steps\n";
    return WrongCommandLine;
  }
  RunOptions options;
  options.library = library.library.string();
  options.symbol = library.symbol;
  options.sampler = library.sampler;
  options.set = line.set;
  options.particles = line.particles;
  options.steps = line.steps;
  options.seed = line.seed;
  options.threads = line.threads;
  options.output = line.output;
  options.report = line.report;
  options.plot = line.plot;
  options.quiet = line.quiet;
  options.terminal = isatty(STDERR_FILENO);
  options.device = line.device;
  options.scheme = library.scheme;
  options.secondsCompile = secondsCompile;
  switch (runLibrary(options, std::cout, std::cerr)) {
  case RunEnd::Done:
    return std::cout.flush() ? Done : FailedRun;
  case RunEnd::WrongSetting:
    return WrongProgram;
  case RunEnd::Failed:
    break;
  }
  return FailedRun;
}

std::optional<int> runCachedCommand(const CommandLine &line) {
  if (line.time)
    return std::nullopt; // asks where the time of a compilation goes: so it compiles
  std::optional<CachedLibrary> library = Cache().find(cacheRequestOf(line));
  if (!library)
    return std::nullopt;
  std::cerr << library->warnings;
  return runLibraryCommand(*library, line, 0);
}

} // namespace kac
