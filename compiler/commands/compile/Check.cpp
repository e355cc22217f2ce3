// kacc check: a program in, its messages out, those of derivation too.
#include "compiler/Driver.h"
#include "compiler/commands/Commands.h"
#include "compiler/commands/compile/Compile.h"

namespace kac {

int checkCommand(const CommandLine &line) {
  if (!readProgram(line.model))
    return WrongProgram;
  DriverOptions options = driverOptionsOf(line);
  options.check.tests = true;
  Driver driver(options);
  return walkTo(driver, "derived", line);
}

} // namespace kac
