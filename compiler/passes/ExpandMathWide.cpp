// pow, lgamma, digamma and trigamma as formulas. Those of f32 are computed in f64 and rounded once.
#include "compiler/passes/ExpandMathCores.h"
#include "compiler/passes/ExpandMathTables.h"

#include "mlir/IR/BuiltinTypes.h"

#include <limits>

using namespace mlir;

namespace kac {

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// `body` of the operands as f64, rounded to their type.
static Term inDouble(ArrayRef<Term> operands, llvm::function_ref<Term(ArrayRef<Term>)> body) {
  Formula &f = *operands[0].formula;
  if (f.wide)
    return body(operands);
  Formula wide(f.builder(), f.location(), f.wideType());
  SmallVector<Term> lifted;
  for (Term operand : operands)
    lifted.push_back(wide.of(arith::ExtFOp::create(f.builder(), f.location(), f.wideType(), operand.value)));
  Term result = body(lifted);
  Type type = operands[0].value.getType();
  Term rounded = f.of(arith::TruncFOp::create(f.builder(), f.location(), type, result.value));
  return f.select(f.abs(rounded) < 0x1p-126, f.real(0), rounded);
}

// --- pow ---

namespace {
/// high + low, the sum known to twice the digits.
struct Pair {
  Term high, low;
};
} // namespace

static Pair quickSum(Term x, Term y) {
  Term sum = x + y;
  return {sum, y - (sum - x)};
}

static Pair product(Term x, Term y) {
  Term high = x * y;
  return {high, x.formula->fma(x, y, -high)};
}

/// log x for normal x > 0, to about 2^-65.
static Pair logPair(Term x) {
  Formula &f = *x.formula;
  Term pattern = f.asBits(x);
  Term e = f.shiftRight(f.subBits(pattern, f.bits(0x3fe6a09e667f3bcd)), 52);
  Term m = f.asReal(f.subBits(pattern, f.shiftLeft(e, 52)));
  const double rounder = 6755399441055744.0;
  Term count = f.asReal(f.addBits(e, f.asBits(f.real(rounder)))) - rounder;
  // s = (m - 1) / (m + 1)
  Term above = m - 1.0;
  Pair below = quickSum(m, f.real(1));
  below = {below.high, (m - (below.high - 1.0)) + 0.0};
  Term s = above / below.high;
  Term sLow = (f.fma(-s, below.high, above) - s * below.low) / below.high;
  // 2 atanh(s) = 2 s + s z (2/3 + z rest)
  Pair z = product(s, s);
  Term zLow = f.fma(s + s, sLow, z.low);
  Term rest = f.polynomial(z.high, ArrayRef(tables::AtanhF64).drop_front());
  Pair cube = product(z.high, s);
  Term cubeLow = f.fma(z.high, sLow, f.fma(zLow, s, cube.low));
  Term third = f.real(0.6666666666666666);
  Pair term = product(cube.high, third);
  Term termLow = f.fma(cubeLow, third, f.fma(cube.high, f.fma(z.high, rest, f.real(3.700743415417188e-17)), term.low));
  Pair scaled = product(count, f.real(0.6931471805599453));
  Term scaledLow = f.fma(count, f.real(2.3190468138462996e-17), scaled.low);
  // |count log 2| is zero or above |2 s|, which is above the cube
  Pair first = quickSum(s + s, term.high);
  Term firstLow = first.low + (sLow + sLow + termLow);
  Pair sum = quickSum(scaled.high, first.high);
  Term zero = count == 0.0;
  Term high = f.select(zero, first.high, sum.high);
  Term low = f.select(zero, firstLow, sum.low + (firstLow + scaledLow));
  return quickSum(high, low);
}

static Term powWide(Term x, Term y, bool exact) {
  Formula &f = *x.formula;
  Term a = f.abs(x);
  Term tiny = a < 0x1p-1022;
  Term lifted = f.select(tiny, a * 0x1p53, a);
  Term high = y, correction = f.real(0);
  if (exact) {
    Pair l = logPair(lifted);
    l = quickSum(f.select(tiny, l.high - 36.7368005696771, l.high), l.low);
    Pair p = product(y, l.high);
    high = p.high;
    correction = f.fma(y, l.low, p.low);
  } else {
    Term l = logCore(lifted);
    high = y * f.select(tiny, l - 36.7368005696771, l);
  }
  Term power = expCore(high);
  if (exact)
    power = f.fma(power, correction, power);
  power = f.select(high < -708.3964185322641, f.real(0), power);
  power = f.select(high <= 709.782712893384, power, high + infinity);
  // |x| = 0, inf, 1; y = 0
  Term rises = 0.0 < y, falls = y < 0.0;
  Term none = f.select(rises, f.real(0), f.real(infinity)), all = f.select(falls, f.real(0), f.real(infinity));
  power = f.select(a == 0.0, none, power);
  power = f.select(a == infinity, all, power);
  power = f.select(f.either(y == 0.0, x == 1.0), f.real(1), power);
  power = f.select(f.both(a == 1.0, f.abs(y) == infinity), f.real(1), power);
  Term whole = f.floor(y) == y;
  Term half = 0.5 * y;
  Term odd = f.both(whole, f.differ(f.floor(half) == half, whole));
  Term negative = f.withSign(f.real(1), x) < 0.0;
  power = f.select(f.both(negative, odd), -power, power);
  Term undefined = f.both(f.both(x < 0.0, a < infinity), f.floor(y) < y);
  power = f.select(undefined, f.real(nan), power);
  Term isNumber = f.both(x == x, y == y);
  Term settled = f.either(isNumber, f.either(y == 0.0, x == 1.0));
  return f.select(settled, power, x + y);
}

Term powOf(Term x, Term y) {
  bool exact = x.formula->wide;
  return inDouble({x, y}, [&](ArrayRef<Term> of) { return powWide(of[0], of[1], exact); });
}

// --- lgamma, digamma, trigamma ---

/// NaN below 0, `atZero` at 0, `atInfinity` at infinity, NaN for NaN, else `value`.
static Term onPositive(Term x, Term value, double atZero, double atInfinity) {
  Formula &f = *x.formula;
  value = f.select(x == 0.0, f.real(atZero), f.select(x < 0.0, f.real(nan), value));
  return f.select(x < infinity, value, x + atInfinity);
}

Term lgammaOf(Term operand) {
  return inDouble(operand, [](ArrayRef<Term> of) {
    Term x = of[0];
    Formula &f = *x.formula;
    // 2 <= u + 2 < 3 by the recurrence; what it leaves is the log of a product
    Term u = x, above = f.real(1), below = f.real(1);
    for (int k = 0; k < 2; ++k) {
      Term low = u < 2.0;
      below = f.select(low, below * u, below);
      u = f.select(low, u + 1.0, u);
    }
    for (int k = 0; k < 5; ++k) {
      Term high = f.differ(u < 3.0, f.equalBits(f.bits(0), f.bits(0)));
      u = f.select(high, u - 1.0, u);
      above = f.select(high, above * u, above);
    }
    u = u - 2.0;
    Term near = u * f.polynomial(u - 0.5, tables::LgammaF64) + f.select(x < 2.0, -logOf(below), logOf(above));
    Term w = 1.0 / x, z = w * w;
    const double series[] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                             1.0 / 1188, -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400};
    Term far = f.fma(x - 0.5, logOf(x), 0.9189385332046728 - x) + w * f.polynomial(z, series);
    return onPositive(x, f.select(x < 8.0, near, far), infinity, infinity);
  });
}

