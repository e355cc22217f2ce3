// Structures as values at compile time: local names, captured values, arrays of them, arguments; laws and processes of
// the user's own.
const centres = [-1, 0.5, 2]
fn pick(k : token[3], x : real) -> real {
  laws = [normal(c, 0.5) for c in centres]
  laws[k].logp(x)
}

fn captured(m : real) -> real {
  d = normal(2 * m, 0.5)
  d.mean + d.score(0)
}
fn total(ds : density[real][3], x : real) -> real = sum(d.logp(x) for d in ds)
fn smoothed(d : density[real], x : real) -> real = d.noised(0.5, 2).logp(x)
fn over(x : real) -> real {
  s = 0.0
  for d in [normal(0, 1), uniform(-1, 3)] { s = s + d.logp(x) }
  s
}
test "an element of an array of laws" = close(pick(1, 0.75), -0.3507913526447) && close(pick(2, 0.75), -3.350791352645)
test "values that a law captures" = captured(1.5) == 15
test "laws as arguments" = close(total([normal(0, 1), laplace(0, 2), gumbel(0, 2)], 0.5), -4.402180857956) &&
  close(smoothed(mixture([normal(-1, 1), normal(2, 0.5)]), 0.25), -1.698773976407)
test "a loop over laws" = close(over(0.5), -2.430232894325)
test "a mixture of unlike laws" = close(
  mixture([normal(0, 1), laplace(1, 2)], weights = [0.25, 0.75]).logp(0.4), -1.465463327651)

// a law that can only be drawn from, one that has only a density, and one that follows from another
density triangle() { draw() { a ~ uniform(0, 1); b ~ uniform(0, 1); a + b } }
density wave { logp(x : real) = 2 * cos(x) - x^2 / 8 }
density far(d : density[real], by : real) = d with { logp(x) = d.logp(x - by); draw() { x ~ d; x + by } }
test "only draws" = abs(mean(triangle().draw() for i in 4000) - 1) < 0.04 &&
  abs(mean(mixture([triangle(), triangle()]).draw() for i in 4000) - 1) < 0.04
test "only a density" = close(wave.score(0.5), -1.083851077208)
test "a law made of a law" = close(far(laplace(1, 2), 3).logp(3.4), -1.68629436112) &&
  abs(mean(far(normal(1, 0.5), 3).draw() for i in 4000) - 4) < 0.04

// a process of positive states with a role of its own
process geometric(mu : real, sigma : real) {
  path(x0 : positive, t) = log_normal(log(x0) + (mu - sigma^2 / 2) * (1 - t), sigma * sqrt(1 - t))
  start : density[positive] = log_normal(0, 1)
  hyvarinen(x : positive, t : real) -> real
  hyvarinen(x, t) = x * score(x, t)
  score(x, t) = hyvarinen(x, t) / x
  step(x, t, dt) = log_normal(log(x) + dt * (1.5 * sigma^2 - mu + sigma^2 * hyvarinen(x, t)), sigma * sqrt(dt))
}
model price = geometric(0.1, 0.5) with hyvarinen(x, t) = -2 * log(x)
model other = geometric(0.1, 0.5) with score(x, t) = -1 / x
test "a role of its own" = close(price.score(2, 0.5), -0.6931471805599) && close(other.hyvarinen(2, 0.5), -1) &&
  close(price.step(2, 0.5, 0.01).loc, 0.6924314446571) && close(other.step(2, 0.5, 0.01).sd, 0.05)
