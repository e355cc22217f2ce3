// Reads .npy files (versions 1 to 3; bool, integers and floats of any width, either byte order, C or Fortran order).
#include "dsl/Npy.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

namespace kac {
namespace {

struct Layout {
  char kind = 0; // b, i, u, f
  int width = 0; // bytes
  bool swapped = false;
  bool fortran = false;
  int64_t count = 0;
};

/// The header is the text of a Python dict, always with the same three keys.
class HeaderText {
public:
  explicit HeaderText(std::string_view text) : text(text) {}

  /// What follows `'key':`, without blanks in front.
  std::optional<std::string_view> after(std::string_view key) const {
    for (char quote : {'\'', '"'}) {
      std::string name = quote + std::string(key) + quote;
      size_t at = text.find(name);
      if (at == text.npos)
        continue;
      at = text.find_first_not_of(" ", at + name.size());
      if (at == text.npos || text[at] != ':')
        return std::nullopt;
      at = text.find_first_not_of(" ", at + 1);
      return at == text.npos ? std::nullopt : std::optional(text.substr(at));
    }
    return std::nullopt;
  }

private:
  std::string_view text;
};

bool readShape(std::string_view text, std::vector<int64_t> &shape) {
  size_t close = text.find(')');
  if (text.empty() || text[0] != '(' || close == text.npos)
    return false;
  for (size_t at = text.find_first_not_of(", ", 1); at < close; at = text.find_first_not_of(", ", at)) {
    int64_t extent = 0;
    auto [end, fault] = std::from_chars(text.data() + at, text.data() + close, extent);
    if (fault != std::errc() || extent < 0)
      return false;
    shape.push_back(extent);
    at = static_cast<size_t>(end - text.data());
    if (text[at] != ',' && text[at] != ' ' && text[at] != ')')
      return false;
  }
  return true;
}

NpyError readType(std::string_view text, Layout &layout, std::string &why) {
  if (text.size() < 4 || (text[0] != '\'' && text[0] != '"')) {
    why = "holds records, not numbers";
    return NpyError::Type;
  }
  std::string_view type = text.substr(1, text.find(text[0], 1) - 1);
  layout.kind = type.size() > 2 ? type[1] : 0;
  if (type.size() > 2)
    std::from_chars(type.data() + 2, type.data() + type.size(), layout.width);
  layout.swapped = type[0] == '>' && layout.width > 1;
  bool whole = (layout.kind == 'i' || layout.kind == 'u') &&
               (layout.width == 1 || layout.width == 2 || layout.width == 4 || layout.width == 8);
  bool real = layout.kind == 'f' && (layout.width == 2 || layout.width == 4 || layout.width == 8);
  if (whole || real || (layout.kind == 'b' && layout.width == 1))
    return NpyError::None;
  why = "holds numbers of type `" + std::string(type) + "`; bool, integers and real numbers can be read";
  return NpyError::Type;
}

std::string printShape(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t extent : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

/// Leaves `file` at the first number.
NpyError readHeader(std::ifstream &file, const std::string &path, NpyArray &array, Layout &layout, std::string &why) {
  std::error_code fault;
  if (!std::filesystem::exists(path, fault)) {
    why = "there is no such file";
    return NpyError::Missing;
  }
  file.open(path, std::ios::binary);
  if (!std::filesystem::is_regular_file(path, fault) || !file) {
    why = "cannot be read";
    return NpyError::Missing;
  }
  char magic[12] = {};
  file.read(magic, 10);
  if (file.gcount() < 6 || std::memcmp(magic, "\x93NUMPY", 6) != 0) {
    why = "is not a .npy file";
    return NpyError::NotNpy;
  }
  int version = magic[6];
  if (file && version > 1)
    file.read(magic + 10, 2);
  if (!file) {
    why = "ends inside its header";
    return NpyError::Truncated;
  }
  auto byte = [&](int i) { return static_cast<size_t>(static_cast<unsigned char>(magic[i])); };
  size_t length = byte(8) | byte(9) << 8 | (version > 1 ? byte(10) << 16 | byte(11) << 24 : 0);
  if (version < 1 || version > 3 || length > (1 << 20)) {
    why = "is of a version of .npy that cannot be read";
    return NpyError::NotNpy;
  }
  std::string text(length, 0);
  if (!file.read(text.data(), static_cast<std::streamsize>(length))) {
    why = "ends inside its header";
    return NpyError::Truncated;
  }
  HeaderText header(text);
  auto type = header.after("descr"), order = header.after("fortran_order"), shape = header.after("shape");
  if (!type || !order || !shape || !readShape(*shape, array.shape)) {
    why = "has a header that cannot be read";
    return NpyError::NotNpy;
  }
  layout.fortran = order->starts_with("True");
  if (NpyError error = readType(*type, layout, why); error != NpyError::None)
    return error;
  layout.count = 1;
  for (int64_t extent : array.shape)
    if (__builtin_mul_overflow(layout.count, extent, &layout.count)) {
      why = "has the impossible shape " + printShape(array.shape);
      return NpyError::NotNpy;
    }
  auto begin = static_cast<uintmax_t>(file.tellg()), size = std::filesystem::file_size(path, fault);
  if (fault || (size - begin) / static_cast<uintmax_t>(layout.width) < static_cast<uintmax_t>(layout.count)) {
    why = "is truncated: shape " + printShape(array.shape) + " needs " + std::to_string(layout.count) + " numbers of " +
          std::to_string(layout.width) + " bytes";
    return NpyError::Truncated;
  }
  return NpyError::None;
}

double readHalf(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value = exponent == 0 ? std::ldexp(fraction, -24)
                 : exponent == 31
                     ? (fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity())
                     : std::ldexp(fraction + 1024, exponent - 25);
  return bits >> 15 ? -value : value;
}

double readNumber(const char *bytes, const Layout &layout) {
  uint64_t bits = 0;
  for (int i = 0; i < layout.width; i++)
    bits |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[layout.swapped ? layout.width - 1 - i : i]))
            << (8 * i);
  if (layout.kind == 'f')
    return layout.width == 8   ? std::bit_cast<double>(bits)
           : layout.width == 4 ? static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)))
                               : readHalf(static_cast<uint16_t>(bits));
  int unused = 64 - 8 * layout.width;
  if (layout.kind == 'i')
    return static_cast<double>(static_cast<int64_t>(bits << unused) >> unused);
  return static_cast<double>(bits);
}

