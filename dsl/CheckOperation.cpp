// Functions that name an operation in; a message where there is none of that name, or it is declared otherwise.
#include "dsl/Elaborate.h"

#include <cstring>

namespace kac {

namespace {

const char *operandsOf(OperationShape shape, bool onBools) {
  return shape == OperationShape::Search ? "rr" : onBools ? "b" : "r";
}

char resultOf(OperationShape shape, bool onBools) {
  return shape == OperationShape::Pick || shape == OperationShape::Search ? 'i' : onBools ? 'b' : 'r';
}

constexpr const char *words(char letter) { return letter == 'i' ? "an int" : letter == 'b' ? "a bool" : "a real"; }

} // namespace

const Operation *findOperation(const std::string &name) {
  static const Operation rows[] = {
#define KAC_ELEMENTWISE(name, operands, result) {name, OperationShape::Elementwise, operands, result},
#define KAC_WHOLE(name, shape, onBools)                                                                                \
  {name, OperationShape::shape, operandsOf(OperationShape::shape, onBools), resultOf(OperationShape::shape, onBools)},
#define KAC_LAW(name) {name, OperationShape::Law, "", 'r'},
#include "dsl/Operations.def"
#undef KAC_ELEMENTWISE
#undef KAC_WHOLE
#undef KAC_LAW
  };
  for (const Operation &row : rows)
    if (row.name == name)
      return &row;
  return nullptr;
}

namespace checking {

const Operation &Elaborator::operationOf(const Callable &callable) const {
  const Operation *row = findOperation(callable.operation);
  if (!row)
    fail("E0209", callable.operationSpan, "there is no operation `" + callable.operation + "`",
         "write what `" + callable.name +
             "` does as a formula; the library's primitives show the operations there are");
  bool written = callable.result || row->shape == OperationShape::Law;
  for (const FormalInfo &formal : callable.formals)
    written &= formal.type != nullptr;
  if (!written)
    fail("E0209", callable.operationSpan, "`" + callable.name + "` does not declare what it takes and gives");
  return *row;
}

/// Whether the function is declared as what the operation is: of these types, for one cell, to this result.
void Elaborator::checkOperation(const Callable &callable, const std::vector<Type> &types, const Type &result) const {
  const Operation &row = operationOf(callable);
  auto is = [](const Type &type, char letter) {
    return !type.isTuple && (letter == 'i' ? type.isInteger() : letter == 'b' ? type.isBool() : type.isFloat());
  };
  auto wrong = [&](const std::string &what) {
    fail("E0209", callable.operationSpan, "`" + callable.operation + "` " + what);
  };
  size_t count = std::strlen(row.operands);
  if (types.size() != count)
    wrong("takes " + std::to_string(count) + (count == 1 ? " value" : " values") + ", `" + callable.name + "` has " +
          std::to_string(types.size()));
  bool cells = row.shape == OperationShape::Elementwise;
  for (size_t i = 0; i < count; ++i) {
    size_t rank = types[i].shape.size();
    bool fits = is(types[i], row.operands[i]) &&
                (cells || i == 1 ? rank == 0 : row.shape == OperationShape::Total || rank == 1);
    if (!fits)
      wrong(std::string("takes ") +
            (cells || i == 1                      ? words(row.operands[i])
             : row.shape == OperationShape::Total ? "an array of any shape"
                                                  : "an array of one axis") +
            ", `" + callable.name + "` has " + printType(types[i]));
  }
  bool scan = row.shape == OperationShape::Scan;
  if (!is(result, row.result) || result.shape != (scan ? types[0].shape : std::vector<int64_t>{}))
    wrong(std::string("gives ") + (scan ? "an array like its operand" : words(row.result)) + ", `" + callable.name +
          "` is declared to give " + printType(result));
}

} // namespace checking

} // namespace kac
