// A population of weighted lineages for the hand-written opponents: a model that moves tiles of them in, log Z and the
// weighted moments out. Threads own ranges and meet at one passive barrier a step, at two where it resamples
// (systematically, below half the effective size); weights are summed in double.
#pragma once

#include "lanes.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <thread>
#include <vector>

namespace {

/// `Model` has the number of reals of a state, `dimensions`, and makes of a step's number (-1 for the start) an object
/// that is called for every tile with the number of its first lineage, its states, and its log weights to base 2.
template <class Model> class Population {
public:
  static constexpr int D = Model::dimensions;

  Population(const Model &model, int particles, int steps, int threads, uint32_t seed)
      : model(model), count((particles + B - 1) / B * B), steps(steps), threads(threads), seed(seed), sync(threads),
        w(count), ancestor(count), parts{std::vector<Part>(threads), std::vector<Part>(threads)} {
    for (auto &buffer : x)
      for (std::vector<float> &component : buffer)
        component.resize(count);
  }

  void run() {
    std::vector<std::thread> team;
    for (int k = 1; k < threads; ++k)
      team.emplace_back([this, k] { work(k); });
    work(0);
    for (std::thread &t : team)
      t.join();
  }

  double logZ = 0, mean[D] = {}, square = 0; // of the samples; the last about the origin
  int resamplings = 0;

private:
  struct alignas(64) Part {
    double sum, square, top;
  };
  /// The sums of weights relative to 2^shift and of their squares.
  struct Sums {
    double shift;
    Long sum = {}, square = {};
    void add(Real e) {
      for (int h = 0; h < 2; ++h) {
        Long f = wide(half(e, h));
        sum += f, square += f * f;
      }
    }
    Part part() const {
      Part p = {};
      for (int j = 0; j < L / 2; ++j)
        p.sum += sum[j], p.square += square[j];
      return p;
    }
  };

  const Model &model;
  int count, steps, threads;
  uint32_t seed;
  std::barrier<> sync;
  std::vector<float> x[2][D]; // two buffers: resampling copies from one to the other
  std::vector<double> w;
  std::vector<int> ancestor;
  std::vector<Part> parts[2];

  static Real relative(const Long *log, double shift) {
    return power2(both(narrow(log[0] - shift), narrow(log[1] - shift)));
  }
  Real weight(int i, double shift) const {
    Long log[2] = {load<Long>(&w[i]), load<Long>(&w[i + L / 2])};
    return relative(log, shift);
  }

  Part step(int begin, int end, int number, std::vector<float> *to, double shift) {
    const auto move = model.at(number);
    Sums sums{shift};
    float *places[D];
    for (int d = 0; d < D; ++d)
      places[d] = to[d].data();
    double *logs = w.data();
    for (int i = begin; i < end; i += B) {
      Real state[D][V], gain[V];
      for (int d = 0; d < D; ++d)
        for (int v = 0; v < V; ++v)
          state[d][v] = load<Real>(places[d] + i + v * L);
      move(i, state, gain);
      for (int v = 0; v < V; ++v) {
        int from = i + v * L;
        for (int d = 0; d < D; ++d)
          store(places[d] + from, state[d][v]);
        Long log[2];
        for (int h = 0; h < 2; ++h) {
          log[h] = load<Long>(logs + from + h * L / 2) + wide(half(gain[v], h));
          store(logs + from + h * L / 2, log[h]);
        }
        sums.add(relative(log, shift));
      }
    }
    return sums.part();
  }

  /// Lineage i is the ancestor of the slots whose points (slot + u) / count lie within its share of the weights.
  void ancestors(int k, int begin, int end, const std::vector<Part> &of, double shift, double u) {
    double total = 0, before = 0;
    for (int j = 0; j < threads; ++j)
      before += j < k ? of[j].sum : 0, total += of[j].sum;
    auto slot = [&](double sum) { return std::clamp(int(std::ceil(sum * (count / total) - u)), 0, count); };
    int next = slot(before), last = k + 1 == threads ? count : slot(before + of[k].sum);
    double sum = before;
    for (int i = begin; i < end; i += L) {
      Real e = weight(i, shift);
      for (int j = 0; j < L; ++j) {
        sum += double(e[j]);
        int stop = i + j + 1 == end ? last : std::min(last, slot(sum));
        for (; next < stop; ++next)
          ancestor[next] = i + j;
      }
    }
  }

  void work(int k) {
    int tiles = count / B;
    int begin = int(int64_t(tiles) * k / threads) * B, end = int(int64_t(tiles) * (k + 1) / threads) * B;
    step(begin, end, -1, x[0], 0);
    parts[1][k].top = *std::max_element(w.begin() + begin, w.begin() + end);
    sync.arrive_and_wait();
    double shift = -1e300, logs = 0;
    for (const Part &p : parts[1])
      shift = std::max(shift, p.top);
    Sums first{shift};
    for (int i = begin; i < end; i += L)
      first.add(weight(i, shift));
    parts[0][k] = first.part();
    int now = 0;
    for (int number = 0;; ++number) {
      sync.arrive_and_wait();
      const std::vector<Part> &of = parts[number % 2];
      double sum = 0, squares = 0;
      for (const Part &p : of)
        sum += p.sum, squares += p.square;
      double level = shift + std::log2(sum / count);
      if (number == steps) {
        if (k == 0)
          finish(x[now], (logs + level) * kLog2, shift, sum);
        return;
      }
      if (sum * sum / squares < 0.5 * count) {
        std::mt19937 g(seed + uint32_t(number));
        ancestors(k, begin, end, of, shift, (double(g()) + 0.5) * 0x1p-32);
        sync.arrive_and_wait();
        for (int d = 0; d < D; ++d)
          for (int i = begin; i < end; ++i)
            x[1 - now][d][i] = x[now][d][ancestor[i]];
        std::fill(w.begin() + begin, w.begin() + end, 0);
        now = 1 - now, logs += level, shift = 0;
        if (k == 0)
          ++resamplings;
      } else {
        shift = level;
      }
      parts[1 - number % 2][k] = step(begin, end, number, x[now], shift);
    }
  }

  void finish(const std::vector<float> *at, double log, double shift, double sum) {
    logZ = log;
    for (int i = 0; i < count; ++i)
      for (int d = 0; d < D; ++d) {
        double p = std::exp2(w[i] - shift) / sum, a = double(at[d][i]);
        mean[d] += p * a, square += p * a * a;
      }
  }
};

/// Runs it, and prints a line of JSON.
template <class Model> void report(const Model &model, int particles, int steps, int threads, uint32_t seed) {
  auto start = std::chrono::steady_clock::now();
  Population<Model> all(model, particles, steps, threads, seed);
  all.run();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"log_z\": %.6f, \"resamplings\": %d, \"square\": %.4f, \"mean\": [",
              seconds, double(std::clock()) / CLOCKS_PER_SEC, all.logZ, all.resamplings, all.square);
  for (int d = 0; d < Model::dimensions; ++d)
    std::printf("%s%.4f", d ? ", " : "", all.mean[d]);
  std::printf("]}\n");
}

} // namespace
