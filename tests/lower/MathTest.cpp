// Elementary functions, compiled as scalars and as vectors, against those of C in higher precision: errors in units of
// the last place, special values, and that no call is left.
#include "compiler/emit/EmitLlvm.h"
#include "compiler/passes/ExpandMath.h"
#include "tests/lower/Loaded.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using kac::test::Loaded;

namespace {

using Wide = long double;

Wide digamma(Wide x) {
  Wide shift = 0;
  for (; x < 30; x += 1)
    shift -= 1 / x;
  Wide z = 1 / (x * x);
  return shift + std::log(x) - 1 / (2 * x) -
         z * (1.0L / 12 - z * (1.0L / 120 - z * (1.0L / 252 - z * (1.0L / 240 - z * (1.0L / 132 - z * 691 / 32760)))));
}

Wide trigamma(Wide x) {
  Wide shift = 0;
  for (; x < 30; x += 1)
    shift += 1 / (x * x);
  Wide z = 1 / (x * x);
  return shift + 1 / x + z / 2 +
         z / x * (1.0L / 6 - z * (1.0L / 30 - z * (1.0L / 42 - z * (1.0L / 30 - z * (5.0L / 66 - z * 691 / 2730)))));
}

struct Row {
  const char *name;
  Wide (*exact)(Wide);
  double low, high; // where it is tried; both above zero: evenly in the logarithm too
  double ulps;
  bool absolute; // ulps of max(1, |value|)
};

const Row rows[] = {
    {"math.exp", std::exp, -800, 800, 2, false},     {"math.exp", std::exp, -1, 1, 2, false},
    {"math.log", std::log, 1e-300, 1e300, 2, false}, {"math.log", std::log, 0.5, 2, 2, false},
    {"math.sqrt", std::sqrt, 0, 1e10, 1, false},     {"math.sin", std::sin, -1048575, 1048575, 2, false},
    {"math.sin", std::sin, -4, 4, 2, false},         {"math.cos", std::cos, -1048575, 1048575, 2, false},
    {"math.cos", std::cos, -4, 4, 2, false},         {"math.tanh", std::tanh, -25, 25, 2, false},
    {"math.tanh", std::tanh, 1e-30, 1, 2, false},    {"math.acos", std::acos, -1, 1, 2, false},
    {"math.acos", std::acos, 0.999, 1, 2, false},    {"math.erf", std::erf, -7, 7, 2, false},
    {"math.erf", std::erf, 1e-30, 1, 2, false},      {"kac.lgamma", std::lgamma, 1e-30, 1e30, 4, true},
    {"kac.lgamma", std::lgamma, 0.01, 20, 4, true},  {"kac.digamma", digamma, 1e-30, 1e30, 4, true},
    {"kac.digamma", digamma, 0.01, 20, 4, true},     {"kac.trigamma", trigamma, 1e-15, 1e30, 4, true},
    {"kac.trigamma", trigamma, 0.01, 20, 4, true},
};

/// What one more bit in the last place is worth at `value`.
template <typename Real> Wide ulpAt(Wide value) {
  Real near = Real(std::fabs(value));
  if (near < std::numeric_limits<Real>::min())
    return std::numeric_limits<Real>::denorm_min();
  return Wide(std::nextafter(near, std::numeric_limits<Real>::infinity())) - Wide(near);
}

template <typename Real> void tryRow(const Row &row, int64_t lanes) {
  Loaded loaded(row.name, sizeof(Real) == 8, lanes, 1);
  std::mt19937_64 random(1);
  const size_t count = 1 << 16;
  std::vector<Real> x(count), y(count);
  std::uniform_real_distribution<double> even(row.low, row.high);
  for (size_t i = 0; i < count; ++i) {
    double value = even(random);
    if (row.low > 0 && i % 2) {
      double low = std::log(std::max(row.low, sizeof(Real) == 8 ? 0.0 : 1e-30)), high = std::log(row.high);
      value = std::exp(low + (high - low) * double(i) / double(count));
    }
    x[i] = Real(value);
  }
  loaded.call(x.data(), nullptr, y.data(), count);
  double worst = 0, where = 0;
  for (size_t i = 0; i < count; ++i) {
    Wide exact = row.exact(Wide(x[i]));
    Wide smallest = std::numeric_limits<Real>::min();
    if (std::isinf(x[i]) || std::fabs(exact) > Wide(std::numeric_limits<Real>::max())) {
      ASSERT_TRUE((std::isinf(y[i]) || std::fabs(y[i]) > std::numeric_limits<Real>::max() / 2) &&
                  std::signbit(y[i]) == std::signbit(exact))
          << row.name << " " << x[i] << " " << y[i];
      continue;
    }
    if (!row.absolute && std::fabs(exact) < smallest * (1 - std::numeric_limits<Real>::epsilon())) {
      ASSERT_TRUE(y[i] == 0 || (std::string(row.name) != "math.exp" && std::fabs(y[i]) <= smallest))
          << row.name << " of " << x[i] << " is " << y[i];
      continue;
    }
    Wide unit = ulpAt<Real>(row.absolute ? std::max(Wide(1), std::fabs(exact)) : exact);
    double error = double(std::fabs(Wide(y[i]) - exact) / unit);
    ASSERT_FALSE(std::isnan(error)) << row.name << " of " << x[i] << " is " << y[i];
    if (error > worst) {
      worst = error;
      where = double(x[i]);
    }
  }
  EXPECT_LE(worst, row.ulps) << row.name << (sizeof(Real) == 8 ? " f64 at " : " f32 at ") << where;
  std::printf("%-14s %s %2d lanes: %.3f ulp at %.9g\n", row.name, sizeof(Real) == 8 ? "f64" : "f32", int(lanes), worst,
              where);
}

TEST(Math, Accuracy) {
  for (const Row &row : rows) {
    tryRow<float>(row, 16);
    tryRow<double>(row, 8);
    tryRow<double>(row, 1);
  }
}

template <typename Real> void tryPow() {
  Loaded loaded("kac.pow", sizeof(Real) == 8, 16, 2);
  std::mt19937_64 random(2);
  const size_t count = 1 << 17;
  std::vector<Real> x(count), y(count), z(count);
  std::uniform_real_distribution<double> even(-1, 1);
  for (size_t i = 0; i < count; ++i) {
    double range = sizeof(Real) == 8 ? 600 : 80;
    double logX = (i % 3 ? 1 : 80) * even(random), y_ = even(random) * std::min(range / std::fabs(logX), 1e3);
    x[i] = Real(std::exp(logX));
    y[i] = Real(y_);
  }
  loaded.call(x.data(), y.data(), z.data(), count);
  double worst = 0;
  for (size_t i = 0; i < count; ++i) {
    Wide exact = std::pow(Wide(x[i]), Wide(y[i]));
    double error = double(std::fabs(Wide(z[i]) - exact) / ulpAt<Real>(exact));
    ASSERT_FALSE(std::isnan(error)) << x[i] << " ^ " << y[i] << " is " << z[i];
    worst = std::max(worst, error);
  }
  EXPECT_LE(worst, 4);
  std::printf("pow %d bytes: %.3f ulp\n", int(sizeof(Real)), worst);
  const Real inf = std::numeric_limits<Real>::infinity(), nan = std::numeric_limits<Real>::quiet_NaN();
  const Real some[] = {0, Real(-0.0), 1,         -1,         2,   -2,   Real(0.5), Real(-0.5),
                       3, -3,         Real(2.5), Real(-2.5), inf, -inf, nan};
  for (Real a : some)
    for (Real b : some) {
      std::vector<Real> as(16, a), bs(16, b), cs(16);
      loaded.call(as.data(), bs.data(), cs.data(), 16);
      Real expected = std::pow(a, b);
      bool same = std::isnan(expected) ? std::isnan(cs[0])
                                       : cs[0] == expected || std::fabs(cs[0] - expected) <= 4 * ulpAt<Real>(expected);
      EXPECT_TRUE(same) << a << " ^ " << b << " = " << expected << ", not " << cs[0];
    }
}

TEST(Math, Pow) {
  tryPow<float>();
  tryPow<double>();
}

template <typename Real> void trySpecials() {
  const Real inf = std::numeric_limits<Real>::infinity(), nan = std::numeric_limits<Real>::quiet_NaN();
  const Real some[] = {
      0, Real(-0.0), 1, -1, 2, inf, -inf, nan, std::numeric_limits<Real>::min(), std::numeric_limits<Real>::max()};
  for (const Row &row : rows) {
    Loaded loaded(row.name, sizeof(Real) == 8, 16, 1);
    std::string name = row.name;
    for (Real a : some) {
      if ((name == "math.sin" || name == "math.cos") && std::fabs(a) > 1e6 && !std::isinf(a))
        continue;
      std::vector<Real> x(16, a), y(16);
      loaded.call(x.data(), nullptr, y.data(), 16);
      Wide exact = row.absolute && !(a > 0) ? Wide(nan) : row.exact(Wide(a));
      if (row.absolute && a == 0)
        exact = name == "kac.digamma" ? -inf : inf;
      if (row.absolute && a == inf)
        exact = name == "kac.trigamma" ? 0 : inf;
      Real expected = Real(exact);
      Wide unit = ulpAt<Real>(row.absolute ? std::max(Wide(1), std::fabs(exact)) : exact);
      bool same = std::isnan(expected) ? std::isnan(y[0])
                                       : y[0] == expected || std::fabs(Wide(y[0]) - exact) <= row.ulps * unit;
      EXPECT_TRUE(same) << name << "(" << a << ") = " << expected << ", not " << y[0];
    }
  }
}

TEST(Math, Specials) {
  trySpecials<float>();
  trySpecials<double>();
}

TEST(Math, NoCallIsLeft) {
  for (const Row &row : rows)
    for (bool f64 : {false, true}) {
      std::string text = Loaded::assembly(row.name, f64, 16, 1);
      EXPECT_EQ(text.find("call"), std::string::npos) << row.name;
    }
}

} // namespace
