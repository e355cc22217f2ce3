// Quadrature up to two dimensions, enumeration of finite spaces, else Monte Carlo; draws are counted in cells.
#include "compiler/commands/compile/Judge.h"
#include "compiler/commands/compile/Chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>

namespace kac {
namespace {

constexpr double errors = 4; // standard errors that are too many

template <typename... A> std::string format(const char *text, A... arguments) {
  char buffer[200];
  std::snprintf(buffer, sizeof buffer, text, arguments...);
  return buffer;
}

/// How far counts are from what is expected of them, as a standard normal number: chi squared by its cube root (Wilson
/// and Hilferty). Cells where less than 5 are expected are thrown together.
double deviation(const std::vector<double> &counts, const std::vector<double> &expected) {
  double squares = 0, rareCount = 0, rareExpected = 0;
  int cells = 0;
  auto add = [&](double count, double mean) {
    squares += (count - mean) * (count - mean) / mean;
    ++cells;
  };
  for (size_t i = 0; i < counts.size(); ++i) {
    if (expected[i] >= 5) {
      add(counts[i], expected[i]);
      continue;
    }
    rareCount += counts[i];
    rareExpected += expected[i];
  }
  if (rareExpected >= 5)
    add(rareCount, rareExpected);
  else if (rareCount > 5 + 10 * rareExpected)
    return INFINITY;
  if (cells < 2)
    return 0;
  double k = cells - 1, spread = 2 / (9 * k);
  return (std::cbrt(squares / k) - (1 - spread)) / std::sqrt(spread);
}

class Judge {
public:
  Judge(const LawSampler &law, const Type &type, const LawCase::Promise &promise)
      : law(law), type(type), promise(promise) {}

  Judgement operator()() {
    bool discrete = Chart::isDiscrete(type);
    if (!discrete && !Chart::isContinuous(type))
      return result;
    std::string said;
    samples = law.draw(said);
    if (!said.empty())
      return ++result.compared, result.faults = {said}, result;
    if (discrete) {
      enumerate();
      return result;
    }
    Chart chart(type, samples);
    if (chart.dimensions() == 1 || chart.dimensions() == 2)
      integrateCells(chart);
    else if (chart.dimensions() > 2)
      sampleCells(chart);
    if (promise.score)
      differences(chart);
    return result;
  }

private:
  const LawSampler &law;
  const Type &type;
  const LawCase::Promise &promise;
  States samples;
  Judgement result;
  std::mt19937_64 random{1};
  std::vector<double> nowhere; // a state where the log density is not a number

  double uniform() { return std::uniform_real_distribution<double>(0, 1)(random); }

  void claim(bool holds, const std::string &otherwise) {
    ++result.compared;
    if (!holds)
      result.faults.push_back(otherwise);
  }

  void lost() {
    std::string state;
    for (double x : nowhere)
      state += format(state.empty() ? "%g" : ", %g", x);
    claim(false, "its log density is not a number at " + state);
  }

  void compareCounts(const std::vector<double> &counts, std::vector<double> masses) {
    double drawn = 0, mass = 0;
    for (size_t i = 0; i < counts.size(); ++i)
      drawn += counts[i], mass += masses[i];
    size_t worst = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      masses[i] *= drawn / mass;
      if (std::abs(counts[i] - masses[i]) > std::abs(counts[worst] - masses[worst]))
        worst = i;
    }
    double z = deviation(counts, masses);
    claim(z < errors, format("its draws do not follow its density: %.0f of %.0f where it has %.1f (chi squared %.1f "
                             "standard errors too large)",
                             counts[worst], drawn, masses[worst], z));
  }

  void enumerate() {
    States states = Chart::all(type, 100000);
    if (states.count() == 0)
      return;
    std::vector<double> masses = law.output(1, states), counts(masses.size());
    double total = 0;
    for (double &mass : masses)
      total += mass = std::exp(mass);
    if (promise.mass)
      claim(std::abs(total - 1) < 1e-9, format("its probabilities sum to %.12g", total));
    const double base = type.isBool() ? 2 : static_cast<double>(type.letters);
    for (size_t i = 0; i < samples.count(); ++i) {
      double place = 0;
      for (size_t k = samples.width; k-- > 0;)
        place = place * base + samples[i][k];
      if (place < 0 || place >= static_cast<double>(counts.size()))
        return claim(false, "a draw is outside of its space");
      ++counts[static_cast<size_t>(place)];
    }
    compareCounts(counts, masses);
    if (promise.score && type.scalar == Scalar::Token)
      tokenDifferences(states);
  }

