// Names of instruction sets in, the first that this machine (processor and system) lacks out.
#include "kac_instance.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

enum kac_register { kac_eax, kac_ebx, kac_ecx, kac_edx };
enum kac_saved { kac_none = 0, kac_ymm = 0x6, kac_zmm = 0xe6, kac_tmm = 0x60000 }; /* bits of XCR0 that must be set */
enum kac_leaf { kac_basic, kac_structured, kac_structured_1, kac_saving, kac_extended, kac_leaves };

static const uint32_t kac_leaf_numbers[kac_leaves][2] = {{1, 0}, {7, 0}, {7, 1}, {0xd, 1}, {0x80000001, 0}};

static const struct {
  const char *name;
  uint8_t leaf, reg, bit;
  uint32_t saved;
} kac_features[] = {
#define KAC_CPU_FEATURE(name, leaf, reg, bit, saved) {name, kac_##leaf, kac_##reg, bit, kac_##saved},
#include "kac_cpu.def"
#undef KAC_CPU_FEATURE
};

/* What cpuid says, asked once for all names: inside a virtual machine each question takes a microsecond. */
struct kac_cpu {
  uint32_t registers[kac_leaves][4];
  uint32_t saved;
};

static struct kac_cpu kac_this_cpu(void) {
  struct kac_cpu cpu = {0};
  for (int leaf = 0; leaf < kac_leaves; leaf++) {
    uint32_t *r = cpu.registers[leaf];
    __get_cpuid_count(kac_leaf_numbers[leaf][0], kac_leaf_numbers[leaf][1], r, r + 1, r + 2, r + 3);
  }
  if (cpu.registers[kac_basic][kac_ecx] >> 27 & 1) { /* OSXSAVE: xgetbv may be used */
    uint32_t high;
    __asm__("xgetbv" : "=a"(cpu.saved), "=d"(high) : "c"(0));
  }
  return cpu;
}

static int kac_cpu_has(const struct kac_cpu *cpu, const char *name, size_t length) {
  for (size_t i = 0; i < sizeof kac_features / sizeof *kac_features; i++)
    if (strlen(kac_features[i].name) == length && memcmp(kac_features[i].name, name, length) == 0)
      return (cpu->registers[kac_features[i].leaf][kac_features[i].reg] >> kac_features[i].bit & 1) &&
             (cpu->saved & kac_features[i].saved) == kac_features[i].saved;
  return 0; /* what we cannot ask for may not be there */
}
#else
struct kac_cpu {
  char unknown;
};

static struct kac_cpu kac_this_cpu(void) { return (struct kac_cpu){0}; }

static int kac_cpu_has(const struct kac_cpu *cpu, const char *name, size_t length) {
  (void)cpu;
  (void)name;
  (void)length;
  return 0;
}
#endif

const char *kac_cpu_lacks(const char *features, char *lacking, size_t size) {
  const struct kac_cpu cpu = kac_this_cpu();
  while (features && *features) {
    size_t length = strcspn(features, ",");
    if (length > 0 && !kac_cpu_has(&cpu, features, length)) {
      size_t kept = length < size ? length : size - 1;
      memcpy(lacking, features, kept);
      lacking[kept] = 0;
      return lacking;
    }
    features += length + (features[length] == ',');
  }
  return NULL;
}
