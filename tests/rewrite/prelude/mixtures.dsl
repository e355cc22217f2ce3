// Laid over the library by the rewrite test, which asks for the same numbers: a mixture by one loop with a running
// maximum.

/// n laws on one space, drawn from in these proportions; alike without them.
density mixture[n, T](parts : density[T][n], weights : simplex[n] = 1 / n) {
  logp(x : T) {
    top = -inf
    total = 0.0
    for k in n {
      l = parts[k].logp(x) + log(weights[k])
      if l != -inf {
        high = stop(maximum(top, l))
        total = total * exp(top - high) + exp(l - high)
        top = high
      }
    }
    log(total) + top
  }
  draw() { k ~ categorical(weights); parts[k].draw() }
  noised(a, s) = mixture(parts[k].noised(a, s) for k in n, weights = weights)
}

test "mixture: log density" =
  close(mixture([normal(-2, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3]).logp(0.4), -2.844984886382) &&
  close(mixture(normal(c, 1) for c in [[0, 1], [2, -1]]).logp([1.5, -0.5]), -2.654096235926)

test "mixture: score" =
  close(mixture([normal(-2, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3]).score(0.4), 1.717670244624)

test "mixture: parts of no weight, and far away" =
  close(mixture([normal(1, 2), normal(0.3, 1)], weights = [1, 0]).logp(0.3), -1.673335713765) &&
  close(mixture([normal(0, 1), normal(1, 1)]).score(1e6), -999999) &&
  mixture([normal(0, 1), normal(1, 1)]).logp(1e200) == -inf

test "mixture: draws" = abs(mean(indicator(
  mixture([normal(-2, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3]).draw() < -1.8) for i in 4000) -
  0.4588007801486) < 0.04

test "mixture: noised" = close(
  mixture([normal(-2, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3]).noised(0.6, 0.9).logp(0.4), -1.742702028499)

/// The n rows of an array, each as likely as another.
density empirical[n, T](rows : T[n]) {
  draw() { k ~ index(n); rows[k] }
  noised(a, s) = mixture(normal(a * r, s) for r in rows)
}

test "empirical: draws" =
  all(abs(mean(empirical([[0, 1], [2, -1], [7, 3]]).draw() for i in 4000) - [3, 1]) < 0.25)

test "empirical: noised" =
  close(empirical([[0, 1], [2, -1]]).noised(0.5, 0.3).logp([0.3, 0.4]), -0.6773623691836)

/// All mass at x.
density point[T](x : T) {
  draw() = x
  noised(a, s) = normal(a * x, s)
}

test "point" = all(point([1, 2]).draw() == [1, 2]) &&
  close(point([1, 2]).noised(0.5, 2).logp([0.3, 0.4]), -3.274171427529)
