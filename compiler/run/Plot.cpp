// Draws the samples (scatter of two numbers, histogram of one) and the traces of a run.
#include "compiler/run/Plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace kac {
namespace {

constexpr int64_t mostMarks = 4000;
constexpr const char *ink = "#222", *faint = "#ddd", *blue = "#2563a8", *red = "#c2452d";

std::string print(const char *format, double a, double b = 0, double c = 0, double d = 0) {
  char text[160];
  std::snprintf(text, sizeof text, format, a, b, c, d);
  return text;
}

std::string escape(const std::string &text) {
  std::string safe;
  for (char c : text)
    safe += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  return safe;
}

struct Interval {
  double low = 0, high = 1;
};

/// All finite values, with some room around them.
Interval cover(const std::vector<double> &values) {
  Interval range{INFINITY, -INFINITY};
  for (double value : values)
    if (std::isfinite(value)) {
      range.low = std::min(range.low, value);
      range.high = std::max(range.high, value);
    }
  if (!(range.low <= range.high))
    return {};
  double room = range.high > range.low ? 0.05 * (range.high - range.low) : std::max(1e-9, 0.05 * std::abs(range.low));
  return {range.low - room, range.high + room};
}

/// Some five round numbers: multiples of 1, 2 or 5 times a power of ten.
std::vector<double> ticks(Interval range) {
  double raw = (range.high - range.low) / 5, power = std::pow(10, std::floor(std::log10(raw)));
  double digit = raw / power, step = power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
  std::vector<double> list;
  double first = std::ceil(range.low / step);
  for (int k = 0; k < 10 && (first + k) * step <= range.high; k++)
    list.push_back((first + k) * step);
  return list;
}

/// A rectangle of the page with axes.
class Panel {
public:
  Panel(std::ostream &out, double left, double top, double width, double height, Interval x, Interval y)
      : out(out), left(left), top(top), width(width), height(height), xs(x), ys(y) {}

  double atX(double x) const { return left + (x - xs.low) / (xs.high - xs.low) * width; }
  double atY(double y) const { return top + height - (y - ys.low) / (ys.high - ys.low) * height; }

