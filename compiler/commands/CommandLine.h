// The words after `kacc` in, what was asked for out. The only place that knows the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kac {

/// Exit statuses of every command.
enum ExitStatus {
  Done = 0,
  WrongProgram = 1, // the program, a file that it names or a value that is set
  WrongCommandLine = 2,
  FailedRun = 3,
  Defect = 4 // ours
};

struct CommandLine {
  std::string command; // "run", "cache clear", "emit", "print", "explain-error", ...
  std::string model;   // path of the program; empty where the command was given none
  std::string sampler;
  std::vector<std::pair<std::string, std::string>> set; // name, value or file
  std::optional<int64_t> particles, steps;
  uint64_t seed = 0;
  int threads = 0; // 0: one for each processor
  std::string output, report, plot;
  bool quiet = false, f64 = false, time = false, inPlace = false, checkOnly = false;
  std::string device = "cpu", cpu = "native", prelude;
  std::string what; // of --emit, --print and --explain-error
};

/// Fills `line`, or gives the status to end with at once, after --help, --version or a message.
std::optional<int> parseCommandLine(int argc, char **argv, CommandLine &line);

} // namespace kac
