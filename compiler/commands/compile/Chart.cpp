// Coordinates on reals, positives and simplices; adaptive Gauss quadrature in them.
#include "compiler/commands/compile/Chart.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace kac {

bool Chart::isContinuous(const Type &type) {
  return !type.isTuple &&
         (type.scalar == Scalar::Real || type.scalar == Scalar::Positive || type.scalar == Scalar::Simplex);
}

States Chart::all(const Type &type, size_t most) {
  States states;
  states.width = 1;
  for (int64_t extent : type.shape)
    states.width *= static_cast<size_t>(extent);
  const size_t letters = type.isBool() ? 2 : static_cast<size_t>(type.letters);
  double count = std::pow(static_cast<double>(letters), static_cast<double>(states.width));
  if (letters == 0 || count > static_cast<double>(most))
    return states;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i)
    for (size_t k = 0, rest = i; k < states.width; ++k, rest /= letters)
      states.numbers.push_back(static_cast<double>(rest % letters));
  return states;
}

Chart::Chart(const Type &type, const States &samples) : type(type), width(samples.width), row(1), axes(width) {
  if (type.scalar == Scalar::Simplex) {
    row = static_cast<size_t>(type.shape.back());
    axes = width / row * (row - 1);
  }
  std::vector<double> column(samples.count());
  for (size_t k = 0; k < width; ++k) {
    for (size_t i = 0; i < column.size(); ++i)
      column[i] = samples[i][k];
    std::sort(column.begin(), column.end());
    double low = column[column.size() / 4], high = column[column.size() * 3 / 4];
    centre.push_back(column[column.size() / 2]);
    scale.push_back(high > low ? high - low : 1);
  }
}

double Chart::state(const double *point, double *state) const {
  double volume = 0;
  if (type.scalar == Scalar::Simplex) {
    // A stick is broken: each coordinate is the share taken of what is left.
    for (size_t begin = 0, axis = 0; begin < width; begin += row) {
      double left = 1;
      for (size_t k = 0; k + 1 < row; ++k, ++axis) {
        state[begin + k] = left * point[axis];
        volume += std::log(left);
        left *= 1 - point[axis];
      }
      state[begin + row - 1] = left;
    }
    return volume;
  }
  for (size_t k = 0; k < width; ++k) {
    double u = point[k];
    if (type.scalar == Scalar::Positive) {
      state[k] = centre[k] * u / (1 - u);
      volume += std::log(centre[k]) - 2 * std::log(1 - u);
    } else {
      double t = 2 * u - 1, r = 4 * u * (1 - u); // 1 - t^2 without cancellation
      state[k] = centre[k] + scale[k] * t / r;
      volume += std::log(2 * scale[k] * (1 + t * t)) - 2 * std::log(r);
    }
  }
  return volume;
}

void Chart::point(const double *state, double *point) const {
  if (type.scalar == Scalar::Simplex) {
    for (size_t begin = 0, axis = 0; begin < width; begin += row) {
      double left = 1;
      for (size_t k = 0; k + 1 < row; ++k, ++axis) {
        point[axis] = left > 0 ? std::clamp(state[begin + k] / left, 0.0, 1.0) : 0;
        left -= state[begin + k];
      }
    }
    return;
  }
  for (size_t k = 0; k < width; ++k) {
    if (type.scalar == Scalar::Positive) {
      point[k] = state[k] / (state[k] + centre[k]);
    } else {
      double y = (state[k] - centre[k]) / scale[k]; // y = t / (1 - t^2)
      double t = 2 * y / (1 + std::sqrt(1 + 4 * y * y));
      point[k] = (1 + t) / 2;
    }
  }
}

