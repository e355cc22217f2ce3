// Constants and functions of single numbers: first what the machine supplies, each with its derivative, then the rest.

/// The ratio of a circle's circumference to its diameter.
const pi = 3.141592653589793
test "pi" = close(cos(pi / 3), 0.5)

/// Larger than every finite number.
const inf = 1e308 * 10
test "inf" = 1e308 < inf && -inf < -1e308

/// e to the x.
fn exp(x : real) -> positive = "math.exp" with dx = exp(x)
test "exp" = close(exp(0.7), 2.01375270747) && close(derivative(exp, 0.7), 2.01375270747)

/// The natural logarithm of x; that of 0 is -inf.
fn log(x : real) -> real = "math.log" with dx = 1 / x
test "log" = close(log(0.35), -1.049822124499) && close(derivative(log, 0.35), 2.857142857143)

/// log(1 + x) without cancellation: near 0 the series of 2 atanh(x / (2 + x)).
fn log_one_plus(x : real) -> real {
  z = x / (2 + x)
  s = z^2
  near = 2 * z * (1 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s / 13))))))
  if abs(x) < 0.1 { near } else { log(1 + x) }
}
test "log_one_plus" = close(log_one_plus(0.35), 0.3001045924503) && close(1e12 * log_one_plus(3e-12), 3) &&
  close(log_one_plus(0.09), 0.0861776962410523) &&
  close(derivative(log_one_plus, 0.35), 1 / 1.35) && close(derivative(log_one_plus, 0.01), 1 / 1.01)

/// The square root of x.
fn sqrt(x : real) -> real = "math.sqrt" with dx = 0.5 / sqrt(x)
test "sqrt" = close(sqrt(2.3), 1.51657508881) && close(derivative(sqrt, 2.3), 0.3296902366979)

/// The sine of x, in radians.
fn sin(x : real) -> real = "math.sin" with dx = cos(x)
test "sin" = close(sin(0.8), 0.7173560908995) && close(derivative(sin, 0.8), 0.6967067093472)

/// The cosine of x, in radians.
fn cos(x : real) -> real = "math.cos" with dx = -sin(x)
test "cos" = close(cos(0.8), 0.6967067093472) && close(derivative(cos, 0.8), -0.7173560908995)

/// The hyperbolic tangent of x.
fn tanh(x : real) -> real = "math.tanh" with dx = 1 - tanh(x)^2
test "tanh" = close(tanh(0.8), 0.6640367702678) && close(derivative(tanh, 0.8), 0.5590551677322)

/// The angle between 0 and pi whose cosine is x.
fn acos(x : real) -> real = "math.acos" with dx = -1 / sqrt(1 - x^2)
test "acos" = close(acos(0.3), 1.266103672779) && close(derivative(acos, 0.3), -1.048284836722)

/// The error function: 2 / sqrt(pi) times the integral of exp(-y^2) from 0 to x.
fn erf(x : real) -> real = "math.erf" with dx = 2 / sqrt(pi) * exp(-x^2)
test "erf" = close(erf(-0.6), -0.6038560908479) && close(derivative(erf, -0.6), 0.7872434317143)

/// The absolute value of x; its derivative at 0 is 0.
fn abs(x : real) -> real = "math.absf" with dx = sign(x)
test "abs" = abs(-1.5) == 1.5 && derivative(abs, -1.5) == -1 && derivative(abs, 0) == 0

/// The largest integer that is not above x.
fn floor(x : real) -> int = "math.floor"
test "floor" = floor(2.7) == 2 && floor(-2.3) == -3

/// The logarithm of the gamma function, for x above 0.
fn lgamma(x : real) -> real = "kac.lgamma" with dx = digamma(x)
test "lgamma" = close(lgamma(3.7), 1.428072326665) && close(derivative(lgamma, 3.7), 1.167153539362)

/// The derivative of lgamma.
fn digamma(x : real) -> real = "kac.digamma" with dx = trigamma(x)
test "digamma" = close(digamma(0.3), -3.5025242222) && close(derivative(digamma, 3.7), 0.31003785767)

/// The second derivative of lgamma.
fn trigamma(x : real) -> real = "kac.trigamma" with dx = tetragamma(x)
test "trigamma" = close(trigamma(0.3), 12.24536454611) && close(derivative(trigamma, 3.7), -0.09539530872855)

/// The third derivative of lgamma, for x above 0: ten terms of the recurrence, then Abramowitz and Stegun 6.4.14.
fn tetragamma(x : real) -> real {
  z = x + 10
  r = 1 / z^2
  -r * (1 + 1 / z + r * (1 / 2 - r * (1 / 6 - r * (1 / 6 - r * (3 / 10 - r * 5 / 6))))) -
    sum(2 / (x + k)^3 for k in 10)
}
test "tetragamma" = close(tetragamma(0.3), -75.27253658873) && close(derivative(tetragamma, 3.7), 0.05827921795656)

