// The text of a file comes in; lines and columns of its byte offsets go out.
#include "dsl/Source.h"
#include "dsl/Utf8.h"

#include <algorithm>

namespace kac {

Source::Source(std::string name, std::string text) : fileName(std::move(name)), contents(std::move(text)) {
  lineStarts.push_back(0);
  for (size_t i = 0; i < contents.size(); ++i)
    if (contents[i] == '\n')
      lineStarts.push_back(static_cast<uint32_t>(i + 1));
}

Position Source::position(uint32_t offset) const {
  offset = std::min(offset, static_cast<uint32_t>(contents.size()));
  auto after = std::upper_bound(lineStarts.begin(), lineStarts.end(), offset);
  uint32_t start = *std::prev(after);
  return {static_cast<int>(after - lineStarts.begin()), countCodePoints(text().substr(start, offset - start)) + 1};
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
