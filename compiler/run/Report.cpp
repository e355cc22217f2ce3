// Prints what a run left.
#include "compiler/run/Report.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace kac {
namespace {

std::string number(const char *format, double value) {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// A value and its error, to the second digit of the error.
std::string withError(double value, double error) {
  if (!(error > 0) || !std::isfinite(error))
    return number("%.6g", value) + (std::isnan(error) ? " (error not known)" : "");
  int places = static_cast<int>(std::floor(std::log10(error))) - 1;
  if (places >= 0 || places < -12)
    return number("%.6g", value) + " +- " + number("%.2g", error);
  char text[80];
  std::snprintf(text, sizeof text, "%.*f +- %.*f", -places, value, -places, error);
  return text;
}

/// Monitors of more numbers than this are left to the report.
constexpr int64_t widestInSummary = 8;

std::string place(const std::vector<int64_t> &shape, int64_t k) {
  std::string text;
  for (size_t axis = shape.size(); axis-- > 0; k /= shape[axis])
    text.insert(0, std::to_string(k % shape[axis]) + (text.empty() ? "" : ", "));
  return shape.empty() ? "" : "[" + text + "]";
}

/// The numbers of one monitor in its shape.
nlohmann::ordered_json nested(const std::vector<int64_t> &shape, size_t axis, const double *&next) {
  if (axis == shape.size())
    return *next++; // what is not finite is null in JSON
  auto list = nlohmann::ordered_json::array();
  for (int64_t i = 0; i < shape[axis]; i++)
    list.push_back(nested(shape, axis + 1, next));
  return list;
}

} // namespace

void writeSummary(std::ostream &out, const Samples &samples) {
  const kac_result &result = samples.result;
  out << samples.sampler << ": " << samples.particles << " particles, " << result.steps << " steps, seed "
      << samples.seed << "\n";
  if (result.partial)
    out << "  partial      ended after step " << result.steps << " of " << samples.stepsAsked << "\n";
  out << "  log Z        "
      << (samples.unweighted ? "not estimated: unweighted" : withError(result.log_z, result.log_z_se)) << "\n";
  if (std::isnan(result.log_z_se))
    out << "  errors       not known: "
        << (samples.particles == 1 ? "there is one particle"
                                   : "all weight descends from one lineage; resample less, or take more particles")
        << "\n";
  out << "  ess          " << number("%.3f", result.ess_final) << " at the end, " << number("%.3f", result.ess_min)
      << " at least\n"
      << "  resamplings  " << result.resamplings << "\n"
      << "  non-finite   " << result.non_finite << "\n"
      << "  time         " << number("%.2f", samples.secondsRun) << " s on " << result.threads
      << (result.threads == 1 ? " thread" : " threads");
  if (samples.secondsCompile > 0)
    out << ", " << number("%.2f", samples.secondsCompile) << " s to compile";
  out << "\n";
  for (const MonitorTrace &monitor : samples.monitors)
    for (int64_t k = 0; k < monitor.width && result.steps > 0 && monitor.width <= widestInSummary; k++) {
      auto last = static_cast<size_t>((result.steps - 1) * monitor.width + k);
      out << "  " << monitor.name << place(monitor.shape, k) << " = "
          << withError(monitor.mean[last], monitor.error[last]) << "\n";
    }
}

void writeReport(std::ostream &out, const Samples &samples) {
  const kac_result &result = samples.result;
  nlohmann::ordered_json report = {
      {"sampler", samples.sampler},
      {"seed", samples.seed},
      {"particles", samples.particles},
      {"steps", result.steps},
      {"threads", result.threads},
      {"device", samples.device},
      {"precision", samples.realBytes == 8 ? "f64" : "f32"},
      {"log_z", samples.unweighted ? NAN : result.log_z}, // null, as all that is not finite
      {"log_z_se", samples.unweighted ? NAN : result.log_z_se},
      {"ess_min", result.ess_min},
      {"ess_final", result.ess_final},
      {"resamplings", result.resamplings},
      {"non_finite", result.non_finite},
      {"seconds_compile", samples.secondsCompile},
      {"seconds_run", samples.secondsRun},
      {"bytes_peak", samples.bytesPeak},
      {"scheme", samples.scheme},
      {"partial", result.partial != 0},
      {"monitors", nlohmann::ordered_json::object()},
  };
  for (const MonitorTrace &monitor : samples.monitors) {
    if (result.steps == 0)
      break;
    auto last = static_cast<size_t>((result.steps - 1) * monitor.width);
    const double *mean = monitor.mean.data() + last, *error = monitor.error.data() + last;
    report["monitors"][monitor.name] = {{"mean", nested(monitor.shape, 0, mean)},
                                        {"se", nested(monitor.shape, 0, error)}};
  }
  out << report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

} // namespace kac
