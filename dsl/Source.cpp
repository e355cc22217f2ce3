// The text of a file comes in; lines and columns of its byte offsets go out.
#include "dsl/Source.h"
#include "dsl/Utf8.h"

#include <algorithm>
#include <climits>

namespace kac {

Source::Source(std::string name, std::string text) : fileName(std::move(name)), contents(std::move(text)) {
  lineStarts.push_back(0);
  for (size_t i = 0; i < contents.size(); ++i)
    if (contents[i] == '\n')
      lineStarts.push_back(static_cast<uint32_t>(i + 1));
  int count = 0;
  for (uint32_t i = 0; i < contents.size(); i += decodeUtf8(contents, i).length, ++count)
    if (marks.empty() || i >= marks.back().first + kStride)
      marks.push_back({i, count});
}

Position Source::position(uint32_t offset) const {
  offset = std::min(offset, static_cast<uint32_t>(contents.size()));
  auto after = std::upper_bound(lineStarts.begin(), lineStarts.end(), offset);
  uint32_t start = *std::prev(after);
  return {static_cast<int>(after - lineStarts.begin()), codePointsBefore(offset) - codePointsBefore(start) + 1};
}

int Source::codePointsBefore(uint32_t offset) const {
  auto after = std::upper_bound(marks.begin(), marks.end(), std::pair(offset, INT_MAX));
  auto [begin, count] = after == marks.begin() ? std::pair(uint32_t(0), 0) : *std::prev(after);
  return count + countCodePoints(text().substr(begin, offset - begin));
}

std::string_view Source::line(int number) const {
  if (number < 1 || static_cast<size_t>(number) > lineStarts.size())
    return {};
  size_t start = lineStarts[number - 1];
  size_t end = static_cast<size_t>(number) < lineStarts.size() ? lineStarts[number] - 1 : contents.size();
  if (end > start && contents[end - 1] == '\r')
    --end;
  return text().substr(start, end - start);
}

} // namespace kac
