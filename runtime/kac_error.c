// Status codes in, their sentences out; tells the application's log what was seen.
#include "kac_instance.h"

#include <stdarg.h>
#include <stdio.h>

const char *kac_status_text(int status) {
  switch (status) {
#define KAC_STATUS(name, code, sentence)                                                                               \
  case code:                                                                                                           \
    return sentence;
#include "kac_status.def"
#undef KAC_STATUS
  default:
    return "unknown status";
  }
}

int kac_fail(const struct kac_config *config, int status, const char *format, ...) {
  if (config->log) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    config->log(config->context, status, text);
  }
  return status;
}