/// Numbers written with the first index fastest, put in row-major order.
void transpose(NpyArray &array) {
  std::vector<double> rows(array.values.size());
  std::vector<int64_t> index(array.shape.size(), 0);
  for (double value : array.values) {
    int64_t to = 0;
    for (size_t axis = 0; axis < index.size(); axis++)
      to = to * array.shape[axis] + index[axis];
    rows[static_cast<size_t>(to)] = value;
    for (size_t axis = 0; axis < index.size() && ++index[axis] == array.shape[axis]; axis++)
      index[axis] = 0;
  }
  array.values = std::move(rows);
}

} // namespace

NpyError readNpy(const std::string &path, NpyArray &array, std::string &why) {
  std::ifstream file;
  Layout layout;
  array = {};
  if (NpyError error = readHeader(file, path, array, layout, why); error != NpyError::None)
    return error;
  std::string bytes(static_cast<size_t>(layout.count) * static_cast<size_t>(layout.width), 0);
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    why = "is truncated";
    return NpyError::Truncated;
  }
  array.values.resize(static_cast<size_t>(layout.count));
  for (size_t i = 0; i < array.values.size(); i++)
    array.values[i] = readNumber(bytes.data() + i * static_cast<size_t>(layout.width), layout);
  if (layout.fortran && array.shape.size() > 1)
    transpose(array);
  return NpyError::None;
}

const char *codeOf(NpyError error) {
  switch (error) {
  case NpyError::Missing:
    return "E0801";
  case NpyError::NotNpy:
    return "E0802";
  case NpyError::Truncated:
    return "E0803";
  case NpyError::Shape:
    return "E0804";
  case NpyError::Type:
    return "E0805";
  default:
    return "E0806";
  }
}

NpyError checkNpy(const NpyArray &array, const std::vector<int64_t> &shape, bool wantInteger, std::string &why) {
  if (array.shape != shape) {
    why = "has shape " + printShape(array.shape) + ", declared is " + printShape(shape);
    return NpyError::Shape;
  }
  for (size_t i = 0; i < array.values.size(); i++) {
    if (std::isnan(array.values[i])) {
      why = "is NaN at element " + std::to_string(i);
      return NpyError::NotANumber;
    }
    bool whole = array.values[i] == std::floor(array.values[i]) && std::abs(array.values[i]) <= 2147483647.0;
    if (wantInteger && !whole) {
      why = "is no 32-bit integer at element " + std::to_string(i);
      return NpyError::Type;
    }
  }
  return NpyError::None;
}

} // namespace kac
