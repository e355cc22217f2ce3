// The resamplers of the library as compiled code, on weights that are known: the expected number of copies, what each
// policy promises of single counts, and lineages that weigh nothing, everything or are not numbers.
#include "tests/run/Built.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace kac {
namespace {

const double kErrors = 4;

const char *const kProgram = R"(
param fault : int = 0    // of lineage `odd`: 1 nobody weighs anything, 2 it alone does, 3 its state, 4 its weight is NaN
param odd : int = 0

// systematic, in ways that leave lineages more or less in common: an array each; ancestors in another order; a loop
fn apart[n](w : simplex[n]) -> token[n, n] {
  u ~ standard_uniform()
  [search(cumsum([w[k] + i * 1e-300 for k in n]), (i + u) / n) for i in n]
}
fn turned[n](w : simplex[n]) -> token[n, n] {
  u ~ standard_uniform()
  c = cumsum(w)
  a = [search(c, (n - 1 - i + u) / n) for i in n]
  [a[n - 1 - i] for i in n]
}
fn counted[n](w : simplex[n]) -> token[n, n] {
  u ~ standard_uniform()
  c = cumsum(w)
  [floor(minimum(sum(indicator(c[k] <= (i + u) / n) for k in n), n - 1)) for i in n]
}

sampler common {
  init(i) {
    weigh if fault == 1 || (fault == 2 && i != odd) { -inf } else { if fault == 4 && i == odd { inf - inf } else { 0 } }
    if fault == 3 && i == odd { inf - inf } else { 1.0 * i }
  }
  step(x) = x
  steps = 1; particles = 2; resample = systematic
}
sampler with_systematic = common with { resample = systematic }
sampler with_stratified = common with { resample = stratified }
sampler with_multinomial = common with { resample = multinomial }
sampler with_residual = common with { resample = residual }
sampler with_apart = common with { resample = apart }
sampler with_turned = common with { resample = turned }
sampler with_counted = common with { resample = counted }
)";

const char *const kPolicies[] = {"systematic", "stratified", "multinomial", "residual"};

/// Calls of the function that the runtime would call.
class Resampler {
public:
  explicit Resampler(const kac_sampler &sampler, size_t count)
      : sampler(sampler), scratch(size_t(sampler.uniform_bytes) + size_t(sampler.scratch_bytes) * padded(count) + 64),
        ancestors(padded(count)), again(padded(count)), copies(count) {}

  const std::vector<int32_t> &chosen() const { return ancestors; }

  /// How often each lineage was chosen, at step n of the run with this seed.
  const std::vector<int> &operator()(const std::vector<double> &w, uint64_t seed, int64_t n = 0) {
    const double grid[] = {0, 0.5, 1};
    kac_run run{};
    run.seed = seed;
    run.particles = int64_t(w.size());
    run.steps = 2;
    run.grid = grid;
    run.uniform = scratch.data();
    if (sampler.resample.prepare)
      sampler.resample.prepare(&run, w.data(), 0.5, grid[n], n);
    auto choose = [&](int64_t begin, int64_t end, std::vector<int32_t> &to) {
      sampler.resample.tiles(&run, w.data(), 0.5, grid[n], n, begin, end, to.data());
    };
    const int64_t tiles = int64_t(ancestors.size()) / sampler.lanes;
    choose(0, tiles, ancestors);
    for (int64_t tile = tiles; tile-- > 0;) // whoever chooses for which lineages, and in which order
      choose(tile, tile + 1, again);
    EXPECT_EQ(again, ancestors);
    std::fill(copies.begin(), copies.end(), 0);
    for (size_t i = 0; i < w.size(); ++i) {
      EXPECT_TRUE(ancestors[i] >= 0 && size_t(ancestors[i]) < w.size()) << ancestors[i];
      copies[size_t(ancestors[i])]++;
    }
    return copies;
  }

private:
  size_t padded(size_t count) const { return (count / size_t(sampler.lanes) + 1) * size_t(sampler.lanes); }
  const kac_sampler &sampler;
  std::vector<char> scratch;
  std::vector<int32_t> ancestors, again;
  std::vector<int> copies;
};

