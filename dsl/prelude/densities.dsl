// Laws on the real line, on the positive half of it, and on the simplex.

/// Every number from lo to hi alike.
density uniform(lo : real, hi : real) {
  require lo < hi, "an interval has its lower end first"
  logp(x : real) = if lo <= x && x <= hi { -log(hi - lo) } else { -inf }
  draw() { u ~ standard_uniform(); lo + (hi - lo) * u }
}

test "uniform" = close(uniform(0.5, 3).logp(1), -0.9162907318742) && uniform(0.5, 3).logp(0.4) == -inf &&
  abs(mean(uniform(0.5, 3).draw() for i in 4000) - 1.75) < 0.05

/// The time to the first event where events come at this rate.
density exponential(rate : real) {
  require rate > 0, "a rate is positive"
  logp(x : positive) = log(rate) - rate * x
  draw() { u ~ standard_uniform(); -log(u) / rate }
  natural = rate
  from_natural(n) = exponential(n)
}

test "exponential" = close(exponential(1.7).logp(0.4), -0.1493717489378) &&
  abs(mean(indicator(exponential(1.7).draw() < 0.4) for i in 4000) - 0.4933830076344) < 0.04

/// The law of loc - scale * log(-log(u)), u uniform: a limit of maxima.
density gumbel(loc : real, scale : real) {
  require scale > 0, "a scale is positive"
  logp(x : real) { z = (x - loc) / scale; -z - exp(-z) - log(scale) }
  draw() { u ~ standard_uniform(); loc - scale * log(-log(u)) }
}

test "gumbel" = close(gumbel(1, 2).logp(0.4), -1.743005988136) &&
  abs(mean(indicator(gumbel(1, 2).draw() < 0.4) for i in 4000) - 0.2592768659908) < 0.04

/// Two exponential tails around loc.
density laplace(loc : real, scale : real) {
  require scale > 0, "a scale is positive"
  logp(x : real) = -abs(x - loc) / scale - log(2 * scale)
  draw() { u ~ standard_uniform(); v ~ standard_uniform(); loc + scale * (log(u) - log(v)) }
}

test "laplace" = close(laplace(1, 2).logp(0.4), -1.68629436112) &&
  abs(mean(indicator(laplace(1, 2).draw() < 0.4) for i in 4000) - 0.3704091103409) < 0.04

/// The law whose distribution function is sigmoid((x - loc) / scale).
density logistic(loc : real, scale : real) {
  require scale > 0, "a scale is positive"
  logp(x : real) { z = (x - loc) / scale; -z - 2 * softplus(-z) - log(scale) }
  draw() { u ~ standard_uniform(); loc + scale * logit(u) }
}

test "logistic" = close(logistic(1, 2).logp(0.4), -2.101857669497) &&
  close(logistic(1, 2).logp(-3000), -1501.193147181) &&
  abs(mean(indicator(logistic(1, 2).draw() < 0.4) for i in 4000) - 0.4255574831883) < 0.04

/// Student's law with `df` degrees of freedom, moved to loc and stretched by scale.
density student_t(df : real, loc : real = 0, scale : real = 1) {
  require df > 0 && scale > 0, "degrees of freedom and scale are positive"
  logp(x : real) = lgamma((df + 1) / 2) - lgamma(df / 2) - 0.5 * log(pi * df) - log(scale) -
    (df + 1) / 2 * log_one_plus(((x - loc) / scale)^2 / df)
  draw() { z ~ standard_normal(); g ~ gamma(df / 2, df / 2); loc + scale * z / sqrt(g) }
}

test "student_t" = close(student_t(3.5, 1, 2).logp(0.4), -1.73974654833) &&
  abs(mean(indicator(student_t(3.5, 1, 2).draw() < 0.4) for i in 4000) - 0.3905667049199) < 0.04

/// The law of exp(y), y normal with mean loc.
density log_normal(loc : real, sd : real) {
  logp(x : positive) = normal(loc, sd).logp(log(x)) - log(x)
  draw() { y ~ normal(loc, sd); exp(y) }
  natural = (linear = loc / sd^2 - 1, precision = 1 / sd^2)
  from_natural(n) = log_normal((n.linear + 1) / n.precision, 1 / sqrt(n.precision))
}
test "log_normal: log density" = close(log_normal(0.3, 0.8).logp(1.9), -1.428948930165)
test "log_normal: draws" =
  abs(mean(indicator(log_normal(0.3, 0.8).draw() < 1.9) for i in 4000) - 0.6654259041152) < 0.04

test "log_normal: the square of its density" =
  close(log_normal(0, 1).from_natural((linear = -1.0625, precision = 3.125)).logp(1.9), -1.67552928816)

