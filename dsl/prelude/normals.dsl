// The two laws that the machine draws from, and those that noise keeps in their family: normal numbers and vectors.

/// Uniform between 0 and 1, both ends excluded: the midpoints of 2^23 cells, of 2^52 in f64.
density standard_uniform() {
  draw() -> real = "kac.uniform"
}

test "standard_uniform" = abs(mean(standard_uniform().draw() for i in 4000) - 0.5) < 0.02 &&
  abs(mean(indicator(standard_uniform().draw() < 0.2) for i in 4000) - 0.2) < 0.03

/// The normal law with mean 0 and standard deviation 1.
density standard_normal() {
  draw() -> real = "kac.normal"
}

test "standard_normal" = abs(mean(standard_normal().draw() for i in 4000)) < 0.07 &&
  abs(mean(sq(standard_normal().draw()) for i in 4000) - 1) < 0.1

/// The normal law with this mean and standard deviation; with 0 for the second it can be drawn from, and no more.
density normal(mean : real, sd : real) {
  require 0 <= sd && sd < inf, "a standard deviation is finite and not negative"
  logp(x : real) = -0.5 * ((x - mean) / sd)^2 - log(sd) - 0.5 * log(2 * pi)
  draw() { z ~ standard_normal(); mean + sd * z }
  noised(a, s) = normal(a * mean, sqrt((a * sd)^2 + s^2))
  natural = (linear = mean / sd^2, precision = 1 / sd^2)
  from_natural(n) = normal(n.linear / n.precision, 1 / sqrt(n.precision))
}

test "normal: log density" = close(normal(1, 2).logp(0.3), -1.673335713765) &&
  close(normal([1, -0.5], [2, 0.7]).logp([0.3, 0.4]), -3.062129915275)
test "normal: score" = close(normal(1, 2).score(0.3), 0.175)
test "normal: draws" = abs(mean(indicator(normal(1, 2).draw() < 0.3) for i in 4000) - 0.3631693488244) < 0.04
test "normal: noised" = close(normal(1, 2).noised(0.6, 0.9).logp(0.4), -1.333292530202)
test "normal: natural parameters" =
  close(normal(1, 2).natural.linear, 0.25) && close(normal(1, 2).from_natural((linear = 1.5, precision = 4)).sd, 0.5)

/// The normal law on vectors of n reals whose covariance is `factor`, lower triangular, times its transpose.
density gaussian_vector[n](mean : real[n], factor : real[n, n]) {
  require all(factor[i, i] > 0 for i in n), "a Cholesky factor has a positive diagonal"
  require all(all(factor[i, j] == 0 || j <= i for j in n) for i in n), "a Cholesky factor is lower triangular"
  logp(x : real[n]) = -0.5 * sq_norm(forward_solve(factor, x - mean)) - sum(log(factor[i, i]) for i in n) -
    0.5 * n * log(2 * pi)
  draw() { z : real[n] ~ standard_normal(); mean + matvec(factor, z) }
  covariance : real[n, n] = matmul(factor, transpose(factor))
  noised(a, s) = gaussian_vector(a * mean, cholesky(a^2 * covariance + s^2 * eye(n)))
  natural = (linear = solve(covariance, mean), precision = inverse(covariance))
  from_natural(p) = gaussian_vector(solve(p.precision, p.linear), cholesky(inverse(p.precision)))
}

test "gaussian_vector: log density" =
  close(gaussian_vector([0.5, -1], [[1.2, 0], [-0.4, 0.8]]).logp([0.3, 0.4]), -3.199832849667)

test "gaussian_vector: score" = all(close(gaussian_vector([0.5, -1], [[1.2, 0], [-0.4, 0.8]]).score([0.3, 0.4]),
  [-0.5555555555556, -2.083333333333]))

test "gaussian_vector: draws" =
  all(abs(mean(gaussian_vector([0.5, -1], [[1.2, 0], [-0.4, 0.8]]).draw() for i in 4000) - [0.5, -1]) < 0.1)

test "gaussian_vector: noised" =
  close(gaussian_vector([0.5, -1], [[1.2, 0], [-0.4, 0.8]]).noised(0.6, 0.9).logp([0.3, 0.4]), -2.481158269511)

test "gaussian_vector: natural parameters" =
  all(close(gaussian_vector([0.5, -1], [[1.2, 0], [-0.4, 0.8]]).natural.linear,
    [-0.08680555555556, -1.302083333333])) &&
  close(gaussian_vector([0, 0], eye(2)).from_natural((linear = [-0.1736111111111, -2.604166666667],
    precision = [[1.736111111111, 1.041666666667], [1.041666666667, 3.125]])).logp([0.3, 0.4]), -3.909463446885)
