// What the headers of the programs state, against runs of the compiled samplers: closed forms, quadrature and exact
// laws, within four standard errors by the spread of independent runs.
#include "dsl/Npy.h"
#include "tests/run/Built.h"
#include "tests/run/Kacc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

namespace kac {
namespace {

const double kErrors = 4;

std::string textOf(const std::string &program) {
  std::string text = readText(KAC_ROOT "/tests/programs/" + program + ".dsl");
  EXPECT_FALSE(text.empty()) << program;
  return text;
}

std::string replaced(std::string text, const std::string &old, const std::string &now) {
  size_t at = text.find(old);
  EXPECT_NE(at, text.npos) << old;
  return at == text.npos ? text : text.replace(at, old.size(), now);
}

std::vector<std::string> inDouble(bool f64) {
  return f64 ? std::vector<std::string>{"--f64"} : std::vector<std::string>{};
}

/// The text, beside the data files of the programs.
BuiltProgram builtWithData(const std::string &text, const std::vector<std::string> &options = {}) {
  Folder folder;
  for (const auto &entry : std::filesystem::directory_iterator(KAC_ROOT "/tests/programs"))
    if (entry.path().extension() == ".npy")
      std::filesystem::copy(entry.path(), folder.path);
  writeText(folder / "program.dsl", text);
  return BuiltProgram(folder / "program.dsl", options);
}

// --- weighted samplers whose bias falls with the step ---

struct Estimate {
  double value, error;
};

/// log Z, mean, mean square and share above zero.
std::vector<Estimate> estimates(const BuiltProgram &program, const std::string &sampler, int64_t steps) {
  RunPlan plan;
  plan.seed = uint64_t(1000 * steps); // no two counts of steps share their random numbers
  plan.particles = 5000;
  plan.steps = steps;
  Repeated runs = repeat(program, sampler, plan, 20,
                         {[](const double *x) { return x[0]; }, [](const double *x) { return x[0] * x[0]; },
                          [](const double *x) { return double(x[0] > 0); }});
  auto [there, error] = pooledLogZ(runs.logZ);
  std::vector<Estimate> all = {{there, error}};
  for (const std::vector<double> &numbers : runs.averages) {
    auto [mean, spread] = pooledAverage(runs.logZ, numbers);
    all.push_back({mean, spread});
  }
  return all;
}

struct Header {
  const char *name, *program, *old, *now, *sampler; // with one text of the program replaced by another
  double logZ, mean, variance, positive;            // of the header
};

std::ostream &operator<<(std::ostream &out, const Header &row) { return out << row.name; }

class Headers : public testing::TestWithParam<Header> {};

/// Each number from 1000 steps and from 500; what halves with the step is gone from their extrapolation.
TEST_P(Headers, EvidenceAndMoments) {
  const Header &row = GetParam();
  BuiltProgram program = BuiltProgram::ofText(replaced(textOf(row.program), row.old, row.now));
  std::vector<Estimate> coarse = estimates(program, row.sampler, 500), fine = estimates(program, row.sampler, 1000);
  const double square = row.variance + row.mean * row.mean;
  const std::pair<const char *, double> wanted[] = {
      {"log Z", row.logZ}, {"mean", row.mean}, {"mean square", square}, {"share above zero", row.positive}};
  for (size_t k = 0; k < 4; ++k) {
    double value = 2 * fine[k].value - coarse[k].value, error = std::hypot(2 * fine[k].error, coarse[k].error);
    EXPECT_GT(error, 0);
    EXPECT_LT(error, 0.05) << wanted[k].first;
    EXPECT_NEAR(value, wanted[k].second, kErrors * error) << wanted[k].first << ", standard error " << error;
  }
}

const char *const kSecond =
    "mixture([normal(-2, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3])\n"
    "model   b  = vp with data = mixture([normal(-1, 0.7), normal(2, 0.6)], weights = [0.4, 0.6])";

INSTANTIATE_TEST_SUITE_P(
    Programs, Headers,
    testing::Values(Header{"Product", "02-product", "", "", "both", -2.0229, 0.0435, 3.1642, 0.4911},
                    Header{"ProductOfTwoNormals", "02-product", kSecond,
                           "normal(-1, 0.5)\nmodel   b  = vp with data = normal(2, 1)", "both", -4.630510, -0.4, 0.2,
                           std::erfc(0.4 / std::sqrt(2 * 0.2)) / 2},
                    Header{"Guidance", "03-guidance", "", "", "corrected", 2.0711, 0.5690, 2.0065, 0.4068},
                    Header{"Reward", "04-reward", "", "", "tilted", -1.5445, 1.1768, 0.5978, 0.9452}),
    [](const testing::TestParamInfo<Header> &info) { return std::string(info.param.name); });

// --- guidance without weights, and with the strength at which nothing is guided ---

/// The law of Euler's chain of guidance as commonly run: its density on a grid, carried on by one Gaussian kernel a
/// step. The grid is a third of the narrowest kernel's deviation, where sums of smooth functions are integrals to
/// rounding.
struct EulersLaw {
  double mean = 0, variance = 0;

