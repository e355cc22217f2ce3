// Names of elementary functions in, polynomials out: the table, and exp log sin cos tanh acos erf.
#include "compiler/passes/ExpandMath.h"
#include "compiler/passes/ExpandMathCores.h"
#include "compiler/passes/ExpandMathTables.h"

#include "mlir/IR/BuiltinTypes.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace kac {

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Adding it leaves a whole number in the low bits.
static double rounder(const Formula &f) { return f.wide ? 6755399441055744.0 : 12582912.0; }
static int mantissaBits(const Formula &f) { return f.wide ? 52 : 23; }

template <size_t n, size_t m> static Term polynomial(Term x, const double (&narrow)[n], const double (&wide)[m]) {
  return x.formula->wide ? x.formula->polynomial(x, wide) : x.formula->polynomial(x, narrow);
}

// --- exp ---

Reduced reduceByLog2(Term x) {
  Formula &f = *x.formula;
  Term shifted = f.fma(x, f.real(1.4426950408889634), f.real(rounder(f)));
  Term n = shifted - rounder(f);
  Term r = f.fma(n, f.real(f.wide ? -0.6931471805598903 : -0.693145751953125), x);
  r = f.fma(n, f.real(f.wide ? -5.497923018708371e-14 : -1.4286068203094173e-06), r);
  return {r, f.asBits(shifted)};
}

/// e^r - 1 for a reduced r.
static Term growth(Term r) { return r.formula->fma(r * r, polynomial(r, tables::ExpF32, tables::ExpF64), r); }

Term expCore(Term x) {
  Formula &f = *x.formula;
  Reduced reduced = reduceByLog2(x);
  Term power = f.asBits(polynomial(reduced.r, tables::ExpAllF32, tables::ExpAllF64));
  return f.asReal(f.addBits(power, f.shiftLeft(reduced.scale, mantissaBits(f))));
}

Term expOf(Term x) {
  Formula &f = *x.formula;
  Term result = f.select(x < (f.wide ? -708.3964185322641 : -87.33654022216797), f.real(0), expCore(x));
  return f.select(x <= (f.wide ? 709.782712893384 : 88.72283172607422), result, x + infinity);
}

// --- log ---

/// x = m 2^e with sqrt(1/2) <= m < sqrt(2): m - 1, and e as a real.
static std::pair<Term, Term> split(Term x) {
  Formula &f = *x.formula;
  int bits = mantissaBits(f);
  Term pattern = f.asBits(x);
  Term above = f.subBits(pattern, f.bits(f.wide ? 0x3fe6a09e667f3bcd : 0x3f3504f3));
  Term e = f.shiftRight(above, bits);
  Term m = f.asReal(f.subBits(pattern, f.shiftLeft(e, bits)));
  Term count = f.asReal(f.addBits(e, f.asBits(f.real(rounder(f))))) - rounder(f);
  return {m - 1.0, count};
}

static Term logOfParts(Term m, Term e) {
  Formula &f = *m.formula;
  if (!f.wide) {
    Term z = m * m;
    Term y = m * z * f.polynomial(m, tables::LogF32);
    y = f.fma(e, f.real(1.4286068203094173e-06), y);
    y = m + f.fma(z, f.real(-0.5), y);
    return f.fma(e, f.real(0.693145751953125), y);
  }
  Term s = m / (2.0 + m), z = s * s, half = 0.5 * m * m;
  Term rest = z * f.polynomial(z, tables::AtanhF64);
  Term low = f.fma(s, half + rest, e * 5.497923018708371e-14);
  return f.fma(e, f.real(0.6931471805598903), m - (half - low));
}

Term logCore(Term x) {
  auto [m, e] = split(x);
  return logOfParts(m, e);
}

Term logOf(Term x) {
  Formula &f = *x.formula;
  Term tiny = x < (f.wide ? 0x1p-1022 : 0x1p-126);
  int lift = mantissaBits(f) + 1;
  auto [m, e] = split(f.select(tiny, x * std::ldexp(1.0, lift), x));
  Term result = logOfParts(m, f.select(tiny, e - double(lift), e));
  result = f.select(x <= 0.0, f.select(x == 0.0, f.real(-infinity), f.real(nan)), result);
  return f.select(x < infinity, result, x);
}

// --- sin, cos ---

static Term sineOf(Term r, Term z) { return r.formula->fma(r * z, polynomial(z, tables::SinF32, tables::SinF64), r); }
static Term cosineOf(Term z) {
  Formula &f = *z.formula;
  return f.fma(z * z, polynomial(z, tables::CosF32, tables::CosF64), f.fma(z, f.real(-0.5), f.real(1)));
}

/// sin(x + quarters pi / 2)
static Term waveOf(Term x, int quarters) {
  Formula &f = *x.formula;
  Term shifted = f.fma(x, f.real(0.6366197723675814), f.real(rounder(f)));
  Term n = shifted - rounder(f), turn = f.addBits(f.asBits(shifted), f.bits(quarters));
  const double wide[] = {-1.5707963267948966, -6.123233995736766e-17, 1.4973849048591698e-33};
  const double narrow[] = {-1.5707963705062866, 4.371138828673793e-08, 1.7151245100058819e-15};
  Term r = x;
  for (double part : f.wide ? wide : narrow)
    r = f.fma(n, f.real(part), r);
  r = f.select(f.abs(x) <= f.real(f.wide ? 0x1p50 : 0x1p21), r, f.real(nan)); // beyond, the turns take all digits
  Term z = r * r;
  Term even = f.equalBits(f.both(turn, f.bits(1)), f.bits(0));
  Term value = f.select(even, sineOf(r, z), cosineOf(z));
  Term sign = f.shiftLeft(f.both(turn, f.bits(2)), f.wide ? 62 : 30);
  return f.asReal(f.differ(f.asBits(value), sign));
}

