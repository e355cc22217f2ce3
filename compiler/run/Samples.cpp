// Reads single numbers of sample arrays.
#include "compiler/run/Samples.h"

#include <cstring>

namespace kac {
namespace {

template <typename T> double load(const std::byte *place) {
  T value;
  std::memcpy(&value, place, sizeof value);
  return static_cast<double>(value);
}

} // namespace

double SampleArray::at(int64_t lineage, int64_t number) const {
  const std::byte *place = values.get() + static_cast<size_t>(lineage * width + number) * elementBytes;
  if (element == KAC_INT)
    return load<int32_t>(place);
  if (element == KAC_BOOL)
    return load<uint8_t>(place);
  return elementBytes == 8 ? load<double>(place) : load<float>(place);
}

} // namespace kac
