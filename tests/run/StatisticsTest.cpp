// Runs of the compiled samplers against closed forms and quadrature: log Z and moments within four standard errors,
// with fixed seeds, and no lineage that is not finite.
#include "dsl/Npy.h"
#include "tests/run/Built.h"
#include "tests/run/Kacc.h"

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

namespace kac {
namespace {

using nlohmann::json;

const double kErrors = 4;

/// The numbers of a nested list, in order.
std::vector<double> flat(const json &value) {
  if (!value.is_array())
    return {value.is_null() ? std::nan("") : value.get<double>()};
  std::vector<double> result;
  for (const json &item : value)
    for (double v : flat(item))
      result.push_back(v);
  return result;
}

void expectEvidence(const json &report, double truth) {
  ASSERT_TRUE(report.contains("log_z"));
  EXPECT_EQ(report["non_finite"].get<int64_t>(), 0);
  EXPECT_GT(report["log_z_se"].get<double>(), 0);
  EXPECT_LT(report["log_z_se"].get<double>(), 0.25);
  EXPECT_NEAR(report["log_z"].get<double>(), truth, kErrors * report["log_z_se"].get<double>());
}

void expectMonitor(const json &report, const std::string &name, const json &truth) {
  ASSERT_TRUE(report.contains("monitors") && report["monitors"].contains(name)) << name;
  const json &monitor = report["monitors"][name];
  std::vector<double> mean = flat(monitor["mean"]), error = flat(monitor["se"]), wanted = flat(truth);
  ASSERT_EQ(mean.size(), wanted.size()) << name;
  for (size_t k = 0; k < mean.size(); ++k) {
    EXPECT_GT(error[k], 0) << name << " " << k;
    EXPECT_NEAR(mean[k], wanted[k], kErrors * error[k]) << name << " " << k;
  }
}

/// A sample of equal weights in columns.
Eigen::MatrixXd sample(const std::vector<std::string> &args, int columns) {
  Folder folder;
  std::vector<std::string> all = {"run"};
  all.insert(all.end(), args.begin(), args.end());
  all.insert(all.end(), {"--quiet", "-o", folder / "x.npy"});
  KaccResult result = kacc(all);
  EXPECT_EQ(result.status, 0) << result.err;
  NpyArray array;
  std::string why;
  EXPECT_EQ(readNpy(folder / "x.npy", array, why), NpyError::None) << why;
  int64_t rows = int64_t(array.values.size()) / columns;
  return Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(array.values.data(), rows,
                                                                                            columns);
}

std::string program(const std::string &name) { return KAC_ROOT "/tests/programs/" + name + ".dsl"; }

// --- targets whose answers are known: annealing, products, quotients, guidance, rewards, flows ---

/// The report's own averages and standard errors; CasesTest judges all such programs by the spread of many runs.
TEST(Statistics, MonitorsOfTheProduct) {
  json truth = json::parse(std::ifstream(KAC_ROOT "/tests/run/cases/truths.json"))[4];
  ASSERT_EQ(truth["program"], "d05");
  json report = runReport({KAC_ROOT "/tests/run/cases/d05.dsl", "--seed", "1"});
  expectEvidence(report, truth["log_z"]);
  expectMonitor(report, "first", truth["first"]);
  expectMonitor(report, "second", truth["second"]);
}

TEST(Statistics, Product) {
  json report = runReport({program("02-product"), "-n", "20000", "--steps", "1000", "--seed", "3"});
  expectEvidence(report, -2.0229);
  expectMonitor(report, "mean", 0.0435);
  expectMonitor(report, "positive", 0.4911);
}

TEST(Statistics, GuidanceCorrected) {
  expectEvidence(
      runReport({program("03-guidance"), "--sampler", "corrected", "-n", "20000", "--steps", "2000", "--seed", "4"}),
      2.0711);
}

/// Without weights guidance samples something else: near the mean and variance that the program's header gives. Both
/// move with the number of steps (variance .725 at 400, .702 at 6400), which the tolerances allow for.
TEST(Statistics, GuidanceAsCommonlyRun) {
  Eigen::MatrixXd x = sample({program("03-guidance"), "--sampler", "heuristic", "-n", "40000", "--seed", "5"}, 1);
  double mean = x.mean(), variance = (x.array() - mean).square().mean();
  EXPECT_NEAR(mean, 2.187, kErrors * std::sqrt(0.686 / 40000) + 1e-2);
  EXPECT_NEAR(variance, 0.686, 0.05);
}

TEST(Statistics, Reward) {
  expectEvidence(runReport({program("04-reward"), "-n", "20000", "--steps", "1000", "--seed", "6"}), -1.5445);
  Eigen::MatrixXd x = sample({program("04-reward"), "-n", "40000", "--steps", "1000", "--seed", "6"}, 1);
  EXPECT_NEAR(x.mean(), 1.1768, 0.03);
}

// --- procedural samplers ---

/// The model of the particle filter is linear and Gaussian: Kalman's recursion gives what it estimates.
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

TEST(Statistics, ParticleFilterAgainstKalman) {
  Kalman truth;
  expectEvidence(runReport({program("08-particle-filter"), "-n", "50000", "--seed", "7"}), truth.evidence);
  Eigen::MatrixXd x = sample({program("08-particle-filter"), "-n", "50000", "--seed", "7"}, 1);
  EXPECT_NEAR(x.mean(), truth.mean, 0.01);
  EXPECT_NEAR((x.array() - x.mean()).square().mean(), truth.variance, 0.05 * truth.variance);
}

/// The mean of Z, not of its logarithm: with few particles the two are far apart.
TEST(Statistics, ParticleFilterIsUnbiased) {
  Kalman truth;
  BuiltProgram filter(program("08-particle-filter"));
  std::vector<double> z, logZ;
  for (int seed = 0; seed < 2000; ++seed) {
    RunPlan plan;
    plan.seed = uint64_t(seed);
    plan.particles = 200;
    RunOutcome run = filter.run("filter", plan);
    ASSERT_EQ(run.status, KAC_OK) << run.why;
    logZ.push_back(run.result.log_z - truth.evidence);
    z.push_back(std::exp(logZ.back()));
  }
  Spread mean(z), logarithm(logZ);
  EXPECT_NEAR(mean.mean, 1, kErrors * mean.error);
  EXPECT_LT(logarithm.mean, -kErrors * logarithm.error); // so that the test can tell
}

/// Cats become dogs, and what has nothing to do with it stays.
TEST(Statistics, Editing) {
  Eigen::MatrixXd x = sample({program("19-infedit"), "-n", "4096", "--seed", "8"}, 2);
  EXPECT_GT((x.col(0).array() > 0).cast<double>().mean(), 0.99);
  EXPECT_NEAR(x.col(0).mean(), 2, 0.2);
  EXPECT_NEAR(x.col(1).array().abs().mean(), 1, 0.1);
}

/// The share of a query's nearest point, simulated: the standard errors of the references are a percent or less.
TEST(Statistics, KernelDensityCollapses) {
  Folder folder;
  makePrograms(folder);
  for (auto [h, truth] : {std::pair{"0.5885", 0.801}, {"1.177", 0.288}, {"1.7655", 0.0225}}) {
    Eigen::MatrixXd x = sample({folder / "23-kernel-density/23-kernel-density.dsl", "--sampler", "participation", "-n",
                                "2000", "--seed", "9", "--set", std::string("h=") + h},
                               1);
    double mean = x.mean(), error = std::sqrt((x.array() - mean).square().mean() / double(x.rows()));
    EXPECT_NEAR(mean, truth, kErrors * error + 0.02 * truth) << h;
  }
}

/// With precision ~ Gamma(2, rate 2) the targets are Student t with 4 degrees of freedom and scale matrix `gram`.
TEST(Statistics, ScaleMixtureIsStudent) {
  NpyArray in, targets, query;
  std::string why, at = KAC_ROOT "/tests/programs/";
  ASSERT_EQ(readNpy(at + "inputs.npy", in, why), NpyError::None) << why;
  ASSERT_EQ(readNpy(at + "targets.npy", targets, why), NpyError::None) << why;
  ASSERT_EQ(readNpy(at + "query.npy", query, why), NpyError::None) << why;
  const int n = 30;
  auto kernel = [](const Eigen::Vector2d &a, const Eigen::Vector2d &b) {
    double scale = a.norm() * b.norm(), c = std::clamp(a.dot(b) / scale, -0.999999, 0.999999);
    return scale * (std::sqrt(1 - c * c) + (M_PI - std::acos(c)) * c) / (2 * M_PI);
  };
  Eigen::MatrixXd gram(n, n);
  Eigen::VectorXd y = Eigen::Map<Eigen::VectorXd>(targets.values.data(), n), cross(n);
  auto row = [&](int i) { return Eigen::Vector2d(in.values[2 * i], in.values[2 * i + 1]); };
  for (int i = 0; i < n; ++i) {
    cross[i] = kernel(row(i), Eigen::Vector2d(query.values[0], query.values[1]));
    for (int j = 0; j < n; ++j)
      gram(i, j) = kernel(row(i), row(j)) + (i == j ? 0.01 : 0);
  }
  Eigen::LLT<Eigen::MatrixXd> factor(gram);
  double logDet = 2 * factor.matrixLLT().diagonal().array().log().sum(), fit = y.dot(factor.solve(y)), nu = 4;
  double evidence = std::lgamma((nu + n) / 2) - std::lgamma(nu / 2) - n / 2.0 * std::log(nu * M_PI) - logDet / 2 -
                    (nu + n) / 2 * std::log1p(fit / nu);
  json report = runReport({program("33-scale-mixture"), "-n", "200000", "--seed", "10"});
  expectEvidence(report, evidence);
  Eigen::MatrixXd f = sample({program("33-scale-mixture"), "-n", "200000", "--seed", "10"}, 1);
  double spread = std::sqrt((f.array() - f.mean()).square().mean());
  EXPECT_NEAR(f.mean(), cross.dot(factor.solve(y)), 5 * spread / std::sqrt(report["ess_final"].get<double>() * 200000));
}

} // namespace
} // namespace kac
