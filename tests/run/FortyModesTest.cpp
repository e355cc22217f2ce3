// Forty modes cooled to a third of their temperature: log Z and the masses of the modes against the cube of the
// mixture, which is a mixture again.
#include "dsl/Npy.h"
#include "tests/run/Built.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

namespace kac {
namespace {

using Point = std::array<double, 2>;

const int kRuns = 20, kParticles = 10000;

double squaredDistance(const Point &a, const Point &b) {
  return (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]);
}

/// The cube of a mixture of forty normals of equal weights and unit deviations, noised as the process leaves it at the
/// end: each product of three of them is a normal around their mean, times a number.
class Cube {
public:
  explicit Cube(const std::vector<double> &numbers) {
    for (size_t k = 0; k + 1 < numbers.size(); k += 2)
      centers.push_back({numbers[k], numbers[k + 1]});
    const double share = 1 / std::pow(double(centers.size()), 3), constant = 3 * std::pow(2 * M_PI * variance, 2);
    for (size_t i = 0; i < centers.size(); ++i)
      for (size_t j = 0; j < centers.size(); ++j)
        for (size_t k = 0; k < centers.size(); ++k) {
          Point mean = {(centers[i][0] + centers[j][0] + centers[k][0]) / 3,
                        (centers[i][1] + centers[j][1] + centers[k][1]) / 3};
          double apart =
              squaredDistance(centers[i], mean) + squaredDistance(centers[j], mean) + squaredDistance(centers[k], mean);
          means.push_back(mean);
          weights.push_back(share / constant * std::exp(-apart / (2 * variance)));
          z += weights.back();
        }
  }

  double logZ() const { return std::log(z); }

  /// The shares of `count` independent draws that are nearest to each center.
  std::vector<double> draw(int count, std::mt19937_64 &random) const {
    std::discrete_distribution<size_t> component(weights.begin(), weights.end());
    std::normal_distribution<double> normal(0, std::sqrt(variance / 3));
    std::vector<double> masses(centers.size());
    for (int n = 0; n < count; ++n) {
      const Point &mean = means[component(random)];
      masses[nearest({mean[0] + normal(random), mean[1] + normal(random)})] += 1.0 / count;
    }
    return masses;
  }

  std::vector<double> masses(const RunOutcome &run) const {
    std::vector<double> result(centers.size());
    for (size_t i = 0; i < run.weight.size(); ++i)
      result[nearest({run.state[2 * i], run.state[2 * i + 1]})] += run.weight[i];
    return result;
  }

private:
  size_t nearest(const Point &x) const {
    return size_t(std::min_element(
                      centers.begin(), centers.end(),
                      [&](const Point &a, const Point &b) { return squaredDistance(a, x) < squaredDistance(b, x); }) -
                  centers.begin());
  }

  static constexpr double variance = 1 + 0.01 * 0.01;
  std::vector<Point> centers, means;
  std::vector<double> weights;
  double z = 0;
};

double totalVariation(const std::vector<double> &a, const std::vector<double> &b) {
  double sum = 0;
  for (size_t k = 0; k < a.size(); ++k)
    sum += std::fabs(a[k] - b[k]) / 2;
  return sum;
}

TEST(FortyModes, EvidenceAndMassesOfTheModes) {
  NpyArray centers;
  std::string why;
  ASSERT_EQ(readNpy(KAC_ROOT "/tests/programs/centers.npy", centers, why), NpyError::None) << why;
  Cube cube(centers.values);
  std::mt19937_64 random(1);
  std::vector<double> exact = cube.draw(2000000, random);

  BuiltProgram program(KAC_ROOT "/tests/programs/01-annealing.dsl");
  double logZ = 0, apart = 0, apartOfDraws = 0;
  for (int seed = 0; seed < kRuns; ++seed) {
    RunPlan plan;
    plan.seed = uint64_t(seed);
    plan.particles = kParticles;
    RunOutcome run = program.run("annealed", plan);
    ASSERT_EQ(run.status, KAC_OK) << run.why;
    ASSERT_EQ(run.result.steps, 1000);
    logZ += run.result.log_z / kRuns;
    apart += totalVariation(cube.masses(run), exact) / kRuns;
    apartOfDraws += totalVariation(cube.draw(kParticles, random), exact) / kRuns;
  }
  EXPECT_NEAR(cube.logZ(), -11.8379, 1e-4); // as it was computed elsewhere
  EXPECT_NEAR(logZ, cube.logZ(), 0.018);
  EXPECT_LE(apart, 1.9 * apartOfDraws) << "independent draws: " << apartOfDraws;
  RecordProperty("log_z", std::to_string(logZ));
  RecordProperty("ratio", std::to_string(apart / apartOfDraws));
}

} // namespace
} // namespace kac
