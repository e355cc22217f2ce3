// The normal form that derivation computes in: coefficients that do not depend on the state, and combinations of atoms.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace kac {

/// Thrown where a value has no normal form that is small enough, or no form at all; the definition then stands.
struct NoForm {};

/// An exact fraction. Throws NoForm where it leaves 64 bits.
struct Rational {
  int64_t top = 0, bottom = 1;
  Rational(int64_t top = 0, int64_t bottom = 1);
  /// The fraction of small denominator that is this double, if there is one.
  static std::optional<Rational> of(double value);
  double value() const { return double(top) / double(bottom); }
  bool operator==(const Rational &) const = default;
};
Rational operator+(Rational a, Rational b);
Rational operator*(Rational a, Rational b);

/// A node of the expression graph (Expressions.h), by number.
using Id = int;

/// A product of powers of symbols, by their numbers.
using Monomial = std::vector<std::pair<Id, int>>;

/// A Laurent polynomial in symbols: values that depend on time and inputs, not on the state.
class Coef {
public:
  std::map<Monomial, Rational> terms;

  Coef() = default;
  Coef(Rational constant);
  Coef(int64_t constant) : Coef(Rational(constant)) {}
  static Coef symbol(Id id, int power = 1);

  bool isZero() const { return terms.empty(); }
  /// Its value where it has no symbols.
  std::optional<Rational> constant() const;
  auto operator<=>(const Coef &other) const { return key() <=> other.key(); }
  bool operator==(const Coef &other) const { return terms == other.terms; }

private:
  std::vector<std::pair<Monomial, std::pair<int64_t, int64_t>>> key() const;
};
Coef operator+(const Coef &a, const Coef &b);
Coef operator-(const Coef &a, const Coef &b);
Coef operator-(const Coef &a);
Coef operator*(const Coef &a, const Coef &b);

/// The greatest monomial: what a reciprocal's rule rewrites.
Monomial leading(const Coef &coef);
/// `symbol` is 1 / `of`: rewrites symbol * leading(of) until none is left, so that equal coefficients have equal terms.
Coef reduced(const Coef &coef, Id symbol, const Coef &of);

/// A scalar atom. Vector atoms are nodes; on a scalar state Value stands for these too, and Dot is a product.
struct ScalarAtom {
  enum Kind { One, Value, Dot, Divergence };
  Kind kind = One;
  Id a = -1, b = -1;
  bool operator==(const ScalarAtom &) const = default;
  bool operator<(const ScalarAtom &other) const {
    return std::tie(kind, a, b) < std::tie(other.kind, other.a, other.b);
  }
  static ScalarAtom dot(Id a, Id b) { return {Dot, std::min(a, b), std::max(a, b)}; }
};

/// Linear combinations of atoms.
template <typename Key> using Combination = std::map<Key, Coef>;
using Vector = Combination<Id>;
using Scalar = Combination<ScalarAtom>;

template <typename Key> void addTo(Combination<Key> &sum, const Key &atom, const Coef &coef) {
  auto [place, isNew] = sum.try_emplace(atom, coef);
  if (!isNew)
    place->second = place->second + coef;
  if (place->second.isZero())
    sum.erase(place);
}
template <typename Key> Combination<Key> scaled(const Combination<Key> &a, const Coef &c) {
  Combination<Key> result;
  for (const auto &[atom, coef] : a)
    addTo(result, atom, coef * c);
  return result;
}
template <typename Key> Combination<Key> plus(Combination<Key> a, const Combination<Key> &b) {
  for (const auto &[atom, coef] : b)
    addTo(a, atom, coef);
  return a;
}

/// What is known of a value. Product: elementwise products of vectors, to be summed, as Dot atoms.
struct Form {
  enum Kind { None, IsCoef, IsVector, IsScalar, IsProduct };
  Kind kind = None;
  Coef coef;
  Vector vector;
  Scalar scalar;
};

/// As the language writes it; `name` gives symbols and nodes.
using Namer = std::function<std::string(Id)>;
std::string print(const Coef &coef, const Namer &name);
std::string print(const Vector &vector, const Namer &name);
std::string print(const Scalar &scalar, const Namer &name, bool scalarState);

} // namespace kac
