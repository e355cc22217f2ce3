// Runs the sampler of ../annealing from C: its own settings in, weighted moments and the evidence out.
#include "annealing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void report(void *context, int status, const char *text) {
  (void)context;
  fprintf(stderr, "%s: %s\n", annealing_status_text(status), text);
}

/* Not 0 would end the run here, with what there is. */
static int show(void *context, const struct kac_progress *progress) {
  (void)context;
  if (progress->step % 50 == 0)
    fprintf(stderr, "step %lld of %lld, ess %.2f\n", (long long)progress->step, (long long)progress->steps,
            progress->ess);
  return 0;
}

int main(void) {
  enum { width = ANNEALING_ANNEALED_X_SIZE };
  annealing_annealed_params params;
  annealing_annealed_defaults(&params);
  params.seed = 7;
  params.particles = 10000;
  params.steps = 200;
  params.beta = 2;

  struct kac_config config = {.size = sizeof config, .log = report, .progress = show};
  annealing_annealed_instance *instance;
  if (annealing_annealed_create(&instance, &params, &config) != KAC_OK)
    return EXIT_FAILURE;

  size_t particles = (size_t)params.particles;
  float *x = malloc(particles * width * sizeof *x);
  double *log_weight = malloc(particles * sizeof *log_weight);
  struct kac_result result = {.size = sizeof result};
  int status = x && log_weight ? annealing_annealed_sample(instance, x, log_weight, &result) : KAC_MEMORY;
  if (status == KAC_OK) {
    double total = 0, mean[width] = {0}, most = -INFINITY;
    for (size_t i = 0; i < particles; i++)
      most = fmax(most, log_weight[i]);
    for (size_t i = 0; i < particles; i++) {
      double weight = exp(log_weight[i] - most);
      total += weight;
      for (size_t k = 0; k < width; k++)
        mean[k] += weight * (double)x[i * width + k];
    }
    printf("log Z  %.3f +- %.3f\ness    %.3f\nmean  ", result.log_z, result.log_z_se, result.ess_final);
    for (size_t k = 0; k < width; k++)
      printf(" %.3f", mean[k] / total);
    printf("\n");
  }
  free(x);
  free(log_weight);
  annealing_annealed_destroy(instance);
  return status == KAC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
