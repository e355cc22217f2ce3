// The commands of kacc, one function each: what was asked for in, the exit status out.
#pragma once

#include "compiler/commands/CommandLine.h"
#include "dsl/Diagnostics.h"

#include <optional>
#include <string>

namespace kac {

// What needs no code generation, in the program kacc.
int formatCommand(const CommandLine &line);
int printCommand(const CommandLine &line);
int explainErrorCommand(const CommandLine &line);
int clearCacheCommand();
/// Nothing where the cache does not hold the program.
std::optional<int> runCachedCommand(const CommandLine &line);

// What needs it, in the program kac-compile.
int checkCommand(const CommandLine &line);
int runCommand(const CommandLine &line);
int buildCommand(const CommandLine &line);
int emitCommand(const CommandLine &line);
int testCommand(const CommandLine &line);
int explainCommand(const CommandLine &line);

/// The messages on standard error, in colour on a terminal unless NO_COLOR is set; 1 where there are errors, else 0.
int showMessages(const Diagnostics &diagnostics);

/// The contents of a program; where it cannot be read, a message and nothing.
std::optional<std::string> readProgram(const std::string &path);

} // namespace kac
