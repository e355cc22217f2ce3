// A command line in, a driver that has walked to a product out, or the status to end with.
#include "compiler/commands/compile/Compile.h"
#include "compiler/commands/Commands.h"

#include <iostream>

namespace kac {

DriverOptions driverOptionsOf(const CommandLine &line) {
  DriverOptions options;
  options.program = line.model;
  options.check.preludeDirectory = line.prelude;
  options.f64 = line.f64;
  options.cpu = line.cpu;
  return options;
}

int walkTo(Driver &driver, std::string_view product, const CommandLine &line) {
  bool good = driver.walk(product);
  int status = showMessages(driver.messages());
  if (line.time)
    std::cerr << driver.times();
  if (!driver.defect().empty())
    return Defect;
  if (!driver.trouble().empty()) {
    std::cerr << "kacc: " << driver.trouble() << '\n';
    return driver.troubleIsOption() ? WrongCommandLine : FailedRun;
  }
  return good ? status : WrongProgram;
}

} // namespace kac
