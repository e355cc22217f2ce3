// The run loop: evidence against its closed form, bookkeeping of resampling, the same bits on any threads, small N.
#include "WalkRun.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

using namespace kac;

namespace {

double weightedMean(const WalkRun &run) {
  double sum = 0, total = 0;
  for (size_t i = 0; i < run.logWeight.size(); i++) {
    total += std::exp(run.logWeight[i]);
    sum += std::exp(run.logWeight[i]) * run.x[2 * i];
  }
  return sum / total;
}

TEST(Loop, EvidenceHasItsClosedForm) {
  for (const kac_sampler *sampler : {&walk_adaptive_descriptor, &walk_eager_descriptor, &walk_plain_descriptor}) {
    walk_params params = walkParams(*sampler);
    params.head.particles = 5000;
    double sum = 0, square = 0, barSquare = 0;
    const int runs = 20;
    for (int seed = 0; seed < runs; seed++) {
      params.head.seed = static_cast<uint64_t>(seed);
      WalkRun run(*sampler, params);
      ASSERT_EQ(run.status, KAC_OK) << run.text;
      double error = run.result.log_z - walk_log_z(params.sd, params.slope, 20);
      EXPECT_LT(std::abs(error), 4 * run.result.log_z_se + 1e-12) << sampler->name << " seed " << seed;
      sum += error;
      square += error * error;
      barSquare += run.result.log_z_se * run.result.log_z_se;
    }
    EXPECT_LT(std::abs(sum / runs), 4 * std::sqrt(square) / runs) << sampler->name;
    // The standard error says what the spread of the runs says: a variance of 20 runs is known to a factor of two.
    EXPECT_LT(square / barSquare, 2.5) << sampler->name;
    EXPECT_GT(square / barSquare, 0.3) << sampler->name;
  }
}

TEST(Loop, WithoutWeightsTheEvidenceIsOne) {
  walk_params params = walkParams();
  params.slope = 0;
  WalkRun run(walk_adaptive_descriptor, params);
  EXPECT_EQ(run.result.log_z, 0);
  EXPECT_LT(run.result.log_z_se, 1e-12);
  EXPECT_EQ(run.result.ess_min, 1);
  EXPECT_EQ(run.result.resamplings, 0);
  EXPECT_EQ(run.logWeight, std::vector<double>(1000, 0.0));
}

TEST(Loop, SameBitsOnAnyNumberOfThreads) {
  walk_params params = walkParams();
  params.head.particles = 40009;
  params.head.seed = 7;
  kac_config one{}, two{}, three{};
  one.threads = 1;
  two.threads = 2;
  three.threads = 3;
  WalkRun first(walk_adaptive_descriptor, params, one);
  ASSERT_GT(first.result.resamplings, 0);
  for (const kac_config &config : {two, three}) {
    WalkRun other(walk_adaptive_descriptor, params, config);
    EXPECT_EQ(std::memcmp(first.x.data(), other.x.data(), first.x.size() * sizeof(float)), 0);
    EXPECT_EQ(first.logWeight, other.logWeight);
    EXPECT_EQ(first.result.log_z, other.result.log_z);
    EXPECT_EQ(first.result.log_z_se, other.result.log_z_se);
    EXPECT_EQ(first.ess, other.ess);
    EXPECT_EQ(first.monitorMean, other.monitorMean);
    EXPECT_EQ(first.monitorSe, other.monitorSe);
    EXPECT_EQ(other.result.threads, config.threads);
  }
}

TEST(Loop, ApplicationsParallelForIsUsedAndChangesNothing) {
  walk_params params = walkParams();
  WalkRun own(walk_adaptive_descriptor, params);
  kac_config config{};
  int calls = 0;
  config.context = &calls;
  config.log = [](void *, int, const char *) {};
  config.parallel_for = [](void *context, int64_t count, void (*body)(void *, int64_t), void *job) {
    ++*static_cast<int *>(context);
    for (int64_t i = count; i-- > 0;)
      body(job, i);
  };
  WalkRun theirs(walk_adaptive_descriptor, params, config);
  EXPECT_GT(calls, 20);
  EXPECT_EQ(own.logWeight, theirs.logWeight);
  EXPECT_EQ(own.x, theirs.x);
}

TEST(Loop, SamplingTwiceGivesTheSameBits) {
  walk_params params = walkParams();
  kac_instance *instance = nullptr;
  ASSERT_EQ(kac_create(&instance, &walk_adaptive_descriptor, &params, nullptr), KAC_OK);
  std::vector<float> x[2];
  std::vector<int32_t> made(1000);
  std::vector<double> w[2];
  for (int k = 0; k < 2; k++) {
    x[k].resize(2000);
    w[k].resize(1000);
    void *outputs[] = {x[k].data(), made.data()};
    EXPECT_EQ(kac_sample(instance, outputs, w[k].data(), nullptr), KAC_OK);
  }
  EXPECT_EQ(x[0], x[1]);
  EXPECT_EQ(w[0], w[1]);
  EXPECT_EQ(kac_sample(instance, nullptr, nullptr, nullptr), KAC_OK);
  kac_destroy(instance);
}

TEST(Loop, ResamplesWhereTheConditionHoldsAndNowhereElse) {
  walk_params params = walkParams();
  params.head.steps = 40;
  WalkRun run(walk_adaptive_descriptor, params);
  ASSERT_EQ(run.status, KAC_OK);
  ASSERT_EQ(run.ess.size(), 41u);
  int64_t count = 0;
  double least = 1;
  for (size_t n = 0; n <= 40; n++) {
    EXPECT_EQ(run.resampled[n] != 0, n < 40 && run.ess[n] < 0.5) << n;
    count += run.resampled[n];
    least = std::min(least, run.ess[n]);
  }
  EXPECT_GT(count, 0);
  EXPECT_EQ(run.result.resamplings, count);
  EXPECT_EQ(run.result.ess_min, least);
  EXPECT_EQ(run.result.ess_final, run.ess[40]);
  EXPECT_EQ(run.made, std::vector<int32_t>(1000, 40)); // integers in the state follow their lineage
  WalkRun eager(walk_eager_descriptor, params);
  EXPECT_EQ(eager.result.resamplings, 40);
  EXPECT_EQ(WalkRun(walk_plain_descriptor, params).result.resamplings, 0);
}

TEST(Loop, MonitorsAreWeightedMeansAtEachStep) {
  walk_params params = walkParams();
  WalkRun run(walk_adaptive_descriptor, params);
  ASSERT_EQ(run.result.monitor_width, 3);
  ASSERT_EQ(run.monitorMean.size(), 60u);
  EXPECT_NEAR(run.monitorMean[19 * 3], weightedMean(run), 1e-9);
  double positive = 0, total = 0;
  for (size_t i = 0; i < 1000; i++) {
    total += std::exp(run.logWeight[i]);
    positive += run.x[2 * i] > 0 ? std::exp(run.logWeight[i]) : 0;
  }
  EXPECT_NEAR(run.monitorMean[19 * 3 + 2], positive / total, 1e-9);
  // Unweighted, the error of a mean is sd / sqrt(N): after step 1 the variance is 1 + 0.09.
  params.slope = 0;
  params.head.particles = 100000;
  WalkRun flat(walk_plain_descriptor, params);
  EXPECT_NEAR(flat.monitorSe[0], std::sqrt(1.09 / 100000), 4e-5);
  EXPECT_LT(std::abs(flat.monitorMean[0]), 4 * flat.monitorSe[0]);
}

/// Ten lineages that are resampled at every step soon have one ancestor; from then on no error is known, and until
/// then each is.
TEST(Loop, WhereAllDescendFromOneTheErrorIsNotKnown) {
  walk_params params = walkParams();
  params.head.particles = 10;
  params.head.steps = 400;
  WalkRun run(walk_eager_descriptor, params);
  ASSERT_EQ(run.status, KAC_OK);
  EXPECT_TRUE(std::isnan(run.result.log_z_se));
  size_t known = 0;
  while (known < 400 && !std::isnan(run.monitorSe[3 * known]))
    known++;
  EXPECT_GT(known, 1u);
  EXPECT_LT(known, 200u);
  for (size_t n = 0; n < 400; n++)
    for (size_t c = 0; c < 3; c++)
      EXPECT_EQ(std::isnan(run.monitorSe[3 * n + c]), n >= known) << n;
  for (size_t n = 0; n < known; n++)
    EXPECT_GT(run.monitorSe[3 * n], 1e-3) << n;
  params.slope = 0; // and without resampling each is its own founder
  WalkRun flat(walk_plain_descriptor, params);
  EXPECT_TRUE(std::isfinite(flat.monitorSe[3 * 399]));
}

TEST(Loop, EquallyWeightedSamplesFollowTheTarget) {
  walk_params params = walkParams();
  params.head.particles = 50000;
  for (const kac_sampler *sampler : {&walk_adaptive_descriptor, &walk_plain_descriptor}) {
    WalkRun weighted(*sampler, params);
    WalkRun equal(*sampler, params, {}, true);
    ASSERT_EQ(equal.status, KAC_OK);
    double mean = 0;
    for (size_t i = 0; i < 50000; i++)
      mean += equal.x[2 * i] / 50000.0;
    EXPECT_NEAR(mean, weightedMean(weighted), 4 * weighted.monitorSe[19 * 3]) << sampler->name;
    EXPECT_EQ(equal.result.log_z, weighted.result.log_z);
  }
}

TEST(Loop, SmallAndOddPopulations) {
  for (int64_t particles : {1, 2, 3, 7, 8, 9, 997, 4099})
    for (const kac_sampler *sampler : {&walk_adaptive_descriptor, &walk_eager_descriptor, &walk_plain_descriptor})
      for (bool equal : {false, true}) {
        walk_params params = walkParams(*sampler);
        params.head.particles = particles;
        WalkRun run(*sampler, params, {}, equal);
        ASSERT_EQ(run.status, KAC_OK) << particles << " " << run.text;
        EXPECT_TRUE(std::isfinite(run.result.log_z));
        // Errors are known unless all descends from one lineage, which resampling may make of a few.
        EXPECT_TRUE(particles > 1 || std::isnan(run.result.log_z_se));
        EXPECT_TRUE(particles < 900 || run.result.log_z_se > 0) << particles;
        EXPECT_EQ(std::isnan(run.result.log_z_se), std::isnan(run.monitorSe[19 * 3]));
        EXPECT_GT(run.result.ess_final, 0);
        EXPECT_LE(run.result.ess_final, 1);
        EXPECT_EQ(run.result.non_finite, 0);
        EXPECT_EQ(run.made, std::vector<int32_t>(static_cast<size_t>(particles), 20));
      }
}

TEST(Loop, NoStepsDrawsFromTheStart) {
  walk_params params = walkParams();
  params.head.steps = 0;
  WalkRun run(walk_adaptive_descriptor, params);
  EXPECT_EQ(run.status, KAC_OK);
  EXPECT_EQ(run.result.steps, 0);
  EXPECT_EQ(run.result.log_z, 0);
  EXPECT_EQ(run.made, std::vector<int32_t>(1000, 0));
  EXPECT_TRUE(run.monitorMean.empty());
}

} // namespace
