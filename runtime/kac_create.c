// A sampler's descriptor, params and configuration in; an instance whose memory is all there and whose grid is checked
// out.
#include "kac_instance.h"

#include <math.h>
#include <string.h>

uint32_t kac_abi_version(void) { return KAC_ABI_VERSION; }

/* Blocks: so many that threads share evenly, so large that one is worth a call; a matter of the number of particles
 * alone. Sums go block by block, so a block has the same lineages whatever the tiles, which divide the unit. */
enum { kac_blocks_wanted = 128, kac_block_unit = 128, kac_block_limit = 4096 };

static int kac_read_config(struct kac_config *full, const struct kac_config *given) {
  memset(full, 0, sizeof *full);
  if (!given)
    return KAC_OK;
  if (given->size < offsetof(struct kac_config, allocate) || given->size > sizeof *full)
    return KAC_VERSION;
  memcpy(full, given, given->size);
  if (!full->allocate != !full->release || (full->contents_count > 0 && !full->contents))
    return kac_fail(full, KAC_NULL_ARGUMENT, "allocate needs release, and contents_count needs contents");
  return KAC_OK;
}

static int kac_check_sizes(const struct kac_instance *instance) {
  const struct kac_sampler *sampler = instance->sampler;
  const struct kac_run *run = &instance->run;
  if (run->particles < 1 || run->particles > INT32_MAX)
    return kac_fail(&instance->config, KAC_PARTICLES, "particles = %lld", (long long)run->particles);
  if (run->steps < 0 || run->steps >= INT32_MAX)
    return kac_fail(&instance->config, KAC_STEPS, "steps = %lld", (long long)run->steps);
  if (sampler->steps_fixed && run->steps != sampler->steps)
    return kac_fail(&instance->config, KAC_STEPS, "steps = %lld; the program fixes steps = %lld", (long long)run->steps,
                    (long long)sampler->steps);
  return KAC_OK;
}

static int kac_check_grid(const struct kac_instance *instance) {
  const double *t = instance->grid;
  for (int64_t n = 0; n <= instance->run.steps; n++) {
    const char *fault = NULL;
    if (!isfinite(t[n]))
      fault = "is not finite";
    else if (t[n] < 0 || t[n] > 1)
      fault = "lies outside [0, 1]";
    else if (n > 0 && !(t[n] > t[n - 1]))
      fault = "is not above the time before it";
    if (fault)
      return kac_fail(&instance->config, KAC_GRID, "E0403: time(%lld / %lld) = %.17g %s", (long long)n,
                      (long long)instance->run.steps, t[n], fault);
  }
  return KAC_OK;
}

/* With no steps there is no grid but time(0), and 0 / 0 must not be asked for. */
static int kac_make_grid(struct kac_instance *instance) {
  int64_t steps = instance->run.steps > 0 ? instance->run.steps : 1;
  if (!(instance->grid = kac_own(instance, steps + 1, sizeof *instance->grid)))
    return kac_fail(&instance->config, KAC_MEMORY, "no memory for %lld steps", (long long)steps);
  struct kac_run run = instance->run;
  run.steps = steps;
  instance->sampler->time(&run, instance->grid);
  instance->run.grid = instance->grid;
  return kac_check_grid(instance);
}

static int kac_check_requires(const struct kac_instance *instance) {
  for (int32_t i = 0; i < instance->sampler->require_count; i++) {
    const struct kac_require *require = &instance->sampler->requires_[i];
    if (!require->at_steps && !require->holds(&instance->run, 0))
      return kac_fail(&instance->config, KAC_REQUIRE, "%s", require->text);
    for (int64_t n = 0; require->at_steps && n < instance->run.steps; n++)
      if (!require->holds(&instance->run, instance->grid[n]))
        return kac_fail(&instance->config, KAC_REQUIRE, "%s (at t = %.6g, where step %lld begins)", require->text,
                        instance->grid[n], (long long)n);
  }
  return KAC_OK;
}

static int kac_make_monitors(struct kac_instance *instance) {
  const struct kac_sampler *sampler = instance->sampler;
  int64_t bytes = 0;
  for (int32_t i = 0; i < sampler->monitor_count; i++) {
    int64_t count = kac_element_count(&sampler->monitors[i]), component;
    instance->monitor_width += count;
    if (__builtin_mul_overflow(instance->run.particles, count * (int64_t)sizeof(double), &component) ||
        __builtin_add_overflow(bytes, component + 64, &bytes))
      return 0;
  }
  if (instance->monitor_width == 0)
    return 1;
  int64_t numbers;
  if (__builtin_mul_overflow(instance->run.steps, instance->monitor_width, &numbers))
    return 0;
  char *values = kac_own(instance, bytes, 1);
  instance->monitor_values = kac_own(instance, sampler->monitor_count, sizeof *instance->monitor_values);
  instance->monitor_partial = kac_own(instance, instance->blocks * instance->monitor_width, sizeof(double));
  instance->monitor_mean = kac_own(instance, numbers, sizeof(double));
  instance->monitor_se = kac_own(instance, numbers, sizeof(double));
  if (!values || !instance->monitor_values || !instance->monitor_partial || !instance->monitor_mean ||
      !instance->monitor_se)
    return 0;
  for (int32_t i = 0; i < sampler->monitor_count; i++) {
    instance->monitor_values[i] = values;
    int64_t size = (int64_t)kac_element_bytes(sampler, sampler->monitors[i].element);
    values += (instance->run.particles * kac_element_count(&sampler->monitors[i]) * size + 63) / 64 * 64;
  }
  return 1;
}

