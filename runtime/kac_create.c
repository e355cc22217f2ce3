// A sampler's descriptor, params and configuration in; an instance whose memory is all there and whose grid is checked
// out.
#include "kac_instance.h"

#include <math.h>
#include <string.h>

uint32_t kac_abi_version(void) { return KAC_ABI_VERSION; }

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
    return kac_fail(&instance->config, KAC_PARTICLES, "particles = %lld; there may be 1 to %d",
                    (long long)run->particles, INT32_MAX);
  if (run->steps < 0 || run->steps >= INT32_MAX)
    return kac_fail(&instance->config, KAC_STEPS, "steps = %lld; there may be 0 to %d", (long long)run->steps,
                    INT32_MAX - 1);
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
      return kac_fail(&instance->config, KAC_GRID, "%sE0403: time(%lld / %lld) = %.17g %s",
                      instance->sampler->time_place, (long long)n, (long long)instance->run.steps, t[n], fault);
  }
  return KAC_OK;
}

/* With no steps there is no grid but time(0), and 0 / 0 must not be asked for. */
static int kac_make_grid(struct kac_instance *instance) {
  struct kac_run run = instance->run;
  run.steps = run.steps > 0 ? run.steps : 1;
  instance->sampler->time(&run, instance->grid);
  instance->run.grid = instance->grid;
  return kac_check_grid(instance);
}

static int kac_check_requires(const struct kac_instance *instance) {
  for (int32_t i = 0; i < instance->sampler->require_count; i++) {
    const struct kac_require *require = &instance->sampler->requires_[i];
    if (!require->at_steps && !require->holds(&instance->run, 0, 0))
      return kac_fail(&instance->config, KAC_REQUIRE, "%s", require->text);
    for (int64_t n = 0; require->at_steps && n < instance->run.steps; n++)
      if (!require->holds(&instance->run, instance->grid[n], n))
        return kac_fail(&instance->config, KAC_REQUIRE, "%s (at t = %.6g, where step %lld begins)", require->text,
                        instance->grid[n], (long long)n);
  }
  return KAC_OK;
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
    status = kac_make_population(instance);
  if (status == KAC_OK)
    status = kac_make_grid(instance);
  if (status == KAC_OK)
    status = kac_check_requires(instance);
  if (status != KAC_OK)
    return status;
  if (!config->parallel_for && !(instance->pool = kac_pool_create(config)))
    return kac_fail(config, KAC_MEMORY, "no memory for threads");
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
