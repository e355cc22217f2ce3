// UTF-8 text and an offset come in; the code point there, its length, and whether its bytes are sound go out.
#pragma once

#include <cstdint>
#include <string_view>

namespace kac {

/// What stands at an offset. Broken bytes count as one code point of one byte each.
struct CodePoint {
  uint32_t value = 0xFFFD;
  uint32_t length = 1;
  bool sound = false;
};

inline CodePoint decodeUtf8(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  uint32_t first = byte(at);
  if (first < 0x80)
    return {first, 1, true};
  uint32_t length = first >= 0xF0 && first <= 0xF4 ? 4 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (first > 0xF4 || length == 0 || at + length > text.size())
    return {};
  uint32_t value = first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0u) != 0x80)
      return {};
    value = value << 6 | (byte(at + i) & 0x3Fu);
  }
  bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF)
    return {};
  return {value, length, true};
}

inline int countCodePoints(std::string_view text) {
  int count = 0;
  for (size_t i = 0; i < text.size(); i += decodeUtf8(text, i).length)
    ++count;
  return count;
}

} // namespace kac