/// The integer quotient of a by b, rounded down; `a % b` is what is left.
fn quotient(a : int, b : int) -> int = "kac.quotient"
test "quotient" = quotient(7, 3) == 2 && quotient(-7, 3) == -3 && -7 % 3 == 2

/// The derivative of f at x.
fn derivative(f : fn(real) -> real, x : real) -> real = grad(f(x), x)
test "derivative" = close(derivative(sq, 1.5), 3)

/// Whether a is b to a millionth of b, or of 1 where that is more.
fn close(a : real, b : real) -> bool = abs(a - b) <= 1e-6 * (1 + abs(b))
test "close" = close(1.0000001, 1) && !close(1.00001, 1) && !close(inf - inf, 0)

/// The square of x.
fn sq(x : real) -> real = x * x
test "sq" = sq(-1.5) == 2.25

/// -1, 0 or 1, as x is below, at or above 0.
fn sign(x : real) -> real = if x > 0 { 1 } else if x < 0 { -1 } else { x }
test "sign" = sign(-0.3) == -1 && sign(0) == 0 && sign(1e-30) == 1

/// a where c holds, else b; of arrays element by element.
fn select[T](c : bool, a : T, b : T) -> T = if c { a } else { b }
test "select" = all(select([true, false], [1, 2], [3, 4]) == [1, 4])

/// 1 where c holds, else 0.
fn indicator(c : bool) -> real = if c { 1 } else { 0 }
test "indicator" = sum(indicator([0.3, -1.2, 2.0] > 0)) == 2

/// The smaller of a and b; not a number where one of them is none.
fn minimum(a : real, b : real) -> real = if b < a || b != b { b } else { a }
test "minimum" = minimum(2, -1.5) == -1.5 && minimum(-1.5, 2) == -1.5 && !(minimum(0, inf - inf) <= 0)

/// The larger of a and b; not a number where one of them is none.
fn maximum(a : real, b : real) -> real = if a < b || b != b { b } else { a }
test "maximum" = maximum(2, -1.5) == 2 && maximum(-1.5, 2) == 2 && !(maximum(inf - inf, 0) >= 0)

/// x, moved to the nearer end where it lies outside the interval from lo to hi.
fn clip(x : real, lo : real, hi : real) -> real = minimum(maximum(x, lo), hi)
test "clip" = all(clip([-3, 0.2, 7], -1, 1) == [-1, 0.2, 1])

/// x, or 0 where x is below it.
fn relu(x : real) -> real = maximum(x, 0)
test "relu" = all(relu([-0.5, 1.5]) == [0, 1.5])

/// x, or a hundredth of x where it is below 0.
fn leaky_relu(x : real) -> real = if x > 0 { x } else { 0.01 * x }
test "leaky_relu" = leaky_relu(-0.5) == -0.005 && leaky_relu(1.5) == 1.5

/// 1 / (1 + exp(-x)), with small values and all derivatives as precise as large ones.
fn sigmoid(x : real) -> real {
  e = exp(if x < 0 { x } else { -x })
  if x < 0 { e / (1 + e) } else { 1 / (1 + e) }
}

test "sigmoid" = close(sigmoid(-1.3), 0.2141650169574) && close(sigmoid(-40) * 1e18, 4.248354255292) &&
  close(derivative(sigmoid, -1.3), 0.1682983624691) && close(derivative(sigmoid, 0), 0.25)

/// x times its sigmoid (arXiv 1702.03118).
fn silu(x : real) -> real = x * sigmoid(x)
test "silu" = close(silu(-1.3), -0.2784145220447)

/// x times the normal distribution function of x (arXiv 1606.08415).
fn gelu(x : real) -> real = x * normal_cdf(x)
test "gelu" = close(gelu(-0.7), -0.1693745565562)

/// log(1 + exp(x)), which does not overflow.
fn softplus(x : real) -> real = if x > 0 { x + log(1 + exp(-x)) } else { log(1 + exp(x)) }
test "softplus" = close(softplus(-1.3), 0.241008453833) && close(softplus(2.1), 2.21551952318) &&
  softplus(1000) == 1000 && close(derivative(softplus, 0), 0.5)

/// The inverse of sigmoid, for p between 0 and 1.
fn logit(p : real) -> real = log(p) - log(1 - p)
test "logit" = close(logit(0.3), -0.8472978603872)

/// The standard normal distribution function at x, to absolute precision.
fn normal_cdf(x : real) -> real = 0.5 * (1 + erf(x / sqrt(2)))
test "normal_cdf" = close(normal_cdf(-1.2), 0.1150696702217)

/// a times log(x), and 0 where both are 0.
fn times_log(a : real, x : real) -> real = if a == 0 && x == 0 { 0 } else { a * log(x) }
test "times_log" = times_log(0, 0) == 0 && close(times_log(2, 0.35), -2.099644248998) && times_log(2, 0) == -inf
