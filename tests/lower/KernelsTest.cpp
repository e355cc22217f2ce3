// Kernels of hand-written samplers against plain C++: draws, steps, weights, ancestors, dead lineages.
#include "tests/lower/Compile.h"
#include "tests/oracle/Philox.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <sstream>

using namespace kac::test;

namespace {

std::string read(const std::string &name) {
  std::ifstream stream(std::string(KAC_ROOT) + "/tests/lower/" + name);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(Kernels, DrawsFromInit) {
  for (bool f64 : {false, true}) {
    auto library = Library::ofText(read("normal.mlir"), {f64});
    ASSERT_TRUE(library);
    Population all(library->sampler("normal_draws"), 1000, 0, 0x123456789abcdef0);
    all.init();
    auto x = all.output();
    ASSERT_EQ(x.size(), 1000u);
    for (uint32_t i = 0; i < 1000; ++i) {
      double z = kac::oracle::drawNormal({0x123456789abcdef0, i, 0}, 3, 0, f64);
      EXPECT_NEAR(x[i], 1.5 + 2 * z, f64 ? 1e-13 : 2e-5) << i;
      EXPECT_EQ(all.logWeight[i], 0);
      EXPECT_EQ(all.dead[i], 0);
    }
    all.set("mu", {NAN});
    all.init();
    EXPECT_EQ(all.dead[5], 1);
    EXPECT_EQ(all.logWeight[5], -INFINITY);
  }
}

constexpr uint64_t seed = 42;

double normalAt(uint32_t lineage, uint32_t step, uint32_t site, uint64_t index, bool fine) {
  return kac::oracle::drawNormal({seed, lineage, step}, site, index, fine);
}

TEST(Kernels, FilterFollowsItsFormulas) {
  const double ys[] = {0.5, -0.25, 1.0, 0.75, -1.5};
  for (bool f64 : {false, true}) {
    auto library = Library::ofText(read("filter.mlir"), {f64});
    ASSERT_TRUE(library);
    const kac_sampler &sampler = library->sampler("filter_bootstrap");
    const int64_t particles = 101;
    Population all(sampler, particles, 5, seed);
    double tolerance = f64 ? 1e-12 : 2e-4;
    all.init();
    std::vector<double> x(particles), w(particles, 0.0);
    for (uint32_t i = 0; i < particles; ++i)
      x[i] = normalAt(i, 0, 0, 0, f64);
    for (int64_t n = 0; n < 5; ++n) {
      EXPECT_DOUBLE_EQ(all.grid[size_t(n)], double(n) / 5);
      std::vector<int32_t> ancestors;
      if (n == 3) {
        double total = 0;
        for (double v : w)
          total += std::exp(v);
        std::vector<double> p;
        for (double v : w)
          p.push_back(std::exp(v) / total);
        ancestors = all.resample(p, 0.4, n);
        double u = kac::oracle::drawUniform({seed, 0, uint32_t(n + 1)}, 2, 0, true), sum = 0;
        std::vector<double> y(x);
        for (int64_t i = 0, k = 0; i < particles; ++i) {
          while (k + 1 < particles && sum + p[size_t(k)] <= (double(i) + u) / double(particles))
            sum += p[size_t(k++)];
          EXPECT_EQ(ancestors[size_t(i)], k);
          y[size_t(i)] = x[size_t(ancestors[size_t(i)])];
        }
        x = y;
        w.assign(particles, 0);
        std::fill(all.logWeight.begin(), all.logWeight.end(), 0.0);
      }
      all.step(n, n == 3 ? &ancestors : nullptr);
      for (uint32_t i = 0; i < particles; ++i) {
        x[i] = 0.9 * x[i] + 0.5 * normalAt(i, uint32_t(n + 1), 1, 0, f64);
        w[i] += -0.5 * std::pow((ys[n] - x[i]) / 0.3, 2) - std::log(0.3) - 0.5 * std::log(2 * M_PI);
        EXPECT_NEAR(all.logWeight[i], w[i], tolerance * (10 + std::abs(w[i]))) << n << " " << i;
      }
    }
    auto out = all.output(), shifted = all.monitor(0, 4);
    for (size_t i = 0; i < size_t(particles); ++i) {
      EXPECT_NEAR(out[i], x[i], tolerance);
      EXPECT_NEAR(shifted[i], out[i] + 1, 1e-6); // t of the state after step 4 is 1
    }
    double sums[2], expected[2] = {0, 0};
    std::vector<double> e(particles);
    sampler.weights(all.logWeight.data(), 3, particles, 1.25, sums, e.data());
    for (size_t i = 3; i < size_t(particles); ++i) {
      double value = std::exp(all.logWeight[i] - 1.25);
      expected[0] += value;
      expected[1] += value * value;
      EXPECT_NEAR(e[i], value, 1e-14 * value);
    }
    EXPECT_NEAR(sums[0], expected[0], 1e-12 * expected[0]);
    EXPECT_NEAR(sums[1], expected[1], 1e-12 * expected[1]);
    EXPECT_EQ(sampler.when(&all.run, 0.4, 0, 0), 1);
    EXPECT_EQ(sampler.when(&all.run, 0.6, 0, 0), 0);
    all.run.steps = 6; // a step that no observation belongs to: nobody survives it
    all.grid.resize(7);
    all.run.grid = all.grid.data();
    all.step(5);
    EXPECT_EQ(all.dead[0], 1);
    EXPECT_EQ(all.dead[100], 1);
  }
}

std::vector<double> centers() {
  std::vector<double> values;
  for (uint32_t k = 0; k < 80; ++k)
    values.push_back(40 * kac::oracle::drawUniform({7, 0, 0}, 0, k));
  return values;
}

/// What tests/lower/mixture.mlir says, in plain loops.
void mixtureStep(std::vector<double> &x, double &w, const std::vector<double> &c, double t, double dt, uint32_t i,
                 int64_t n, bool f64) {
  double v = 1 + std::pow(10 * (1 - t), 2), logits[40], total = 0, score[2] = {0, 0};
  double most = -INFINITY;
  for (int k = 0; k < 40; ++k) {
    logits[k] = std::log(0.025);
    for (int j = 0; j < 2; ++j)
      logits[k] +=
          -0.5 * std::pow(x[size_t(j)] - c[size_t(2 * k + j)], 2) / v - 0.5 * std::log(v) - 0.5 * std::log(2 * M_PI);
    most = std::max(most, logits[k]);
  }
  for (double logit : logits)
    total += std::exp(logit - most);
  for (int k = 0; k < 40; ++k)
    for (int j = 0; j < 2; ++j)
      score[j] += std::exp(logits[k] - most) / total * (c[size_t(2 * k + j)] - x[size_t(j)]) / v;
  w += (most + std::log(total) + score[0] * score[0] + score[1] * score[1]) * dt;
  for (size_t j = 0; j < 2; ++j)
    x[j] += 3 * dt * score[j] + std::sqrt(2 * dt) * normalAt(i, uint32_t(n + 1), 1, j, f64);
}

TEST(Kernels, MixtureScoreStep) {
  for (bool f64 : {false, true}) {
    auto library = Library::ofText(read("mixture.mlir"), {f64});
    ASSERT_TRUE(library);
    Population all(library->sampler("mixture_anneal"), 70, 10, seed);
    all.set("centers", centers());
    all.init();
    for (int64_t n = 0; n < 10; ++n)
      all.step(n);
    auto x = all.output();
    for (uint32_t i = 0; i < 70; ++i) {
      std::vector<double> y{20 * normalAt(i, 0, 0, 0, f64), 20 * normalAt(i, 0, 0, 1, f64)};
      double w = 0;
      for (int64_t n = 0; n < 10; ++n)
        mixtureStep(y, w, centers(), double(n) / 10, all.grid[size_t(n + 1)] - all.grid[size_t(n)], i, n, f64);
      double tolerance = f64 ? 1e-11 : 1e-4;
      EXPECT_NEAR(x[2 * i], y[0], tolerance * (1 + std::abs(y[0])));
      EXPECT_NEAR(x[2 * i + 1], y[1], tolerance * (1 + std::abs(y[1])));
      EXPECT_NEAR(all.logWeight[i], w, tolerance * (1 + std::abs(w)));
    }
  }
}

TEST(Kernels, SameBitsForAnyPieces) {
  auto library = Library::ofText(read("mixture.mlir"));
  ASSERT_TRUE(library);
  std::vector<std::pair<std::vector<double>, std::vector<double>>> outcomes;
  for (int64_t piece : {1, 3, 1000}) {
    Population all(library->sampler("mixture_anneal"), 333, 4, seed);
    all.set("centers", centers());
    all.init(piece);
    for (int64_t n = 0; n < 4; ++n)
      all.step(n, nullptr, piece);
    all.logWeight.resize(333); // behind them there is room for whole tiles
    outcomes.push_back({all.output(), all.logWeight});
  }
  EXPECT_EQ(outcomes[0], outcomes[1]);
  EXPECT_EQ(outcomes[0], outcomes[2]);
}

} // namespace