/* What every kernel may write, those of the grid and the requirements too. */
static int kac_make_uniform(struct kac_instance *instance) {
  const struct kac_sampler *sampler = instance->sampler;
  instance->tiles = (instance->run.particles + sampler->lanes - 1) / sampler->lanes;
  int64_t bytes;
  if (!__builtin_mul_overflow(instance->tiles * sampler->lanes, sampler->scratch_bytes, &bytes) &&
      !__builtin_add_overflow(bytes, sampler->uniform_bytes, &bytes))
    instance->run.uniform = kac_own(instance, bytes, 1);
  if (!instance->run.uniform)
    return kac_fail(&instance->config, KAC_MEMORY, "no memory for %lld particles", (long long)instance->run.particles);
  return KAC_OK;
}

static int kac_make_population(struct kac_instance *instance) {
  const struct kac_sampler *sampler = instance->sampler;
  struct kac_run *run = &instance->run;
  int64_t lanes = sampler->lanes, share = kac_blocks_wanted * kac_block_unit;
  int64_t even = (run->particles + share - 1) / share * kac_block_unit;
  int64_t block = even < kac_block_limit ? even : kac_block_limit;
  instance->block_tiles = block > lanes ? block / lanes : 1;
  instance->blocks = (instance->tiles + instance->block_tiles - 1) / instance->block_tiles;

  int64_t padded = instance->tiles * lanes, state, spare = padded * (int64_t)sizeof(double);
  if (__builtin_mul_overflow(instance->tiles, sampler->tile_bytes, &state))
    return 0;
  /* The two change places at a resampling, and the one at rest lends its room to what is carried beside the state. */
  int64_t room = state > spare ? state : spare;
  instance->state[0] = kac_own(instance, room, 1);
  instance->state[1] = kac_own(instance, sampler->resample ? room : spare, 1);
  run->log_weight = kac_own(instance, padded, sizeof(double));
  run->dead = kac_own(instance, padded, 1);
  instance->weight = kac_own(instance, padded, sizeof(double));
  instance->ancestors = kac_own(instance, padded, sizeof(int32_t));
  instance->eve = kac_own(instance, padded, sizeof(int32_t));
  instance->block = kac_own(instance, instance->blocks, sizeof(struct kac_block));
  instance->trace_ess = kac_own(instance, run->steps + 1, sizeof(double));
  instance->trace_log_z = kac_own(instance, run->steps + 1, sizeof(double));
  instance->trace_resampled = kac_own(instance, run->steps + 1, 1);
  if (!instance->state[0] || !instance->state[1] || !run->log_weight || !run->dead || !instance->weight ||
      !instance->ancestors || !instance->eve || !instance->block || !instance->trace_ess || !instance->trace_log_z ||
      !instance->trace_resampled)
    return 0;
  /* A step reads the ancestors of whole tiles; those past the last lineage must be lineages too. */
  memset(instance->ancestors, 0, (size_t)padded * sizeof(int32_t));
  return kac_make_monitors(instance);
}

static int kac_prepare_instance(struct kac_instance *instance, const void *params) {
  const struct kac_config *config = &instance->config;
  const struct kac_sampler *sampler = instance->sampler;
  struct kac_params head = {sizeof head, 0, sampler->particles, sampler->steps};
  if (params) {
    memcpy(&head.size, params, sizeof head.size);
    if (head.size < sizeof head)
      return kac_fail(config, KAC_VERSION, "the size field of the params struct is not set");
    memcpy(&head, params, sizeof head);
  }
  instance->run.seed = head.seed;
  instance->run.particles = head.particles;
  instance->run.steps = head.steps;
  int status = kac_check_sizes(instance);
  if (status == KAC_OK)
    status = kac_bind_inputs(instance, params);
  instance->run.inputs = instance->inputs;
  if (status == KAC_OK)
    status = kac_make_uniform(instance);
  if (status == KAC_OK)
    status = kac_make_grid(instance);
  if (status == KAC_OK)
    status = kac_check_requires(instance);
  if (status != KAC_OK)
    return status;
  if (!config->parallel_for && !(instance->pool = kac_pool_create(config)))
    return kac_fail(config, KAC_MEMORY, "no memory for threads");
  if (!kac_make_population(instance))
    return kac_fail(config, KAC_MEMORY, "no memory for %lld particles", (long long)head.particles);
  return KAC_OK;
}

int kac_create(struct kac_instance **instance, const struct kac_sampler *sampler, const void *params,
               const struct kac_config *config) {
  if (!instance || !sampler)
    return KAC_NULL_ARGUMENT;
  *instance = NULL;
  struct kac_config full;
  int status = kac_read_config(&full, config);
  if (status != KAC_OK)
    return status;
  if (sampler->abi_version != KAC_ABI_VERSION)
    return kac_fail(&full, KAC_VERSION, "the library has interface %u, the runtime has %u", sampler->abi_version,
                    (unsigned)KAC_ABI_VERSION);
  char lacking[32];
  if (kac_cpu_lacks(sampler->cpu, lacking, sizeof lacking))
    return kac_fail(&full, KAC_CPU, "this machine lacks %s", lacking);
  struct kac_instance *made = kac_allocate(&full, sizeof *made);
  if (!made)
    return kac_fail(&full, KAC_MEMORY, "no memory for the instance");
  memset(made, 0, sizeof *made);
  made->sampler = sampler;
  made->config = full;
  made->bytes = sizeof *made;
  status = kac_prepare_instance(made, params);
  if (status != KAC_OK)
    kac_destroy(made);
  else
    *instance = made;
  return status;
}

void kac_destroy(struct kac_instance *instance) {
  if (!instance)
    return;
  struct kac_config config = instance->config;
  kac_pool_destroy(instance->pool, &config);
  kac_release_all(instance);
  kac_release(&config, instance, sizeof *instance);
}
