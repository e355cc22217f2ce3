// The measure of the annealing benchmark: what a person would write by hand for this one sampler. Particles, steps,
// threads and seed in; seconds, nanoseconds a particle-step and log Z out. 40 modes in two dimensions, their mixture to
// the third power, centroid drift, systematic resampling below half the effective size, in single precision with
// weights in double.
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace {

constexpr int L = 16, K = 40; // lanes, modes
constexpr int B = 2 * L;      // particles a tile: two vectors in flight
constexpr float kPower = 3;

typedef float Real __attribute__((vector_size(4 * L)));
typedef int32_t Int __attribute__((vector_size(4 * L)));
typedef uint32_t Word __attribute__((vector_size(4 * L)));
typedef uint64_t Wide __attribute__((vector_size(8 * L)));
typedef double Long __attribute__((vector_size(8 * L)));

inline Real load(const float *p) {
  Real v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float *p, Real v) { std::memcpy(p, &v, sizeof v); }
inline Real larger(Real a, Real b) { return a > b ? a : b; }
inline Real root(Real a) {
  Real r;
  for (int j = 0; j < L; ++j)
    r[j] = std::sqrt(a[j]);
  return r;
}

/// 2^x for x <= 0, by rounding to a whole number in the low bits of the sum with 1.5 * 2^23.
inline Real power2(Real x) {
  x = larger(x, Real{} - 126);
  Real shifted = x + 12582912.0f, f = x - (shifted - 12582912.0f);
  Real p = f * 1.3333558e-3f + 9.6181291e-3f;
  p = p * f + 5.5504109e-2f;
  p = p * f + 2.4022651e-1f;
  p = p * f + 6.9314718e-1f;
  p = p * f + 1.0f;
  return Real(Int(p) + (Int(shifted) << 23));
}

/// Natural logarithm of a number in (0, 1).
inline Real logarithm(Real u) {
  Int bits = Int(u), e = (bits - 0x3f2aaaab) >> 23;
  Real f = Real(bits - (e << 23)) - 1.0f, s = f / (f + 2.0f), z = s * s; // log m = 2 atanh s
  Real p = z * 0.22222222f + 0.28571429f;
  p = p * z + 0.4f;
  p = p * z + 0.66666667f;
  p = p * z + 2.0f;
  return __builtin_convertvector(e, Real) * 0.69314718f + s * p;
}

/// Cosine and sine of a share u in (0, 1) of a whole turn.
inline void turn(Real u, Real &c, Real &s) {
  Real shifted = u * 4.0f + 12582912.0f, r = (u - (shifted - 12582912.0f) * 0.25f) * 6.2831853f, z = r * r;
  Real sine = z * 2.7557e-6f - 1.984127e-4f;
  sine = sine * z + 8.3333333e-3f;
  sine = sine * z - 1.6666667e-1f;
  sine = (sine * z + 1.0f) * r;
  Real cosine = z * 2.48016e-5f - 1.3888889e-3f;
  cosine = cosine * z + 4.1666667e-2f;
  cosine = cosine * z - 0.5f;
  cosine = cosine * z + 1.0f;
  Int k = Int(shifted) & 3, odd = (k & 1) != 0;
  Real a = odd ? sine : cosine, b = odd ? cosine : sine;
  c = Real(Int(a) ^ ((((k + 1) >> 1) & 1) << 31));
  s = Real(Int(b) ^ ((k >> 1) << 31));
}

/// Two normal numbers for each lane: Philox4x32-10 and Box-Muller.
inline void normals(uint32_t first, uint32_t step, uint32_t seed, Real &z0, Real &z1) {
  Word c0, c1 = Word{} + step, c2 = {}, c3 = {};
  for (uint32_t j = 0; j < L; ++j)
    c0[j] = first + j;
  uint32_t k0 = seed, k1 = 0;
  for (int round = 0; round < 10; ++round) {
    Wide p = __builtin_convertvector(c0, Wide) * 0xD2511F53u, q = __builtin_convertvector(c2, Wide) * 0xCD9E8D57u;
    Word n0 = __builtin_convertvector(q >> 32, Word) ^ c1 ^ k0, n2 = __builtin_convertvector(p >> 32, Word) ^ c3 ^ k1;
    c1 = c2 * 0xCD9E8D57u, c3 = c0 * 0xD2511F53u, c0 = n0, c2 = n2;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  Real u = (__builtin_convertvector(Int(c0 >> 9), Real) + 0.5f) * 0x1p-23f;
  Real v = (__builtin_convertvector(Int(c1 >> 9), Real) + 0.5f) * 0x1p-23f, c, s;
  Real radius = root(logarithm(u) * -2.0f);
  turn(v, c, s);
  z0 = radius * c, z1 = radius * s;
}

struct Schedule {
  float variance, g2, dt;
};

class Annealing {
public:
  Annealing(int particles, int steps, int threads, uint32_t seed)
      : n((particles + B - 1) / B * B), steps(steps), threads(threads), seed(seed), sync(threads), x(2 * n), y(2 * n),
        w(n), weight(n), ancestor(n), part(threads) {
    std::mt19937 g(0);
    for (int k = 0; k < K; ++k) {
      cx[k] = (float(g() & 0xFFFFFF) / 16777216.0f - 0.5f) * 80;
      cy[k] = (float(g() & 0xFFFFFF) / 16777216.0f - 0.5f) * 80;
      norm[k] = cx[k] * cx[k] + cy[k] * cy[k];
    }
  }
  double run() {
    std::vector<std::thread> team;
    for (int k = 1; k < threads; ++k)
      team.emplace_back([this, k] { work(k); });
    work(0);
    for (std::thread &t : team)
      t.join();
    return logZ;
  }

private:
  struct alignas(64) Part {
    double sum, square, top, before;
  };
  int n, steps, threads;
  uint32_t seed;
  std::barrier<> sync;
  std::vector<float> x, y; // two buffers each
  std::vector<double> w;
  std::vector<float> weight;
  std::vector<int> ancestor;
  std::vector<Part> part;
  float cx[K], cy[K], norm[K];
  double logZ = 0, shift = 0, total = 0;
  bool resample = false;
  int now = 0;

  Schedule at(int step) const {
    double ratio = std::log(6000.0), sigma = 0.01 * std::exp(ratio * (1 - double(step) / steps));
    return {float(1 + sigma * sigma), float(2 * sigma * sigma * ratio), 1.0f / float(steps)};
  }

  /// Posterior mean and variance of the modes, for two vectors of particles.
  void posterior(const Real *px, const Real *py, const Schedule &s, Real *mx, Real *my, Real *spread) const {
    Real logit[K][2], top[2] = {Real{} - 1e30f, Real{} - 1e30f};
    float scale = 1.44269504f / s.variance;
    for (int k = 0; k < K; ++k) {
      float ax = cx[k] * scale, ay = cy[k] * scale, h = -0.5f * (cx[k] * ax + cy[k] * ay);
      for (int v = 0; v < 2; ++v) {
        logit[k][v] = px[v] * ax + (py[v] * ay + h);
        top[v] = larger(top[v], logit[k][v]);
      }
    }
    Real sum[2] = {}, sx[2] = {}, sy[2] = {}, ss[2] = {};
    for (int k = 0; k < K; ++k)
      for (int v = 0; v < 2; ++v) {
        Real e = power2(logit[k][v] - top[v]);
        sum[v] += e, sx[v] += e * cx[k], sy[v] += e * cy[k], ss[v] += e * norm[k];
      }
    for (int v = 0; v < 2; ++v) {
      Real r = 1.0f / sum[v];
      mx[v] = sx[v] * r, my[v] = sy[v] * r;
      spread[v] = larger(ss[v] * r - mx[v] * mx[v] - my[v] * my[v], Real{});
    }
  }

  void init(int begin, int end) {
    Schedule s = at(0);
    double sigma2 = s.variance - 1, start = sigma2 / kPower; // the product of three equal starts
    for (int i = begin; i < end; i += L) {
      Real z0, z1;
      normals(uint32_t(i), 0, seed, z0, z1);
      for (int j = 0; j < L; ++j) {
        x[i + j] = float(std::sqrt(start)) * z0[j], y[i + j] = float(std::sqrt(start)) * z1[j];
        double density = 0;
        for (int k = 0; k < K; ++k) {
          double dx = x[i + j] - cx[k], dy = y[i + j] - cy[k];
          density += std::exp(-(dx * dx + dy * dy) / (2 * s.variance));
        }
        double r2 = double(z0[j]) * z0[j] + double(z1[j]) * z1[j];
        w[i + j] =
            kPower * (std::log(density / K) - std::log(2 * M_PI * s.variance)) + r2 / 2 + std::log(2 * M_PI * start);
      }
    }
  }

  void step(int k, int begin, int end, int number) {
    Schedule s = at(number);
    float *px = &x[size_t(now) * n], *py = &y[size_t(now) * n];
    float drift = 0.5f * (1 + kPower) * s.g2 * s.dt, noise = std::sqrt(s.g2 * s.dt);
    float growth = -0.5f * (kPower - 1) * s.g2 * s.dt, inverse = 1 / s.variance;
    Long sums = {}, squares = {}, tops = Long{} - 1e300;
    for (int i = begin; i < end; i += B) {
      Real z0[2], z1[2], at0[2], at1[2], mx[2], my[2], spread[2];
      for (int v = 0; v < 2; ++v) {
        at0[v] = load(px + i + v * L), at1[v] = load(py + i + v * L);
        normals(uint32_t(i + v * L), uint32_t(number) + 1, seed, z0[v], z1[v]);
      }
      posterior(at0, at1, s, mx, my, spread);
      for (int v = 0; v < 2; ++v) {
        int from = i + v * L;
        store(px + from, at0[v] + drift * inverse * (mx[v] - at0[v]) + noise * z0[v]);
        store(py + from, at1[v] + drift * inverse * (my[v] - at1[v]) + noise * z1[v]);
        Long d;
        std::memcpy(&d, &w[from], sizeof d);
        d += __builtin_convertvector(growth * inverse * (spread[v] * inverse - 2.0f), Long);
        std::memcpy(&w[from], &d, sizeof d);
        tops = d > tops ? d : tops;
        Real e = power2(__builtin_convertvector((d - shift) * 1.4426950408889634, Real));
        store(&weight[from], e);
        Long f = __builtin_convertvector(e, Long);
        sums += f, squares += f * f;
      }
    }
    double sum = 0, square = 0, top = -1e300;
    for (int j = 0; j < L; ++j)
      sum += sums[j], square += squares[j], top = std::max(top, tops[j]);
    part[k] = {sum, square, top, 0};
  }

  void measure(int k, int begin, int end) {
    double sum = 0, square = 0, top = -1e300;
    for (int i = begin; i < end; ++i)
      top = std::max(top, w[i]);
    part[k].top = top;
    sync.arrive_and_wait();
    if (k == 0)
      for (const Part &p : part)
        shift = std::max(shift, p.top);
    sync.arrive_and_wait();
    for (int i = begin; i < end; ++i) {
      weight[i] = float(std::exp(w[i] - shift));
      sum += weight[i], square += double(weight[i]) * weight[i];
    }
    part[k].sum = sum, part[k].square = square;
  }

  void decide() {
    double sum = 0, square = 0;
    for (Part &p : part) {
      p.before = sum;
      sum += p.sum, square += p.square;
    }
    resample = sum * sum / square < 0.5 * n;
    total = sum;
    if (resample)
      logZ += shift + std::log(sum / n);
  }

  void gather(int k, int begin, int end) {
    // Systematic: lineage a is copied once for each point of (i + u) / n within its share of the weights.
    double c = part[k].before * n / total, scale = n / total, u = 0.37;
    int next = std::max(0, int(std::ceil(c - u)));
    for (int i = begin; i < end; ++i) {
      c += weight[i] * scale;
      int stop = i == n - 1 ? n : std::min(n, int(std::ceil(c - u)));
      for (; next < stop; ++next)
        ancestor[next] = i;
    }
    sync.arrive_and_wait();
    int to = 1 - now;
    for (int i = begin; i < end; ++i) {
      int a = ancestor[i];
      x[size_t(to) * n + i] = x[size_t(now) * n + a], y[size_t(to) * n + i] = y[size_t(now) * n + a];
      w[i] = 0;
    }
  }

  void work(int k) {
    int tiles = n / B, begin = int(int64_t(tiles) * k / threads) * B, end = int(int64_t(tiles) * (k + 1) / threads) * B;
    init(begin, end);
    sync.arrive_and_wait();
    if (k == 0)
      shift = -1e300;
    sync.arrive_and_wait();
    measure(k, begin, end);
    for (int number = 0; number < steps; ++number) {
      sync.arrive_and_wait();
      if (k == 0)
        decide();
      sync.arrive_and_wait();
      if (resample) {
        gather(k, begin, end);
        sync.arrive_and_wait();
        if (k == 0)
          now = 1 - now, shift = 0;
      } else if (k == 0) {
        double top = -1e300;
        for (const Part &p : part)
          top = std::max(top, p.top);
        shift = top;
      }
      sync.arrive_and_wait();
      step(k, begin, end, number);
    }
    sync.arrive_and_wait();
    if (k == 0) {
      decide();
      if (!resample)
        logZ += shift + std::log(total / n);
    }
  }
};

} // namespace

int main(int argc, char **argv) {
  int particles = argc > 1 ? std::atoi(argv[1]) : 100000, steps = argc > 2 ? std::atoi(argv[2]) : 1000;
  int threads = argc > 3 ? std::atoi(argv[3]) : int(std::thread::hardware_concurrency());
  uint32_t seed = argc > 4 ? uint32_t(std::atoi(argv[4])) : 1;
  auto start = std::chrono::steady_clock::now();
  double logZ = Annealing(particles, steps, threads, seed).run();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("{\"seconds\": %.6f, \"ns\": %.4f, \"log_z\": %.6f}\n", seconds, 1e9 * seconds / particles / steps, logZ);
}
