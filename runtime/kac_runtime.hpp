// What the C++ headers of all models share, behind kac_runtime.h: errors as exceptions, and samples, which Eigen views
// where it is there. C++17.
#ifndef KAC_RUNTIME_HPP
#define KAC_RUNTIME_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#if __has_include(<Eigen/Core>)
#include <Eigen/Core>
#define KAC_HAS_EIGEN 1
#endif

namespace kac {

/// A call that failed: its status (enum kac_status), and why.
class Error : public std::runtime_error {
public:
  Error(int status, const std::string &text) : std::runtime_error(text), code(status) {}
  int status() const { return code; }

private:
  int code;
};

/// Keeps what an instance says about a call that is about to fail.
class Log {
public:
  void listen(::kac_config &config) {
    if (config.log || config.context)
      return;
    config.context = text.get();
    config.log = [](void *context, int, const char *line) { *static_cast<std::string *>(context) = line; };
  }
  void check(int status, const char *(*sentence)(int)) const {
    if (status != KAC_OK && status != KAC_CANCELLED)
      throw Error(status, text->empty() ? sentence(status) : std::string(sentence(status)) + ": " + *text);
  }

private:
  std::unique_ptr<std::string> text = std::make_unique<std::string>(); // stays in place where its owner moves
};

/// A component of the output: for each particle an array of that shape, row-major, one behind the other.
template <class Number, std::int64_t... shape> class Output {
public:
  static constexpr std::int64_t size = (std::int64_t(1) * ... * shape); // numbers a particle

  explicit Output(std::size_t particles) : count(particles), numbers(particles * static_cast<std::size_t>(size)) {}
  Number *data() { return numbers.data(); }
  const Number *data() const { return numbers.data(); }
  std::size_t particles() const { return count; }

#ifdef KAC_HAS_EIGEN
  /// Eigen wants a single column the other way, which is the same in memory.
  template <int rows, int columns>
  using View = Eigen::Map<const Eigen::Matrix<Number, rows, columns, columns == 1 ? Eigen::ColMajor : Eigen::RowMajor>>;

  /// A row for each particle.
  View<Eigen::Dynamic, int(size)> matrix() const {
    return {data(), static_cast<Eigen::Index>(count), static_cast<Eigen::Index>(size)};
  }
  /// One particle: its matrix, or its vector as a column; of more dimensions all but the last are joined.
  auto particle(std::size_t index) const {
    constexpr std::int64_t extents[] = {1, 1, shape...};
    constexpr std::int64_t last = extents[sizeof...(shape) + 1];
    constexpr int columns = sizeof...(shape) > 1 ? int(last) : 1;
    return View<int(size) / columns, columns>(data() + index * static_cast<std::size_t>(size));
  }
#endif

private:
  std::size_t count;
  std::vector<Number> numbers;
};

} // namespace kac
#endif
