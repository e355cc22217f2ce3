// GEDI, clustering and energy models together (arXiv 2401.00873): the energy is minus the log-sum-exp of cluster
// logits.
// Oracle: moons and circles, 7000 Adam steps at 1e-3: clustering mutual information; the balance term is bounded by
//   log 2.
data points[n] : real[n, 2] = "moons.npy"
network logits(x : real[2]) -> real[2] { f = mlp(128, 3, 2); f(x) }
fn energy(x : real[2]) -> real = -logsumexp(logits(x))

fn langevin(x : real[2], steps : int) -> real[2] {
  for k in steps {
    z : real[2] ~ normal(0, 1)
    x = x - 0.01 * grad(energy(x), x) + 0.1 * z
  }
  stop(x)
}

train joint {
  batch = 400; steps = 7000; optimizer = adam(1e-3)
  loss(logits) {
    x ~ empirical(points)
    y0 : real[2] ~ uniform(-2, 3)
    y = langevin(y0, 20)
    e : real[2] ~ normal(0, 0.03)
    (p, q) = (softmax(logits(x)), softmax(logits(x + e)))
    share = mean(o for o in population(p))
    balance = sum(share * log(share))
    energy(x) - energy(y) - 10 * sum(p * log(q)) + 10 * balance
  }
}
sampler generate { steps = 0; particles = 2000; init() { y : real[2] ~ uniform(-2, 3); langevin(y, 200) } }
