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

static int finish(const Driver &driver, bool good, const CommandLine &line) {
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

int walkTo(Driver &driver, std::string_view product, const CommandLine &line) {
  return finish(driver, driver.walk(product), line);
}

int walkOnTo(Driver &driver, std::string_view product, const CommandLine &line) {
  return driver.walk(product) ? Done : finish(driver, false, line);
}

int walkBefore(Driver &driver, std::string_view product, const CommandLine &line) {
  return driver.walk(product, true) ? Done : finish(driver, false, line);
}

} // namespace kac
