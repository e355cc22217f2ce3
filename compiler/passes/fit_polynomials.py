"""Functions and intervals in, ExpandMathTables.h out: coefficients by weighted least squares in 60 digits.

Run as `python3 fit_polynomials.py > ExpandMathTables.h` (needs mpmath). Each row is name, function, interval, the weight
that turns an error of the fit into one of the result, and the degrees for f32 and f64.
"""
from mpmath import mp, mpf, cos, sin, exp, log, erf, erfc, asin, atanh, tanh, loggamma, pi, sqrt, matrix, qr_solve

mp.dps = 60


def fit(function, low, high, degree, weight):
    count = 6 * (degree + 1)
    points = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    rows = matrix(count, degree + 1)
    values = matrix(count, 1)
    for i, x in enumerate(points):
        w = weight(x)
        for j in range(degree + 1):
            rows[i, j] = w * x**j
        values[i] = w * function(x)
    solution, _ = qr_solve(rows, values)
    coefficients = [solution[j] for j in range(degree + 1)]
    worst = max(abs((sum(c * x**j for j, c in enumerate(coefficients)) - function(x)) * weight(x)) for x in points)
    return coefficients, worst


def one(x):
    return mpf(1)


def root(z):
    return sqrt(z)


half_log2 = log(mpf(2)) / 2 * mpf("1.0001")
edge = mpf(1) / 64
ROWS = [
    # e^r = 1 + r + r^2 Exp(r)
    ("Exp", lambda r: (exp(r) - 1 - r) / r**2, -half_log2, half_log2, lambda r: r**2, 4, 9),
    # e^r by itself: a step shorter
    ("ExpAll", exp, -half_log2, half_log2, one, 6, 11),
    # log(1 + f) = f - f^2 / 2 + f^3 Log(f): f32
    ("Log", lambda f: (log(1 + f) - f + f**2 / 2) / f**3, sqrt(mpf(2)) / 2 - 1, sqrt(mpf(2)) - 1, lambda f: f**2, 7, None),
    # 2 atanh(s) = 2 s + s z Atanh(z), z = s^2: f64
    ("Atanh", lambda z: (2 * atanh(root(z)) / root(z) - 2) / z, mpf("1e-12"), mpf("0.02945"), lambda z: z, None, 7),
    # sin(x) = x + x z Sin(z), cos(x) = 1 - z / 2 + z^2 Cos(z), z = x^2
    ("Sin", lambda z: (sin(root(z)) / root(z) - 1) / z, mpf("1e-10"), (pi / 4)**2, lambda z: z, 2, 5),
    ("Cos", lambda z: (cos(root(z)) - 1 + z / 2) / z**2, mpf("1e-8"), (pi / 4)**2, lambda z: z**2, 2, 5),
    # sin(2 pi f) = f SinTurn(z), cos(2 pi f) = CosTurn(z), z = f^2
    ("SinTurn", lambda z: sin(2 * pi * root(z)) / root(z), mpf("1e-20"), edge, one, 3, 7),
    ("CosTurn", lambda z: cos(2 * pi * root(z)), mpf(0), edge, one, 3, 7),
    # asin(x) = x + x z Asin(z), z = x^2
    ("Asin", lambda z: (asin(root(z)) / root(z) - 1) / z, mpf("1e-12"), mpf(1) / 4, lambda z: z, 5, 12),
    # tanh(x) = x + x z Tanh(z), z = x^2, |x| <= 0.625
    ("Tanh", lambda z: (tanh(root(z)) / root(z) - 1) / z, mpf("1e-12"), mpf("0.3907"), lambda z: z, 5, 11),
    # erf(x) = x + x Erf(z), z = x^2 <= 1; log erfc(x) = LogErfc(x - 1) above
    ("Erf", lambda z: erf(root(z)) / root(z) - 1, mpf("1e-24"), mpf(1), one, 6, 11),
    ("LogErfc", lambda u: log(erfc(u + 1)), mpf(0), mpf(5), lambda u: erfc(u + 1) + mpf("1e-18"), None, 20),
    ("LogErfcShort", lambda u: log(erfc(u + 1)), mpf(0), mpf(3), lambda u: erfc(u + 1) + mpf("1e-9"), 8, None),
    # lgamma(2 + u) = u Lgamma(u - 1/2), 0 <= u <= 1
    ("Lgamma", lambda v: loggamma(mpf(5) / 2 + v) / (v + mpf(1) / 2), mpf("-0.5") + mpf("1e-20"), mpf("0.5"), one, None, 16),
]


def show(name, type_name, coefficients):
    digits = 10 if type_name == "F32" else 18
    text = ", ".join(mp.nstr(c, digits, min_fixed=0, max_fixed=0) for c in coefficients)
    line, lines = "", []
    for part in text.split(", "):
        if len(line) + len(part) > 110:
            lines.append(line.rstrip())
            line = ""
        line += part + ", "
    lines.append(line.rstrip(", "))
    return f"inline constexpr double {name}{type_name}[] = {{\n    " + "\n    ".join(lines) + "};"


print("// Coefficients of the polynomials of ExpandMath.cpp, lowest power first; made by fit_polynomials.py.")
print("#pragma once\n\nnamespace kac::tables {\n")
import sys
for name, function, low, high, weight, short, long_ in ROWS:
    for type_name, degree in (("F32", short), ("F64", long_)):
        if degree is not None:
            coefficients, worst = fit(function, low, high, degree, weight)
            print(name, type_name, mp.nstr(worst, 3), file=sys.stderr)
            print(show(name, type_name, coefficients))
print("\n} // namespace kac::tables")
