// A .npy file in, its shape and numbers out, in row-major order whatever the file's; each fault of a file has its kind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kac {

struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

enum class NpyError { None, Missing, NotNpy, Truncated, Type, Shape, NotANumber };
/// Of the message.
const char *codeOf(NpyError error);

/// Reads the whole file. On failure `why` says what was seen, lower case and without a full stop.
NpyError readNpy(const std::string &path, NpyArray &array, std::string &why);

/// Whether the array can stand where `shape` is declared, of integers or of reals: integers may stand for reals, whole
/// numbers for integers, a NaN for nothing.
NpyError checkNpy(const NpyArray &array, const std::vector<int64_t> &shape, bool wantInteger, std::string &why);

} // namespace kac
