// The text of one .dsl file with its name; turns byte offsets into lines and columns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kac {

/// A line and a column, both from 1; the column counts code points.
struct Position {
  int line = 1;
  int column = 1;
};

/// One file. The text is kept for as long as any tree or message refers to it.
class Source {
public:
  Source(std::string name, std::string text);

  const std::string &name() const { return fileName; }
  std::string_view text() const { return contents; }
  Position position(uint32_t offset) const;
  /// The line (from 1) without its line end.
  std::string_view line(int number) const;

private:
  int codePointsBefore(uint32_t offset) const;

  static constexpr uint32_t kStride = 512; // a line may be long
  std::string fileName;
  std::string contents;
  std::vector<uint32_t> lineStarts;
  std::vector<std::pair<uint32_t, int>> marks; // code points before an offset, now and then
};

/// A half-open range of bytes in a source. `source` is null for what no text stands for.
struct Span {
  const Source *source = nullptr;
  uint32_t begin = 0;
  uint32_t end = 0;
};

} // namespace kac
