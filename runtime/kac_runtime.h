// What an application sees of a built library: status codes, configuration, progress, result. C11 and C++17; generated
// headers carry this text, with kac_status.def in place of the line that includes it.
#ifndef KAC_RUNTIME_H
#define KAC_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum kac_status {
#define KAC_STATUS(name, code, sentence) name = code,
#include "kac_status.def"
#undef KAC_STATUS
};

/* One sampler, ready to run. Calls on one instance must not overlap; instances are independent of each other. */
struct kac_instance;

/* The head of every params struct. After it come the params of the program in their order: a single value as double,
 * int32_t or uint8_t, an array as a pointer to such values in row-major order (null: its default). */
struct kac_params {
  size_t size; /* of the whole struct, as the application was compiled; fields past it keep their defaults */
  uint64_t seed;
  int64_t particles;
  int64_t steps;
};

/* Contents for a param or data of the program, in place of its default or of what was embedded. Copied at creation. */
struct kac_contents {
  const char *name;
  int32_t element; /* 0: real, given as double; 1: int32_t; 2: bool, as uint8_t */
  int32_t rank;
  const int64_t *shape;
  const void *values; /* row-major */
};

struct kac_progress {
  int64_t step, steps; /* steps done, of how many */
  double t;
  double ess;   /* effective sample size, relative to the number of particles */
  double log_z; /* estimate so far */
  int64_t resamplings;
  int64_t non_finite;
};

/* All may be zero: then malloc, own threads (as many as there are processors), no progress and no log. */
struct kac_config {
  size_t size;
  void *context; /* handed to each callback */
  void *(*allocate)(void *context, size_t bytes, size_t alignment);
  void (*release)(void *context, void *memory, size_t bytes);
  /* Calls body(job, i) for each i in 0..count, in any order and on any threads, and returns when all have returned. */
  void (*parallel_for)(void *context, int64_t count, void (*body)(void *job, int64_t i), void *job);
  int (*progress)(void *context, const struct kac_progress *progress); /* not 0: end here with what there is */
  void (*log)(void *context, int status, const char *text);            /* why a call is about to fail */
  int32_t threads;                                                     /* 0: one for each processor */
  int32_t contents_count;
  const struct kac_contents *contents;
};

/* Set size before the call. The pointers belong to the instance and hold until its next call. */
struct kac_result {
  size_t size;
  double log_z;    /* of the mean weight; no evidence where the program says `weights = unweighted` */
  double log_z_se; /* NaN where it is not known: (all but a hundredth of) the weight descends from one lineage */
  double ess_min, ess_final;
  int64_t steps; /* done */
  int64_t resamplings;
  int64_t non_finite; /* lineages that got weight zero because state or weight was not finite */
  int32_t partial;    /* 1: ended by the progress callback */
  int32_t threads;
  uint64_t bytes;             /* allocated by the instance */
  const double *ess;          /* [steps + 1] before each step, and at the end */
  const double *log_z_trace;  /* [steps + 1] */
  const uint8_t *resampled;   /* [steps + 1]: 1 where the step began with a resampling */
  int64_t monitor_width;      /* numbers in all monitors together, in their order */
  const double *monitor_mean; /* [steps, monitor_width] */
  const double *monitor_se;   /* [steps, monitor_width]; NaN as log_z_se is */
};

#ifdef __cplusplus
}
#endif
#endif
