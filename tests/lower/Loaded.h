// One elementary function over arrays, compiled and loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace kac::test {

class Loaded {
public:
  Loaded(const std::string &name, bool f64, int64_t lanes, int operands);
  ~Loaded();
  Loaded(const Loaded &) = delete;
  Loaded &operator=(const Loaded &) = delete;

  /// z[i] = name(x[i], y[i]) for count numbers, a multiple of the lanes.
  void call(const void *x, const void *y, void *z, size_t count) const { function(x, y, z, int64_t(count)); }
  static std::string assembly(const std::string &name, bool f64, int64_t lanes, int operands);

private:
  void *handle = nullptr;
  void (*function)(const void *, const void *, void *, int64_t) = nullptr;
};

} // namespace kac::test
