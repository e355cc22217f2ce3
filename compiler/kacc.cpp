// The user's command: words in; answers itself what needs no code generation, and starts kac-compile for the rest.
#include "compiler/commands/Commands.h"
#include "compiler/commands/Compiler.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

int main(int argc, char **argv) {
  kac::CommandLine line;
  if (std::optional<int> status = kac::parseCommandLine(argc, argv, line))
    return *status;
  if (line.command == "fmt")
    return kac::formatCommand(line);
  if (line.command == "print")
    return kac::printCommand(line);
  if (line.command == "explain-error")
    return kac::explainErrorCommand(line);
  if (line.command == "cache clear")
    return kac::clearCacheCommand();
  if (line.command == "run")
    if (std::optional<int> status = kac::runCachedCommand(line))
      return *status;

  std::string compiler = kac::compilerProgram();
  execv(compiler.c_str(), argv);
  std::cerr << "kacc: cannot start " << compiler << ": " << std::strerror(errno) << '\n';
  return kac::Defect;
}
