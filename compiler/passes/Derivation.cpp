// Arithmetic and text of the normal form.
#include "compiler/passes/Derivation.h"

#include <cmath>
#include <numeric>

namespace kac {

//===--- fractions ---===//

static int64_t product(int64_t a, int64_t b) {
  int64_t result;
  if (__builtin_mul_overflow(a, b, &result))
    throw NoForm();
  return result;
}

Rational::Rational(int64_t t, int64_t b) {
  int64_t common = std::gcd(t, b);
  if (b < 0)
    common = -common;
  top = t / common;
  bottom = b / common;
}

std::optional<Rational> Rational::of(double value) {
  if (!std::isfinite(value) || std::fabs(value) > 1e9)
    return std::nullopt;
  // Continued fraction: convergents p / q until one of them is the double.
  double rest = value;
  int64_t p0 = 0, q0 = 1, p1 = 1, q1 = 0;
  for (int step = 0; step < 20; ++step) {
    double whole = std::floor(rest);
    int64_t p2, q2, a = int64_t(whole);
    if (__builtin_mul_overflow(a, p1, &p2) || __builtin_add_overflow(p2, p0, &p2) ||
        __builtin_mul_overflow(a, q1, &q2) || __builtin_add_overflow(q2, q0, &q2) || q2 > 1000000)
      return std::nullopt;
    if (double(p2) / double(q2) == value)
      return Rational(p2, q2);
    p0 = p1, q0 = q1, p1 = p2, q1 = q2;
    rest = 1 / (rest - whole);
    if (!std::isfinite(rest) || std::fabs(rest) > 1e9)
      return std::nullopt;
  }
  return std::nullopt;
}

Rational operator*(Rational a, Rational b) {
  Rational x(a.top, b.bottom), y(b.top, a.bottom);
  return {product(x.top, y.top), product(x.bottom, y.bottom)};
}

Rational operator+(Rational a, Rational b) {
  int64_t top;
  if (__builtin_add_overflow(product(a.top, b.bottom), product(b.top, a.bottom), &top))
    throw NoForm();
  return {top, product(a.bottom, b.bottom)};
}

//===--- coefficients ---===//

Coef::Coef(Rational constant) {
  if (constant.top != 0)
    terms[{}] = constant;
}

Coef Coef::symbol(Id id, int power) {
  Coef c;
  c.terms[{{id, power}}] = 1;
  return c;
}

std::optional<Rational> Coef::constant() const {
  if (terms.empty())
    return Rational(0);
  if (terms.size() == 1 && terms.begin()->first.empty())
    return terms.begin()->second;
  return std::nullopt;
}

std::vector<std::pair<Monomial, std::pair<int64_t, int64_t>>> Coef::key() const {
  std::vector<std::pair<Monomial, std::pair<int64_t, int64_t>>> result;
  for (const auto &[monomial, c] : terms)
    result.push_back({monomial, {c.top, c.bottom}});
  return result;
}

static void addTerm(Coef &sum, const Monomial &monomial, Rational c) {
  Rational total = sum.terms[monomial] + c;
  if (total.top == 0)
    sum.terms.erase(monomial);
  else
    sum.terms[monomial] = total;
  if (sum.terms.size() > 200)
    throw NoForm();
}

Coef operator+(const Coef &a, const Coef &b) {
  Coef sum = a;
  for (const auto &[monomial, c] : b.terms)
    addTerm(sum, monomial, c);
  return sum;
}

Coef operator-(const Coef &a) {
  Coef result = a;
  for (auto &[monomial, c] : result.terms)
    c.top = -c.top;
  return result;
}

Coef operator-(const Coef &a, const Coef &b) { return a + -b; }

static Monomial times(const Monomial &a, const Monomial &b) {
  std::map<Id, int> powers(a.begin(), a.end());
  for (auto [id, power] : b)
    powers[id] += power;
  Monomial result;
  for (auto [id, power] : powers)
    if (power != 0)
      result.push_back({id, power});
  return result;
}

Coef operator*(const Coef &a, const Coef &b) {
  Coef result;
  for (const auto &[m, c] : a.terms)
    for (const auto &[n, d] : b.terms)
      addTerm(result, times(m, n), c * d);
  return result;
}

static int powerOf(const Monomial &monomial, Id id) {
  for (auto [symbol, power] : monomial)
    if (symbol == id)
      return power;
  return 0;
}

Monomial leading(const Coef &coef) {
  // By degree, then by symbols: a constant leads only where there is nothing else.
  auto degree = [](const Monomial &m) {
    int sum = 0;
    for (auto [id, power] : m)
      sum += std::abs(power);
    return sum;
  };
  Monomial best;
  for (const auto &[m, c] : coef.terms)
    if (std::pair(degree(m), m) >= std::pair(degree(best), best))
      best = m;
  return best;
}

Coef reduced(const Coef &coef, Id symbol, const Coef &of) {
  Monomial lead = leading(of), inverse;
  Rational scale(of.terms.at(lead).bottom, of.terms.at(lead).top);
  for (auto [id, power] : lead)
    inverse.push_back({id, -power});
  Coef rest = of;
  rest.terms.erase(lead);
  Coef todo = coef, done;
  for (int turn = 0; !todo.isZero(); ++turn) {
    if (turn > 100)
      throw NoForm();
    Coef next;
    for (const auto &[m, c] : todo.terms) {
      bool applies = powerOf(m, symbol) > 0;
      for (auto [id, power] : lead)
        applies &= power > 0 ? powerOf(m, id) >= power : powerOf(m, id) <= power;
      Coef term;
      if (!applies) {
        addTerm(done, m, c);
        continue;
      }
      // symbol * lead = (1 - symbol * rest) / scale
      addTerm(term, times(times(m, inverse), {{symbol, -1}}), c * scale);
      next = next + term * (Coef(1) - Coef::symbol(symbol) * rest);
    }
    todo = next;
  }
  return done;
}

//===--- text ---===//

static std::string join(const std::vector<std::pair<bool, std::string>> &terms) {
  std::string text;
  for (const auto &[negative, term] : terms)
    text += text.empty() ? (negative ? "-" : "") + term : (negative ? " - " : " + ") + term;
  return text.empty() ? "0" : text;
}

/// A monomial with the size of its factor: `3 * g2 / (2 * b)`.
static std::string printTerm(const Monomial &monomial, Rational c, const Namer &name) {
  std::string above, below;
  auto with = [](std::string &text, const std::string &factor) { text += (text.empty() ? "" : " * ") + factor; };
  auto powered = [&](Id id, int power) { return name(id) + (power == 1 ? "" : "^" + std::to_string(power)); };
  if (std::abs(c.top) != 1)
    with(above, std::to_string(std::abs(c.top)));
  int factors = c.bottom != 1;
  if (c.bottom != 1)
    with(below, std::to_string(c.bottom));
  for (auto [id, power] : monomial) {
    with(power > 0 ? above : below, powered(id, std::abs(power)));
    factors += power < 0;
  }
  if (above.empty())
    above = "1";
  return below.empty() ? above : above + " / " + (factors > 1 ? "(" + below + ")" : below);
}

std::string print(const Coef &coef, const Namer &name) {
  std::vector<std::pair<bool, std::string>> terms;
  for (const auto &[monomial, c] : coef.terms)
    terms.push_back({c.top < 0, printTerm(monomial, c, name)});
  return join(terms);
}

/// A coefficient in front of an atom.
static std::pair<bool, std::string> printScaled(const Coef &coef, const std::string &atom, const Namer &name) {
  if (coef.terms.size() > 1)
    return {false, "(" + print(coef, name) + ")" + (atom.empty() ? "" : " * " + atom)};
  const auto &[monomial, c] = *coef.terms.begin();
  std::string factor = printTerm(monomial, c, name);
  if (atom.empty())
    return {c.top < 0, factor};
  return {c.top < 0, factor == "1" ? atom : factor + " * " + atom};
}

std::string print(const Vector &vector, const Namer &name) {
  std::vector<std::pair<bool, std::string>> terms;
  for (const auto &[atom, coef] : vector)
    terms.push_back(printScaled(coef, name(atom), name));
  return join(terms);
}

std::string print(const Scalar &scalar, const Namer &name, bool scalarState) {
  std::vector<std::pair<bool, std::string>> terms;
  for (const auto &[atom, coef] : scalar) {
    std::string text;
    if (atom.kind == ScalarAtom::Value)
      text = name(atom.a);
    else if (atom.kind == ScalarAtom::Divergence)
      text = "div(" + name(atom.a) + ", x)";
    else if (atom.kind == ScalarAtom::Dot && atom.a == atom.b)
      text = scalarState ? "sq(" + name(atom.a) + ")" : "sq_norm(" + name(atom.a) + ")";
    else if (atom.kind == ScalarAtom::Dot)
      text = scalarState ? name(atom.a) + " * " + name(atom.b) : "dot(" + name(atom.a) + ", " + name(atom.b) + ")";
    terms.push_back(printScaled(coef, text, name));
  }
  return join(terms);
}

} // namespace kac
