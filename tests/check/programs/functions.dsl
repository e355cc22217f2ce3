// Functions: by name, in place, defaults, named arguments, functions of functions, random functions.
fn twice(f : fn(real) -> real, x : real) -> real = f(f(x))
fn half(x : real) -> real = x / 2
fn line(x : real, slope : real = 2, base : real = 1) -> real = slope * x + base
fn integral(f : fn(real) -> real, lo : real, hi : real, n : int = 1000) -> real =
  sum(f(lo + (i + 0.5) * (hi - lo) / n) for i in n) * (hi - lo) / n
fn compose(f : fn(real) -> real, g : fn(real) -> real, x : real) -> real = f(g(x))
fn norm_by(f : fn(real[2]) -> real, x : real[2]) -> real = f(x)
fn shifted_root(a : real) -> real {
  b = 2 * a
  twice(f(y) = y + b, x = 1)                     // sees the local names around it
}
test "by name and in place" = twice(half, 12) == 3 && twice(f(x) = x * x, x = 3) == 81 && twice(sqrt, 16) == 2
test "defaults and names" = line(3) == 7 && line(3, base = 0) == 6 && line(base = 5, x = 1, slope = -1) == 4
test "a function as argument of a reduction" = close(integral(exp, 0, 1), 1.718281756864) &&
  close(integral(f(x) = x^2, lo = 0, hi = 3, n = 10), 8.9775)
test "a body that sees local names" = shifted_root(3) == 13 && compose(f(x) = x + 1, g = half, x = 8) == 5
test "a function of a vector" = norm_by(sq_norm, [3, 4]) == 25 && norm_by(f(v) = v[0] - v[1], x = [3, 4]) == -1
fn noisy(x : real) -> real { z ~ normal(x, 0.5); z }
fn two() -> real { a ~ standard_uniform(); b ~ standard_uniform(); abs(a - b) }
test "random functions" = abs(mean(noisy(2) for i in 4000) - 2) < 0.05 && two() > 0 &&
  abs(mean(two() for i in 4000) - 0.3333333333333) < 0.02

fn drawn() -> real {
  z : real[1000, 2] ~ normal([1, -2], 0.5)
  mean(z[.., 0]) - mean(z[.., 1])
}
test "independent draws along missing leading axes" = abs(drawn() - 3) < 0.1

fn holed(x : real) -> real[4] = sort([1, log(x), -1, 3])
test "what is not a number comes last" = holed(-1)[0] == -1 && holed(-1)[2] == 3 && holed(1)[1] == 0