Term digammaOf(Term operand) {
  return inDouble(operand, [](ArrayRef<Term> of) {
    Term x = of[0];
    Formula &f = *x.formula;
    // psi(x) = psi(y) - sum 1 / (x + k), the sum with what rounding took from it
    Term y = x, shift = f.real(0), lost = f.real(0);
    for (int k = 0; k < 10; ++k) {
      Term low = y < 10.0, part = 1.0 / y, sum = shift + part;
      Term taken = sum - shift, rest = (shift - (sum - taken)) + (part - taken);
      rest = f.fma(part, f.fma(-part, y, f.real(1)), rest);
      lost = f.select(low, lost + rest, lost);
      shift = f.select(low, sum, shift);
      y = f.select(low, y + 1.0, y);
    }
    Term w = 1.0 / y, z = w * w;
    const double series[] = {-1.0 / 12, 1.0 / 120, -1.0 / 252, 1.0 / 240, -1.0 / 132, 691.0 / 32760, -1.0 / 12};
    Term far = (logOf(y) - shift) + (f.fma(z, f.polynomial(z, series), -0.5 * w) - lost);
    return onPositive(x, far, -infinity, infinity);
  });
}

Term trigammaOf(Term operand) {
  return inDouble(operand, [](ArrayRef<Term> of) {
    Term x = of[0];
    Formula &f = *x.formula;
    Term y = x, shift = f.real(0);
    SmallVector<std::pair<Term, Term>> steps;
    for (int k = 0; k < 10; ++k) {
      Term low = y < 10.0, part = 1.0 / y;
      steps.push_back({low, part * part});
      y = f.select(low, y + 1.0, y);
    }
    for (auto [low, part] : llvm::reverse(steps))
      shift = f.select(low, shift + part, shift);
    Term w = 1.0 / y, z = w * w;
    const double series[] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6};
    Term far = shift + f.fma(w * z, f.polynomial(z, series), f.fma(z, f.real(0.5), w));
    Term value = onPositive(x, far, infinity, infinity);
    return f.select(x == infinity, f.real(0), value);
  });
}

} // namespace kac
