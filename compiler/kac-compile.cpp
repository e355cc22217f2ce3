// The program behind kacc that generates code: the same words in, the commands that need MLIR and LLVM answered.
#include "compiler/DriverDefect.h"
#include "compiler/commands/Commands.h"

int main(int argc, char **argv) {
  kac::CommandLine line;
  if (std::optional<int> status = kac::parseCommandLine(argc, argv, line))
    return *status;
  kac::rememberCommand(argc, argv);
  if (line.command == "check")
    return kac::checkCommand(line);
  if (line.command == "run")
    return kac::runCommand(line);
  if (line.command == "build")
    return kac::buildCommand(line);
  if (line.command == "emit")
    return kac::emitCommand(line);
  if (line.command == "test")
    return kac::testCommand(line);
  return kac::explainCommand(line);
}