  void axes(const std::string &title, const std::string &xLabel, const std::string &yLabel) const {
    for (double t : ticks(xs)) {
      line(atX(t), top, atX(t), top + height, faint);
      text(atX(t), top + height + 15, "middle", print("%.4g", t));
    }
    for (double t : ticks(ys)) {
      line(left, atY(t), left + width, atY(t), faint);
      text(left - 6, atY(t) + 4, "end", print("%.4g", t));
    }
    out << print("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" ", left, top, width, height)
        << "stroke=\"" << ink << "\"/>\n";
    text(left, top - 8, "start", title);
    text(left + width / 2, top + height + 32, "middle", xLabel);
    std::string turn = print("transform=\"rotate(-90 %.1f %.1f)\" ", left - 48, top + height / 2);
    text(left - 48, top + height / 2, "middle", yLabel, turn);
  }

  void mark(double x, double y) const { out << print("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.7\"/>\n", atX(x), atY(y)); }

  void column(double from, double to, double value) const {
    out << print("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", atX(from), atY(value),
                 std::max(0.5, atX(to) - atX(from) - 0.5), atY(0) - atY(value));
  }

  void curve(const std::vector<double> &values, const char *colour) const {
    size_t stride = std::max<size_t>(1, values.size() / 1500);
    out << "<polyline fill=\"none\" stroke=\"" << colour << "\" stroke-width=\"1.4\" points=\"";
    for (size_t n = 0; n < values.size(); n += n + 1 < values.size() ? std::min(stride, values.size() - 1 - n) : 1)
      if (std::isfinite(values[n]))
        out << print("%.1f,%.1f ", atX(static_cast<double>(n)), atY(values[n]));
    out << "\"/>\n";
  }

  void line(double x1, double y1, double x2, double y2, const char *colour) const {
    out << print("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" ", x1, y1, x2, y2) << "stroke=\"" << colour
        << "\"/>\n";
  }

  void text(double x, double y, const char *anchor, const std::string &words, const std::string &turn = "") const {
    out << print("<text x=\"%.1f\" y=\"%.1f\" ", x, y) << turn << "text-anchor=\"" << anchor << "\">" << escape(words)
        << "</text>\n";
  }

  /// A tick at the foot for each step that began with a resampling.
  void resamplings(const std::vector<uint8_t> &resampled) const {
    double drawn = -1;
    for (size_t n = 0; n < resampled.size(); n++) {
      double x = atX(static_cast<double>(n));
      if (!resampled[n] || x - drawn < 0.25)
        continue;
      line(x, top + height - 6, x, top + height, red);
      drawn = x;
    }
  }

private:
  std::ostream &out;
  double left, top, width, height;
  Interval xs, ys;
};

/// Lineages drawn in proportion to their weights, at equal distances along their sum.
std::vector<int64_t> chooseMarks(const Samples &samples) {
  int64_t count = std::min(samples.particles, mostMarks);
  std::vector<int64_t> marks;
  double most = -INFINITY, total = 0;
  for (double w : samples.logWeight)
    most = std::max(most, w);
  auto weight = [&](int64_t i) {
    return samples.logWeight.empty() ? 1 : std::exp(samples.logWeight[static_cast<size_t>(i)] - most);
  };
  for (int64_t i = 0; i < samples.particles; i++)
    total += weight(i);
  double sum = 0;
  for (int64_t i = 0; i < samples.particles; i++) {
    sum += weight(i);
    while (static_cast<int64_t>(marks.size()) < count &&
           (static_cast<double>(marks.size()) + 0.5) * total < sum * static_cast<double>(count))
      marks.push_back(i);
  }
  return marks;
}

void drawScatter(std::ostream &out, const Samples &samples, const SampleArray &array) {
  std::vector<int64_t> marks = chooseMarks(samples);
  std::vector<double> x, y;
  for (int64_t i : marks) {
    x.push_back(array.at(i, 0));
    y.push_back(array.at(i, 1));
  }
  Panel panel(out, 70, 50, 400, 400, cover(x), cover(y));
  panel.axes(std::to_string(marks.size()) + " samples drawn by weight", array.name + "[0]", array.name + "[1]");
  out << "<g fill=\"" << blue << "\" fill-opacity=\"0.4\">\n";
  for (size_t k = 0; k < x.size(); k++)
    if (std::isfinite(x[k]) && std::isfinite(y[k]))
      panel.mark(x[k], y[k]);
  out << "</g>\n";
}

void drawHistogram(std::ostream &out, const Samples &samples, const SampleArray &array) {
  std::vector<double> x;
  for (int64_t i : chooseMarks(samples))
    x.push_back(array.at(i, 0));
  std::erase_if(x, [](double value) { return !std::isfinite(value); });
  Interval range = cover(x);
  bool whole = array.element != KAC_REAL && range.high - range.low < 60; // a column for each whole number
  if (whole)
    range = {std::floor(range.low) - 0.5, std::ceil(range.high) + 0.5};
  auto columns = static_cast<size_t>(whole ? range.high - range.low
                                           : std::clamp(2 * std::cbrt(static_cast<double>(x.size())), 8.0, 60.0));
  std::vector<double> height(columns, 0);
  double width = (range.high - range.low) / static_cast<double>(columns);
  for (double value : x)
    height[std::min(columns - 1, static_cast<size_t>((value - range.low) / width))] +=
        1 / (width * static_cast<double>(x.size()));
  double top = columns ? *std::max_element(height.begin(), height.end()) : 0;
  Panel panel(out, 70, 50, 400, 400, range, {0, top > 0 ? 1.08 * top : 1});
  panel.axes(std::to_string(x.size()) + " samples drawn by weight", array.name, "density");
  out << "<g fill=\"" << blue << "\" fill-opacity=\"0.7\">\n";
  for (size_t k = 0; k < columns; k++)
    if (height[k] > 0)
      panel.column(range.low + width * static_cast<double>(k), range.low + width * static_cast<double>(k + 1),
                   height[k]);
  out << "</g>\n";
}

} // namespace

void writePlot(std::ostream &out, const Samples &samples) {
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"510\" viewBox=\"0 0 960 510\" "
         "font-family=\"sans-serif\" font-size=\"12\">\n"
         "<rect width=\"960\" height=\"510\" fill=\"white\"/>\n";
  auto drawn = std::find_if(samples.outputs.begin(), samples.outputs.end(),
                            [](const SampleArray &array) { return array.width > 0; });
  if (drawn != samples.outputs.end())
    (drawn->width >= 2 ? drawScatter : drawHistogram)(out, samples, *drawn);

  Interval steps{0, std::max(1.0, static_cast<double>(samples.ess.size()) - 1)};
  Panel ess(out, 570, 50, 350, 160, steps, {0, 1.05});
  ess.axes("effective sample size (marks below: resampled)", "", "");
  ess.curve(samples.ess, blue);
  ess.resamplings(samples.resampled);
  Panel evidence(out, 570, 270, 350, 180, steps, cover(samples.logZ));
  double logZ = samples.result.log_z, error = samples.result.log_z_se;
  evidence.axes(samples.unweighted  ? "log of the mean weight (unweighted: not log Z)"
                : std::isnan(error) ? print("log Z = %.5g, error not known", logZ)
                                    : print("log Z = %.5g +- %.2g", logZ, error),
                "step", "");
  evidence.curve(samples.logZ, blue);
  evidence.text(70, 24, "start",
                samples.sampler + ": " + std::to_string(samples.particles) + " particles, " +
                    std::to_string(samples.result.steps) + " steps" + (samples.result.partial ? " (partial)" : ""));
  out << "</svg>\n";
}

} // namespace kac
