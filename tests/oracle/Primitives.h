// Values of the scalar operations that the prelude names, by libm or by plain formulas: a name and its arguments go in.
#pragma once

#include <string>
#include <vector>

namespace kac::oracle {

double digamma(double x);
double trigamma(double x);

/// Throws std::invalid_argument for a name that is not known.
using PrimitiveValue = double (*)(const double *args);
PrimitiveValue primitiveValue(const std::string &name);

} // namespace kac::oracle
