// Mixtures by their definition, noised by two processes; derivatives by central differences of eighth order.
#include "tests/derive/Steered.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <random>

namespace kac::test {

// --- the targets, by hand ---

const Real kPi = 3.14159265358979323846L;

namespace {

struct Noised {
  Real alpha, sigma;
};

Noised preserving(Real t) {
  Real s = 1 - t, alpha = expl(-0.1L * s / 2 - 19.9L * s * s / 4);
  return {alpha, sqrtl(1 - alpha * alpha)};
}

Noised exploding(Real t) { return {1, 0.1L * powl(60, 1 - t)}; }

struct Part {
  Real weight;
  Point mean;
  Real deviation;
};

Real logMixture(const std::vector<Part> &parts, const Point &x, const Noised &at) {
  Real sum = 0;
  for (const Part &part : parts) {
    Real variance = at.alpha * at.alpha * part.deviation * part.deviation + at.sigma * at.sigma, distance = 0;
    for (size_t i = 0; i < x.size(); ++i)
      distance += (x[i] - at.alpha * part.mean[i]) * (x[i] - at.alpha * part.mean[i]);
    sum += part.weight * expl(-distance / (2 * variance)) / powl(2 * kPi * variance, Real(x.size()) / 2);
  }
  return logl(sum);
}

const std::vector<Part> kA = {{0.7L, {-2}, 0.5L}, {0.3L, {1.5L}, 0.8L}}, kB = {{0.4L, {-1}, 0.7L}, {0.6L, {2}, 0.6L}},
                        kP = {{1 / 3.0L, {0, 1}, 0.6L}, {1 / 3.0L, {1.5L, -0.5L}, 0.6L}, {1 / 3.0L, {-1, 0.3L}, 0.6L}},
                        kR = {{0.5L, {-0.5L, 0.4L}, 0.9L}, {0.5L, {0.8L, -1}, 0.9L}};

Real a(const Point &x, Real t) { return logMixture(kA, x, preserving(t)); }
Real b(const Point &x, Real t) { return logMixture(kB, x, preserving(t)); }
Real c(const Point &x, Real t) { return logMixture(kB, x, exploding(t)); }
Real p(const Point &x, Real t) { return logMixture(kP, x, preserving(t)); }
Real r(const Point &x, Real t) { return logMixture(kR, x, preserving(t)); }
Real reward(const Point &x) { return -(x[0] - 1) * (x[0] - 1) / 1.6L + sinl(x[0]); }

} // namespace

const char *const kSteeredModels = R"(
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
process ve = variance_exploding(sigma_min = 0.1, sigma_max = 6)
model a = vp with data = mixture([normal(-2, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3])
model b = vp with data = mixture([normal(-1, 0.7), normal(2, 0.6)], weights = [0.4, 0.6])
model c = ve with data = mixture([normal(-1, 0.7), normal(2, 0.6)], weights = [0.4, 0.6])
const places : real[3, 2] = [[0.0, 1.0], [1.5, -0.5], [-1.0, 0.3]]
model p = vp with data = mixture(normal(m, 0.6) for m in places)
const others : real[2, 2] = [[-0.5, 0.4], [0.8, -1.0]]
model r = vp with data = mixture(normal(m, 0.9) for m in others)
fn reward(x : real) -> real = -(x - 1)^2 / 1.6 + sin(x)
)";

const std::vector<Steered> &steeredPrograms() {
  static const std::vector<Steered> programs = {
      {"power", "target = c^3", 1, [](const Point &x, Real t) { return 3 * c(x, t); }},
      {"noisier", "target = a^3; diffusion(t) = sqrt(3) * vp.diffusion(t); drift = summed", 1,
       [](const Point &x, Real t) { return 3 * a(x, t); }},
      {"product", "target = a * b", 1, [](const Point &x, Real t) { return a(x, t) + b(x, t); }},
      {"guidance", "target = a^(-1.5) * b^2.5; diffusion(t) = 1.5 * vp.diffusion(t)", 1,
       [](const Point &x, Real t) { return 2.5L * b(x, t) - 1.5L * a(x, t); }},
      {"moving", "target(t) = a^(1 + 2 * t) * b^(2 - t)", 1,
       [](const Point &x, Real t) { return (1 + 2 * t) * a(x, t) + (2 - t) * b(x, t); }},
      {"sinking", "target(t) = a^(2.2 - t) * b^(t / 2 - 0.4)", 1,
       [](const Point &x, Real t) { return (2.2L - t) * a(x, t) + (t / 2 - 0.4L) * b(x, t); }},
      {"two_processes", "target = a * c; diffusion(t) = vp.diffusion(t)", 1,
       [](const Point &x, Real t) { return a(x, t) + c(x, t); }},
      {"rewarded", "target(t) = a * exp(reward)^(t^2); drift(x, t) = summed(x, t) + 0.3 * x", 1,
       [](const Point &x, Real t) { return a(x, t) + t * t * reward(x); }},
      {"plane", "target = p^2.5; drift = reverse; diffusion(t) = 2 * vp.diffusion(t)", 2,
       [](const Point &x, Real t) { return 2.5L * p(x, t); }},
      {"plane_guidance", "target = p^(-0.5) * r^2", 2,
       [](const Point &x, Real t) { return -0.5L * p(x, t) + 2 * r(x, t); }},
      {"plane_moving", "target(t) = p^(2.5 - t) * r^(t / 2 - 0.4); drift = summed", 2,
       [](const Point &x, Real t) { return (2.5L - t) * p(x, t) + (t / 2 - 0.4L) * r(x, t); }},
  };
  return programs;
}

std::string textOf(const Steered &program) {
  return std::string(kSteeredModels) + "sampler s {\n  steps = 100\n  " + program.fields + "\n}\n";
}

void PrintTo(const Steered &program, std::ostream *stream) { *stream << program.fields; }

// --- the residual ---

std::vector<At> pointsOf(const Steered &program) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<At> result;
  for (int k = 0; k < 6; ++k) {
    Point x;
    for (size_t i = 0; i < program.dimension; ++i)
      x.push_back(4 * uniform(random) - 2);
    result.push_back({x, 0.1L + 0.8L * uniform(random)});
  }
  return result;
}

