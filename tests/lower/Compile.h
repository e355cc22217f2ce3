// Text of the kac dialect in, the kernels of a sampler, loaded into this process, out.
#pragma once

#include "runtime/kac_abi.h"
#include "runtime/kac_run.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kac::test {

struct BuildOptions {
  bool f64 = false;
  int64_t lanes = 0;
  std::string cpu = "native";
};

/// A shared library in this process.
class Library {
public:
  /// Runs kac-lower-lineages on `text`, and packs what comes out. Fails the test where that fails.
  static std::shared_ptr<Library> ofText(const std::string &text, const BuildOptions &options = {});
  explicit Library(const std::string &path);
  ~Library();
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;

  void *symbol(const std::string &name) const;
  const kac_sampler &sampler(const std::string &name) const;

private:
  void *handle;
};

/// A run by plain loops, beside the runtime: one thread, tiles in the pieces asked for.
class Population {
public:
  Population(const kac_sampler &sampler, int64_t particles, int64_t steps, uint64_t seed);

  void set(const std::string &input, std::vector<double> values);
  void init(int64_t piece = 1 << 30);
  void step(int64_t n, const std::vector<int32_t> *ancestors = nullptr, int64_t piece = 1 << 30);
  /// Component `index` of the output, [particles, shape...].
  std::vector<double> output(size_t index = 0) { return values(sampler.output, sampler.outputs[index], index, 0); }
  std::vector<double> monitor(size_t index, int64_t n) {
    return values(sampler.monitor, sampler.monitors[index], index, n);
  }
  std::vector<int32_t> resample(const std::vector<double> &w, double ess, int64_t n);

  const kac_sampler &sampler;
  int64_t tiles;
  std::vector<double> grid, logWeight;
  std::vector<uint8_t> dead;
  kac_run run{};

private:
  std::vector<double> values(const kac_phase &phase, const kac_array_type &type, size_t index, int64_t n);
  std::vector<const void *> inputs;
  std::vector<std::vector<double>> reals;
  struct Free {
    void operator()(void *memory) const;
  };
  std::unique_ptr<void, Free> state[2], uniform;
};

} // namespace kac::test
