// Laws of letters, and the jumps of chains on them.

/// True with probability p.
density bernoulli(p : real) {
  require 0 <= p && p <= 1, "a probability lies between 0 and 1"
  logp(x : bool) = if x { log(p) } else { log(1 - p) }
  draw() { u ~ standard_uniform(); u < p }
  natural = logit(p)
  from_natural(n) = bernoulli(sigmoid(n))
}

test "bernoulli" = close(bernoulli(0.3).logp(true), -1.203972804326) &&
  close(bernoulli(0.3).logp(false), -0.3566749439387) &&
  abs(mean(indicator(bernoulli(0.3).draw()) for i in 4000) - 0.3) < 0.03

/// Every index below n alike.
density index(n : int) {
  require n > 0, "there is an index to choose"
  logp(k : token[n]) = -log(n)
  draw() { u ~ standard_uniform(); floor(u * n) }
}
test "index" = close(index(5).logp(3), -1.609437912434) && abs(mean(index(5).draw() for i in 4000) - 2) < 0.1

/// One letter out of n, with these probabilities; one of probability 0 is never drawn.
density categorical[n](probs : simplex[n]) {
  require all(probs >= 0), "probabilities are not negative"
  logp(k : token[n]) = log(probs[k])
  draw() {
    u ~ standard_uniform()
    c = cumsum(probs)
    search(c, u * c[n - 1])
  }
  natural = log(probs)
  from_natural(p) = categorical(softmax(p))
}

test "categorical: log density" = close(categorical([0.2, 0.5, 0.3]).logp(0), -1.609437912434) &&
  close(categorical([0.2, 0.5, 0.3]).from_natural(2 * categorical([0.2, 0.5, 0.3]).natural).logp(0), -2.251291798607)

test "categorical: draws" = abs(mean(indicator(categorical([0.2, 0.5, 0.3]).draw() == 1) for i in 4000) - 0.5) < 0.04 &&
  abs(mean(categorical([0.2, 0.5, 0.3]).draw() for i in 4000) - 1.1) < 0.05

/// The rates that turn a noising chain round: to letter j at position i with the chain's rate from j back, times exp of
/// the score s, the difference of the log densities.
fn reverse_rates[l, w](jump_rate : fn(int, int, real) -> real, x : token[l, w], s : real[l, w],
  t : real) -> real[l, w] =
  [if j == x[i] { 0 } else { jump_rate(j, x[i], t) * exp(s[i, j]) } for i in l for j in w]

test "reverse_rates" = all(close(
  reverse_rates(jump_rate(a, b, t) = t * (1 + a + 2 * b), x = [1, 0], s = [[0.3, 0], [0, -0.4]], t = 0.5),
  [[2.024788211364, 0], [0, 0.6703200460356]]))

/// One jump of a continuous-time chain within dt, position by position: to letter j at position i at rate rates[i, j].
density jump[l, w](x : token[l, w], rates : real[l, w], dt : real) {
  probs : simplex[l, w] {
    total = [sum(r) for r in rates]
    h = tanh(dt * total / 2)
    left = 2 * h / (1 + h)                             // 1 - exp(-dt * total) without cancellation
    [if j == x[i] { 1 - left[i] } else { left[i] * rates[i, j] / maximum(total[i], 1e-30) } for i in l for j in w]
  }
  logp(y : token[l, w]) = categorical(probs).logp(y)
  draw() = categorical(probs).draw()
}

test "jump" = close(jump([0], [[0, 2, 1]], 0.1).logp([1]), -1.755690720923) &&
  close(jump([0], [[0, 2, 1]], 0.1).logp([0]), -0.3)
