// The run of a sampler as the language reference states it (section 9, Meaning): a sampler of the model goes in,
// weighted states come out.
#pragma once

#include "tests/oracle/Evaluate.h"

namespace kac::oracle {

struct RunResult {
  std::vector<Value> output;
  std::vector<double> logWeight;
  double logZ = 0;
  double logZError = 0;    // from the genealogy: derivation.md 10
  std::vector<double> ess; // relative, before each step, then at the end
  int resamplings = 0;
  int64_t nonFinite = 0;
  bool failed = false; // no lineage was left
  struct Record {
    std::vector<double> mean, error; // of each number of the monitor
  };
  std::map<std::string, std::vector<Record>> monitors; // after each step

  /// Weighted mean of a function of the output, and its standard error from the genealogy.
  std::pair<double, double> mean(const std::function<double(const Value &)> &f) const;
  std::vector<uint32_t> eve; // the lineage at the start that each descends from
};

/// The evaluator must have been made for that many particles.
RunResult runSampler(Evaluator &evaluator, const Sampler &sampler, int64_t steps, uint64_t seed);

} // namespace kac::oracle
