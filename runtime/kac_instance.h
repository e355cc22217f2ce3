// What the files of the runtime share: an instance, its population and the small services (memory, threads, messages).
#ifndef KAC_INSTANCE_H
#define KAC_INSTANCE_H

#include "kac_run.h"

#include <stdatomic.h>

struct kac_pool;

/* Sums over the lineages of one block. Blocks depend on the number of particles alone, and are always combined in
 * order, so that no result depends on the number of threads. */
struct kac_block {
  _Alignas(64) double max; /* of log_weight */
  double sum, square;      /* of e^(log_weight - max), and of its square */
  int64_t dead;
  int32_t stray; /* 1: an ancestor was not a lineage */
};

/* The whole population's sums. */
struct kac_totals {
  double max, sum, square;
  double ess; /* relative, in (0, 1] */
  int64_t dead;
};

enum { kac_owned_limit = 32 };

struct kac_instance {
  const struct kac_sampler *sampler;
  struct kac_config config;
  struct kac_pool *pool; /* null where the application brings parallel_for */
  struct {
    void *memory;
    size_t bytes;
  } owned[kac_owned_limit];
  int owned_count;
  uint64_t bytes;

  struct kac_run run;
  const void **inputs;
  double *grid;

  int64_t tiles, block_tiles, blocks;
  void *state[2]; /* state[0] holds the population; state[1] is where a resampled step writes, and scratch otherwise */
  double *weight; /* normalised weights, or e^(log_weight - max) */
  int32_t *ancestors;
  int32_t *eve; /* the ancestor at the start */
  struct kac_block *block;

  int64_t monitor_width;
  void **monitor_values;             /* one buffer a component, [particles, shape...] */
  double *monitor_partial;           /* [blocks, monitor_width] */
  double *monitor_mean, *monitor_se; /* [steps, monitor_width] */
  double *trace_ess, *trace_log_z;
  uint8_t *trace_resampled;

  struct kac_totals totals;
  double log_z; /* up to the last resampling */
  double ess_min;
  int64_t resamplings, non_finite, steps_done;
};

/* kac_memory.c: memory of the instance, aligned to 64 bytes; released by kac_release_all. Null when there is none. */
void *kac_own(struct kac_instance *instance, int64_t count, int64_t size);
void *kac_allocate(const struct kac_config *config, size_t bytes);
void kac_release(const struct kac_config *config, void *memory, size_t bytes);
void kac_release_all(struct kac_instance *instance);

/* kac_error.c: tells the log and returns the status. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int kac_fail(const struct kac_config *config, int status, const char *format, ...);

/* kac_cpu.c: null where the machine has all of these features, else the first that it lacks, in `lacking`. */
const char *kac_cpu_lacks(const char *features, char *lacking, size_t size);

/* kac_parallel.c */
struct kac_pool *kac_pool_create(const struct kac_config *config);
void kac_pool_destroy(struct kac_pool *pool, const struct kac_config *config);
int32_t kac_pool_threads(const struct kac_pool *pool);
void kac_for_blocks(struct kac_instance *instance, void (*body)(void *job, int64_t block), void *job);

/* kac_params.c: fills instance->inputs from defaults, params and config. */
int kac_bind_inputs(struct kac_instance *instance, const void *params);
int64_t kac_element_count(const struct kac_array_type *type);
size_t kac_element_bytes(const struct kac_sampler *sampler, int32_t element);

/* kac_population.c: divides the lineages into tiles and blocks, and owns all memory of the run but its inputs. */
int kac_make_population(struct kac_instance *instance);

/* kac_weights.c */
struct kac_range {
  int64_t first, last; /* lineages, without those past the number of particles */
};
struct kac_range kac_block_range(const struct kac_instance *instance, int64_t block);
void kac_weigh_block(struct kac_instance *instance, int64_t block);
void kac_total(struct kac_instance *instance);
double kac_log_mean(const struct kac_instance *instance);
void kac_normalise(struct kac_instance *instance);
/* inherits: weights, dead marks and founders become those of the ancestors. */
int kac_choose_ancestors(struct kac_instance *instance, int64_t n, int inherits);

/* kac_genealogy.c: standard errors from shares of the founders, and monitors. */
double kac_log_z_error(struct kac_instance *instance);
void kac_monitor(struct kac_instance *instance, int64_t n);

#endif
