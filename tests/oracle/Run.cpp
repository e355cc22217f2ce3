// The loop over steps, with weights in double precision throughout.
#include "tests/oracle/Run.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kac::oracle {

namespace {

constexpr double kDead = -std::numeric_limits<double>::infinity();

struct Population {
  std::vector<Value> x;
  std::vector<double> w;
  std::vector<bool> dead;
  std::vector<uint32_t> eve;
};

/// log of the mean of e^w, and the weights normalised.
double logMean(const std::vector<double> &w, std::vector<double> &normalised) {
  double top = *std::max_element(w.begin(), w.end()), sum = 0;
  normalised.assign(w.size(), 0);
  if (top == kDead)
    return kDead;
  for (size_t i = 0; i < w.size(); ++i)
    sum += normalised[i] = std::exp(w[i] - top);
  for (double &p : normalised)
    p /= sum;
  return top + std::log(sum / w.size());
}

double relativeEss(const std::vector<double> &normalised) {
  double squares = 0;
  for (double p : normalised)
    squares += p * p;
  return squares > 0 ? 1 / (squares * normalised.size()) : 0;
}

/// Weighted mean and standard error: derivation.md 10, `mean of phi`.
std::pair<double, double> weighted(const std::vector<double> &p, const std::vector<uint32_t> &eve,
                                   const std::vector<double> &phi) {
  double mean = 0, square = 0;
  for (size_t i = 0; i < p.size(); ++i)
    if (p[i] > 0)
      mean += p[i] * phi[i];
  std::vector<double> family(p.size());
  for (size_t i = 0; i < p.size(); ++i)
    if (p[i] > 0)
      family[eve[i]] += p[i] * (phi[i] - mean);
  for (double f : family)
    square += f * f;
  return {mean, std::sqrt(square)};
}

void settle(Population &all, size_t i, const Effects &effects) {
  all.w[i] += effects.logWeight;
  bool wrong = effects.broken || !isFinite(all.x[i]) || std::isnan(all.w[i]) || all.w[i] == -kDead;
  all.dead[i] = all.dead[i] || wrong;
  if (all.dead[i])
    all.w[i] = kDead;
}

} // namespace

std::pair<double, double> RunResult::mean(const std::function<double(const Value &)> &f) const {
  std::vector<double> p, phi;
  logMean(logWeight, p);
  for (const Value &x : output)
    phi.push_back(f(x));
  return weighted(p, eve, phi);
}

RunResult runSampler(Evaluator &evaluator, const Sampler &sampler, int64_t steps, uint64_t seed) {
  size_t count = size_t(evaluator.particles());
  if (sampler.stepsFixed)
    steps = 0;
  RunResult result;
  Population all{std::vector<Value>(count), std::vector<double>(count), std::vector<bool>(count),
                 std::vector<uint32_t>(count)};
  std::vector<double> grid;
  for (int64_t n = 0; n <= steps && sampler.time; ++n)
    grid.push_back(evaluator.real(*sampler.time, {scalar(steps == 0 ? 0 : double(n) / steps)}));

  auto enter = [&](size_t lineage, int64_t step) {
    evaluator.address = {seed, uint32_t(lineage), uint32_t(step)};
    evaluator.effects = {};
  };
  for (size_t i = 0; i < count; ++i) {
    enter(i, 0);
    all.x[i] = evaluator.call(*sampler.init, {scalar(double(i))});
    all.eve[i] = uint32_t(i);
    settle(all, i, evaluator.effects);
  }
  std::vector<double> p;
  for (int64_t n = 0; n < steps; ++n) {
    double mean = logMean(all.w, p), ess = relativeEss(p), t = grid[n];
    result.ess.push_back(ess);
    result.failed = mean == kDead;
    if (result.failed)
      break;
    enter(0, n + 1);
    bool due = sampler.resample &&
               (!sampler.when || evaluator.real(*sampler.when, {scalar(ess), scalar(t), scalar(double(n))}) != 0);
    if (due) {
      Value ancestors =
          evaluator.call(*sampler.resample, {array({int64_t(count)}, p), scalar(ess), scalar(t), scalar(double(n))});
      result.logZ += mean;
      ++result.resamplings;
      Population old = all;
      for (size_t i = 0; i < count; ++i) {
        size_t a = size_t(ancestors.items[i].value);
        all.x[i] = old.x.at(a);
        all.eve[i] = old.eve[a];
        all.dead[i] = old.dead[a];
        all.w[i] = old.dead[a] ? kDead : 0;
      }
    }
    for (size_t i = 0; i < count; ++i) {
      if (all.dead[i])
        continue;
      enter(i, n + 1);
      all.x[i] = evaluator.call(*sampler.step,
                                {all.x[i], scalar(t), scalar(grid[n + 1] - t), scalar(double(n)), scalar(double(i))});
      settle(all, i, evaluator.effects);
    }
    logMean(all.w, p);
    for (const Monitor &m : sampler.monitors) {
      std::vector<std::vector<double>> columns;
      for (size_t i = 0; i < count; ++i) {
        enter(i, n + 1);
        std::vector<double> phi =
            numbers(evaluator.call(*m.function, {all.x[i], scalar(grid[n + 1]), scalar(double(n))}));
        columns.resize(phi.size(), std::vector<double>(count));
        for (size_t k = 0; k < phi.size(); ++k)
          columns[k][i] = phi[k];
      }
      RunResult::Record record;
      for (const std::vector<double> &column : columns) {
        auto [mean, error] = weighted(p, all.eve, column);
        record.mean.push_back(mean);
        record.error.push_back(error);
      }
      result.monitors[m.name].push_back(record);
    }
  }
  double last = logMean(all.w, p);
  result.failed = result.failed || last == kDead;
  result.logZ += last;
  result.ess.push_back(relativeEss(p));
  std::vector<double> family(count);
  for (size_t i = 0; i < count; ++i)
    family[all.eve[i]] += p[i];
  double variance = -1.0 / count;
  for (double f : family)
    variance += f * f;
  result.logZError = std::sqrt(std::max(variance, 0.0));
  for (size_t i = 0; i < count; ++i) {
    enter(i, steps);
    result.output.push_back(sampler.output ? evaluator.call(*sampler.output, {all.x[i]}) : all.x[i]);
    result.nonFinite += all.dead[i];
  }
  result.logWeight = all.w;
  result.eve = all.eve;
  return result;
}

} // namespace kac::oracle