  explicit EulersLaw(int steps) {
    const double spacing = 0.01, top = 7;
    const int half = int(top / spacing), count = 2 * half + 1;
    auto at = [&](int i) { return (i - half) * spacing; };
    std::vector<double> density(count), next(count);
    double start = 1 - std::exp(-0.1 - 9.95);
    for (int i = 0; i < count; ++i)
      density[i] = std::exp(-at(i) * at(i) / (2 * start)) / std::sqrt(2 * M_PI * start);
    for (int n = 0; n < steps; ++n) {
      double t = double(n) / steps, noise = 0.1 + 19.9 * (1 - t);
      double alpha = std::exp(-0.05 * (1 - t) - 19.9 / 4 * (1 - t) * (1 - t)), spread = std::sqrt(noise / steps);
      std::fill(next.begin(), next.end(), 0);
      for (int i = 0; i < count; ++i) {
        double x = at(i), mass = density[i] * spacing;
        if (mass < 1e-18)
          continue;
        double drift = noise / 2 * x - 1.5 * noise * score(x, alpha, {-2, 0.5, 0.7, 1.5, 0.8, 0.3}) +
                       2.5 * noise * score(x, alpha, {-1, 0.7, 0.4, 2, 0.6, 0.6});
        double middle = x + drift / steps;
        int low = std::max(0, int((middle - 7 * spread + top) / spacing)),
            high = std::min(count - 1, int((middle + 7 * spread + top) / spacing) + 1);
        for (int j = low; j <= high; ++j) {
          double z = (at(j) - middle) / spread;
          next[j] += mass * std::exp(-z * z / 2) / (spread * std::sqrt(2 * M_PI));
        }
      }
      density.swap(next);
    }
    double total = 0, first = 0, second = 0;
    for (int i = 0; i < count; ++i) {
      double mass = density[i] * spacing;
      total += mass, first += mass * at(i), second += mass * at(i) * at(i);
    }
    EXPECT_NEAR(total, 1, 1e-6);
    mean = first / total, variance = second / total - mean * mean;
  }

private:
  struct Two {
    double mean, sd, weight, otherMean, otherSd, otherWeight;
  };
  /// Of a mixture of two normal laws, noised.
  static double score(double x, double alpha, const Two &law) {
    auto [mass, slope] = part(x, alpha, law.mean, law.sd);
    auto [otherMass, otherSlope] = part(x, alpha, law.otherMean, law.otherSd);
    mass *= law.weight, otherMass *= law.otherWeight;
    return (mass * slope + otherMass * otherSlope) / (mass + otherMass);
  }
  static std::pair<double, double> part(double x, double alpha, double mean, double sd) {
    double variance = alpha * alpha * sd * sd + 1 - alpha * alpha, off = x - alpha * mean;
    return {std::exp(-off * off / (2 * variance)) / std::sqrt(variance), -off / variance};
  }
};

TEST(Oracles, GuidanceAsCommonlyRun) {
  EulersLaw law(400);
  RunPlan plan;
  plan.particles = 100000;
  RunOutcome run = BuiltProgram::ofText(textOf("03-guidance")).run("heuristic", plan);
  ASSERT_EQ(run.status, KAC_OK) << run.why;
  ASSERT_EQ(run.result.resamplings, 0); // so that the lineages are independent
  Spread sample(run.state);
  double mean = sample.mean;
  std::vector<double> squares;
  for (double x : run.state)
    squares.push_back((x - mean) * (x - mean));
  Spread square(squares);
  EXPECT_NEAR(mean, law.mean, kErrors * sample.error);
  EXPECT_NEAR(square.mean, law.variance, kErrors * square.error);
  // The header's numbers are those of ever smaller steps.
  EulersLaw finer(800);
  EXPECT_NEAR(2 * finer.mean - law.mean, 2.1725, 1e-4);
  EXPECT_NEAR(2 * finer.variance - law.variance, 0.7093, 1e-4);
}

/// With strength 1 guidance is the conditional model alone: the same lineages and no weight, to rounding.
TEST(Oracles, GuidanceOfStrengthOne) {
  std::string text = textOf("03-guidance");
  std::string conditional = replaced(text, "a^(1 - w) * b^w", "b");
  for (bool f64 : {false, true}) {
    RunPlan plan;
    plan.seed = 7;
    plan.particles = 1000;
    RunOutcome alone = BuiltProgram::ofText(conditional, inDouble(f64)).run("corrected", plan);
    plan.set = {{"w", 1}};
    RunOutcome guided = BuiltProgram::ofText(text, inDouble(f64)).run("corrected", plan);
    ASSERT_EQ(guided.status, KAC_OK) << guided.why;
    ASSERT_EQ(alone.status, KAC_OK) << alone.why;
    ASSERT_EQ(guided.state.size(), 1000u);
    ASSERT_EQ(alone.state.size(), 1000u);
    double rounding = f64 ? 1e-12 : 1e-5; // some ten units of the last place, after 400 steps
    for (size_t i = 0; i < 1000; ++i) {
      EXPECT_NEAR(guided.state[i], alone.state[i], rounding * (1 + std::fabs(alone.state[i])));
      EXPECT_NEAR(guided.logWeight[i], alone.logWeight[i], rounding);
    }
    EXPECT_NEAR(guided.result.log_z, alone.result.log_z, rounding);
  }
}

// --- the particle filter ---

/// Kalman's recursion on the observations: evidence, and the last state's moments.
struct Kalman {
  double evidence = 0, mean = 0, variance = 1;