static Term sinOf(Term x) { return waveOf(x, 0); }
static Term cosOf(Term x) { return waveOf(x, 1); }

// --- tanh, acos, erf ---

static Term tanhOf(Term x) {
  Formula &f = *x.formula;
  const double big = f.wide ? 20 : 10;
  Term a = f.abs(x);
  Reduced reduced = reduceByLog2(2.0 * f.select(big < a, f.real(big), a));
  Term scale = f.asReal(f.addBits(f.shiftLeft(reduced.scale, mantissaBits(f)), f.asBits(f.real(1))));
  Term e = f.fma(scale, growth(reduced.r), scale - 1.0);
  Term z = x * x;
  Term near = f.fma(x * z, polynomial(z, tables::TanhF32, tables::TanhF64), x);
  return f.select(a < 0.625, near, f.withSign(e / (e + 2.0), x));
}

static Term acosOf(Term x) {
  Formula &f = *x.formula;
  Term a = f.abs(x);
  Term outer = 0.5 < a;
  Term z = f.select(outer, f.fma(a, f.real(-0.5), f.real(0.5)), x * x);
  Term s = f.select(outer, f.sqrt(z), x);
  Term arc = f.fma(s * z, polynomial(z, tables::AsinF32, tables::AsinF64), s);
  const double high = f.wide ? 1.5707963267948966 : 1.5707963705062866;
  const double low = f.wide ? 6.123233995736766e-17 : -4.371138828673793e-08;
  Term twice = arc + arc;
  Term far = f.select(x < 0.0, 2 * high - (twice - 2 * low), twice);
  return f.select(outer, far, high - (arc - low));
}

static Term erfOf(Term x) {
  Formula &f = *x.formula;
  Term a = f.abs(x);
  Term near = f.fma(x, polynomial(x * x, tables::ErfF32, tables::ErfF64), x);
  const double last = f.wide ? 6 : 4;
  Term u = f.select(last < a, f.real(last), a) - 1.0;
  Term tail = polynomial(u, tables::LogErfcShortF32, tables::LogErfcF64);
  return f.select(a < 1.0, near, f.withSign(1.0 - expCore(tail), x));
}

// --- Box-Muller ---

Value expandRadius(OpBuilder &b, Location loc, Value u) {
  Formula f(b, loc, u.getType());
  return f.sqrt(-2.0 * logCore(f.of(u))).value;
}

Value expandTurn(OpBuilder &b, Location loc, Value u, bool sine) {
  Formula f(b, loc, u.getType());
  Term shifted = f.fma(f.of(u), f.real(4), f.real(rounder(f)));
  Term turn = f.asBits(shifted), r = f.fma(shifted - rounder(f), f.real(-0.25), f.of(u)), z = r * r;
  Term s = r * polynomial(z, tables::SinTurnF32, tables::SinTurnF64);
  Term c = polynomial(z, tables::CosTurnF32, tables::CosTurnF64);
  Term even = f.equalBits(f.both(turn, f.bits(1)), f.bits(0));
  Term value = sine ? f.select(even, s, c) : f.select(even, c, s);
  Term quarter = sine ? turn : f.addBits(turn, f.bits(1));
  Term sign = f.shiftLeft(f.both(quarter, f.bits(2)), f.wide ? 62 : 30);
  return f.asReal(f.differ(f.asBits(value), sign)).value;
}

// --- the table ---

Value expandPower(OpBuilder &b, Location loc, Value x, int64_t n) {
  Formula f(b, loc, x.getType());
  Term base = f.of(x), result = f.real(1);
  bool empty = true;
  for (uint64_t left = std::abs(n); left; left >>= 1) {
    if (left & 1)
      result = empty ? base : result * base;
    empty &= !(left & 1);
    if (left > 1)
      base = base * base;
  }
  return (n < 0 ? 1.0 / result : result).value;
}

Value expandMath(OpBuilder &b, Location loc, StringRef name, ValueRange operands) {
  struct Row {
    StringLiteral name;
    Term (*one)(Term);
    Term (*two)(Term, Term);
  };
  static constexpr Row rows[] = {
      {"math.exp", expOf, nullptr},
      {"math.log", logOf, nullptr},
      {"math.sqrt", [](Term x) { return x.formula->sqrt(x); }, nullptr},
      {"math.absf", [](Term x) { return x.formula->abs(x); }, nullptr},
      {"math.sin", sinOf, nullptr},
      {"math.cos", cosOf, nullptr},
      {"math.tanh", tanhOf, nullptr},
      {"math.acos", acosOf, nullptr},
      {"math.erf", erfOf, nullptr},
      {"kac.lgamma", lgammaOf, nullptr},
      {"kac.digamma", digammaOf, nullptr},
      {"kac.trigamma", trigammaOf, nullptr},
      {"kac.pow", nullptr, powOf},
  };
  for (const Row &row : rows) {
    if (row.name != name || operands.size() != (row.one ? 1 : 2))
      continue;
    Formula f(b, loc, operands[0].getType());
    return (row.one ? row.one(f.of(operands[0])) : row.two(f.of(operands[0]), f.of(operands[1]))).value;
  }
  return {};
}

} // namespace kac
