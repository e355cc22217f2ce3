// Draws the progress of a run.
#include "compiler/run/Progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace kac {
namespace {

constexpr double interval = 0.15; // seconds

std::string bar(int64_t step, int64_t steps) {
  const int64_t width = 30;
  auto full = static_cast<size_t>(width * step / steps);
  return "[" + std::string(full, '#') + std::string(static_cast<size_t>(width) - full, '-') + "] ";
}

std::string duration(double seconds) {
  char text[32];
  auto whole = std::lround(seconds);
  if (seconds < 60)
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  else if (whole < 3600)
    std::snprintf(text, sizeof text, "%ld min %02ld s", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
  return text;
}

} // namespace

void Progress::show(const kac_progress &progress) {
  double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
  if (elapsed < next || progress.steps == 0 || progress.step == 0)
    return;
  // A log of a long run gets fewer and fewer lines.
  next = elapsed + (terminal ? interval : std::max(interval, elapsed / 40));
  double left = elapsed / static_cast<double>(progress.step) * static_cast<double>(progress.steps - progress.step);
  char numbers[160], logZ[32] = "";
  if (evidence)
    std::snprintf(logZ, sizeof logZ, " log Z %.4g,", progress.log_z);
  std::snprintf(numbers, sizeof numbers, "step %lld of %lld (%d %%), ess %.2f,%s %s left",
                static_cast<long long>(progress.step), static_cast<long long>(progress.steps),
                static_cast<int>(100 * progress.step / progress.steps), progress.ess, logZ, duration(left).c_str());
  if (terminal)
    out << "\r\x1b[K" << bar(progress.step, progress.steps) << numbers << std::flush;
  else
    out << numbers << "\n" << std::flush;
  shown = true;
}

void Progress::finish() {
  if (shown && terminal)
    out << "\r\x1b[K" << std::flush;
}

} // namespace kac
