// kacc explain: a program in, what was derived for each of its samplers out.
#include "compiler/Explain.h"
#include "compiler/Driver.h"
#include "compiler/commands/Commands.h"
#include "compiler/commands/compile/Compile.h"

#include <iostream>

namespace kac {

int explainCommand(const CommandLine &line) {
  if (!readProgram(line.model))
    return WrongProgram;
  Driver driver(driverOptionsOf(line));
  if (int status = walkOnTo(driver, "derived", line))
    return status;
  mlir::OwningOpRef<mlir::ModuleOp> derived = driver.module().clone();
  if (int status = walkTo(driver, "tensor", line))
    return status;
  std::string text = explain(*derived, line.sampler, driver.module());
  if (text.empty() && !line.sampler.empty()) {
    std::cerr << "kacc: there is no sampler `" << line.sampler << "` in " << line.model << '\n';
    return WrongCommandLine;
  }
  std::cout << (text.empty() ? "no samplers\n" : text) << std::flush;
  return std::cout ? Done : FailedRun;
}

} // namespace kac
