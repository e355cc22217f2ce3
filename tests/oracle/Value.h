// Values of the language as the oracle holds them: an array of numbers with a shape, or a tuple of values.
#pragma once

#include "dsl/Types.h"
#include "tests/oracle/Trace.h"

#include <functional>

namespace kac::oracle {

/// Ints and bools are held as whole numbers in `items`; a scalar has an empty shape and one item.
struct Value {
  bool isTuple = false;
  std::vector<int64_t> shape;
  std::vector<Number> items;
  std::vector<Value> parts;

  double scalar() const { return items.at(0).value; }
};

Value scalar(double value);
Value array(std::vector<int64_t> shape, const std::vector<double> &items);
Value tuple(std::vector<Value> parts);

int64_t volume(const std::vector<int64_t> &shape);
/// The numbers of a value in order, components of a tuple after each other.
std::vector<double> numbers(const Value &value);
bool isFinite(const Value &value);
bool isActive(const Value &value);
void forEach(Value &value, const std::function<void(Number &)> &visit);

/// value[indices...]; false where an index is outside (then value is that at the nearest index).
bool slice(const Value &array, const std::vector<int64_t> &indices, Value &result);
bool replace(Value &array, const std::vector<int64_t> &indices, const Value &item);
/// The items along new leading axes. `empty` gives type and shape of an item where there is none.
Value stack(const std::vector<int64_t> &extents, const std::vector<Value> &items, const Value &empty);
Value repeat(const Value &value, const std::vector<int64_t> &extents);
Value concat(const Value &a, const Value &b);

} // namespace kac::oracle
