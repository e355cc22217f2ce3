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
  EXPECT_LT(report["log_z_se"].get<double>(), 0.05);
  EXPECT_NEAR(report["log_z"].get<double>(), truth, kErrors * report["log_z_se"].get<double>());
}

void expectMonitor(const json &report, const std::string &name, const json &truth) {
  ASSERT_TRUE(report.contains("monitors") && report["monitors"].contains(name)) << name;
  const json &monitor = report["monitors"][name];
  std::vector<double> mean = flat(monitor["mean"]), error = flat(monitor["se"]), wanted = flat(truth);
  ASSERT_EQ(mean.size(), wanted.size()) << name;
  for (size_t k = 0; k < mean.size(); ++k) {
    EXPECT_GT(error[k], 0) << name << " " << k;
    EXPECT_LT(error[k], 0.05) << name << " " << k;
    EXPECT_NEAR(mean[k], wanted[k], kErrors * error[k]) << name << " " << k;
  }
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

TEST(Statistics, Reward) {
  expectEvidence(runReport({program("04-reward"), "-n", "20000", "--steps", "1000", "--seed", "6"}), -1.5445);
}

// --- procedural samplers ---

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
  expectEvidence(runReport({program("33-scale-mixture"), "-n", "200000", "--seed", "10"}), evidence);

  // The precision is then of law Gamma((nu + n) / 2, (nu + fit) / 2), and what is predicted normal given it.
  Eigen::Vector2d place(query.values[0], query.values[1]);
  double mean = cross.dot(factor.solve(y)), alone = kernel(place, place) + 0.01 - cross.dot(factor.solve(cross));
  double variance = alone * (nu + fit) / (nu + n - 2);
  BuiltProgram built(program("33-scale-mixture"));
  RunPlan plan;
  plan.particles = 20000;
  Repeated runs =
      repeat(built, "posterior", plan, 20,
             {[](const double *f) { return f[0]; }, [mean](const double *f) { return (f[0] - mean) * (f[0] - mean); }});
  auto [location, locationError] = pooledAverage(runs.logZ, runs.averages[0]);
  auto [spread, spreadError] = pooledAverage(runs.logZ, runs.averages[1]);
  EXPECT_NEAR(location, mean, kErrors * locationError);
  EXPECT_NEAR(spread, variance, kErrors * spreadError);
}

} // namespace
} // namespace kac