/// Uneven weights, some of them zero: the first and the last too where there are enough.
std::vector<double> weights(size_t count) {
  std::mt19937_64 random(count);
  std::uniform_real_distribution<double> uniform(0.2, 3);
  std::vector<double> w(count);
  double sum = 0;
  for (size_t k = 0; k < count; ++k)
    sum += w[k] = count > 3 && (k % 10 == 0 || k + 1 == count) ? 0 : uniform(random);
  for (double &v : w)
    v /= sum;
  return w;
}

/// What the policy promises of the copies of one lineage in one call, rounding allowed for.
void expectPromise(const std::string &policy, int copies, double expected) {
  const double rounding = 1e-6;
  if (policy == "systematic") {
    EXPECT_LT(std::fabs(copies - expected), 1 + rounding);
  } else if (policy == "stratified") {
    EXPECT_LT(std::fabs(copies - expected), 2 + rounding);
  } else if (policy == "residual") {
    EXPECT_GE(copies, std::floor(expected - rounding));
  }
  if (expected == 0) {
    EXPECT_EQ(copies, 0);
  }
}

class Resampling : public testing::Test {
protected:
  static const BuiltProgram &program() {
    static const BuiltProgram built = BuiltProgram::ofText(kProgram);
    return built;
  }
  static std::string sampler(const std::string &policy) { return "with_" + policy; }
};

TEST_F(Resampling, ExpectedCopiesOfEachLineage) {
  for (const char *policy : kPolicies)
    for (size_t count : {1u, 2u, 3u, 101u}) {
      SCOPED_TRACE(std::string(policy) + " of " + std::to_string(count));
      const kac_sampler *descriptor = program().sampler(sampler(policy));
      ASSERT_TRUE(descriptor);
      Resampler resample(*descriptor, count);
      std::vector<double> w = weights(count), sum(count), square(count);
      const int calls = 20000;
      for (int c = 0; c < calls; ++c) {
        const std::vector<int> &copies = resample(w, uint64_t(c / 2), c % 2);
        for (size_t k = 0; k < count; ++k) {
          expectPromise(policy, copies[k], double(count) * w[k]);
          sum[k] += copies[k];
          square[k] += double(copies[k]) * copies[k];
        }
      }
      for (size_t k = 0; k < count; ++k) {
        double mean = sum[k] / calls, error = std::sqrt((square[k] / calls - mean * mean) / calls);
        EXPECT_NEAR(mean, double(count) * w[k], kErrors * error + 1e-12) << "lineage " << k;
      }
    }
}

TEST_F(Resampling, WhatLineagesShareChangesNothing) {
  for (size_t count : {1u, 2u, 3u, 101u, 1000u}) {
    std::vector<double> w = weights(count);
    Resampler systematic(*program().sampler(sampler("systematic")), count);
    for (const char *policy : {"apart", "turned", "counted"}) {
      Resampler resample(*program().sampler(sampler(policy)), count);
      for (uint64_t seed = 0; seed < 5; ++seed) {
        systematic(w, seed);
        resample(w, seed);
        EXPECT_EQ(resample.chosen(), systematic.chosen()) << policy << " of " << count << ", seed " << seed;
      }
    }
  }
}

TEST_F(Resampling, ExpectedCopiesAmongAMillion) {
  const size_t count = 1000000, groups = 64;
  const int calls = 8;
  std::vector<double> w = weights(count);
  auto groupOf = [](size_t k) { return uint32_t(k) * 2654435761u >> 26; }; // of six bits, by a hash
  for (const char *policy : kPolicies) {
    SCOPED_TRACE(policy);
    const kac_sampler *descriptor = program().sampler(sampler(policy));
    ASSERT_TRUE(descriptor);
    Resampler resample(*descriptor, count);
    std::vector<double> expected(groups), found(groups);
    double deviance = 0, above = 0;
    for (int c = 0; c < calls; ++c) {
      const std::vector<int> &copies = resample(w, uint64_t(c));
      for (size_t k = 0; k < count; ++k) {
        double mean = double(count) * w[k];
        expectPromise(policy, copies[k], mean);
        expected[groupOf(k)] += mean / calls;
        found[groupOf(k)] += double(copies[k]) / calls;
        if (mean > 0) {
          deviance += (copies[k] - mean) * (copies[k] - mean) / mean;
          above += 1;
        }
      }
    }
    // None of the policies varies more than independent draws do.
    for (size_t g = 0; g < groups; ++g)
      EXPECT_NEAR(found[g], expected[g], kErrors * std::sqrt(expected[g] / calls)) << "group " << g;
    // Independent draws vary just as much: Pearson's sum has its mean, and a variance of three or so a lineage.
    if (std::string(policy) == "multinomial") {
      EXPECT_NEAR(deviance, above, kErrors * std::sqrt(4 * above));
    } else {
      EXPECT_LT(deviance, above);
    }
  }
}

