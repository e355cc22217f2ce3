// kacc check: a program in, its messages out.
#include "dsl/Check.h"
#include "compiler/commands/Commands.h"

namespace kac {

int checkCommand(const CommandLine &line) {
  if (!readProgram(line.model))
    return WrongProgram;
  CheckOptions options;
  options.preludeDirectory = line.prelude;
  options.tests = true;
  Diagnostics diagnostics;
  std::unique_ptr<Model> model = checkProgram(line.model, options, diagnostics);
  int status = showMessages(diagnostics);
  return model ? status : WrongProgram;
}

} // namespace kac
