// kacc --emit: a program in, what one of the stages leaves out, as text.
#include "compiler/Driver.h"
#include "compiler/commands/Commands.h"
#include "compiler/commands/compile/Compile.h"

#include <iostream>

namespace kac {

int emitCommand(const CommandLine &line) {
  if (!readProgram(line.model))
    return WrongProgram;
  Driver driver(driverOptionsOf(line));
  if (int status = walkTo(driver, line.what, line))
    return status;
  std::cout << driver.text() << std::flush;
  return std::cout ? Done : FailedRun;
}

} // namespace kac