TEST_F(Resampling, OneLineageHasAllTheWeight) {
  for (const char *policy : kPolicies)
    for (size_t count : {1u, 2u, 3u, 101u, 4099u})
      for (size_t odd : {size_t(0), count / 2, count - 1}) {
        SCOPED_TRACE(std::string(policy) + ", " + std::to_string(odd) + " of " + std::to_string(count));
        const kac_sampler *descriptor = program().sampler(sampler(policy));
        ASSERT_TRUE(descriptor);
        std::vector<double> w(count);
        w[odd] = 1;
        Resampler resample(*descriptor, count);
        for (uint64_t seed = 0; seed < 20; ++seed)
          EXPECT_EQ(resample(w, seed)[odd], int(count));
        // Almost all of it: what is left are weights that doubles hold, but do not see beside one.
        for (size_t k = 0; k < count; ++k)
          w[k] = k == odd ? 1 : 1e-30;
        for (uint64_t seed = 0; seed < 20; ++seed)
          EXPECT_EQ(resample(w, seed)[odd], int(count));
      }
}

/// Through the run loop, where the weights are made.
class Faults : public Resampling {
protected:
  static RunOutcome run(const std::string &policy, int64_t particles, int fault, int odd) {
    RunPlan plan;
    plan.seed = 3;
    plan.particles = particles;
    plan.integers = {{"fault", fault}, {"odd", odd}};
    return program().run(sampler(policy), plan);
  }
};

TEST_F(Faults, NobodyWeighsAnything) {
  for (const char *policy : kPolicies)
    for (int particles : {1, 2, 3, 101}) {
      RunOutcome all = run(policy, particles, 1, 0);
      EXPECT_EQ(all.status, KAC_NO_WEIGHT) << policy << " " << particles;
      EXPECT_NE(all.why.find("every weight is zero"), all.why.npos) << all.why;
    }
}

TEST_F(Faults, OneAloneWeighsSomething) {
  for (const char *policy : kPolicies)
    for (int particles : {1, 2, 3, 101})
      for (int odd : {0, particles - 1}) {
        RunOutcome all = run(policy, particles, 2, odd);
        ASSERT_EQ(all.status, KAC_OK) << all.why;
        EXPECT_EQ(all.state, std::vector<double>(size_t(particles), odd)) << policy;
        EXPECT_NEAR(all.result.log_z, -std::log(particles), 1e-12);
        EXPECT_EQ(all.result.non_finite, 0);
        EXPECT_EQ(all.result.resamplings, 1);
      }
}

TEST_F(Faults, OneIsNotANumber) {
  for (const char *policy : kPolicies)
    for (int fault : {3, 4}) {
      RunOutcome alone = run(policy, 1, fault, 0);
      EXPECT_EQ(alone.status, KAC_NON_FINITE) << policy;
      EXPECT_NE(alone.why.find("no lineage is finite"), alone.why.npos) << alone.why;
      for (int particles : {2, 3, 101})
        for (int odd : {0, particles - 1}) {
          SCOPED_TRACE(std::string(policy) + ", " + std::to_string(odd) + " of " + std::to_string(particles));
          RunOutcome rest = run(policy, particles, fault, odd);
          ASSERT_EQ(rest.status, KAC_OK) << rest.why;
          EXPECT_EQ(rest.result.non_finite, 1);
          EXPECT_NEAR(rest.result.log_z, std::log((particles - 1.0) / particles), 1e-12);
          for (double x : rest.state) {
            EXPECT_TRUE(x >= 0 && x < particles && x != odd) << x;
          }
        }
    }
}

} // namespace
} // namespace kac
