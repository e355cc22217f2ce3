// An instance in, samples out: start, then weigh, resample, step and record, as the language defines a sampler.
#include "kac_instance.h"

#include <math.h>
#include <string.h>

struct kac_phase_job {
  struct kac_instance *instance;
  const struct kac_phase *phase;
  int64_t n;
  void *const *outputs;
};

static void kac_tiles_of(const struct kac_instance *instance, int64_t block, int64_t *begin, int64_t *end) {
  *begin = block * instance->block_tiles;
  *end = *begin + instance->block_tiles < instance->tiles ? *begin + instance->block_tiles : instance->tiles;
}

/* A block is weighed by the thread that has just moved it, while its weights are in the cache. */
static void kac_move_block(void *argument, int64_t block) {
  const struct kac_phase_job *job = argument;
  int64_t begin, end;
  kac_tiles_of(job->instance, block, &begin, &end);
  job->phase->tiles(&job->instance->run, job->n, begin, end);
  kac_weigh_block(job->instance, block);
}

static void kac_output_block(void *argument, int64_t block) {
  const struct kac_phase_job *job = argument;
  int64_t begin, end;
  kac_tiles_of(job->instance, block, &begin, &end);
  job->phase->values(&job->instance->run, job->n, begin, end, job->outputs);
}

static int kac_move(struct kac_instance *instance, const struct kac_phase *phase, int64_t n, int64_t dead_before) {
  struct kac_phase_job job = {instance, phase, n, NULL};
  if (phase->prepare)
    phase->prepare(&instance->run, n);
  kac_for_blocks(instance, kac_move_block, &job);
  kac_total(instance);
  const struct kac_totals *totals = &instance->totals;
  instance->non_finite += totals->dead - dead_before;
  if (totals->dead == instance->run.particles)
    return kac_fail(&instance->config, KAC_NON_FINITE,
                    "no lineage is finite after step %lld of %lld: look for a division by 0 or an overflow, an index "
                    "outside its array, a `require` that all break, a noise of 0 with `weights = exact`",
                    (long long)instance->steps_done, (long long)instance->run.steps);
  if (!(totals->sum > 0))
    return kac_fail(&instance->config, KAC_NO_WEIGHT, "every weight is zero after step %lld of %lld",
                    (long long)instance->steps_done, (long long)instance->run.steps);
  return KAC_OK;
}

static int kac_start(struct kac_instance *instance) {
  struct kac_run *run = &instance->run;
  memset(run->dead, 0, (size_t)(instance->tiles * instance->sampler->lanes));
  for (int64_t i = 0; i < run->particles; i++)
    instance->eve[i] = (int32_t)i;
  instance->log_z = 0;
  instance->ess_min = 1;
  instance->resamplings = instance->non_finite = instance->steps_done = 0;
  run->state_in = run->state_out = instance->state[0];
  run->ancestors = NULL;
  return kac_move(instance, &instance->sampler->init, 0, 0);
}

static int kac_wants_resampling(const struct kac_instance *instance, int64_t n) {
  const struct kac_sampler *sampler = instance->sampler;
  return sampler->resample.tiles &&
         (!sampler->when || sampler->when(&instance->run, instance->totals.ess, instance->grid[n], n));
}

static int64_t kac_count_dead(const struct kac_instance *instance) {
  int64_t dead = 0;
  for (int64_t i = 0; instance->totals.dead > 0 && i < instance->run.particles; i++)
    dead += instance->run.dead[i];
  return dead;
}

static int kac_step(struct kac_instance *instance, int64_t n) {
  struct kac_run *run = &instance->run;
  int64_t dead = instance->totals.dead;
  run->state_in = run->state_out = instance->state[0];
  run->ancestors = NULL;
  instance->trace_resampled[n] = (uint8_t)(kac_wants_resampling(instance, n) != 0);
  if (instance->trace_resampled[n]) {
    int status = kac_choose_ancestors(instance, n, 1);
    if (status != KAC_OK)
      return status;
    instance->log_z += kac_log_mean(instance);
    instance->resamplings++;
    dead = kac_count_dead(instance);
    run->ancestors = instance->ancestors;
    run->state_out = instance->state[1];
  }
  instance->steps_done = n + 1;
  int status = kac_move(instance, &instance->sampler->step, n, dead);
  if (run->ancestors) {
    instance->state[1] = instance->state[0];
    instance->state[0] = run->state_out;
    run->ancestors = NULL;
  }
  return status;
}

