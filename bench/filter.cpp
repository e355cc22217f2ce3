// The measure of the particle filter: particles, threads and seed as arguments and the observations on standard input
// in; seconds, log Z and moments of the samples out. y' = 0.9 y + 0.5 z, seen with noise of deviation 0.3.
#include "population.h"

namespace {

class Filter {
public:
  static constexpr int dimensions = 1;

  Filter(std::vector<float> seen, uint32_t seed) : seen(std::move(seen)), normals(seed) {}

  struct Step {
    const Normals &normals;
    int number;
    float seen;
    void operator()(int first, Real (&x)[1][V], Real (&gain)[V]) const {
      static_assert(V == 2); // one pair of numbers for the two vectors
      Real z[V];
      normals(uint32_t(first / V), uint32_t(number + 1), z[0], z[1]);
      for (int v = 0; v < V; ++v) {
        if (number < 0) {
          x[0][v] = z[v], gain[v] = Real{};
          continue;
        }
        x[0][v] = x[0][v] * 0.9f + z[v] * 0.5f;
        Real d = (seen - x[0][v]) * float(1 / 0.3);
        gain[v] = float(-std::log2(0.3 * std::sqrt(2 * M_PI))) - d * d * float(0.5 / kLog2);
      }
    }
  };

  Step at(int number) const { return {normals, number, number < 0 ? 0 : seen[size_t(number)]}; }

private:
  std::vector<float> seen;
  Normals normals;
};

} // namespace

int main(int argc, char **argv) {
  auto number = [&](int place, int otherwise) { return argc > place ? std::atoi(argv[place]) : otherwise; };
  int particles = number(1, 10000), threads = number(2, int(std::thread::hardware_concurrency()));
  uint32_t seed = uint32_t(number(3, 1));
  std::vector<float> seen;
  for (float y; std::scanf("%f", &y) == 1;)
    seen.push_back(y);
  report(Filter(seen, seed), particles, int(seen.size()), threads, seed);
}