  /// score[i, j] is the log density with letter j at place i, less that of the state.
  void tokenDifferences(const States &states) {
    const size_t letters = static_cast<size_t>(type.letters);
    if (law.width(2) != states.width * letters)
      return;
    std::vector<double> logp = law.output(1, states), score = law.output(2, states);
    size_t wrong = 0;
    for (size_t i = 0; i < states.count(); ++i)
      for (size_t k = 0, step = 1; k < states.width; ++k, step *= letters)
        for (size_t j = 0; j < letters; ++j) {
          double expected = logp[i - static_cast<size_t>(states[i][k]) * step + j * step] - logp[i];
          double given = score[(i * states.width + k) * letters + j];
          if (std::isfinite(expected) && !(std::abs(given - expected) <= 1e-9 * (1 + std::abs(expected))))
            ++wrong;
        }
    claim(wrong == 0, format("its score is not the difference of its log density at %zu letters", wrong));
  }

  std::vector<double> density(const Chart &chart, const States &points) {
    States states;
    states.width = samples.width;
    states.numbers.resize(points.count() * states.width);
    std::vector<double> volumes(points.count());
    for (size_t i = 0; i < points.count(); ++i)
      volumes[i] = chart.state(points[i], states[i]);
    std::vector<double> values = law.output(1, states);
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isnan(values[i]) && nowhere.empty())
        nowhere.assign(states[i], states[i] + states.width);
      values[i] = std::exp(values[i] + volumes[i]);
    }
    return values;
  }

  States pointsOf(const Chart &chart) {
    States points;
    points.width = chart.dimensions();
    points.numbers.resize(points.width * samples.count());
    for (size_t i = 0; i < samples.count(); ++i)
      chart.point(samples[i], points[i]);
    return points;
  }

  /// Where a coordinate of the first half of the points is cut into so many like parts.
  static std::vector<double> cuts(const States &points, size_t axis, size_t parts) {
    std::vector<double> column;
    for (size_t i = 0; i < points.count() / 2; ++i)
      column.push_back(points[i][axis]);
    std::sort(column.begin(), column.end());
    std::vector<double> result;
    for (size_t k = 1; k < parts; ++k)
      if (double cut = column[k * column.size() / parts]; cut > (result.empty() ? 0 : result.back()) && cut < 1)
        result.push_back(cut);
    return result;
  }

  /// The cells are cut by one half of the draws; the other half is counted in them.
  void integrateCells(const Chart &chart) {
    States points = pointsOf(chart);
    const size_t axes = points.width, parts = axes == 1 ? 16 : 4;
    std::vector<std::vector<double>> edges;
    std::vector<Box> boxes = {{}};
    for (size_t k = 0; k < axes; ++k) {
      edges.push_back(cuts(points, k, parts));
      edges.back().insert(edges.back().begin(), 0);
      edges.back().push_back(1);
      std::vector<Box> finer;
      for (const Box &box : boxes)
        for (size_t e = 0; e + 1 < edges[k].size(); ++e) {
          finer.push_back(box);
          finer.back().low.push_back(edges[k][e]);
          finer.back().high.push_back(edges[k][e + 1]);
        }
      boxes = std::move(finer);
    }
    std::vector<Integral> integrals = integrate([&](const States &at) { return density(chart, at); }, boxes);
    std::vector<double> masses, counts(boxes.size());
    double total = 0, error = 0;
    for (const Integral &integral : integrals) {
      masses.push_back(integral.value);
      total += integral.value;
      error += integral.error;
    }
    if (!nowhere.empty())
      return lost();
    if (promise.mass)
      claim(std::abs(total - 1) < 1e-4 && error < 1e-3,
            format("its density integrates to %.6g (give or take %.1g)", total, error));
    if (!(total > 0 && std::isfinite(total)))
      return;
    for (size_t i = points.count() / 2; i < points.count(); ++i) {
      size_t cell = 0;
      for (size_t k = 0; k < axes; ++k) {
        size_t e =
            static_cast<size_t>(std::upper_bound(edges[k].begin(), edges[k].end(), points[i][k]) - edges[k].begin());
        cell = cell * (edges[k].size() - 1) + std::clamp<size_t>(e, 1, edges[k].size() - 1) - 1;
      }
      ++counts[cell];
    }
    compareCounts(counts, masses);
  }

  /// In many dimensions: the mass of the whole, of the middle and the lower half of each axis, and of two lower halves,
  /// by points spread evenly over the cube.
  void sampleCells(const Chart &chart) {
    States points = pointsOf(chart), even;
    const size_t axes = even.width = points.width, count = 400000, half = points.count() / 2;
    for (size_t i = 0; i < axes * count; ++i)
      even.numbers.push_back(uniform());
    std::vector<double> weights = density(chart, even);
    double sum = 0, squares = 0;
    for (double w : weights)
      sum += w, squares += w * w;
    const double n = static_cast<double>(count), mean = sum / n;
    const double spread = std::sqrt((squares / n - mean * mean) / n);
    if (!nowhere.empty())
      return lost();
    if (promise.mass)
      claim(std::abs(mean - 1) < errors * spread && spread < 0.05,
            format("its density integrates to %.4g (standard error %.2g)", mean, spread));
    if (!(sum > 0 && std::isfinite(sum)))
      return;
    std::vector<std::vector<double>> quarters;
    for (size_t k = 0; k < axes; ++k)
      quarters.push_back(cuts(points, k, 4));
    auto compare = [&](const char *what, const std::function<bool(const double *)> &inside) {
      double mass = 0, variance = 0, drawn = 0;
      for (size_t i = half; i < points.count(); ++i)
        drawn += inside(points[i]);
      const double m = static_cast<double>(points.count() - half), share = drawn / m;
      for (size_t i = 0; i < count; ++i)
        mass += inside(even[i]) ? weights[i] / sum : 0;
      for (size_t i = 0; i < count; ++i)
        variance += std::pow(weights[i] / sum * (inside(even[i]) - mass), 2);
      double z = (share - mass) / std::sqrt(variance + mass * (1 - mass) / m);
      claim(std::abs(z) < errors, format("its draws do not follow its density: %.4f of them %s, where it has %.4f "
                                         "(%.1f standard errors)",
                                         share, what, mass, z));
    };
    for (size_t k = 0; k < std::min<size_t>(axes, 8); ++k) {
      if (quarters[k].size() < 3)
        continue;
      const double low = quarters[k][0], middle = quarters[k][1], high = quarters[k][2];
      compare("in the middle of an axis", [=](const double *u) { return low <= u[k] && u[k] < high; });
      compare("in the lower half of an axis", [=](const double *u) { return u[k] < middle; });
      for (size_t j = 0; j < k; ++j)
        if (quarters[j].size() == 3)
          compare("low on two axes",
                  [=, other = quarters[j][1]](const double *u) { return u[k] < middle && u[j] < other; });
    }
  }

  /// The derivative along a direction against differences, whose step shrinks until two steps agree.
  void differences(const Chart &chart) {
    constexpr size_t tried = 64;
    States base;
    base.width = samples.width;
    base.numbers.assign(samples.numbers.begin(), samples.numbers.begin() + static_cast<int64_t>(tried * base.width));
    std::vector<double> score = law.output(2, base);
    std::vector<std::vector<double>> directions;
    std::vector<double> given(tried), rounding(tried);
    for (size_t i = 0; i < tried; ++i) {
      directions.push_back(chart.direction(base[i], [&] { return 2 * uniform() - 1; }));
      for (size_t k = 0; k < base.width; ++k) {
        given[i] += score[i * base.width + k] * directions[i][k];
        rounding[i] += 1e-15 * std::abs(score[i * base.width + k] * base[i][k]); // what a state that is rounded costs
      }
    }
    auto difference = [&](double step) {
      States stencil;
      stencil.width = base.width;
      for (size_t i = 0; i < tried; ++i)
        for (double shift : {-2.0, -1.0, 1.0, 2.0})
          for (size_t k = 0; k < base.width; ++k)
            stencil.numbers.push_back(base[i][k] + shift * step * directions[i][k]);
      std::vector<double> f = law.output(1, stencil), slope;
      for (size_t i = 0; i < tried; ++i)
        slope.push_back((8 * (f[4 * i + 2] - f[4 * i + 1]) - (f[4 * i + 3] - f[4 * i])) / (12 * step));
      return slope;
    };
    std::vector<bool> settled(tried);
    size_t count = 0, wrong = 0, example = 0;
    double expected = 0;
    for (double step : {1e-2, 1e-3, 1e-4, 1e-5}) {
      std::vector<double> coarse = difference(step), fine = difference(step / 2);
      for (size_t i = 0; i < tried; ++i) {
        double close = 1e-6 * (1 + std::abs(fine[i])) + rounding[i] / step;
        if (settled[i] || !(std::abs(coarse[i] - fine[i]) < close))
          continue;
        settled[i] = true;
        ++count;
        if (std::abs(given[i] - fine[i]) < 10 * close)
          continue;
        ++wrong;
        example = i;
        expected = fine[i];
      }
    }
    claim(2 * count >= tried, format("differences of its log density settle at %zu of %zu draws", count, tried));
    claim(wrong == 0, format("its score is not the derivative of its log density at %zu of %zu draws: %.6g along a "
                             "direction where differences give %.6g",
                             wrong, count, given[example], expected));
  }
};

} // namespace

Judgement judge(const LawSampler &law, const Type &state, const LawCase::Promise &promise) {
  return Judge(law, state, promise)();
}

} // namespace kac
