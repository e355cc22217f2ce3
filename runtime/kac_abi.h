/* What the compiler, generated code and the runtime agree on: descriptors, kernel signatures, state layout. C11 and
 * C++17. */
#ifndef KAC_ABI_H
#define KAC_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KAC_ABI_VERSION 2

/* Element types of arrays that cross the interface. KAC_REAL is float, or double in an f64 build. */
enum kac_element { KAC_REAL = 0, KAC_INT = 1, KAC_BOOL = 2 };

struct kac_array_type {
  const char *name; /* "beta", "x", "x.clean" */
  int32_t element;  /* enum kac_element: float/double, int32_t, uint8_t */
  int32_t rank;
  const int64_t *shape;
};

/* An input of the model: a param or data. Kernels read its value, the same for all lineages, from kac_run::inputs[i] as
 * f64 (KAC_REAL), i32 (KAC_INT) or u8 (KAC_BOOL), row-major. */
struct kac_input {
  struct kac_array_type type;
  int32_t is_data;   /* 0: a param, settable by name */
  const void *value; /* the default or the embedded contents: f64 / i32 / u8 */
};

/* All that a kernel sees of a run. */
struct kac_run {
  uint64_t seed;
  int64_t particles;
  int64_t steps;
  const void *const *inputs;
  const double *grid; /* t_0 .. t_steps */
  /* State: tiles of `lanes` lineages; within a tile each scalar of the state is `lanes` values side by side (reals of
   * the build's width, int32, bool as a byte); components follow each other in the order of the state's, each at a
   * multiple of 64 bytes, the scalars of one row-major and without room between. Lineages past `particles` in the last
   * tile are computed and ignored. */
  const void *state_in;
  void *state_out;          /* may equal state_in when ancestors is null */
  const int32_t *ancestors; /* null, or the lineage of state_in that each lineage of state_out continues */
  double *log_weight;       /* [particles rounded up to lanes]; init writes it, step adds to it */
  uint8_t *dead;            /* [the same]: 1 once a lineage was not finite; its weight is -inf from then on */
  void *uniform;            /* uniform_bytes, written by prepare, read by the tiles of the same step */
};

/* Values the same for all lineages in this init / step / monitor / output, computed once: writes run->uniform. */
typedef void (*kac_prepare_fn)(const struct kac_run *run, int64_t n);
/* Lineages of tiles [begin, end). n is the step (init: 0). Sets dead where the state or the weight is not finite
 * (a weight of -inf is a weight of zero, not a failure) and adds to log_weight. */
typedef void (*kac_tiles_fn)(const struct kac_run *run, int64_t n, int64_t begin, int64_t end);
/* values: one pointer a output (or monitor) component, row-major [particles, shape...], of the component's element
 * type. */
typedef void (*kac_values_fn)(const struct kac_run *run, int64_t n, int64_t begin, int64_t end, void *const *values);
/* out[i] = time(i / steps) for i in 0..steps. */
typedef void (*kac_time_fn)(const struct kac_run *run, double *out);
/* w: normalised weights. What all ancestors share, once: writes run->uniform and the scratch behind it. */
typedef void (*kac_survey_fn)(const struct kac_run *run, const double *w, double ess, double t, int64_t n);
/* Writes the ancestors of the lineages of tiles [begin, end), those past `particles` too. */
typedef void (*kac_choose_fn)(const struct kac_run *run, const double *w, double ess, double t, int64_t n,
                              int64_t begin, int64_t end, int32_t *ancestors);
typedef int32_t (*kac_when_fn)(const struct kac_run *run, double ess, double t, int64_t n);
/* Sums over lineages [begin, end) of e^(log_weight - shift), to sum[0], and of its square, to sum[1]; where out is not
 * null, out[i] gets e^(log_weight[i] - shift). */
typedef void (*kac_weights_fn)(const double *log_weight, int64_t begin, int64_t end, double shift, double *sum,
                               double *out);

struct kac_phase {        /* init, step, monitor or output */
  kac_prepare_fn prepare; /* null where nothing is uniform */
  kac_tiles_fn tiles;     /* init, step */
  kac_values_fn values;   /* monitor, output */
};

struct kac_resample {
  kac_survey_fn prepare; /* null where nothing is shared */
  kac_choose_fn tiles;   /* null: never */
};

struct kac_require { /* a condition over inputs and, maybe, a step and its time; checked at creation */
  int32_t (*holds)(const struct kac_run *run, double t, int64_t n);
  const char *text; /* what to say when it does not: "model.dsl:3:5: E0405: ..." */
  int32_t at_steps; /* it must hold wherever a step begins; else t and n mean nothing */
};

struct kac_sampler {
  uint32_t abi_version;
  const char *name;   /* stem_sampler */
  const char *cpu;    /* "native features" the object was built for, comma separated as cpuid names them; "" any */
  int32_t real_bytes; /* 4 or 8 */
  int32_t lanes;      /* lineages a tile */
  int64_t tile_bytes; /* bytes of state a tile */
  int64_t uniform_bytes;
  int64_t scratch_bytes;    /* for each lineage (rounded up to whole tiles), behind uniform_bytes in run->uniform */
  int64_t particles, steps; /* defaults */
  int32_t steps_fixed;
  int32_t input_count, output_count, monitor_count, require_count;
  const struct kac_input *inputs;
  const struct kac_array_type *outputs; /* "x" or "x.name" ... : components of output */
  const struct kac_array_type *monitors;
  const struct kac_require *requires_;
  struct kac_phase init, step, output, monitor;
  kac_time_fn time;
  struct kac_resample resample;
  kac_when_fn when; /* null: before every step */
  kac_weights_fn weights;
  const char *time_place; /* where the program writes the times: "model.dsl:3:5: ", or "" */
};

#ifdef __cplusplus
}
#endif
#endif
