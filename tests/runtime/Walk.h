// A sampler written by hand, as a compiler would: a Gaussian walk weighed by e^(slope x), whose evidence has a closed
// form.
#pragma once

#include "runtime/kac_abi.h"
#include "runtime/kac_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What lineage `lineage` (all, if -1) does after step `fault_step`. */
enum walk_fault {
  walk_sound,
  walk_nan_state,
  walk_nan_weight,
  walk_infinite_weight,
  walk_zero_weight,
  walk_heavy_weight,
  walk_bad_ancestor,
  walk_bad_grid,
  walk_leaves_interval
};

/* The params struct that a generated header would have. */
struct walk_params {
  struct kac_params head;
  double sd;
  double slope;
  int32_t fault;
  int32_t fault_step;
  int32_t lineage;
  uint8_t forbidden;   /* a `require` wants it false */
  const double *start; /* [2]: mean and standard deviation */
};

/* Resampled when ess < 0.5; every step; never. x : real[2], x.steps : int; monitors `mean` : real[2], `positive` :
 * bool. */
extern const struct kac_sampler walk_adaptive_descriptor, walk_eager_descriptor, walk_plain_descriptor;

/* log E exp(slope sum_(n = 1..steps) x_n[0]) for start (0, 1). */
double walk_log_z(double sd, double slope, int64_t steps);

#ifdef __cplusplus
}
#endif