/* Records where the run stands; 1 where the application wants no more. */
static int kac_report(struct kac_instance *instance) {
  const struct kac_config *config = &instance->config;
  int64_t n = instance->steps_done;
  double log_z = instance->log_z + kac_log_mean(instance);
  instance->trace_ess[n] = instance->totals.ess;
  instance->trace_log_z[n] = log_z;
  instance->trace_resampled[n] = 0;
  instance->ess_min = instance->totals.ess < instance->ess_min ? instance->totals.ess : instance->ess_min;
  struct kac_progress progress = {n,     instance->run.steps,   instance->grid[n],   instance->totals.ess,
                                  log_z, instance->resamplings, instance->non_finite};
  return config->progress && config->progress(config->context, &progress) != 0;
}

static int kac_loop(struct kac_instance *instance) {
  int status = kac_start(instance);
  if (status == KAC_OK && kac_report(instance) && instance->run.steps > 0)
    status = KAC_CANCELLED;
  while (status == KAC_OK && instance->steps_done < instance->run.steps) {
    status = kac_step(instance, instance->steps_done);
    if (status != KAC_OK)
      break;
    kac_monitor(instance, instance->steps_done - 1);
    if (kac_report(instance) && instance->steps_done < instance->run.steps)
      status = KAC_CANCELLED;
  }
  return status;
}

/* Equally weighted samples, in place: a row that nobody continues takes a copy of one that several continue. */
static void kac_copy_rows(const struct kac_instance *instance, void *const *outputs) {
  const struct kac_sampler *sampler = instance->sampler;
  int64_t count = instance->run.particles, from = 0;
  int32_t *copies = instance->state[1];
  memset(copies, 0, (size_t)count * sizeof *copies);
  for (int64_t i = 0; i < count; i++)
    copies[instance->ancestors[i]]++;
  for (int64_t to = 0; to < count; to++) {
    if (copies[to] > 0)
      continue;
    while (copies[from] < 2)
      from++;
    copies[from]--;
    copies[to]++;
    for (int32_t c = 0; c < sampler->output_count; c++) {
      size_t bytes =
          (size_t)kac_element_count(&sampler->outputs[c]) * kac_element_bytes(sampler, sampler->outputs[c].element);
      memcpy((char *)outputs[c] + (size_t)to * bytes, (const char *)outputs[c] + (size_t)from * bytes, bytes);
    }
  }
}

static int kac_write(struct kac_instance *instance, void *const *outputs, double *log_weight) {
  struct kac_phase_job job = {instance, &instance->sampler->output, instance->steps_done, outputs};
  instance->run.state_in = instance->state[0];
  if (job.phase->prepare)
    job.phase->prepare(&instance->run, job.n);
  kac_for_blocks(instance, kac_output_block, &job);
  if (log_weight) {
    memcpy(log_weight, instance->run.log_weight, (size_t)instance->run.particles * sizeof *log_weight);
    return KAC_OK;
  }
  int status = kac_choose_ancestors(instance, instance->steps_done, 0);
  if (status == KAC_OK)
    kac_copy_rows(instance, outputs);
  return status;
}

static void kac_fill_result(struct kac_instance *instance, int status, double error, struct kac_result *result) {
  int32_t threads = instance->pool ? kac_pool_threads(instance->pool) : instance->config.threads;
  struct kac_result full = {.size = result->size,
                            .log_z = instance->log_z + kac_log_mean(instance),
                            .log_z_se = error,
                            .ess_min = instance->ess_min,
                            .ess_final = instance->totals.ess,
                            .steps = instance->steps_done,
                            .resamplings = instance->resamplings,
                            .non_finite = instance->non_finite,
                            .partial = status == KAC_CANCELLED,
                            .threads = threads,
                            .bytes = instance->bytes,
                            .ess = instance->trace_ess,
                            .log_z_trace = instance->trace_log_z,
                            .resampled = instance->trace_resampled,
                            .monitor_width = instance->monitor_width,
                            .monitor_mean = instance->monitor_mean,
                            .monitor_se = instance->monitor_se};
  memcpy(result, &full, result->size);
}

int kac_sample(struct kac_instance *instance, void *const *outputs, double *log_weight, struct kac_result *result) {
  if (!instance)
    return KAC_NULL_ARGUMENT;
  for (int32_t c = 0; outputs && c < instance->sampler->output_count; c++)
    if (!outputs[c])
      return kac_fail(&instance->config, KAC_NULL_ARGUMENT, "no buffer for `%s`", instance->sampler->outputs[c].name);
  if (result && (result->size < offsetof(struct kac_result, log_z_se) || result->size > sizeof *result))
    return kac_fail(&instance->config, KAC_VERSION, "the size field of the result is not set");
  int status = kac_loop(instance);
  if (status != KAC_OK && status != KAC_CANCELLED)
    return status;
  double error = kac_log_z_error(instance);
  int written = outputs ? kac_write(instance, outputs, log_weight) : KAC_OK;
  if (result)
    kac_fill_result(instance, status, error, result);
  return written == KAC_OK ? status : written;
}
