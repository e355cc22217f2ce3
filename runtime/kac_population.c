// A sampler's descriptor and the sizes of a run in; all memory that the run needs, or why there is none, out.
#define _GNU_SOURCE /* sysconf, whatever standard is asked for */
#include "kac_instance.h"

#include <string.h>
#include <unistd.h>

/* Blocks: so many that threads share evenly, so large that one is worth a call; a matter of the number of particles
 * alone. Sums go block by block, so a block has the same lineages whatever the tiles, which divide the unit. */
enum { kac_blocks_wanted = 128, kac_block_unit = 128, kac_block_limit = 4096 };

static void kac_divide(struct kac_instance *instance) {
  int64_t lanes = instance->sampler->lanes, share = kac_blocks_wanted * kac_block_unit;
  int64_t even = (instance->run.particles + share - 1) / share * kac_block_unit;
  int64_t block = even < kac_block_limit ? even : kac_block_limit;
  instance->tiles = (instance->run.particles + lanes - 1) / lanes;
  instance->block_tiles = block > lanes ? block / lanes : 1;
  instance->blocks = (instance->tiles + instance->block_tiles - 1) / instance->block_tiles;
}

static int64_t kac_sum(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t kac_product(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

/* One lineage's values of these components, in bytes. */
static int64_t kac_width(const struct kac_sampler *sampler, const struct kac_array_type *types, int32_t count) {
  int64_t bytes = 0;
  for (int32_t i = 0; i < count; i++)
    bytes = kac_sum(bytes,
                    kac_product(kac_element_count(&types[i]), (int64_t)kac_element_bytes(sampler, types[i].element)));
  return bytes;
}

/* Memory that is needed, and the pointer that is to hold it. */
struct kac_piece {
  void *place;
  int64_t bytes;
};

/* Bytes of memory that the machine has; none known: no limit. */
static int64_t kac_machine_bytes(void) {
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? kac_product(pages, size) : INT64_MAX;
}

static int kac_allocate_pieces(struct kac_instance *instance, const struct kac_piece *pieces, size_t count) {
  const struct kac_config *config = &instance->config;
  const struct kac_sampler *sampler = instance->sampler;
  int64_t particles = instance->run.particles;
  /* A run writes to buffers of the caller's too. */
  int64_t row = kac_sum(kac_width(sampler, sampler->outputs, sampler->output_count), sizeof(double));
  int64_t needed = kac_product(particles, row), there = kac_machine_bytes();
  for (size_t i = 0; i < count; i++)
    needed = kac_sum(needed, pieces[i].bytes);
  if (needed == INT64_MAX || (!config->allocate && needed > there))
    return kac_fail(config, KAC_MEMORY, "%lld particles and %lld steps need %.4g GB; this machine has %.4g GB",
                    (long long)particles, (long long)instance->run.steps, (double)needed / 1e9, (double)there / 1e9);
  for (size_t i = 0; i < count; i++) {
    void *memory = kac_own(instance, pieces[i].bytes, 1);
    if (!memory)
      return kac_fail(config, KAC_MEMORY, "no memory for %lld particles and %lld steps, which need %.4g GB",
                      (long long)particles, (long long)instance->run.steps, (double)needed / 1e9);
    memcpy(pieces[i].place, &memory, sizeof memory);
  }
  return KAC_OK;
}

int kac_make_population(struct kac_instance *instance) {
  const struct kac_sampler *sampler = instance->sampler;
  struct kac_run *run = &instance->run;
  kac_divide(instance);
  int64_t padded = instance->tiles * sampler->lanes, points = run->steps + 1;
  int64_t spare = padded * (int64_t)sizeof(double), state = kac_product(instance->tiles, sampler->tile_bytes);
  /* The two change places at a resampling, and the one at rest lends its room to what is carried beside the state. */
  int64_t room = state > spare ? state : spare;
  for (int32_t i = 0; i < sampler->monitor_count; i++)
    instance->monitor_width += kac_element_count(&sampler->monitors[i]);
  int64_t monitors = kac_product(instance->monitor_width, sizeof(double));
  int64_t values = kac_sum(kac_product(run->particles, kac_width(sampler, sampler->monitors, sampler->monitor_count)),
                           64 * (int64_t)sampler->monitor_count);
  char *monitor_values = NULL;
  /* Every kernel may write what is uniform, those of the grid and the requirements too. With no steps there is a grid
   * of one step all the same. */
  const struct kac_piece pieces[] = {
      {&run->uniform, kac_sum(sampler->uniform_bytes, kac_product(padded, sampler->scratch_bytes))},
      {&instance->grid, (points + 1) * (int64_t)sizeof(double)},
      {&instance->state[0], room},
      {&instance->state[1], sampler->resample.tiles ? room : spare},
      {&run->log_weight, spare},
      {&run->dead, padded},
      {&instance->weight, spare},
      {&instance->ancestors, padded * (int64_t)sizeof(int32_t)},
      {&instance->eve, padded * (int64_t)sizeof(int32_t)},
      {&instance->block, instance->blocks * (int64_t)sizeof(struct kac_block)},
      {&instance->trace_ess, points * (int64_t)sizeof(double)},
      {&instance->trace_log_z, points * (int64_t)sizeof(double)},
      {&instance->trace_resampled, points},
      {&monitor_values, values},
      {&instance->monitor_values, sampler->monitor_count * (int64_t)sizeof(void *)},
      {&instance->monitor_partial, kac_product(instance->blocks, monitors)},
      {&instance->monitor_mean, kac_product(run->steps, monitors)},
      {&instance->monitor_se, kac_product(run->steps, monitors)},
  };
  int status = kac_allocate_pieces(instance, pieces, sizeof pieces / sizeof *pieces);
  if (status != KAC_OK)
    return status;
  /* A step reads the ancestors of whole tiles; those past the last lineage must be lineages too. */
  memset(instance->ancestors, 0, (size_t)padded * sizeof(int32_t));
  for (int32_t i = 0; i < sampler->monitor_count; i++) {
    instance->monitor_values[i] = monitor_values;
    int64_t bytes = run->particles * kac_width(sampler, &sampler->monitors[i], 1);
    monitor_values += (bytes + 63) / 64 * 64;
  }
  return KAC_OK;
}
