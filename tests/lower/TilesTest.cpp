// Same seed, same bits: whole runs of a derived sampler and of a written one, compiled for tiles of several sizes, on
// several threads, with last tiles that are full, nearly empty or nearly full.
#include "tests/lower/Compile.h"

#include "compiler/Driver.h"

#include <cmath>
#include <gtest/gtest.h>

namespace kac::test {
namespace {

/// What the stage `lower` takes, of a program in tests.
std::string derived(const std::string &name) {
  DriverOptions options;
  options.program = KAC_ROOT "/tests/" + name + ".dsl";
  Driver driver(options);
  EXPECT_TRUE(driver.walk("derived")) << driver.messages().render() << driver.defect();
  return driver.text();
}

struct Bits {
  std::vector<double> state, logWeight, numbers; // numbers: log Z, its error, least and last ess
  int64_t resamplings = 0;
  bool operator==(const Bits &) const = default;
};

Bits run(const kac_sampler &sampler, int64_t particles, int64_t steps, int threads) {
  kac_config config{};
  config.size = sizeof config;
  config.threads = threads;
  kac_params params{sizeof params, 11, particles, steps};
  kac_instance *instance = nullptr;
  EXPECT_EQ(kac_create(&instance, &sampler, &params, &config), KAC_OK);
  int64_t width = 1;
  for (int32_t d = 0; d < sampler.outputs[0].rank; ++d)
    width *= sampler.outputs[0].shape[d];
  std::vector<float> single(size_t(particles * width));
  Bits bits;
  bits.state.resize(single.size());
  bits.logWeight.resize(size_t(particles));
  void *output = sampler.real_bytes == 4 ? static_cast<void *>(single.data()) : bits.state.data();
  kac_result result{};
  result.size = sizeof result;
  EXPECT_EQ(kac_sample(instance, &output, bits.logWeight.data(), &result), KAC_OK);
  kac_destroy(instance);
  if (sampler.real_bytes == 4)
    bits.state.assign(single.begin(), single.end());
  // Where all descends from one lineage the error is not a number, which equals nothing.
  bits.numbers = {result.log_z, std::isnan(result.log_z_se) ? -1 : result.log_z_se, result.ess_min, result.ess_final};
  bits.resamplings = result.resamplings;
  return bits;
}

struct Row {
  const char *name, *sampler;
  int64_t steps;
  bool f64;
};

void PrintTo(const Row &row, std::ostream *out) { *out << row.name << (row.f64 ? " f64" : ""); }

class Tiles : public testing::TestWithParam<Row> {};

TEST_P(Tiles, SameBits) {
  const Row &row = GetParam();
  std::string text = derived(row.name);
  std::vector<Bits> first;
  for (int64_t lanes : {16, 32, 64, 128}) {
    std::shared_ptr<Library> library = Library::ofText(text, {row.f64, lanes});
    ASSERT_TRUE(library);
    const kac_sampler &sampler = library->sampler(row.sampler);
    ASSERT_EQ(sampler.lanes, lanes);
    size_t at = 0;
    int64_t resamplings = 0;
    for (int64_t particles : {1, 15, 16, 17, 127, 128, 129, 997, 20011})
      for (int threads : {1, 3}) {
        Bits bits = run(sampler, particles, row.steps, threads);
        resamplings += bits.resamplings;
        if (at == first.size())
          first.push_back(bits);
        const Bits &wanted = first[at - at % 2]; // those of one thread and the first size
        EXPECT_TRUE(bits == wanted) << lanes << " lanes, " << particles << " particles, " << threads
                                    << " threads: log Z " << bits.numbers[0] << " and " << wanted.numbers[0]
                                    << ", states equal " << (bits.state == wanted.state) << ", weights "
                                    << (bits.logWeight == wanted.logWeight);
        ++at;
      }
    EXPECT_GT(resamplings, 0); // else a test of less
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, Tiles,
                         testing::Values(Row{"run/cases/d10", "d10_s", 40, false},
                                         Row{"run/cases/d10", "d10_s", 40, true},
                                         Row{"programs/08-particle-filter", "_08_particle_filter_filter", 100, false}),
                         [](const testing::TestParamInfo<Row> &info) {
                           return std::string(info.param.sampler) + (info.param.f64 ? "_f64" : "");
                         });

} // namespace
} // namespace kac::test
