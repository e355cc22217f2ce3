// Reads values and .npy files by the declared type of what they are for.
#include "compiler/run/Settings.h"

#include "dsl/Npy.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace kac {
namespace {

bool endsWith(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// A number as the language writes it, or true or false.
bool readNumber(std::string word, double &value) {
  size_t first = word.find_first_not_of(" \t"), last = word.find_last_not_of(" \t");
  word = first == word.npos ? "" : word.substr(first, last - first + 1);
  if (word == "true" || word == "false") {
    value = word == "true";
    return true;
  }
  for (size_t at = word.find('_'); at != word.npos && at > 0 && std::isdigit(word[at - 1]); at = word.find('_'))
    word.erase(at, 1);
  const char *begin = word.data() + (word.starts_with("+") && !word.starts_with("+-") ? 1 : 0);
  auto [end, fault] = std::from_chars(begin, word.data() + word.size(), value);
  return fault == std::errc() && end == word.data() + word.size() && end != begin;
}

/// What `--set` gives by text: numbers between commas, in brackets or without, and the axes that the brackets say.
class TypedArray {
public:
  TypedArray(const std::string &text, bool areBools) : text(text), areBools(areBools) {}

  /// Says in `why` what is no number, or that the brackets are those of no array.
  bool read(std::vector<double> &values, std::string &why) {
    bool good = opens() ? one(values, 0) : list(values, 0);
    skip();
    if (good && at < text.size())
      good = fail("has a `" + text.substr(at, 1) + "` too many");
    why = this->why;
    return good;
  }

  std::vector<int64_t> shape; // lengths from the outermost brackets inwards

private:
  void skip() { at = std::min(text.find_first_not_of(" \t", at), text.size()); }
  bool opens() { return skip(), at < text.size() && text[at] == '['; }
  bool fail(const std::string &what) {
    why = what;
    return false;
  }

  bool one(std::vector<double> &values, size_t depth) {
    if (opens()) {
      ++at;
      if (!list(values, depth))
        return false;
      skip();
      if (at == text.size())
        return fail("lacks a `]`");
      ++at;
      return true;
    }
    const size_t end = std::min(text.find_first_of("[],", at), text.size());
    const std::string item = text.substr(at, end - at);
    at = end;
    if (!readNumber(item, values.emplace_back()))
      return fail("`" + item + (areBools ? "` is not true or false" : "` is not a number"));
    return depth == shape.size() || fail("has more brackets in one place than in another");
  }

  bool list(std::vector<double> &values, size_t depth) {
    int64_t count = 0;
    if (depth == shape.size()) {
      if (!values.empty() || depth > 30)
        return fail("has more brackets in one place than in another");
      shape.push_back(-1);
    }
    do {
      if (!one(values, depth + 1))
        return false;
      ++count;
      skip();
    } while (at < text.size() && text[at] == ',' && ++at);
    if (shape[depth] >= 0 && shape[depth] != count)
      return fail("has rows of different lengths");
    shape[depth] = count;
    return true;
  }

  const std::string &text;
  bool areBools;
  size_t at = 0;
  std::string why;
};

int64_t countOf(const kac_array_type &type) {
  int64_t count = 1;
  for (int32_t i = 0; i < type.rank; i++)
    count *= type.shape[i];
  return count;
}

} // namespace

bool Settings::readOne(const kac_input &input, const std::string &word, std::string &why, std::string &code) {
  const kac_array_type &type = input.type;
  NpyArray array;
  array.shape.assign(type.shape, type.shape + type.rank);
  std::vector<int64_t> shape = array.shape;
  if (endsWith(word, ".npy")) {
    NpyError fault = readNpy(word, array, why);
    if (fault == NpyError::None)
      fault = checkNpy(array, shape, type.element != KAC_REAL, why);
    if (fault == NpyError::None &&
        !std::all_of(array.values.begin(), array.values.end(), [](double value) { return std::isfinite(value); })) {
      fault = NpyError::NotANumber;
      why = "holds a value that is not finite";
    }
    if (fault != NpyError::None) {
      why = "`" + word + "` " + why;
      code = codeOf(fault);
      return false;
    }
  } else {
    TypedArray typed(word, type.element == KAC_BOOL);
    if (!typed.read(array.values, why))
      return false;
    auto count = static_cast<size_t>(countOf(type));
    if (typed.shape.size() > 1 && typed.shape != shape) { // one list may hold the numbers of all axes
      why = "has other axes than are declared";
      code = codeOf(NpyError::Shape);
      return false;
    }
    if (array.values.size() == 1)
      array.values.resize(count, array.values[0]); // a value repeats along the missing axes
    if (array.values.size() != count) {
      why = "has " + std::to_string(array.values.size()) + " numbers; `" + type.name + "` has " + std::to_string(count);
      return false;
    }
  }
  if (checkNpy(array, shape, type.element != KAC_REAL, why) != NpyError::None) {
    why = "`" + word + "` " + why;
    return false;
  }
  const std::vector<double> &values = array.values;
  const void *place = nullptr;
  if (type.element == KAC_REAL) {
    place = reals.emplace_back(values).data();
  } else if (type.element == KAC_INT) {
    place = integers.emplace_back(values.begin(), values.end()).data();
  } else {
    for (double value : values)
      if (value != 0 && value != 1) {
        why = "`" + word + "` is not true or false";
        return false;
      }
    place = bools.emplace_back(values.begin(), values.end()).data();
  }
  list.push_back({type.name, type.element, type.rank, type.shape, place});
  return true;
}

bool Settings::read(const kac_sampler &sampler, const std::vector<std::pair<std::string, std::string>> &words,
                    std::string &why) {
  for (const auto &[name, word] : words) {
    const kac_input *found = nullptr;
    std::string offered;
    for (int32_t i = 0; i < sampler.input_count; i++) {
      offered += std::string(offered.empty() ? "" : ", ") + sampler.inputs[i].type.name;
      if (name == sampler.inputs[i].type.name)
        found = &sampler.inputs[i];
    }
    if (!found) {
      why = "no param or data is called `" + name + "`; " +
            (offered.empty() ? "this sampler has none" : "there are: " + offered);
      return false;
    }
    std::string code;
    if (!readOne(*found, word, why, code)) {
      why.insert(0, "`: ").insert(0, name).insert(0, "`");
      if (!code.empty())
        why.insert(0, ": ").insert(0, code);
      return false;
    }
  }
  return true;
}

} // namespace kac
