// What a run leaves behind: samples, weights, traces and numbers; owns all of it. Report, plot and files are made of
// this.
#pragma once

#include "runtime/kac_abi.h"
#include "runtime/kac_runtime.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace kac {

/// One component of the output: `particles` values of one shape, row-major.
struct SampleArray {
  std::string name;
  kac_element element = KAC_REAL;
  std::vector<int64_t> shape; // of one lineage's value
  int64_t width = 1;          // numbers in one lineage's value
  size_t elementBytes = 4;
  std::unique_ptr<std::byte[]> values;

  double at(int64_t lineage, int64_t number) const;
};

/// A monitor's weighted mean and standard error after each step, [steps, width].
struct MonitorTrace {
  std::string name;
  std::vector<int64_t> shape;
  int64_t width = 1;
  std::vector<double> mean, error;
};

struct Samples {
  std::string sampler, device, scheme;
  bool unweighted = false; // weights are switched off, so that their mean is no evidence
  uint64_t seed = 0;
  int64_t particles = 0;
  int64_t stepsAsked = 0;
  int realBytes = 4;
  std::vector<SampleArray> outputs;
  std::vector<double> logWeight; // empty where the samples are equally weighted
  kac_result result{};           // its pointers are null; the traces are here
  std::vector<double> ess, logZ; // [steps + 1]
  std::vector<uint8_t> resampled;
  std::vector<MonitorTrace> monitors;
  double secondsCompile = 0, secondsRun = 0;
  uint64_t bytesPeak = 0;
};

} // namespace kac
