// The measure of the annealing benchmark: what a person would write by hand for this one sampler. Particles, steps,
// threads, seed and drift (summed, else centroid) in; seconds, log Z and moments of the samples out. 40 modes in two
// dimensions, their mixture to the third power, in single precision with weights in double.
#include "population.h"

#include <string_view>

namespace {

constexpr int K = 40;
constexpr float kPower = 3;
constexpr float kLift = 64; // leaves room below: a particle is far from all modes where all is small

enum Drift { Summed, Centroid };

/// Noise of scale 60 falling to 0.01 over the modes of the usual benchmark mixture.
template <Drift drift> class Annealing {
public:
  static constexpr int dimensions = 2;

  Annealing(int steps, uint32_t seed) : steps(steps), normals(seed) {
    std::mt19937 g(0);
    for (int k = 0; k < K; ++k)
      for (float *c : {&cx[k], &cy[k]})
        *c = (float(g() & 0xFFFFFF) / 16777216.0f - 0.5f) * 80;
  }

  /// A step's constants, and the modes in units of the deviation that 2^(-d^2) has.
  struct Step {
    const Normals &normals;
    int number;
    float unit, move, noise, rate, start;
    double opening;
    alignas(64) float cx[K], cy[K];

    void operator()(int first, Real (&x)[2][V], Real (&gain)[V]) const {
      Real z[2][V], at[2][V], base[V];
      for (int v = 0; v < V; ++v)
        normals(uint32_t(first + v * L), uint32_t(number + 1), z[0][v], z[1][v]);
      if (number < 0)
        for (int d = 0; d < 2; ++d)
          for (int v = 0; v < V; ++v)
            x[d][v] = start * z[d][v];
      for (int d = 0; d < 2; ++d)
        for (int v = 0; v < V; ++v)
          at[d][v] = x[d][v] * unit;
      Sums s = posterior(at, base);
      if (number < 0)
        return open(s, base, z, gain);
      for (int v = 0; v < V; ++v) {
        Real r = 1.0f / s.all[v], dx = s.dx[v] * r, dy = s.dy[v] * r, norm = dx * dx + dy * dy;
        x[0][v] += noise * z[0][v] - move * dx;
        x[1][v] += noise * z[1][v] - move * dy;
        if (drift == Centroid)
          gain[v] = (2.0f - larger(base[v] - s.power[v] * r - norm, Real{}) * float(2 * kLog2)) * rate;
        else
          gain[v] = norm * rate;
      }
    }

  private:
    /// Over the modes: 2^(base - d^2), times the difference, times base - d^2.
    struct Sums {
      Real all[V], dx[V], dy[V], power[V];
    };
    Sums sums(const Real (&at)[2][V], const Real (&base)[V]) const {
      Sums s = {};
#pragma GCC unroll 1
      for (int k = 0; k < K; ++k)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          Real dx = at[0][v] - cx[k], dy = at[1][v] - cy[k], p = base[v] - dx * dx - dy * dy, e = power2(p);
          s.all[v] += e, s.dx[v] += e * dx, s.dy[v] += e * dy;
          if (drift == Centroid)
            s.power[v] += e * p;
        }
      return s;
    }

    /// One base does for all but those that are far from all modes: then it is theirs.
    Sums posterior(const Real (&at)[2][V], Real (&base)[V]) const {
      for (Real &b : base)
        b = Real{} + kLift;
      Sums s = sums(at, base);
      bool far = false;
      for (int v = 0; v < V; ++v)
        far |= anyBelow(s.all[v], 0x1p-60f);
      return far ? again(at, base) : s;
    }
    __attribute__((noinline)) Sums again(const Real (&at)[2][V], Real (&base)[V]) const {
      for (int v = 0; v < V; ++v) {
        Real best = Real{} - 1e30f;
        for (int k = 0; k < K; ++k) {
          Real dx = at[0][v] - cx[k], dy = at[1][v] - cy[k];
          best = larger(best, -dx * dx - dy * dy);
        }
        base[v] = kLift - best;
      }
      return sums(at, base);
    }

    /// The weight of a start drawn from the product of three equal normals.
    __attribute__((noinline)) void open(const Sums &s, const Real *base, const Real (&z)[2][V], Real *gain) const {
      for (int v = 0; v < V; ++v)
        for (int j = 0; j < L; ++j) {
          double density = std::log2(double(s.all[v][j])) - double(base[v][j]);
          double r2 = double(z[0][v][j]) * double(z[0][v][j]) + double(z[1][v][j]) * double(z[1][v][j]);
          gain[v][j] = float(kPower * density + r2 / (2 * kLog2) + opening);
        }
    }
  };

  Step at(int number) const {
    double ratio = std::log(6000.0), sigma = 0.01 * std::exp(ratio * (1 - double(std::max(number, 0)) / steps));
    double variance = 1 + sigma * sigma, g2 = 2 * sigma * sigma * ratio, dt = 1.0 / steps;
    // With d the mean difference in units, the score is -slope d, its divergence follows from the variance of d.
    double unit = std::sqrt(0.5 / kLog2 / variance), slope = 2 * kLog2 * unit, start = sigma * sigma / kPower;
    double move = (drift == Summed ? kPower : 0.5 * (1 + kPower)) * g2 * dt * slope;
    double rate = 0.5 * (kPower - 1) * g2 * dt / kLog2 * (drift == Summed ? kPower * slope * slope : 1 / variance);
    double opening = std::log2(2 * M_PI * start) - kPower * std::log2(2 * M_PI * variance * K);
    Step s = {
        normals, number, float(unit), float(move), float(std::sqrt(g2 * dt)), float(rate), float(std::sqrt(start)),
        opening, {},     {}};
    for (int k = 0; k < K; ++k)
      s.cx[k] = cx[k] * s.unit, s.cy[k] = cy[k] * s.unit;
    return s;
  }

private:
  int steps;
  Normals normals;
  float cx[K], cy[K];
};

} // namespace

int main(int argc, char **argv) {
  auto number = [&](int place, int otherwise) { return argc > place ? std::atoi(argv[place]) : otherwise; };
  int particles = number(1, 100000), steps = number(2, 1000),
      threads = number(3, int(std::thread::hardware_concurrency()));
  uint32_t seed = uint32_t(number(4, 1));
  if (argc > 5 && std::string_view(argv[5]) == "summed")
    report(Annealing<Summed>(steps, seed), particles, steps, threads, seed);
  else
    report(Annealing<Centroid>(steps, seed), particles, steps, threads, seed);
}
