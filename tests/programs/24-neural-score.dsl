// Neural score estimation with early stopping (arXiv 2401.15604): wide two-layer regression and its kernel predictor.
// Oracle: the network's test score error over training has a minimum, and follows the kernel predictor as width
//   grows.
data x0    : real[200, 2] = "clean.npy"
data z     : real[200, 2] = "noise.npy"
data times : real[200]    = "times.npy"
data signs : real[2, 1024] = "signs.npy"             // frozen output layer, entries +-1/32
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)

network hidden(u : real[4]) -> real[1024] { param w : real[1024, 4] ~ normal(0, 1); relu(matvec(w, u)) }
fn joined(x : real[2], t : real) -> real[4] = clip(x, -3, 3) ++ [t, 1.0]
fn f(x : real[2], t : real) -> real[2] = matvec(signs, hidden(joined(x, t)))
model q = vp with denoised = f
model truth = vp with data = normal([0, 0], 1)

const noisy = [vp.alpha(times[k]) * x0[k] + vp.sigma(times[k]) * z[k] for k in 200]

train full_batch {
  batch = 200; steps = 2000; optimizer = sgd(0.1)
  loss(hidden, i) = sq_norm(f(noisy[i], times[i]) - x0[i])
  monitor() {
    t ~ uniform(0.1, 0.9)
    x ~ vp.path(x0[0], t)
    sq_norm(q.score(x, t) - truth.score(x, t))
  }
}

// the kernel of the frozen-sign network, and its gradient-descent predictor after 2000 steps
fn tangent_kernel(u : real[4], v : real[4]) -> real {
  c = clip(dot(u, v) / (norm(u) * norm(v)), -0.999999, 0.999999)
  dot(u, v) * (pi - acos(c)) / (2 * pi)
}
const rows = [joined(noisy[k], times[k]) for k in 200]
const gram = [tangent_kernel(rows[a], rows[b]) for a in 200 for b in 200]
fn fitted() -> real[200, 2] {
  e = x0
  for n in 2000 { e = e - 0.1 / 200 * matmul(gram, e) }
  x0 - e
}
sampler kernel_predictor { steps = 0; particles = 200; init(i) = fitted()[i] }
