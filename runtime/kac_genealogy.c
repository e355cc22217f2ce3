// Normalised weights and founders in; standard errors and weighted averages of monitors out.
#include "kac_instance.h"

#include <math.h>
#include <string.h>

/* The weight of all that descend from each founder, from normalised weights. */
static const double *kac_shares(struct kac_instance *instance) {
  int64_t count = instance->run.particles;
  double *share = instance->state[1];
  memset(share, 0, (size_t)count * sizeof *share);
  for (int64_t i = 0; i < count; i++)
    share[instance->eve[i]] += instance->weight[i];
  return share;
}

/* Errors come from how founders differ, so one founder says nothing of them: that of log Z would be 1 however wrong it
 * is, that of a monitor 0. One that has all but a hundredth of the weight is one. */
static int kac_one_founder(const double *share, int64_t count) {
  for (int64_t e = 0; e < count; e++)
    if (share[e] > 0.99)
      return 1;
  return 0;
}

/* Relative variance of Z: the sum over founders e of S_e^2, less 1/N, where S_e is the founder's share. Since shares
 * sum to one it is the sum of (S_e - 1/N)^2, which rounding cannot make negative. */
double kac_log_z_error(struct kac_instance *instance) {
  int64_t count = instance->run.particles;
  kac_normalise(instance);
  const double *share = kac_shares(instance);
  double variance = 0, even = 1 / (double)count;
  for (int64_t e = 0; e < count; e++)
    variance += (share[e] - even) * (share[e] - even);
  return kac_one_founder(share, count) ? NAN : sqrt(variance);
}

static double kac_number(const struct kac_sampler *sampler, int32_t element, const void *values, int64_t i) {
  if (element == KAC_INT)
    return ((const int32_t *)values)[i];
  if (element == KAC_BOOL)
    return ((const uint8_t *)values)[i];
  return sampler->real_bytes == 8 ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

struct kac_monitor_job {
  struct kac_instance *instance;
  int64_t n;
};

static void kac_monitor_block(void *argument, int64_t index) {
  const struct kac_monitor_job *job = argument;
  struct kac_instance *instance = job->instance;
  const struct kac_sampler *sampler = instance->sampler;
  int64_t begin = index * instance->block_tiles, end = begin + instance->block_tiles;
  sampler->monitor.values(&instance->run, job->n, begin, end < instance->tiles ? end : instance->tiles,
                          instance->monitor_values);
  struct kac_range range = kac_block_range(instance, index);
  double *sum = instance->monitor_partial + index * instance->monitor_width;
  for (int32_t m = 0; m < sampler->monitor_count; m++) {
    int64_t width = kac_element_count(&sampler->monitors[m]);
    for (int64_t k = 0; k < width; k++)
      sum[k] = 0;
    for (int64_t i = range.first; i < range.last; i++)
      for (int64_t k = 0; k < width && instance->weight[i] > 0; k++) /* what weighs nothing may be NaN */
        sum[k] += instance->weight[i] *
                  kac_number(sampler, sampler->monitors[m].element, instance->monitor_values[m], i * width + k);
    sum += width;
  }
}

/* One number of one monitor: the square root of the sum over founders of (sum of W (phi - mean) over descendants)^2. */
static double kac_monitor_error(struct kac_instance *instance, int32_t m, int64_t k, double mean) {
  const struct kac_sampler *sampler = instance->sampler;
  int64_t count = instance->run.particles, width = kac_element_count(&sampler->monitors[m]);
  double *share = instance->state[1], variance = 0;
  memset(share, 0, (size_t)count * sizeof *share);
  for (int64_t i = 0; i < count; i++)
    if (instance->weight[i] > 0)
      share[instance->eve[i]] +=
          instance->weight[i] *
          (kac_number(sampler, sampler->monitors[m].element, instance->monitor_values[m], i * width + k) - mean);
  for (int64_t e = 0; e < count; e++)
    variance += share[e] * share[e];
  return sqrt(variance);
}

void kac_monitor(struct kac_instance *instance, int64_t n) {
  const struct kac_sampler *sampler = instance->sampler;
  if (instance->monitor_width == 0)
    return;
  kac_normalise(instance);
  instance->run.state_in = instance->state[0];
  if (sampler->monitor.prepare)
    sampler->monitor.prepare(&instance->run, n);
  struct kac_monitor_job job = {instance, n};
  kac_for_blocks(instance, kac_monitor_block, &job);
  double *mean = instance->monitor_mean + n * instance->monitor_width;
  double *se = instance->monitor_se + n * instance->monitor_width;
  for (int64_t c = 0; c < instance->monitor_width; c++) {
    mean[c] = 0;
    for (int64_t b = 0; b < instance->blocks; b++)
      mean[c] += instance->monitor_partial[b * instance->monitor_width + c];
  }
  int known = !kac_one_founder(kac_shares(instance), instance->run.particles);
  for (int32_t m = 0, c = 0; m < sampler->monitor_count; m++)
    for (int64_t k = 0; k < kac_element_count(&sampler->monitors[m]); k++, c++)
      se[c] = known ? kac_monitor_error(instance, m, k, mean[c]) : NAN;
}
