// Arrays in, .npy and .npz files that numpy.load reads out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace kac {

/// Numbers in row-major order, in this machine's byte order.
struct NpyView {
  std::string name; // the key in an .npz file
  std::string type; // of NumPy: "<f8", "<f4", "<i4", "|b1"
  std::vector<int64_t> shape;
  const void *values = nullptr;
  size_t bytes = 0;
};

void writeNpy(std::ostream &out, const NpyView &array);
/// A zip archive of .npy files, stored, with 64-bit sizes throughout.
void writeNpz(std::ostream &out, const std::vector<NpyView> &arrays);

} // namespace kac
