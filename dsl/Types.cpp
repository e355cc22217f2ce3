// Types in, their equality, their text and the order of widening out.
#include "dsl/Types.h"

#include <algorithm>

namespace kac {

bool Type::operator==(const Type &other) const {
  return isTuple == other.isTuple && scalar == other.scalar && letters == other.letters && shape == other.shape &&
         components == other.components;
}

Type realType(std::vector<int64_t> shape) {
  Type type;
  type.shape = std::move(shape);
  return type;
}

Type intType() {
  Type type;
  type.scalar = Scalar::Int;
  return type;
}

Type boolType() {
  Type type;
  type.scalar = Scalar::Bool;
  return type;
}

static const char *nameOf(Scalar scalar) {
  switch (scalar) {
  case Scalar::Real:
    return "real";
  case Scalar::Int:
    return "int";
  case Scalar::Bool:
    return "bool";
  case Scalar::Positive:
    return "positive";
  case Scalar::Simplex:
    return "simplex";
  case Scalar::Onehot:
    return "onehot";
  case Scalar::Token:
    return "token";
  case Scalar::Spin:
    return "spin";
  }
  return "";
}

std::string printType(const Type &type) {
  std::string text, separator;
  if (type.isTuple) {
    for (const Component &component : type.components) {
      text += separator + (component.name.empty() ? "" : component.name + " : ") + printType(component.type);
      separator = ", ";
    }
    return "(" + text + ")";
  }
  std::vector<int64_t> extents = type.shape;
  if (type.scalar == Scalar::Token)
    extents.push_back(type.letters);
  for (int64_t extent : extents) {
    text += separator + (extent == kParticles ? "particles" : std::to_string(extent));
    separator = ", ";
  }
  return nameOf(type.scalar) + (text.empty() ? "" : "[" + text + "]");
}

/// The next wider scalar; a scalar that has none is its own.
static Scalar wider(Scalar scalar) {
  switch (scalar) {
  case Scalar::Onehot:
    return Scalar::Simplex;
  case Scalar::Token:
    return Scalar::Int;
  case Scalar::Bool:
    return Scalar::Bool;
  default:
    return Scalar::Real;
  }
}

bool widens(const Type &from, const Type &to) {
  if (from.isTuple || to.isTuple)
    return from.isTuple == to.isTuple &&
           std::equal(from.components.begin(), from.components.end(), to.components.begin(), to.components.end(),
                      [](const Component &a, const Component &b) {
                        return (a.name == b.name || a.name.empty() || b.name.empty()) && widens(a.type, b.type);
                      });
  if (from.shape != to.shape || (to.letters != 0 && from.letters != to.letters))
    return false;
  Scalar scalar = from.scalar;
  while (scalar != to.scalar && scalar != wider(scalar))
    scalar = wider(scalar);
  return scalar == to.scalar;
}

} // namespace kac
