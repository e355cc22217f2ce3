// The types of values: arrays of static shape over a scalar, and tuples of these; equality and printing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kac {

enum class Scalar { Real, Int, Bool, Positive, Simplex, Onehot, Token, Spin };

/// The extent of an axis whose size is fixed only when a run starts: the number of lineages.
constexpr int64_t kParticles = -1;

struct Component;

/// `simplex[n, k]` has shape {n, k}; `token[n, k]` has shape {n} and letters k. A tuple has components and no shape: an
/// array of tuples is a tuple of arrays.
struct Type {
  bool isTuple = false;
  Scalar scalar = Scalar::Real;
  int64_t letters = 0;
  std::vector<int64_t> shape;
  std::vector<Component> components;

  bool operator==(const Type &other) const;
  bool isScalar() const { return !isTuple && shape.empty(); }
  /// Real, positive, simplex, onehot and spin are held as floating point numbers.
  bool isFloat() const {
    return !isTuple && scalar != Scalar::Int && scalar != Scalar::Bool && scalar != Scalar::Token;
  }
  bool isInteger() const { return !isTuple && (scalar == Scalar::Int || scalar == Scalar::Token); }
  bool isBool() const { return !isTuple && scalar == Scalar::Bool; }
};

struct Component {
  std::string name; // empty where the tuple was written without names
  Type type;
  bool operator==(const Component &other) const { return name == other.name && type == other.type; }
};

Type realType(std::vector<int64_t> shape = {});
Type intType();
Type boolType();

/// As the language writes it: `real[40, 2]`, `token[n]`, `(x : real, v : real[2])`.
std::string printType(const Type &type);

/// `letters` of an `int` that is an index below n, else 0. Implicit widening of section 4 of the language reference:
/// onehot < simplex < real, positive < real, spin < real, token < int < real.
bool widens(const Type &from, const Type &to);

} // namespace kac
