// Indexing, stacking and joining of values; tuples part by part.
#include "tests/oracle/Value.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace kac::oracle {

Value scalar(double value) { return array({}, {value}); }

Value array(std::vector<int64_t> shape, const std::vector<double> &items) {
  if (volume(shape) != int64_t(items.size()))
    throw std::logic_error("an array whose shape and contents differ");
  Value result;
  result.shape = std::move(shape);
  for (double v : items)
    result.items.push_back({v});
  return result;
}

Value tuple(std::vector<Value> parts) {
  Value result;
  result.isTuple = true;
  result.parts = std::move(parts);
  return result;
}

int64_t volume(const std::vector<int64_t> &shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

void forEach(Value &value, const std::function<void(Number &)> &visit) {
  for (Number &n : value.items)
    visit(n);
  for (Value &p : value.parts)
    forEach(p, visit);
}

static void forEachConst(const Value &value, const std::function<void(const Number &)> &visit) {
  for (const Number &n : value.items)
    visit(n);
  for (const Value &p : value.parts)
    forEachConst(p, visit);
}

std::vector<double> numbers(const Value &value) {
  std::vector<double> result;
  forEachConst(value, [&](const Number &n) { result.push_back(n.value); });
  return result;
}

bool isFinite(const Value &value) {
  bool result = true;
  forEachConst(value, [&](const Number &n) { result &= std::isfinite(n.value); });
  return result;
}

bool isActive(const Value &value) {
  bool result = false;
  forEachConst(value, [&](const Number &n) { result |= n.active(); });
  return result;
}

/// The place of the first number of array[indices...]; clamps indices and tells whether it had to.
static bool locate(const Value &array, const std::vector<int64_t> &indices, int64_t &begin, int64_t &count) {
  if (indices.size() > array.shape.size())
    throw std::logic_error("more indices than axes");
  bool inside = true;
  begin = 0;
  for (size_t k = 0; k < indices.size(); ++k) {
    int64_t i = std::clamp<int64_t>(indices[k], 0, std::max<int64_t>(array.shape[k] - 1, 0));
    inside &= i == indices[k] && array.shape[k] > 0;
    begin = begin * array.shape[k] + i;
  }
  count = volume({array.shape.begin() + indices.size(), array.shape.end()});
  begin *= count;
  return inside;
}

bool slice(const Value &array, const std::vector<int64_t> &indices, Value &result) {
  result = {};
  result.isTuple = array.isTuple;
  bool inside = true;
  for (const Value &p : array.parts) {
    result.parts.emplace_back();
    inside &= slice(p, indices, result.parts.back());
  }
  if (array.isTuple)
    return inside;
  int64_t begin, count;
  inside = locate(array, indices, begin, count);
  result.shape.assign(array.shape.begin() + indices.size(), array.shape.end());
  result.items.resize(count);
  for (int64_t k = 0; k < count && begin + k < int64_t(array.items.size()); ++k)
    result.items[k] = array.items[begin + k];
  return inside;
}

bool replace(Value &array, const std::vector<int64_t> &indices, const Value &item) {
  bool inside = true;
  for (size_t k = 0; k < array.parts.size(); ++k)
    inside &= replace(array.parts[k], indices, item.parts.at(k));
  if (array.isTuple)
    return inside;
  int64_t begin, count;
  inside = locate(array, indices, begin, count);
  if (inside)
    for (int64_t k = 0; k < count; ++k)
      array.items[begin + k] = item.items.at(k % item.items.size());
  return inside;
}

Value stack(const std::vector<int64_t> &extents, const std::vector<Value> &items, const Value &empty) {
  const Value &first = items.empty() ? empty : items[0];
  Value result;
  result.isTuple = first.isTuple;
  for (size_t k = 0; k < first.parts.size(); ++k) {
    std::vector<Value> column;
    for (const Value &item : items)
      column.push_back(item.parts.at(k));
    result.parts.push_back(stack(extents, column, empty.isTuple ? empty.parts.at(k) : empty));
  }
  if (first.isTuple)
    return result;
  result.shape = extents;
  result.shape.insert(result.shape.end(), first.shape.begin(), first.shape.end());
  for (const Value &item : items) {
    if (item.shape != first.shape)
      throw std::logic_error("stacked values differ in shape");
    result.items.insert(result.items.end(), item.items.begin(), item.items.end());
  }
  return result;
}

Value repeat(const Value &value, const std::vector<int64_t> &extents) {
  Value result = value;
  for (size_t k = 0; k < value.parts.size(); ++k)
    result.parts[k] = repeat(value.parts[k], extents);
  if (value.isTuple)
    return result;
  result.shape.insert(result.shape.begin(), extents.begin(), extents.end());
  result.items.clear();
  for (int64_t k = 0; k < volume(extents); ++k)
    result.items.insert(result.items.end(), value.items.begin(), value.items.end());
  return result;
}

Value concat(const Value &a, const Value &b) {
  if (a.shape.empty() || a.shape.size() != b.shape.size())
    throw std::logic_error("joined arrays differ in their axes");
  Value result;
  result.shape = a.shape;
  result.shape.back() += b.shape.back();
  int64_t rows = volume({a.shape.begin(), a.shape.end() - 1});
  for (int64_t r = 0; r < rows; ++r)
    for (const Value *v : {&a, &b})
      result.items.insert(result.items.end(), v->items.begin() + r * v->shape.back(),
                          v->items.begin() + (r + 1) * v->shape.back());
  return result;
}

} // namespace kac::oracle