/// The law of log(x), x of the gamma law with this shape and rate 1: of gamma draws that are too small for a float.
/// Drawn by Marsaglia and Tsang (2000); a derivative by the shape leaves out that of the acceptance.
density log_gamma(shape : real) {
  require shape > 0, "a shape is positive"
  logp(x : real) = shape * x - exp(x) - lgamma(shape)
  draw() {
    d = (if shape < 1 { shape + 1 } else { shape }) - 1 / 3
    y = inf - inf                                      // what is left after 64 rejections counts as not finite
    done = false
    for i in 64 while !done {
      z ~ standard_normal()
      u ~ standard_uniform()
      w = (1 + z / sqrt(9 * d))^3
      if w > 0 && log(u) < 0.5 * z^2 + d - d * w + d * log(w) {
        y = log(d * w)
        done = true
      }
    }
    if shape < 1 { v ~ standard_uniform(); y + log(v) / shape } else { y }
  }
}

test "log_gamma" = close(log_gamma(2.5).logp(0.2), -1.006085628633) &&
  abs(mean(indicator(log_gamma(0.4).draw() < -1) for i in 4000) - 0.6839150489932) < 0.04 &&
  abs(mean(log_gamma(0.01).draw() for i in 4000) + 100.5608854579) < 8

/// The sum of `shape` waiting times at this rate; the shape need not be an integer.
density gamma(shape : real, rate : real) {
  require shape > 0 && rate > 0, "shape and rate are positive"
  logp(x : positive) = shape * log(rate) - lgamma(shape) + times_log(shape - 1, x) - rate * x
  draw() { y ~ log_gamma(shape); exp(y) / rate }
  natural = (power = shape - 1, rate = rate)
  from_natural(n) = gamma(n.power + 1, n.rate)
}

test "gamma: log density" = close(gamma(2.5, 1.5).logp(0.7), -0.8560325161106) &&
  close(gamma(0.4, 1.5).logp(0.7), -1.470486808095)

test "gamma: draws" = abs(mean(indicator(gamma(0.4, 1.5).draw() < 0.2) for i in 4000) - 0.6414901434102) < 0.04 &&
  abs(mean(indicator(gamma(2.5, 1.5).draw() < 0.7) for i in 4000) - 0.1648576993584) < 0.03

/// The law of x / (x + y), x and y of the gamma laws with shapes a and b.
density beta(a : real, b : real) {
  require a > 0 && b > 0, "shapes are positive"
  logp(x : real) = if 0 <= x && x <= 1 {
    lgamma(a + b) - lgamma(a) - lgamma(b) + times_log(a - 1, x) + times_log(b - 1, 1 - x)
  } else { -inf }
  draw() { x ~ log_gamma(a); y ~ log_gamma(b); sigmoid(x - y) }
  natural = (head = a - 1, tail = b - 1)
  from_natural(n) = beta(n.head + 1, n.tail + 1)
}

test "beta" = close(beta(2.5, 0.7).logp(0.3), -1.359102013157) && close(beta(1, 1).logp(0), 0) &&
  beta(2, 3).logp(1.5) == -inf &&
  abs(mean(indicator(beta(2.5, 0.7).draw() < 0.8) for i in 4000) - 0.427296686362) < 0.04

/// The law on the simplex of n letters of gamma draws with shapes alpha, divided by their sum.
density dirichlet[n](alpha : real[n]) {
  require all(alpha > 0), "concentrations are positive"
  logp(x : simplex[n]) = lgamma(sum(alpha)) - sum(lgamma(alpha)) + sum(times_log(alpha - 1, x))
  draw() { y ~ log_gamma(alpha); softmax(y) }
  natural = alpha - 1
  from_natural(p) = dirichlet(p + 1)
}

test "dirichlet: log density" = close(dirichlet([0.8, 2.5, 1.2]).logp([0.2, 0.5, 0.3]), 1.143740362755) &&
  close(dirichlet([1, 1]).logp([0, 1]), 0)

test "dirichlet: draws" = all(abs(mean(dirichlet([0.8, 2.5, 1.2]).draw() for i in 4000) -
  [0.1777777777778, 0.5555555555556, 0.2666666666667]) < 0.02)

/// The Gumbel-Softmax law on the simplex: softmax of (logits + Gumbel) / temperature (arXiv 1611.00712, equation 10).
density concrete[n](logits : real[n], temperature : real) {
  require temperature > 0, "a temperature is positive"
  logp(x : simplex[n]) = lgamma(n) + (n - 1) * log(temperature) + sum(logits - (temperature + 1) * log(x)) -
    n * logsumexp(logits - temperature * log(x))
  draw() { g : real[n] ~ gumbel(0, 1); softmax((logits + g) / temperature) }
}

test "concrete: log density" = close(concrete([0.5, -0.2, 0.1], 0.7).logp([0.2, 0.5, 0.3]), -0.2452987185313) &&
  close(concrete([0.5, -0.2], 0.7).logp([0.3, 0.7]), -0.5741124445138)

test "concrete: draws" =
  abs(mean(indicator(concrete([0.5, -0.2], 0.7).draw()[0] < 0.3) for i in 4000) - 0.215327129306) < 0.03
