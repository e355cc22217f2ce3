// The defaults of a sampler, a params struct and replaced contents in; the values that kernels read out.
#include "kac_instance.h"

#include <math.h>
#include <string.h>

/* What a kernel reads: f64, i32, u8. */
static const size_t kac_input_bytes[] = {sizeof(double), sizeof(int32_t), sizeof(uint8_t)};
static const char *const kac_element_name[] = {"real", "int", "bool"};

int64_t kac_element_count(const struct kac_array_type *type) {
  int64_t count = 1;
  for (int32_t i = 0; i < type->rank; i++)
    count *= type->shape[i];
  return count;
}

size_t kac_element_bytes(const struct kac_sampler *sampler, int32_t element) {
  return element == KAC_REAL ? (size_t)sampler->real_bytes : kac_input_bytes[element];
}

struct kac_field {
  size_t offset, bytes;
};

/* The place of the next param in the params struct, by the rules of C for the fields that the generated header has. */
static struct kac_field kac_next_field(size_t *end, const struct kac_input *input) {
  size_t bytes = input->type.rank == 0 ? kac_input_bytes[input->type.element] : sizeof(void *);
  struct kac_field field = {(*end + bytes - 1) / bytes * bytes, bytes};
  *end = field.offset + bytes;
  return field;
}

int kac_params_defaults(const struct kac_sampler *sampler, void *params, size_t size) {
  if (!sampler || !params)
    return KAC_NULL_ARGUMENT;
  if (size < sizeof(struct kac_params))
    return KAC_VERSION;
  memset(params, 0, size);
  struct kac_params *head = params;
  *head = (struct kac_params){size, 0, sampler->particles, sampler->steps};
  size_t end = sizeof *head;
  for (int32_t i = 0; i < sampler->input_count; i++) {
    const struct kac_input *input = &sampler->inputs[i];
    if (input->is_data)
      continue;
    struct kac_field field = kac_next_field(&end, input);
    if (end > size)
      break;
    memcpy((char *)params + field.offset, input->type.rank == 0 ? input->value : &input->value, field.bytes);
  }
  return KAC_OK;
}

static int kac_use_params(struct kac_instance *instance, const struct kac_params *params) {
  const struct kac_sampler *sampler = instance->sampler;
  size_t end = sizeof *params;
  for (int32_t i = 0; i < sampler->input_count; i++) {
    const struct kac_input *input = &sampler->inputs[i];
    if (input->is_data)
      continue;
    struct kac_field field = kac_next_field(&end, input);
    if (end > params->size)
      return KAC_OK;
    const void *place = (const char *)params + field.offset;
    if (input->type.rank > 0)
      memcpy(&place, place, sizeof place);
    if (place)
      instance->inputs[i] = place;
  }
  if (params->size > (end + 7) / 8 * 8)
    return kac_fail(&instance->config, KAC_VERSION, "the params struct has %zu bytes, the library's has %zu",
                    params->size, (end + 7) / 8 * 8);
  return KAC_OK;
}

static int kac_same_shape(const struct kac_array_type *type, const struct kac_contents *contents) {
  if (type->rank != contents->rank)
    return 0;
  for (int32_t i = 0; i < type->rank; i++)
    if (type->shape[i] != contents->shape[i])
      return 0;
  return 1;
}

static int kac_use_contents(struct kac_instance *instance, const struct kac_contents *contents) {
  const struct kac_config *config = &instance->config;
  if (!contents->name || !contents->values || (contents->rank > 0 && !contents->shape))
    return kac_fail(config, KAC_NULL_ARGUMENT, "contents without name, shape or values");
  for (int32_t i = 0; i < instance->sampler->input_count; i++) {
    const struct kac_array_type *type = &instance->sampler->inputs[i].type;
    if (strcmp(type->name, contents->name) != 0)
      continue;
    if (!kac_same_shape(type, contents))
      return kac_fail(config, KAC_SHAPE, "`%s` is declared with another shape", type->name);
    if (type->element != contents->element)
      return kac_fail(config, KAC_TYPE, "`%s` is declared as %s", type->name, kac_element_name[type->element]);
    instance->inputs[i] = contents->values;
    return KAC_OK;
  }
  return kac_fail(config, KAC_UNKNOWN_INPUT, "no param or data is called `%s`", contents->name);
}

/* Applications may free what they gave once kac_create has returned. */
static int kac_keep(struct kac_instance *instance) {
  const struct kac_sampler *sampler = instance->sampler;
  int64_t total = 0;
  for (int pass = 0; pass < 2; pass++) {
    char *copy = NULL;
    if (pass == 1 && total > 0 && !(copy = kac_own(instance, total, 1)))
      return kac_fail(&instance->config, KAC_MEMORY, "no memory for the contents of params and data");
    for (int32_t i = 0; i < sampler->input_count; i++) {
      const struct kac_input *input = &sampler->inputs[i];
      if (instance->inputs[i] == input->value)
        continue;
      int64_t count = kac_element_count(&input->type);
      int64_t bytes = count * (int64_t)kac_input_bytes[input->type.element];
      if (pass == 0) {
        total += (bytes + 63) / 64 * 64;
        continue;
      }
      memcpy(copy, instance->inputs[i], (size_t)bytes);
      instance->inputs[i] = copy;
      const double *real = (const double *)(void *)copy;
      for (int64_t k = 0; input->type.element == KAC_REAL && k < count; k++)
        if (isnan(real[k]))
          return kac_fail(&instance->config, KAC_NAN, "`%s` is NaN at element %lld", input->type.name, (long long)k);
      copy += (bytes + 63) / 64 * 64;
    }
  }
  return KAC_OK;
}

int kac_bind_inputs(struct kac_instance *instance, const void *params) {
  const struct kac_sampler *sampler = instance->sampler;
  instance->inputs = kac_own(instance, sampler->input_count, sizeof *instance->inputs);
  if (!instance->inputs)
    return kac_fail(&instance->config, KAC_MEMORY, "no memory for %d inputs", (int)sampler->input_count);
  for (int32_t i = 0; i < sampler->input_count; i++)
    instance->inputs[i] = sampler->inputs[i].value;
  int status = params ? kac_use_params(instance, params) : KAC_OK;
  for (int32_t i = 0; status == KAC_OK && i < instance->config.contents_count; i++)
    status = kac_use_contents(instance, &instance->config.contents[i]);
  return status == KAC_OK ? kac_keep(instance) : status;
}
