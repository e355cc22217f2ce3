// One-dimensional targets under many drifts and noises against a table of 16 runs of 1,000 particles and 400 steps of
// another program: the biased rows too, at the same settings.
#include "tests/run/Built.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace kac {
namespace {

const int kRuns = 16;
const double kErrors = 4, kNone = std::numeric_limits<double>::quiet_NaN();

const char *const kProgram = R"(
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
process ve = variance_exploding(sigma_min = 0.01, sigma_max = 10)
density two = mixture([normal(-2.0, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3])
model a = vp with data = two
model e = ve with data = two
model b = vp with data = mixture([normal(-1.0, 0.7), normal(2.0, 0.6)], weights = [0.4, 0.6])
model c = vp with data = mixture([normal(-1.5, 1.2), normal(1.5, 1.2)], weights = [0.5, 0.5])
fn reward(x : real) -> real = -(x - 1)^2 / 1.6
param power : real = 3
param noise : real = 1      // relative to that of the process
param threshold : real = 0  // of the effective sample size

sampler common {
  target = a^power
  steps = 400; particles = 1000; resample = systematic when ess < threshold
  diffusion(t) = noise * vp.diffusion(t)
}
sampler vp_reverse = common with { drift = reverse }
sampler vp_summed = common with { drift = summed }
sampler vp_centroid = common with { drift = centroid }
sampler ve_reverse = common with { target = e^power; drift = reverse; diffusion(t) = noise * ve.diffusion(t) }
sampler ve_centroid = common with { target = e^power; drift = centroid; diffusion(t) = noise * ve.diffusion(t) }
sampler guided = common with { target = a^(-1.5) * b^2.5 }
sampler product_reverse = common with { target = a * b; drift = reverse }
sampler product_summed = common with { target = a * b; drift = summed }
sampler product_centroid = common with { target = a * b; drift = centroid }
sampler quotient = common with { target = a * b / c }
sampler rewarded = common with { target(t) = a * exp(reward)^(t^2) }
sampler moving = common with { target(t) = a^(1 + 2 * t); drift = centroid }
)";

enum Resampled { Never, Adaptive, Always, Unweighted };

struct Row {
  const char *name, *sampler;
  double power, noise; // squared
  Resampled resampled;
  double mean, variance, positive, logZ, ess; // of the table; ess at the end of a run without resampling
  double meanDeviation = 0, logZDeviation = 0;
};

const Row kRows[] = {
    {"A3_target_score", "vp_reverse", 3, 1, Unweighted, -1.837, 0.575, 0.046, kNone, kNone},
    {"A3_target_score_adaptive", "vp_reverse", 3, 1, Adaptive, -1.887, 0.401, 0.028, -2.18, 0.018, 0, 0.51},
    {"A3_tempered_noise_adaptive", "vp_reverse", 3, 1 / 3., Adaptive, -1.819, 0.235, 0.019, -6.07, 0.021, 0, 0.27},
    {"A3_tempered_noise_always", "vp_reverse", 3, 1 / 3., Always, -1.837, 0.218, 0.017, -5.88, kNone, 0, 0.45},
    {"A3_summed", "vp_summed", 3, 1, Adaptive, -1.899, 0.474, 0.033, -2.042, 0.016, 0, 0.16},
    {"A3_summed_3", "vp_summed", 3, 3, Adaptive, -1.897, 0.451, 0.030, -2.038, 0.077, 0, 0.08},
    {"A3_centroid_third", "vp_centroid", 3, 1 / 3., Never, -1.891, 0.447, 0.030, -2.046, 0.724, 0, 0.015},
    {"A3_centroid_3", "vp_centroid", 3, 3, Never, -1.890, 0.450, 0.031, -2.060, 0.864, 0, 0.011},
    {"VE_A3_target_score", "ve_reverse", 3, 1, Adaptive, -1.901, 0.402, 0.027, -2.21, 0.037, 0, 0.27},
    {"VE_A3_tempered_noise", "ve_reverse", 3, 1 / 3., Adaptive, -1.830, 0.231, 0.020, -3.30, 0.027, 0, 0.43},
    {"VE_A3_centroid", "ve_centroid", 3, 1, Never, -1.893, 0.442, 0.030, -2.028, 0.760, 0, 0.016},
    {"A15_target_score", "vp_reverse", 1.5, 1, Adaptive, -1.376, 1.988, 0.178, -0.635, 0.158, 0, 0.06},
    {"A15_summed", "vp_summed", 1.5, 1, Never, -1.375, 2.008, 0.176, -0.645, 0.763, 0, 0.013},
    {"A15_centroid", "vp_centroid", 1.5, 1, Never, -1.360, 2.030, 0.180, -0.653, 0.950, 0, 0.006},
    {"guided", "guided", 3, 1, Unweighted, 2.187, 0.686, 0.936, kNone, kNone},
    {"guided_adaptive", "guided", 3, 1, Adaptive, 0.629, 1.988, 0.428, 2.037, 0.063, 0.18, 0.12},
    {"guided_adaptive_3", "guided", 3, 3, Adaptive, 0.564, 1.994, 0.406, 2.086, 0.138, 0.09, 0.08},
    {"guided_without_noise", "guided", 3, 0, Always, 0.639, 1.877, 0.427, 2.067, 0.047, 0.37, 0.29},
    {"product_reverse", "product_reverse", 3, 1, Never, 0.114, 2.797, 0.513, -2.24, 0.043, 0.50, 0.30},
    {"product_summed", "product_summed", 3, 1, Never, 0.052, 3.173, 0.494, -2.015, 0.698, 0, 0.017},
    {"product_centroid", "product_centroid", 3, 1, Never, 0.061, 3.154, 0.495, -2.029, 0.841, 0, 0.014},
    {"quotient", "quotient", 3, 1, Never, 0.129, 3.377, 0.507, -0.167, 0.865, 0, 0.012},
    {"rewarded", "rewarded", 3, 1, Never, 1.175, 0.614, 0.943, -1.556, 0.412, 0, 0.02},
    {"moving", "moving", 3, 1, Never, -1.893, 0.442, 0.030, -2.055, 0.740, 0, 0.015},
};

std::vector<RunOutcome> runs(const BuiltProgram &program, const Row &row, double threshold) {
  std::vector<RunOutcome> all;
  for (int seed = 0; seed < kRuns; ++seed) {
    RunPlan plan;
    plan.seed = uint64_t(seed);
    plan.set = {{"power", row.power}, {"noise", std::sqrt(row.noise)}, {"threshold", threshold}};
    all.push_back(program.run(row.sampler, plan));
    EXPECT_EQ(all.back().status, KAC_OK) << all.back().why;
    EXPECT_EQ(all.back().result.non_finite, 0) << row.name;
  }
  return all;
}

/// Two means of 16 runs each: the table's, whose spread is ours where it is not given, and which is rounded.
void expectEntry(const Row &row, const char *what, double entry, double rounding, double deviation,
                 const std::vector<RunOutcome> &all, const std::function<double(const RunOutcome &)> &value) {
  if (std::isnan(entry))
    return;
  std::vector<double> numbers;
  for (const RunOutcome &run : all)
    numbers.push_back(value(run));
  Spread ours(numbers);
  double error = std::hypot(ours.deviation, deviation > 0 ? deviation : ours.deviation) / std::sqrt(double(kRuns));
  EXPECT_NEAR(ours.mean, entry, kErrors * error + rounding)
      << row.name << ", " << what << ": standard error of the difference " << error;
  // A spread that is too wide would hide a difference. The ratio of two variances of 16 runs is below 9 but once in
  // 20,000 times.
  if (deviation > 0) {
    EXPECT_LT(ours.deviation, 3 * deviation + rounding) << row.name << ", " << what;
  }
}

void expectRow(const BuiltProgram &program, const Row &row) {
  const double thresholds[] = {0, 0.5, 2, 0};
  std::vector<RunOutcome> all = runs(program, row, thresholds[row.resampled]);
  for (const RunOutcome &run : all)
    if (row.resampled == Adaptive)
      EXPECT_GT(run.result.resamplings, 0) << row.name;
    else
      EXPECT_EQ(run.result.resamplings, row.resampled == Always ? 400 : 0) << row.name;
  auto average = [&](const RunOutcome &run, const std::function<double(const double *)> &value) {
    return run.average(value, row.resampled == Unweighted ? run.unit : run.weight);
  };
  auto mean = [&](const RunOutcome &run) { return average(run, [](const double *x) { return *x; }); };
  expectEntry(row, "mean", row.mean, 5e-4, row.meanDeviation, all, mean);
  expectEntry(row, "variance", row.variance, 5e-4, 0, all, [&](const RunOutcome &run) {
    double m = mean(run);
    return average(run, [m](const double *x) { return (*x - m) * (*x - m); });
  });
  expectEntry(row, "P(x > 0)", row.positive, 5e-4, 0, all,
              [&](const RunOutcome &run) { return average(run, [](const double *x) { return double(*x > 0); }); });
  expectEntry(row, "log Z", row.logZ, row.logZDeviation > 0.2 ? 5e-3 : 5e-4, row.logZDeviation, all,
              [](const RunOutcome &run) { return run.result.log_z; });
  if (std::isnan(row.ess))
    return;
  if (row.resampled != Never)
    all = runs(program, row, 0);
  expectEntry(row, "ess", row.ess, 5e-4, 0, all, [](const RunOutcome &run) { return run.result.ess_final; });
}

/// One program for all rows, compiled once.
TEST(ToyTable, EveryRow) {
  BuiltProgram program = BuiltProgram::ofText(kProgram);
  for (const Row &row : kRows)
    expectRow(program, row);
}

} // namespace
} // namespace kac