  Kalman() {
    NpyArray ys;
    std::string why;
    EXPECT_EQ(readNpy(KAC_ROOT "/tests/programs/observations.npy", ys, why), NpyError::None) << why;
    for (double seen : ys.values) {
      mean *= 0.9, variance = 0.81 * variance + 0.25;
      double spread = variance + 0.09, gain = variance / spread;
      evidence -= 0.5 * (seen - mean) * (seen - mean) / spread + 0.5 * std::log(2 * M_PI * spread);
      mean += gain * (seen - mean), variance *= 1 - gain;
    }
  }
};

/// By the report's own bar.
TEST(Oracles, ParticleFilterAgainstKalman) {
  Kalman truth;
  const std::string program = KAC_ROOT "/tests/programs/08-particle-filter.dsl";
  nlohmann::json report = runReport({program, "-n", "50000", "--seed", "7"});
  ASSERT_TRUE(report.contains("log_z_se"));
  double error = report["log_z_se"];
  EXPECT_GT(error, 0);
  EXPECT_LT(error, 0.12);
  EXPECT_EQ(report["non_finite"].get<int64_t>(), 0);
  EXPECT_NEAR(report["log_z"].get<double>(), truth.evidence, kErrors * error);
}

class Filter : public testing::TestWithParam<const char *> {};

/// The mean of Z, not of its logarithm: with few particles the two are far apart. The moments are those of the last
/// state, averaged with weights Z, which takes the bias of few particles from them too.
TEST_P(Filter, IsUnbiased) {
  Kalman truth;
  BuiltProgram filter = builtWithData(replaced(textOf("08-particle-filter"), "systematic when ess < 0.5", GetParam()));
  RunPlan plan;
  plan.particles = 400;
  Repeated runs = repeat(filter, "filter", plan, 500,
                         {[](const double *x) { return x[0]; }, [](const double *x) { return x[0] * x[0]; }});
  ASSERT_GT(runs.leastResamplings, 10);
  std::vector<double> z;
  for (double &v : runs.logZ)
    z.push_back(std::exp(v -= truth.evidence));
  Spread mean(z), logarithm(runs.logZ);
  EXPECT_LT(mean.error, 0.1);
  EXPECT_NEAR(mean.mean, 1, kErrors * mean.error);
  EXPECT_LT(logarithm.mean, -kErrors * logarithm.error); // so that the test can tell
  auto [x, xError] = pooledAverage(runs.logZ, runs.averages[0]);
  auto [square, squareError] = pooledAverage(runs.logZ, runs.averages[1]);
  EXPECT_NEAR(x, truth.mean, kErrors * xError);
  EXPECT_NEAR(square, truth.variance + truth.mean * truth.mean, kErrors * squareError);
}

INSTANTIATE_TEST_SUITE_P(Resampled, Filter,
                         testing::Values("systematic when ess < 0.5", "stratified when ess < 0.5",
                                         "multinomial when ess < 0.5", "systematic", "stratified", "multinomial"),
                         [](const testing::TestParamInfo<const char *> &info) {
                           std::string name = info.param;
                           return name.substr(0, name.find(' ')) + (name.find(' ') == name.npos ? "AtEveryStep" : "");
                         });

// --- editing ---

/// With the same condition on both sides the edit is the source: each sample is a row of the file, to rounding. (Not to
/// the bit: the two equal noises are taken from each other in one instruction with the product that one of them is.)
TEST(Oracles, EditingTowardsTheSameIsTheSource) {
  NpyArray sources;
  std::string why;
  ASSERT_EQ(readNpy(KAC_ROOT "/tests/programs/sources.npy", sources, why), NpyError::None) << why;
  const size_t rows = sources.values.size() / 2;
  for (bool f64 : {false, true}) {
    RunOutcome run =
        builtWithData(replaced(textOf("19-infedit"), "dog.noise", "cat.noise"), inDouble(f64)).run("edit", {});
    ASSERT_EQ(run.status, KAC_OK) << run.why;
    ASSERT_EQ(run.state.size(), 2048u);
    std::set<size_t> seen;
    for (size_t i = 0; i < run.state.size(); i += 2) {
      std::vector<double> away;
      for (size_t k = 0; k < rows; ++k)
        away.push_back(std::hypot(run.state[i] - sources.values[2 * k], run.state[i + 1] - sources.values[2 * k + 1]));
      auto nearest = std::min_element(away.begin(), away.end());
      EXPECT_LE(*nearest, f64 ? 1e-13 : 1e-5) << run.state[i] << ", " << run.state[i + 1];
      seen.insert(size_t(nearest - away.begin()));
    }
    EXPECT_GT(seen.size(), 240u); // of 256, each left out with probability .018
  }
}

/// Cats and dogs are 4 apart in the first coordinate, normal there with one spread, and alike in the second: then each
/// step leaves less than 1e-5 of what the edit has missed, so that it moves each lineage by (4, 0), to rounding.
TEST(Oracles, EditingMovesByTheDifferenceOfTheConditions) {
  BuiltProgram program = builtWithData(replaced(textOf("19-infedit"), "output(s) = s.target",
                                                "output(s) = [s.clean[0], s.clean[1], s.target[0], s.target[1]]"));
  RunPlan plan;
  plan.particles = 4096;
  RunOutcome run = program.run("edit", plan);
  ASSERT_EQ(run.status, KAC_OK) << run.why;
  ASSERT_EQ(run.width, 4u);
  for (size_t i = 0; i < run.state.size(); i += 4) {
    const double *x = &run.state[i];
    EXPECT_NEAR(x[2], x[0] + 4, 1e-5);
    EXPECT_NEAR(x[3], x[1], 1e-5);
  }
}

// --- kernel density ---

struct Collapse {
  const char *name;
  int dimension, points;
  double scale;
  double shares[4];   // at half, one, one and a half and twice the scale
  double relative[4]; // their standard errors
  double digit[4];    // half a unit of their last digit
};

std::ostream &operator<<(std::ostream &out, const Collapse &row) { return out << row.name; }

class KernelDensity : public testing::TestWithParam<Collapse> {};

TEST_P(KernelDensity, CollapsesToOnePoint) {
  const Collapse &row = GetParam();
  std::string text = textOf("23-kernel-density");
  text = text.substr(0, text.find("// the same collapse")); // the rest needs a file for each dimension
  text = replaced(text, "const d = 50", "const d = " + std::to_string(row.dimension));
  text = replaced(text, "for j in 1808", "for j in " + std::to_string(row.points));
  BuiltProgram program = BuiltProgram::ofText(text);
  for (int k = 0; k < 4; ++k) {
    RunPlan plan;
    plan.seed = uint64_t(k);
    plan.particles = 1000;
    plan.set = {{"h", (k + 1) * 0.5 * row.scale}};
    plan.threads = 2;
    RunOutcome run = program.run("participation", plan);
    ASSERT_EQ(run.status, KAC_OK) << run.why;
    Spread share(run.state);
    double error = std::hypot(share.error, row.relative[k] * row.shares[k]);
    EXPECT_NEAR(share.mean, row.shares[k], kErrors * error + row.digit[k]) << (k + 1) * 0.5 << " times the scale";
  }
}

INSTANTIATE_TEST_SUITE_P(Clouds, KernelDensity,
                         testing::Values(Collapse{"InFiftyDimensions",
                                                  50,
                                                  1808,
                                                  1.177,
                                                  {0.801, 0.288, 0.0225, 0.0028},
                                                  {0.003, 0.008, 0.013, 0.01},
                                                  {5e-4, 5e-4, 5e-5, 5e-5}},
                                         Collapse{"InThirtyDimensions",
                                                  30,
                                                  8103,
                                                  0.868,
                                                  {0.806, 0.293, 0.0207, 0.0015},
                                                  {0.006, 0.016, 0.026, 0.02},
                                                  {5e-4, 5e-4, 5e-5, 5e-5}}),
                         [](const testing::TestParamInfo<Collapse> &info) { return std::string(info.param.name); });

} // namespace
} // namespace kac
