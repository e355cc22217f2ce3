// A program that is built once and run for many seeds in this process: its text in, evidence and weighted samples of
// each run out, and what several runs say together.
#pragma once

#include "runtime/kac_run.h"
#include "tests/run/Kacc.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace kac {

struct RunPlan {
  uint64_t seed = 0;
  int64_t particles = 0, steps = -1; // those of the program where they are left
  std::vector<std::pair<std::string, double>> set;
  std::vector<std::pair<std::string, int32_t>> integers;
  int threads = 1;
};

struct RunOutcome {
  int status = 0;
  std::string why;                     // what the runtime said where the run failed
  kac_result result = {};              // its pointers are gone
  std::vector<double> state, weight;   // [particles, width] of the first output, and normalised weights
  std::vector<double> logWeight, unit; // log weights as they are, and normalised ones without regard to them
  size_t width = 1;

  /// The average of a function of one lineage's state, with these weights.
  double average(const std::function<double(const double *)> &value, const std::vector<double> &weights) const;
};

class BuiltProgram {
public:
  /// `kacc build` with these options. Fails the test where it fails; then there is no sampler.
  explicit BuiltProgram(const std::string &path, const std::vector<std::string> &options = {});
  /// The same for a program that is given as text.
  static BuiltProgram ofText(const std::string &text, const std::vector<std::string> &options = {});
  ~BuiltProgram();
  BuiltProgram(BuiltProgram &&other) noexcept : stem(other.stem), handle(std::exchange(other.handle, nullptr)) {}

  const kac_sampler *sampler(const std::string &name) const;
  /// What the library has under this name, behind that of the program: "both_create".
  template <class Pointer> Pointer entry(const std::string &name) const {
    return reinterpret_cast<Pointer>(symbol(name));
  }
  RunOutcome run(const std::string &sampler, const RunPlan &plan) const;

private:
  void *symbol(const std::string &name) const;
  std::string stem;
  void *handle = nullptr;
};

/// What runs with one seed after another found.
struct Repeated {
  std::vector<double> logZ;
  std::vector<std::vector<double>> averages; // of each function, with the weights of the run
  int64_t leastResamplings = INT64_MAX;
};

/// Runs with seeds from that of the plan on. Fails the test where a run fails or a lineage is not finite.
Repeated repeat(const BuiltProgram &program, const std::string &sampler, RunPlan plan, int count,
                const std::vector<std::function<double(const double *)>> &values);

/// Numbers with their mean, standard deviation and the standard error of the mean.
struct Spread {
  explicit Spread(const std::vector<double> &numbers);
  double mean = 0, deviation = 0, error = 0;
};

/// What independent runs say together: the log of the mean Z with its standard error, by their spread.
std::pair<double, double> pooledLogZ(const std::vector<double> &logZ);

/// Averages of independent runs, weighted by their Z, with the standard error by their spread.
std::pair<double, double> pooledAverage(const std::vector<double> &logZ, const std::vector<double> &averages);

} // namespace kac
