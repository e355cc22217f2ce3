// kacc build: a program in, a folder with its library, headers and manifest out.
#include "compiler/commands/Commands.h"
#include "compiler/commands/compile/Compile.h"

#include <filesystem>
#include <iostream>

namespace fs = std::filesystem;

namespace kac {

int buildCommand(const CommandLine &line) {
  if (!readProgram(line.model))
    return WrongProgram;
  std::error_code failure;
  fs::create_directories(line.output, failure);
  if (!fs::is_directory(line.output)) {
    std::cerr << "kacc: cannot make the folder " << line.output << ": "
              << (failure ? failure.message() : "a file is there") << '\n';
    return FailedRun;
  }
  DriverOptions options = driverOptionsOf(line);
  options.folder = line.output;
  Driver driver(options);
  return walkTo(driver, "library", line);
}

} // namespace kac
