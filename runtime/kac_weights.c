// Log weights and dead marks in; sums, effective sample size, normalised weights, ancestors and who descends from whom
// out.
#include "kac_instance.h"

#include <math.h>
#include <string.h>

struct kac_range kac_block_range(const struct kac_instance *instance, int64_t block) {
  int64_t lineages = instance->block_tiles * instance->sampler->lanes;
  int64_t last = (block + 1) * lineages;
  return (struct kac_range){block * lineages, last < instance->run.particles ? last : instance->run.particles};
}

static int kac_any_dead(const uint8_t *dead, struct kac_range range) {
  return memchr(dead + range.first, 1, (size_t)(range.last - range.first)) != NULL;
}

/* The greatest log weight, whatever is NaN apart. Eight chains side by side, since one would wait for each comparison.
 */
static double kac_greatest(const double *w, struct kac_range range) {
  enum { chains = 8 };
  double high[chains];
  for (int k = 0; k < chains; k++)
    high[k] = -INFINITY;
  int64_t i = range.first;
  for (; i + chains <= range.last; i += chains)
#pragma GCC unroll 8
    for (int k = 0; k < chains; k++)
      high[k] = w[i + k] > high[k] ? w[i + k] : high[k];
  for (; i < range.last; i++)
    high[0] = w[i] > high[0] ? w[i] : high[0];
  for (int k = 1; k < chains; k++)
    high[0] = high[k] > high[0] ? high[k] : high[0];
  return high[0];
}

/* A weight that is NaN or infinite makes its lineage dead; the dead weigh nothing from then on. */
static int64_t kac_bury(struct kac_run *run, struct kac_range range) {
  int64_t dead = 0;
  for (int64_t i = range.first; i < range.last; i++)
    if (run->dead[i] || !(run->log_weight[i] < INFINITY)) {
      run->dead[i] = 1;
      run->log_weight[i] = -INFINITY;
      dead++;
    }
  return dead;
}

void kac_weigh_block(struct kac_instance *instance, int64_t index) {
  struct kac_run *run = &instance->run;
  struct kac_range range = kac_block_range(instance, index);
  struct kac_block *block = &instance->block[index];
  block->dead = kac_any_dead(run->dead, range) ? kac_bury(run, range) : 0;
  for (;;) {
    double sums[2] = {0, 0};
    block->max = kac_greatest(run->log_weight, range);
    if (block->max == -INFINITY) {
      block->sum = block->square = 0; /* unless they are NaN, which bury finds */
    } else if (block->max < INFINITY) {
      instance->sampler->weights(run->log_weight, range.first, range.last, block->max, sums, NULL);
      block->sum = sums[0];
      block->square = sums[1];
    } else {
      block->sum = NAN;
    }
    if (block->sum > 0)
      return;
    int64_t dead = kac_bury(run, range);
    if (dead == block->dead)
      return;
    block->dead = dead;
  }
}

void kac_total(struct kac_instance *instance) {
  struct kac_totals total = {-INFINITY, 0, 0, 0, 0};
  for (int64_t b = 0; b < instance->blocks; b++) {
    total.max = instance->block[b].max > total.max ? instance->block[b].max : total.max;
    total.dead += instance->block[b].dead;
  }
  for (int64_t b = 0; b < instance->blocks; b++) {
    const struct kac_block *block = &instance->block[b];
    if (block->max == -INFINITY)
      continue;
    double scale = exp(block->max - total.max);
    total.sum += block->sum * scale;
    total.square += block->square * (scale * scale);
  }
  if (total.sum > 0) {
    total.ess = total.sum * total.sum / ((double)instance->run.particles * total.square);
    total.ess = total.ess < 1 ? total.ess : 1;
  }
  instance->totals = total;
}

double kac_log_mean(const struct kac_instance *instance) {
  return instance->totals.max + log(instance->totals.sum / (double)instance->run.particles);
}

static void kac_normalise_block(void *job, int64_t index) {
  struct kac_instance *instance = job;
  struct kac_range range = kac_block_range(instance, index);
  double sums[2] = {0, 0}, scale = 1 / instance->totals.sum;
  instance->sampler->weights(instance->run.log_weight, range.first, range.last, instance->totals.max, sums,
                             instance->weight);
  for (int64_t i = range.first; i < range.last; i++)
    instance->weight[i] *= scale;
}

