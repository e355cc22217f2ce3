// Sizes in, memory of the instance out: malloc, or the application's allocator.
#include "kac_instance.h"

#include <stdlib.h>

enum { kac_alignment = 64 };

void *kac_allocate(const struct kac_config *config, size_t bytes) {
  if (config->allocate)
    return config->allocate(config->context, bytes, kac_alignment);
  return aligned_alloc(kac_alignment, (bytes + kac_alignment - 1) / kac_alignment * kac_alignment);
}

void kac_release(const struct kac_config *config, void *memory, size_t bytes) {
  if (config->release)
    config->release(config->context, memory, bytes);
  else
    free(memory);
}

void *kac_own(struct kac_instance *instance, int64_t count, int64_t size) {
  int64_t bytes;
  if (instance->owned_count == kac_owned_limit || __builtin_mul_overflow(count, size, &bytes) ||
      __builtin_add_overflow(bytes, kac_alignment, &bytes))
    return NULL;
  bytes &= ~(int64_t)(kac_alignment - 1); /* at least one byte more than asked for, so never an empty block */
  void *memory = kac_allocate(&instance->config, (size_t)bytes);
  if (!memory)
    return NULL;
  instance->owned[instance->owned_count].memory = memory;
  instance->owned[instance->owned_count++].bytes = (size_t)bytes;
  instance->bytes += (uint64_t)bytes;
  return memory;
}

void kac_release_all(struct kac_instance *instance) {
  while (instance->owned_count > 0) {
    instance->owned_count--;
    kac_release(&instance->config, instance->owned[instance->owned_count].memory,
                instance->owned[instance->owned_count].bytes);
  }
}
