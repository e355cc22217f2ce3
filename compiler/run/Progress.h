// What the runtime says after each step in, a bar on a terminal or plain lines out; nothing for what ends within a
// second.
#pragma once

#include "runtime/kac_runtime.h"

#include <chrono>
#include <ostream>

namespace kac {

class Progress {
public:
  Progress(std::ostream &out, bool terminal, bool evidence) : out(out), terminal(terminal), evidence(evidence) {}
  void show(const kac_progress &progress);
  /// Takes the bar away.
  void finish();

private:
  using Clock = std::chrono::steady_clock;
  std::ostream &out;
  bool terminal, evidence; // whether log Z is worth showing
  bool shown = false;
  Clock::time_point begin = Clock::now();
  double next = 1; // seconds
};

} // namespace kac