void kac_normalise(struct kac_instance *instance) { kac_for_blocks(instance, kac_normalise_block, instance); }

/* Systematic resampling, for samplers that have no resampler of their own: how many of N equidistant points, shifted
 * by one random number, fall below each partial sum of the weights. */
static void kac_systematic(const struct kac_instance *instance) {
  uint64_t bits = instance->run.seed + 0x9e3779b97f4a7c15u; /* one round of splitmix64 */
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
  double shift = (double)((bits ^ bits >> 31) >> 11) * 0x1p-53;
  int64_t count = instance->run.particles, chosen = 0, heaviest = 0;
  double below = 0;
  for (int64_t i = 0; i < count; i++) {
    below += instance->weight[i];
    heaviest = instance->weight[i] > instance->weight[heaviest] ? i : heaviest;
    while (chosen < count && (double)chosen + shift < below * (double)count)
      instance->ancestors[chosen++] = (int32_t)i;
  }
  while (chosen < count) /* rounding may leave the sum a little below one */
    instance->ancestors[chosen++] = (int32_t)heaviest;
}

struct kac_choice {
  struct kac_instance *instance;
  int64_t n;
  int inherits;
};

/* What is carried outside the state follows the ancestors at once; the state does so when the next step loads it. */
static void kac_inherit_block(struct kac_instance *instance, struct kac_range range) {
  struct kac_run *run = &instance->run;
  int32_t *eve = instance->state[1];
  uint8_t *dead = (uint8_t *)(eve + run->particles);
  for (int64_t i = range.first; i < range.last; i++) {
    int32_t from = instance->ancestors[i];
    eve[i] = instance->eve[from];
    dead[i] = run->dead[from];
    run->log_weight[i] = dead[i] ? -INFINITY : 0;
  }
}

static void kac_choose_block(void *argument, int64_t index) {
  const struct kac_choice *choice = argument;
  struct kac_instance *instance = choice->instance;
  const struct kac_sampler *sampler = instance->sampler;
  struct kac_range range = kac_block_range(instance, index);
  if (sampler->resample.tiles)
    sampler->resample.tiles(&instance->run, instance->weight, instance->totals.ess, instance->grid[choice->n],
                            choice->n, range.first / sampler->lanes, (range.last + sampler->lanes - 1) / sampler->lanes,
                            instance->ancestors);
  uint32_t highest = 0; /* what is negative is high */
  for (int64_t i = range.first; i < range.last; i++)
    highest = (uint32_t)instance->ancestors[i] > highest ? (uint32_t)instance->ancestors[i] : highest;
  instance->block[index].stray = highest >= instance->run.particles;
  if (choice->inherits && !instance->block[index].stray)
    kac_inherit_block(instance, range);
}

static int kac_check_ancestors(const struct kac_instance *instance) {
  int64_t stray = 0, count = instance->run.particles;
  for (int64_t b = 0; b < instance->blocks; b++)
    stray += instance->block[b].stray;
  for (int64_t i = 0; stray > 0 && i < count; i++)
    if (instance->ancestors[i] < 0 || instance->ancestors[i] >= count)
      return kac_fail(&instance->config, KAC_ANCESTOR, "lineage %lld got ancestor %d of %lld", (long long)i,
                      (int)instance->ancestors[i], (long long)count);
  return KAC_OK;
}

int kac_choose_ancestors(struct kac_instance *instance, int64_t n, int inherits) {
  const struct kac_sampler *sampler = instance->sampler;
  kac_normalise(instance);
  if (sampler->resample.prepare)
    sampler->resample.prepare(&instance->run, instance->weight, instance->totals.ess, instance->grid[n], n);
  if (!sampler->resample.tiles)
    kac_systematic(instance);
  struct kac_choice choice = {instance, n, inherits};
  kac_for_blocks(instance, kac_choose_block, &choice);
  int status = kac_check_ancestors(instance);
  if (status == KAC_OK && inherits) {
    size_t count = (size_t)instance->run.particles;
    const int32_t *eve = instance->state[1];
    memcpy(instance->eve, eve, count * sizeof *eve);
    memcpy(instance->run.dead, eve + count, count);
  }
  return status;
}
