// The table of scalar operations, and the two special functions that libm lacks.
#include "tests/oracle/Primitives.h"

#include <cmath>
#include <map>
#include <stdexcept>

namespace kac::oracle {

/// Upwards recurrence to 12, then the asymptotic series; reflection below 0.
double digamma(double x) {
  if (x <= 0)
    return x == std::floor(x) ? std::nan("") : digamma(1 - x) - M_PI / std::tan(M_PI * x);
  double result = 0;
  for (; x < 12; x += 1)
    result -= 1 / x;
  double r = 1 / (x * x);
  double series =
      r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132 - r * 691 / 32760)))));
  return result + std::log(x) - 0.5 / x - series;
}

double trigamma(double x) {
  if (x <= 0) {
    double s = std::sin(M_PI * x);
    return x == std::floor(x) ? std::nan("") : M_PI * M_PI / (s * s) - trigamma(1 - x);
  }
  double result = 0;
  for (; x < 12; x += 1)
    result += 1 / (x * x);
  double r = 1 / (x * x);
  double series = 1.0 / 6 - r * (1.0 / 30 - r * (1.0 / 42 - r * (1.0 / 30 - r * (5.0 / 66 - r * 691 / 2730))));
  return result + 1 / x + r / 2 + r / x * series;
}

PrimitiveValue primitiveValue(const std::string &name) {
  static const std::map<std::string, PrimitiveValue> table = {
      {"math.exp", [](const double *a) { return std::exp(a[0]); }},
      {"math.exp2", [](const double *a) { return std::exp2(a[0]); }},
      {"math.expm1", [](const double *a) { return std::expm1(a[0]); }},
      {"math.log", [](const double *a) { return std::log(a[0]); }},
      {"math.log1p", [](const double *a) { return std::log1p(a[0]); }},
      {"math.log2", [](const double *a) { return std::log2(a[0]); }},
      {"math.sqrt", [](const double *a) { return std::sqrt(a[0]); }},
      {"math.sin", [](const double *a) { return std::sin(a[0]); }},
      {"math.cos", [](const double *a) { return std::cos(a[0]); }},
      {"math.tan", [](const double *a) { return std::tan(a[0]); }},
      {"math.tanh", [](const double *a) { return std::tanh(a[0]); }},
      {"math.acos", [](const double *a) { return std::acos(a[0]); }},
      {"math.asin", [](const double *a) { return std::asin(a[0]); }},
      {"math.atan", [](const double *a) { return std::atan(a[0]); }},
      {"math.erf", [](const double *a) { return std::erf(a[0]); }},
      {"math.absf", [](const double *a) { return std::fabs(a[0]); }},
      {"math.floor", [](const double *a) { return std::floor(a[0]); }},
      {"math.ceil", [](const double *a) { return std::ceil(a[0]); }},
      {"kac.lgamma", [](const double *a) { return std::lgamma(a[0]); }},
      {"kac.digamma", [](const double *a) { return digamma(a[0]); }},
      {"kac.trigamma", [](const double *a) { return trigamma(a[0]); }},
      {"kac.quotient", [](const double *a) { return std::floor(a[0] / a[1]); }},
  };
  auto found = table.find(name);
  if (found == table.end())
    throw std::invalid_argument("the oracle does not know the operation " + name);
  return found->second;
}

} // namespace kac::oracle