std::vector<double> Chart::direction(const double *state, const std::function<double()> &random) const {
  std::vector<double> v(width);
  for (size_t k = 0; k < width; ++k)
    v[k] = random() * (type.scalar == Scalar::Real ? scale[k] : state[k]);
  if (type.scalar == Scalar::Simplex)
    for (size_t begin = 0; begin < width; begin += row) {
      double total = 0; // along a v - a <a, v> / <a, 1> for a the state: sums to 0, and is small where the state is
      for (size_t k = 0; k < row; ++k)
        total += v[begin + k];
      for (size_t k = 0; k < row; ++k)
        v[begin + k] -= state[begin + k] * total;
    }
  return v;
}

namespace {

// Gauss's rule with 7 points on [0, 1].
constexpr std::array<double, 7> nodes = {0.025446043828620737, 0.12923440720030278, 0.29707742431130141, 0.5,
                                         0.70292257568869859,  0.87076559279969722, 0.97455395617137926};
constexpr std::array<double, 7> weights = {0.064742483084434847, 0.13985269574463833, 0.19091502525255948,
                                           0.20897959183673469,  0.19091502525255948, 0.13985269574463833,
                                           0.064742483084434847};

struct Part {
  Box box;
  size_t owner;
  double value;
};

/// By the rule alone, for all boxes in one call of the function.
void measure(const Integrand &f, std::vector<Part> &parts) {
  if (parts.empty())
    return;
  const size_t axes = parts[0].box.low.size(), count = axes == 1 ? 7 : 49;
  States points;
  points.width = axes;
  for (const Part &part : parts)
    for (size_t i = 0; i < count; ++i)
      for (size_t k = 0, rest = i; k < axes; ++k, rest /= 7)
        points.numbers.push_back(part.box.low[k] + nodes[rest % 7] * (part.box.high[k] - part.box.low[k]));
  std::vector<double> values = f(points);
  for (size_t p = 0; p < parts.size(); ++p) {
    double volume = 1, sum = 0;
    for (size_t k = 0; k < axes; ++k)
      volume *= parts[p].box.high[k] - parts[p].box.low[k];
    for (size_t i = 0; i < count; ++i)
      sum += values[p * count + i] * weights[i % 7] * (axes == 1 ? 1 : weights[i / 7]);
    parts[p].value = sum * volume;
  }
}

std::vector<Part> halved(const Part &part) {
  std::vector<Part> result = {part};
  for (size_t k = 0; k < part.box.low.size(); ++k)
    for (size_t i = 0, n = result.size(); i < n; ++i) {
      double middle = (result[i].box.low[k] + result[i].box.high[k]) / 2;
      result.push_back(result[i]);
      result[i].box.high[k] = result.back().box.low[k] = middle;
    }
  return result;
}

} // namespace

std::vector<Integral> integrate(const Integrand &f, const std::vector<Box> &boxes) {
  constexpr double small = 1e-7;
  constexpr int deepest = 100;
  constexpr size_t most = 40000; // parts, at one depth
  std::vector<Integral> result(boxes.size());
  std::vector<Part> open;
  for (size_t i = 0; i < boxes.size(); ++i)
    open.push_back({boxes[i], i, 0});
  measure(f, open);
  for (int depth = 0; !open.empty(); ++depth) {
    std::vector<Part> pieces, next;
    for (const Part &part : open)
      for (Part &piece : halved(part))
        pieces.push_back(std::move(piece));
    measure(f, pieces);
    const size_t each = pieces.size() / open.size();
    bool last = depth == deepest || pieces.size() > most;
    for (size_t p = 0; p < open.size(); ++p) {
      double sum = 0;
      for (size_t i = 0; i < each; ++i)
        sum += pieces[p * each + i].value;
      double difference = std::abs(sum - open[p].value);
      if (difference > small && !last) {
        next.insert(next.end(), pieces.begin() + static_cast<int64_t>(p * each),
                    pieces.begin() + static_cast<int64_t>((p + 1) * each));
        continue;
      }
      result[open[p].owner].value += sum;
      result[open[p].owner].error += difference;
    }
    open = std::move(next);
  }
  return result;
}

} // namespace kac
