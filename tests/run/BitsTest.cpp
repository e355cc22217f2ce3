// Same seed, same bits: `kacc run` beside the library that an application links, through the library's own entry
// points.
#include "dsl/Npy.h"
#include "tests/run/Built.h"

#include <gtest/gtest.h>

#include <fstream>

namespace kac {
namespace {

struct Row {
  const char *program, *sampler;
  int64_t particles, width;
  bool f64;
};

void PrintTo(const Row &row, std::ostream *out) { *out << row.program; }

class Bits : public testing::TestWithParam<Row> {};

/// Equally weighted samples of the library, by what its header declares.
std::vector<double> linked(const BuiltProgram &program, const Row &row, uint64_t seed, int threads,
                           kac_result &result) {
  const std::string name = row.sampler;
  kac_params params{};
  EXPECT_EQ(program.entry<int (*)(void *, size_t)>(name + "_defaults_sized")(&params, sizeof params), KAC_OK);
  params.seed = seed;
  params.particles = row.particles;
  kac_config config{};
  config.size = sizeof config;
  config.threads = threads;
  void *instance = nullptr;
  auto create = program.entry<int (*)(void **, const void *, const kac_config *)>(name + "_create");
  EXPECT_EQ(create(&instance, &params, &config), KAC_OK);
  std::vector<double> reals(size_t(row.particles * row.width));
  std::vector<float> singles(reals.size());
  result = {};
  result.size = sizeof result;
  auto sample = program.entry<int (*)(void *, void *, double *, kac_result *)>(name + "_sample");
  EXPECT_EQ(sample(instance, row.f64 ? static_cast<void *>(reals.data()) : singles.data(), nullptr, &result), KAC_OK);
  if (!row.f64)
    reals.assign(singles.begin(), singles.end());
  program.entry<void (*)(void *)>(name + "_destroy")(instance);
  return reals;
}

TEST_P(Bits, OfRunAndOfTheLinkedLibrary) {
  const Row &row = GetParam();
  const uint64_t seed = 5;
  Folder folder;
  std::string path = KAC_ROOT + std::string("/tests/") + row.program;
  std::vector<std::string> precision;
  if (row.f64)
    precision = {"--f64"};
  std::vector<std::string> words = {"run",
                                    path,
                                    "-n",
                                    std::to_string(row.particles),
                                    "--sampler",
                                    row.sampler,
                                    "--seed",
                                    std::to_string(seed),
                                    "--threads",
                                    "2",
                                    "--quiet",
                                    "-o",
                                    folder / "x.npy",
                                    "--report",
                                    folder / "report.json"};
  words.insert(words.end(), precision.begin(), precision.end());
  KaccResult ran = kacc(words);
  ASSERT_EQ(ran.status, 0) << ran.err;
  NpyArray x;
  std::string why;
  ASSERT_EQ(readNpy(folder / "x.npy", x, why), NpyError::None) << why;
  nlohmann::json report = nlohmann::json::parse(std::ifstream(folder / "report.json"));

  BuiltProgram program(path, precision);
  for (int threads : {1, 2, 5}) {
    kac_result result;
    EXPECT_EQ(linked(program, row, seed, threads, result), x.values) << threads << " threads";
    EXPECT_EQ(report["log_z"].get<double>(), result.log_z);
    EXPECT_EQ(report["log_z_se"].get<double>(), result.log_z_se);
    EXPECT_EQ(report["ess_final"].get<double>(), result.ess_final);
    EXPECT_EQ(report["resamplings"].get<int64_t>(), result.resamplings);
  }
  kac_result result;
  EXPECT_NE(linked(program, row, seed + 1, 1, result), x.values);
}

INSTANTIATE_TEST_SUITE_P(Programs, Bits,
                         testing::Values(Row{"run/cases/d10.dsl", "s", 1009, 2, false},
                                         Row{"run/cases/d10.dsl", "s", 1009, 2, true},
                                         Row{"programs/08-particle-filter.dsl", "filter", 40009, 1, false}));

} // namespace
} // namespace kac
