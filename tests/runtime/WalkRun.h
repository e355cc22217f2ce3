// Runs the hand-written walk with params and a configuration; gives back status, samples and result.
#pragma once

#include "Walk.h"

#include "runtime/kac_run.h"

#include <cstring>
#include <string>
#include <vector>

namespace kac {

inline walk_params walkParams(const kac_sampler &sampler = walk_adaptive_descriptor) {
  walk_params params;
  kac_params_defaults(&sampler, &params, sizeof params);
  return params;
}

inline void keepText(void *context, int, const char *text) { *static_cast<std::string *>(context) = text; }

/// The log's text goes to `text`, unless the configuration has a log of its own.
struct WalkRun {
  int status = KAC_OK;
  std::vector<float> x;
  std::vector<int32_t> made;
  std::vector<double> logWeight;
  kac_result result{};
  std::vector<double> ess, monitorMean, monitorSe;
  std::vector<uint8_t> resampled;
  std::string text;

  WalkRun(const kac_sampler &sampler, const walk_params &params, kac_config config = {}, bool equal = false) {
    config.size = sizeof config;
    if (!config.log) {
      config.log = keepText;
      config.context = config.context ? config.context : &text;
    }
    kac_instance *instance = nullptr;
    status = kac_create(&instance, &sampler, &params, &config);
    if (status != KAC_OK)
      return;
    auto count = static_cast<size_t>(params.head.particles);
    x.assign(2 * count, -1);
    made.assign(count, -1);
    logWeight.assign(equal ? 0 : count, 0);
    void *outputs[] = {x.data(), made.data()};
    result.size = sizeof result;
    status = kac_sample(instance, outputs, equal ? nullptr : logWeight.data(), &result);
    if (status == KAC_OK || status == KAC_CANCELLED) {
      size_t steps = static_cast<size_t>(result.steps), width = static_cast<size_t>(result.monitor_width);
      ess.assign(result.ess, result.ess + steps + 1);
      resampled.assign(result.resampled, result.resampled + steps + 1);
      monitorMean.assign(result.monitor_mean, result.monitor_mean + steps * width);
      monitorSe.assign(result.monitor_se, result.monitor_se + steps * width);
    }
    kac_destroy(instance);
  }
};

} // namespace kac
