// kacc run, where the cache does not hold the program: a program in, its library into the cache, and the run.
#include "compiler/Driver.h"
#include "compiler/commands/Commands.h"
#include "compiler/commands/Compiler.h"
#include "compiler/commands/RunLibrary.h"
#include "compiler/commands/compile/Compile.h"
#include "compiler/commands/compile/OwnFolder.h"

#include <chrono>
#include <filesystem>
#include <iostream>

namespace fs = std::filesystem;

namespace kac {
namespace {

/// Which sampler to run: the one named, or the only one; nothing, and a message, where there is none or a choice.
std::optional<size_t> choose(const Model &model, const CommandLine &line, int &status) {
  if (model.samplers.empty()) {
    std::cerr << "kacc: " << line.model << " has no sampler to run\n";
    status = WrongProgram;
    return std::nullopt;
  }
  if (line.sampler.empty() && model.samplers.size() == 1)
    return 0;
  for (size_t i = 0; i < model.samplers.size(); ++i)
    if (model.samplers[i].name == line.sampler)
      return i;
  std::cerr << "kacc: "
            << (line.sampler.empty() ? line.model + " has several samplers; name one by --sampler"
                                     : "there is no sampler `" + line.sampler + "` in " + line.model + "; there are")
            << ":\n";
  for (const Sampler &sampler : model.samplers)
    std::cerr << "  " << sampler.name << '\n';
  status = WrongCommandLine;
  return std::nullopt;
}

std::string schemeOf(const Sampler &sampler) {
  return !sampler.weighted ? "unweighted" : sampler.drift ? "weighted" : "procedural";
}

} // namespace

int runCommand(const CommandLine &line) {
  if (!readProgram(line.model))
    return WrongProgram;
  auto begun = fs::file_time_type::clock::now();
  auto start = std::chrono::steady_clock::now();
  Driver driver(driverOptionsOf(line));
  if (int status = walkOnTo(driver, "model", line))
    return status;
  int status = Done;
  std::optional<size_t> chosen = choose(driver.model(), line, status);
  if (!chosen)
    return status;
  driver.keepSamplers(*chosen, *chosen + 1);
  const Sampler &sampler = driver.model().samplers.front();

  // Made late and left early, so that what interrupts a compilation or a run leaves nothing behind.
  if (int failed = walkBefore(driver, "library", line))
    return failed;
  std::optional<OwnFolder> folder(std::in_place);
  if (folder->path().empty())
    return FailedRun;
  CachedLibrary made;
  made.library = folder->path() / "library.so";
  made.sampler = sampler.name;
  made.scheme = schemeOf(sampler);
  made.stepsFixed = sampler.stepsFixed;
  made.symbol = driver.symbolOf(made.sampler);
  driver.packShared(made.library.string());
  if (int failed = walkTo(driver, "library", line))
    return failed;
  made.warnings = driver.messages().render(false);
  std::optional<CachedLibrary> cached = Cache().add(cacheRequestOf(line), begun, driver.files(), made);
  if (cached)
    folder.reset();
  std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  return runLibraryCommand(cached.value_or(made), line, taken.count());
}

} // namespace kac