namespace {

/// The first and second derivative at 0. With this step the targets' ninth derivatives leave 1e-14, and the rounding of
/// a double drift 1e-11 of its size.
std::pair<Real, Real> derivatives(const std::function<Real(Real)> &f) {
  const Real h = 2e-3L, slope[] = {4 / 5.0L, -1 / 5.0L, 4 / 105.0L, -1 / 280.0L},
             curvature[] = {8 / 5.0L, -1 / 5.0L, 8 / 315.0L, -1 / 560.0L};
  Real first = 0, second = -205 / 72.0L * f(0);
  for (int k = 0; k < 4; ++k) {
    Real after = f(Real(k + 1) * h), before = f(-Real(k + 1) * h);
    first += slope[k] * (after - before);
    second += curvature[k] * (after + before);
  }
  return {first / h, second / (h * h)};
}

At moved(At where, size_t i, Real by) {
  where.x[i] += by;
  return where;
}

} // namespace

std::vector<Real> divergence(const Drift &drift, const At &where) {
  std::vector<Real> result;
  for (size_t i = 0; i < where.x.size(); ++i)
    result.push_back(derivatives([&](Real h) { return drift(moved(where, i, h))[i]; }).first);
  return result;
}

Real residual(const Steered &program, const At &where, const Motion &motion) {
  Real time = derivatives([&](Real h) { return program.target(where.x, where.t + h); }).first;
  Real spread = 0, along = 0, laplacian = 0, square = 0;
  for (size_t i = 0; i < where.x.size(); ++i) {
    auto [slope, curvature] = derivatives([&](Real h) { return program.target(moved(where, i, h).x, where.t); });
    spread += motion.divergence[i];
    along += motion.drift[i] * slope;
    laplacian += curvature;
    square += slope * slope;
  }
  Real sum = time + spread + along - motion.noise / 2 * (laplacian + square) - motion.rate, size = 1;
  for (Real term : {time, spread, along, motion.noise / 2 * laplacian, motion.noise / 2 * square})
    size = std::max(size, fabsl(term));
  Real result = fabsl(sum) / (1 + size + fabsl(motion.rate));
  return std::isfinite(result) ? result : INFINITY;
}

Real logZAtStart(const Steered &program) {
  // The trapezoidal rule on what falls like a normal law of deviation .4 at least is exact to rounding with this step.
  const Real reach = program.dimension == 1 ? 80 : 16, step = program.dimension == 1 ? 0.02L : 0.1L;
  Real integral = 0;
  for (Real x = -reach; x < reach; x += step)
    if (program.dimension == 1)
      integral += step * expl(program.target({x}, 0));
    else
      for (Real y = -reach; y < reach; y += step)
        integral += step * step * expl(program.target({x, y}, 0));
  return logl(integral);
}

// --- steps beside each other ---

namespace {

bool near(Real x, Real y) { return fabsl(x - y) <= 1e-10L * (1 + fabsl(x)); }

bool near(const std::vector<Real> &x, const std::vector<Real> &y) {
  return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](Real a, Real b) { return near(a, b); });
}

} // namespace

bool isSame(const Motion &a, const Motion &b) {
  return near(a.drift, b.drift) && near(a.noise, b.noise) && near(a.rate, b.rate);
}

bool isOtherNoiseAndDrift(const Motion &a, const Motion &b) {
  return !near(a.noise, b.noise) && !near(a.drift, b.drift);
}

} // namespace kac::test
