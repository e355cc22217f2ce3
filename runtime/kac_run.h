// The calls that generated wrappers and `kacc run` make: a sampler's descriptor in, samples and a result out.
#ifndef KAC_RUN_H
#define KAC_RUN_H

#include "kac_abi.h"
#include "kac_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

uint32_t kac_abi_version(void);
/* The sentence of a status; "unknown status" for any other number. */
const char *kac_status_text(int status);
/* Writes the first `size` bytes of the sampler's params struct with its defaults. */
int kac_params_defaults(const struct kac_sampler *sampler, void *params, size_t size);
/* params and config may be null. On failure *instance is null, and config's log has been told why. */
int kac_create(struct kac_instance **instance, const struct kac_sampler *sampler, const void *params,
               const struct kac_config *config);
/* outputs: a buffer for each output component, or null for none. log_weight [particles]; null asks for equally weighted
 * samples, by one last resampling. result may be null. Same instance, same bits. */
int kac_sample(struct kac_instance *instance, void *const *outputs, double *log_weight, struct kac_result *result);
void kac_destroy(struct kac_instance *instance);

#ifdef __cplusplus
}
#endif
#endif
