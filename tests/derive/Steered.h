// Samplers whose targets are formulas typed here, and what drift, noise and rate must hold to: the residual of the
// weighted Fokker-Planck equation, by differences of those formulas.
#pragma once

#include <algorithm>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace kac::test {

using Real = long double; // differences of formulas are to leave less than rounding in double does
using Point = std::vector<Real>;

struct Steered {
  const char *name, *fields; // of the sampler `s`
  size_t dimension;
  Real (*target)(const Point &x, Real t); // its logarithm
};

/// What googletest prints of a parameter.
void PrintTo(const Steered &program, std::ostream *stream);

/// The declarations that the programs use.
extern const char *const kSteeredModels;

const std::vector<Steered> &steeredPrograms();
std::string textOf(const Steered &program);

struct At {
  Point x;
  Real t;
};

/// Six points, the same for every run.
std::vector<At> pointsOf(const Steered &program);

/// What a step makes of one point.
struct Motion {
  std::vector<Real> drift, divergence; // and d drift[i] / d x[i]
  Real noise = 0, rate = 0;            // noise squared
};

using Drift = std::function<std::vector<Real>(const At &where)>;

/// Of a drift in double precision.
std::vector<Real> divergence(const Drift &drift, const At &where);

/// R of the specification: |d_t l + div u + <u, grad l> - z/2 (lap l + |grad l|^2) - g| relative to its terms. Infinite
/// where a term is no number.
Real residual(const Steered &program, const At &where, const Motion &motion);

/// What the specification allows of R, and what the least of our mutations leaves.
constexpr Real kIntact = 1e-9L, kBroken = 1e-6L;

/// log Z of the target at time 0, by quadrature.
Real logZAtStart(const Steered &program);

/// Whether two steps make the same of a point, and whether they make another noise and another drift of it.
bool isSame(const Motion &a, const Motion &b);
bool isOtherNoiseAndDrift(const Motion &a, const Motion &b);

/// The largest R of a changed step, up to the first point that breaks it; and whether the change is none (a sign under
/// a square, a term that is zero) or another right step (another noise, with its share of the target's score in the
/// drift).
struct Effect {
  Real worst = 0;
  bool isRight = false;
};
template <typename Step>
Effect effectOf(const Steered &program, const std::vector<At> &where, const std::vector<Motion> &wholes,
                Step &changed) {
  Real worst = 0;
  bool same = true, other = true;
  for (size_t k = 0; k < where.size() && !(worst > kBroken); ++k) {
    Motion motion = changed.at(where[k]);
    worst = std::max(worst, residual(program, where[k], motion));
    same = same && isSame(wholes[k], motion);
    other = other && isOtherNoiseAndDrift(wholes[k], motion);
  }
  return {worst, same || (other && worst < kIntact)};
}

} // namespace kac::test
