// A built library and the settings of a run in; samples, report and picture as files, and a summary, out.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace kac {

struct RunOptions {
  std::string library; // path of the shared library
  std::string symbol;  // of the sampler's descriptor in it: `<stem>_<sampler>_descriptor`
  std::string sampler; // its name in the program
  std::vector<std::pair<std::string, std::string>> set; // name, value or .npy file
  std::optional<int64_t> particles, steps;
  uint64_t seed = 0;
  int threads = 0;                    // 0: one for each processor
  std::string output, report, plot;   // paths; empty: not wanted
  bool quiet = false;                 // neither progress nor summary
  bool terminal = false;              // messages go to one
  std::string device = "cpu", scheme; // for the report
  double secondsCompile = 0;

  bool unweighted() const { return scheme == "unweighted"; }
};

enum class RunEnd { Done, WrongSetting, Failed };

/// Ctrl-C ends the run at the next step: done, with what there is, marked as partial.
RunEnd runLibrary(const RunOptions &options, std::ostream &results, std::ostream &messages);

} // namespace kac
