// Structures with parameters: defaults, functions and structures as parameters, sizes inferred from what is supplied.
density triangular(lo : real, hi : real = 2) {
  require lo < hi, "an interval has its lower end first"
  logp(x : real) = if lo < x && x < hi { log(2 * (x - lo)) - 2 * log(hi - lo) } else { -inf }
  draw() { u ~ standard_uniform(); lo + (hi - lo) * sqrt(u) }
}

test "a default, and names" = close(triangular(-1).logp(1), -0.8109302162163) &&
  close(triangular(hi = 3, lo = 1).logp(2.5), -0.2876820724518)
test "parameters are fields" = triangular(-1).hi == 2 && triangular(-1, 5).hi == 5

density mirrored[T](inner : density[T]) {
  logp(x : T) = log(exp(inner.logp(x)) + exp(inner.logp(-x))) - log(2)
  draw() { x ~ inner; u ~ standard_uniform(); if u < 0.5 { x } else { -x } }
}
density two_ways = mirrored(normal(1, 2))
test "a structure as parameter" = close(two_ways.logp(0.3), -1.745525846535) &&
  close(mirrored(normal([1, 0], 2)).logp([0.3, 0.2]), -3.3626115603)

// sizes come from the arguments, here and from what is supplied with `with`
density centred[n](scale : real[n]) {
  logp(x : real[n]) = normal(0, scale).logp(x)
  draw() = normal(0, scale).draw()
  width : int = n
}

test "a size from an argument" = centred([1, 2, 0.5]).width == 3 &&
  close(centred([2, 0.5]).logp([0.3, 0.4]), -2.169127066409)

process bridge(sigma : fn(real) -> real) = gaussian(alpha(t) = t, sigma = sigma)
model flat  = bridge(sigma(t) = 2 - t) with data = normal(1, 0.5)
model plane = bridge(sigma(t) = 2 - t) with data = normal([1, -1, 0], 0.5)
test "a function as parameter" = close(flat.sigma(0.25), 1.75) && close(flat.dsigma(0.25), -1)
test "sizes from the data" = close(flat.score(0.7, 0.5), -0.08648648648649) &&
  all(close(plane.score([0.7, 0, 1], 0.5), [-0.08648648648649, -0.2162162162162, -0.4324324324324]))
