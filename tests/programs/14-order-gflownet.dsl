// Order-preserving GFlowNet (arXiv 2310.00386): a constructor on a 32 x 32 grid, trained from an order, not a reward.
// Oracle: the exact terminal law follows by dynamic programming over the grid; learned reward maps, front coverage
//   and sparsification over training are compared with it.
const side = 32
network policy(x : real[64]) -> real[3] { f = mlp(64, 3, 3); f(x) }
param log_z : real = 0

fn branin(x : real, y : real) -> real {
  u = 15 * x - 5
  v = 15 * y
  -((v - 0.1292 * u^2 + 1.5915 * u - 6)^2 + 9.6021 * cos(u) + 10) / 308
}

fn currin(x : real, y : real) -> real =
  (1 - exp(-0.5 / (y + 1e-6))) / 13.77 *
  (2300 * x^3 + 1900 * x^2 + 2092 * x + 60) / (100 * x^3 + 500 * x^2 + 4 * x + 20)

// one trajectory from the corner: where it stopped, and the sum of log P_F - log P_B
fn rollout() -> (i : int, j : int, flow : real) {
  i = 0; j = 0; flow = 0.0; done = false
  for n in 63 while !done {
    logits = policy(one_hot(i, side) ++ one_hot(j, side)) + [wall(i), wall(j), 0]
    explore ~ bernoulli(0.01)
    a ~ categorical(softmax(if explore { [wall(i), wall(j), 0] } else { logits }))
    flow = flow + log_softmax(logits)[a]
    if a == 0 { i = i + 1 }
    if a == 1 { j = j + 1 }
    if a == 2 { done = true } else { flow = flow + log(indicator(i > 0) + indicator(j > 0)) }
  }
  (i = i, j = j, flow = flow)
}
fn wall(i : int) -> real = if i == side - 1 { -1e9 } else { 0 }

train fit {
  batch = 128; steps = 5000; optimizer = adam(0.01)
  loss(policy, log_z) {
    r = rollout()
    value = [branin(r.i / 31, r.j / 31), currin(r.i / 31, r.j / 31)]
    beaten = any(all(o >= value) && any(o > value) for o in population(value))
    front = indicator(!beaten)
    log_r = log_z + r.flow
    batch * front / sum(population(front)) * (logsumexp(population(log_r)) - log_r)
  }
}

sampler designs {
  steps = 0; particles = 10_000
  init() { r = rollout(); (i = r.i, j = r.j) }
}
