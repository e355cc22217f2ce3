// The kernels and descriptors of Walk.h.
#include "Walk.h"

#include <math.h>
#include <string.h>

enum { lanes = 8, parts = 3 };

enum { input_sd, input_slope, input_fault, input_fault_step, input_lineage, input_forbidden, input_start, input_shift };

static double real_input(const struct kac_run *run, int i) { return *(const double *)run->inputs[i]; }
static int32_t int_input(const struct kac_run *run, int i) { return *(const int32_t *)run->inputs[i]; }

static double uniform(uint64_t seed, uint64_t lineage, uint64_t step, uint64_t site) {
  uint64_t bits = (seed * 1000003 + lineage) * 0x9e3779b97f4a7c15u + (step * 31 + site) * 0xd1b54a32d192ed03u;
  for (int round = 0; round < 2; round++) {
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    bits ^= bits >> 31;
  }
  return ((double)(bits >> 11) + 0.5) * 0x1p-53;
}

static double normal(const struct kac_run *run, int64_t lineage, int64_t step, int site) {
  double u = uniform(run->seed, (uint64_t)lineage, (uint64_t)step, (uint64_t)(2 * site));
  double v = uniform(run->seed, (uint64_t)lineage, (uint64_t)step, (uint64_t)(2 * site + 1));
  return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* Component k of a lineage, in tiles of lanes; the third is the number of steps made, an int32. */
static float *component(void *state, int64_t i, int k) {
  return (float *)state + i / lanes * (lanes * parts * 2) + k * lanes * 2 + i % lanes;
}

static void spoil(const struct kac_run *run, int64_t step, int64_t i, float *x) {
  int32_t who = int_input(run, input_lineage);
  if (step < int_input(run, input_fault_step) || (who >= 0 && who != i))
    return;
  switch (int_input(run, input_fault)) {
  case walk_nan_state:
    *x = NAN;
    break;
  case walk_nan_weight:
    run->log_weight[i] = NAN;
    break;
  case walk_infinite_weight:
    run->log_weight[i] = INFINITY;
    break;
  case walk_zero_weight:
    run->log_weight[i] = -INFINITY;
    break;
  case walk_heavy_weight:
    run->log_weight[i] = 1e4;
    break;
  default:
    break;
  }
}

static void init_tiles(const struct kac_run *run, int64_t n, int64_t begin, int64_t end) {
  const double *start = run->inputs[input_start];
  for (int64_t i = begin * lanes; i < end * lanes; i++) {
    int32_t none = 0;
    for (int k = 0; k < 2; k++)
      *component(run->state_out, i, k) = (float)(start[0] + start[1] * normal(run, i, n, k));
    memcpy(component(run->state_out, i, 2), &none, sizeof none);
    run->log_weight[i] = 0;
  }
}

static void step_prepare(const struct kac_run *run, int64_t n) {
  (void)n;
  *(double *)run->uniform = real_input(run, input_sd);
}

static void step_tiles(const struct kac_run *run, int64_t n, int64_t begin, int64_t end) {
  const double *shift = run->inputs[input_shift];
  for (int64_t i = begin * lanes; i < end * lanes; i++) {
    int64_t from = run->ancestors ? run->ancestors[i] : i;
    float x[2];
    for (int k = 0; k < 2; k++)
      x[k] = *component((void *)run->state_in, from, k) + (float)shift[k] +
             (float)(*(const double *)run->uniform * normal(run, i, n + 1, k));
    int32_t made;
    memcpy(&made, component((void *)run->state_in, from, 2), sizeof made);
    made++;
    run->log_weight[i] += real_input(run, input_slope) * x[0];
    spoil(run, n, i, x);
    if (!isfinite(x[0]) || !isfinite(x[1]) || !(run->log_weight[i] < INFINITY))
      run->dead[i] = 1;
    for (int k = 0; k < 2; k++)
      *component(run->state_out, i, k) = x[k];
    memcpy(component(run->state_out, i, 2), &made, sizeof made);
  }
}

static void place_values(const struct kac_run *run, int64_t n, int64_t begin, int64_t end, void *const *values) {
  (void)n;
  for (int64_t i = begin * lanes; i < end * lanes && i < run->particles; i++)
    for (int k = 0; k < 2; k++)
      ((float *)values[0])[2 * i + k] = *component((void *)run->state_in, i, k);
}

static void output_values(const struct kac_run *run, int64_t n, int64_t begin, int64_t end, void *const *values) {
  place_values(run, n, begin, end, values);
  for (int64_t i = begin * lanes; i < end * lanes && i < run->particles; i++)
    memcpy((int32_t *)values[1] + i, component((void *)run->state_in, i, 2), sizeof(int32_t));
}

static void monitor_values(const struct kac_run *run, int64_t n, int64_t begin, int64_t end, void *const *values) {
  place_values(run, n, begin, end, values);
  for (int64_t i = begin * lanes; i < end * lanes && i < run->particles; i++)
    ((uint8_t *)values[1])[i] = *component((void *)run->state_in, i, 0) > 0;
}

static void time_grid(const struct kac_run *run, double *out) {
  *(double *)run->uniform = 0; /* kernels of the grid may use it too */
  for (int64_t n = 0; n <= run->steps; n++)
    out[n] = (double)n / (double)run->steps;
  if (int_input(run, input_fault) == walk_bad_grid)
    out[int_input(run, input_fault_step)] = out[0];
  if (int_input(run, input_fault) == walk_leaves_interval)
    out[run->steps] = 1.5;
}

static void survey(const struct kac_run *run, const double *w, double ess, double t, int64_t n) {
  (void)ess;
  (void)t;
  double u = uniform(run->seed, 0, (uint64_t)n + 1, 99), sum = 0;
  double *below = (double *)run->uniform + 1; /* the scratch */
  *(double *)run->uniform = u;
  for (int64_t i = 0; i < run->particles; i++)
    below[i] = sum += w[i];
}

static void choose(const struct kac_run *run, const double *w, double ess, double t, int64_t n, int64_t begin,
                   int64_t end, int32_t *ancestors) {
  (void)w;
  (void)ess;
  (void)t;
  (void)n;
  const double *u = run->uniform, *below = u + 1;
  int64_t from = 0;
  for (int64_t i = begin * lanes; i < end * lanes && i < run->particles; i++) {
    while (from + 1 < run->particles && below[from] * (double)run->particles <= (double)i + *u)
      from++;
    ancestors[i] = (int32_t)from;
  }
  if (int_input(run, input_fault) == walk_bad_ancestor && begin == 0)
    ancestors[0] = (int32_t)run->particles;
}

static int32_t when(const struct kac_run *run, double ess, double t, int64_t n) {
  (void)run;
  (void)t;
  (void)n;
  return ess < 0.5;
}

static int32_t allowed(const struct kac_run *run, double t, int64_t n) {
  (void)t;
  (void)n;
  return !*(const uint8_t *)run->inputs[input_forbidden];
}

static void weights(const double *log_weight, int64_t begin, int64_t end, double shift, double *sum, double *out) {
  for (int64_t i = begin; i < end; i++) {
    double w = exp(log_weight[i] - shift);
    sum[0] += w;
    sum[1] += w * w;
    if (out)
      out[i] = w;
  }
}

static const double default_sd = 0.3, default_slope = 0.1, default_start[2] = {0, 1}, default_shift[2] = {0, 0};
static const int32_t zero = 0, everyone = -1;
static const uint8_t permitted = 0;
static const int64_t pair[1] = {2};

static const struct kac_input inputs[] = {
    {{"sd", KAC_REAL, 0, NULL}, 0, &default_sd},      {{"slope", KAC_REAL, 0, NULL}, 0, &default_slope},
    {{"fault", KAC_INT, 0, NULL}, 0, &zero},          {{"fault_step", KAC_INT, 0, NULL}, 0, &zero},
    {{"lineage", KAC_INT, 0, NULL}, 0, &everyone},    {{"forbidden", KAC_BOOL, 0, NULL}, 0, &permitted},
    {{"start", KAC_REAL, 1, pair}, 0, default_start}, {{"shift", KAC_REAL, 1, pair}, 1, default_shift},
};
static const struct kac_array_type outputs[] = {{"x", KAC_REAL, 1, pair}, {"x.steps", KAC_INT, 0, NULL}};
static const struct kac_array_type monitors[] = {{"mean", KAC_REAL, 1, pair}, {"positive", KAC_BOOL, 0, NULL}};
static const struct kac_require requires_[] = {{allowed, "E0405: `forbidden` must be false", 0}};

#define WALK(sampler, first, then, condition, components)                                                              \
  const struct kac_sampler walk_##sampler##_descriptor = {                                                             \
      .abi_version = KAC_ABI_VERSION,                                                                                  \
      .name = "walk_" #sampler,                                                                                        \
      .cpu = "",                                                                                                       \
      .real_bytes = 4,                                                                                                 \
      .lanes = lanes,                                                                                                  \
      .tile_bytes = sizeof(float) * lanes * parts * 2,                                                                 \
      .uniform_bytes = sizeof(double),                                                                                 \
      .scratch_bytes = sizeof(double),                                                                                 \
      .particles = 1000,                                                                                               \
      .steps = 20,                                                                                                     \
      .input_count = sizeof inputs / sizeof *inputs,                                                                   \
      .output_count = components,                                                                                      \
      .monitor_count = 2,                                                                                              \
      .require_count = 1,                                                                                              \
      .inputs = inputs,                                                                                                \
      .outputs = outputs,                                                                                              \
      .monitors = monitors,                                                                                            \
      .requires_ = requires_,                                                                                          \
      .init = {NULL, init_tiles, NULL},                                                                                \
      .step = {step_prepare, step_tiles, NULL},                                                                        \
      .output = {NULL, NULL, components == 2 ? output_values : place_values},                                          \
      .monitor = {NULL, NULL, monitor_values},                                                                         \
      .time = time_grid,                                                                                               \
      .resample = {first, then},                                                                                       \
      .when = condition,                                                                                               \
      .weights = weights,                                                                                              \
      .time_place = "walk.dsl:2:3: "}

WALK(adaptive, survey, choose, when, 2);
WALK(eager, survey, choose, NULL, 2);
WALK(plain, NULL, NULL, NULL, 2);
WALK(single, survey, choose, when, 1);

double walk_log_z(double sd, double slope, int64_t steps) {
  double k = (double)steps, variance = k * k;
  for (int64_t j = 1; j <= steps; j++)
    variance += sd * sd * (k - (double)j + 1) * (k - (double)j + 1);
  return 0.5 * slope * slope * variance;
}
