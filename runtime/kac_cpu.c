// Names of instruction sets in, the first that this machine (processor and system) lacks out.
#include "kac_instance.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

enum kac_register { kac_eax, kac_ebx, kac_ecx, kac_edx };
enum kac_saved { kac_none = 0, kac_ymm = 0x6, kac_zmm = 0xe6, kac_tmm = 0x60000 }; /* bits of XCR0 that must be set */

static const struct {
  const char *name;
  uint32_t leaf, subleaf;
  uint8_t reg, bit;
  uint32_t saved;
} kac_features[] = {
    {"64bit", 0x80000001, 0, kac_edx, 29, kac_none},
    {"cx8", 1, 0, kac_edx, 8, kac_none},
    {"cmov", 1, 0, kac_edx, 15, kac_none},
    {"mmx", 1, 0, kac_edx, 23, kac_none},
    {"fxsr", 1, 0, kac_edx, 24, kac_none},
    {"sse", 1, 0, kac_edx, 25, kac_none},
    {"sse2", 1, 0, kac_edx, 26, kac_none},
    {"sse3", 1, 0, kac_ecx, 0, kac_none},
    {"pclmul", 1, 0, kac_ecx, 1, kac_none},
    {"ssse3", 1, 0, kac_ecx, 9, kac_none},
    {"fma", 1, 0, kac_ecx, 12, kac_ymm},
    {"cx16", 1, 0, kac_ecx, 13, kac_none},
    {"sse4.1", 1, 0, kac_ecx, 19, kac_none},
    {"sse4.2", 1, 0, kac_ecx, 20, kac_none},
    {"crc32", 1, 0, kac_ecx, 20, kac_none},
    {"movbe", 1, 0, kac_ecx, 22, kac_none},
    {"popcnt", 1, 0, kac_ecx, 23, kac_none},
    {"aes", 1, 0, kac_ecx, 25, kac_none},
    {"xsave", 1, 0, kac_ecx, 26, kac_none},
    {"avx", 1, 0, kac_ecx, 28, kac_ymm},
    {"f16c", 1, 0, kac_ecx, 29, kac_ymm},
    {"rdrnd", 1, 0, kac_ecx, 30, kac_none},
    {"fsgsbase", 7, 0, kac_ebx, 0, kac_none},
    {"bmi", 7, 0, kac_ebx, 3, kac_none},
    {"avx2", 7, 0, kac_ebx, 5, kac_ymm},
    {"bmi2", 7, 0, kac_ebx, 8, kac_none},
    {"avx512f", 7, 0, kac_ebx, 16, kac_zmm},
    {"avx512dq", 7, 0, kac_ebx, 17, kac_zmm},
    {"rdseed", 7, 0, kac_ebx, 18, kac_none},
    {"adx", 7, 0, kac_ebx, 19, kac_none},
    {"avx512ifma", 7, 0, kac_ebx, 21, kac_zmm},
    {"clflushopt", 7, 0, kac_ebx, 23, kac_none},
    {"clwb", 7, 0, kac_ebx, 24, kac_none},
    {"avx512cd", 7, 0, kac_ebx, 28, kac_zmm},
    {"sha", 7, 0, kac_ebx, 29, kac_none},
    {"avx512bw", 7, 0, kac_ebx, 30, kac_zmm},
    {"avx512vl", 7, 0, kac_ebx, 31, kac_zmm},
    {"avx512vbmi", 7, 0, kac_ecx, 1, kac_zmm},
    {"avx512vbmi2", 7, 0, kac_ecx, 6, kac_zmm},
    {"gfni", 7, 0, kac_ecx, 8, kac_none},
    {"vaes", 7, 0, kac_ecx, 9, kac_ymm},
    {"vpclmulqdq", 7, 0, kac_ecx, 10, kac_ymm},
    {"avx512vnni", 7, 0, kac_ecx, 11, kac_zmm},
    {"avx512bitalg", 7, 0, kac_ecx, 12, kac_zmm},
    {"avx512vpopcntdq", 7, 0, kac_ecx, 14, kac_zmm},
    {"avx512vp2intersect", 7, 0, kac_edx, 8, kac_zmm},
    {"amx-bf16", 7, 0, kac_edx, 22, kac_tmm},
    {"avx512fp16", 7, 0, kac_edx, 23, kac_zmm},
    {"amx-tile", 7, 0, kac_edx, 24, kac_tmm},
    {"amx-int8", 7, 0, kac_edx, 25, kac_tmm},
    {"avxvnni", 7, 1, kac_eax, 4, kac_ymm},
    {"avx512bf16", 7, 1, kac_eax, 5, kac_zmm},
    {"avxifma", 7, 1, kac_eax, 23, kac_ymm},
    {"xsaveopt", 0xd, 1, kac_eax, 0, kac_none},
    {"xsavec", 0xd, 1, kac_eax, 1, kac_none},
    {"sahf", 0x80000001, 0, kac_ecx, 0, kac_none},
    {"lzcnt", 0x80000001, 0, kac_ecx, 5, kac_none},
    {"prfchw", 0x80000001, 0, kac_ecx, 8, kac_none},
};

static uint32_t kac_saved_registers(void) {
  uint32_t eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx >> 27 & 1)) /* OSXSAVE: xgetbv may be used */
    return 0;
  __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return eax;
}

static int kac_cpu_has(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof kac_features / sizeof *kac_features; i++) {
    if (strlen(kac_features[i].name) != length || memcmp(kac_features[i].name, name, length) != 0)
      continue;
    uint32_t registers[4];
    return __get_cpuid_count(kac_features[i].leaf, kac_features[i].subleaf, registers, registers + 1, registers + 2,
                             registers + 3) &&
           registers[kac_features[i].reg] >> kac_features[i].bit & 1 &&
           (kac_saved_registers() & kac_features[i].saved) == kac_features[i].saved;
  }
  return 0; /* what we cannot ask for may not be there */
}
#else
static int kac_cpu_has(const char *name, size_t length) {
  (void)name;
  (void)length;
  return 0;
}
#endif

const char *kac_cpu_lacks(const char *features, char *lacking, size_t size) {
  while (features && *features) {
    size_t length = strcspn(features, ",");
    if (length > 0 && !kac_cpu_has(features, length)) {
      size_t kept = length < size ? length : size - 1;
      memcpy(lacking, features, kept);
      lacking[kept] = 0;
      return lacking;
    }
    features += length + (features[length] == ',');
  }
  return NULL;
}
