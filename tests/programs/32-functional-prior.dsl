// A good functional prior (arXiv 2011.12829): weight-prior scales fitted to a Gaussian process, then stochastic-
// gradient HMC.
// Oracle: one-dimensional regression: function draws match the process in Wasserstein-1 by the critic's estimate; the
//   sampler agrees with exact HMC moments on a linear network.
data  x_obs : real[40] = "inputs.npy"
data  y_obs : real[40] = "targets.npy"
param log_scale : real[3] = 0
param step_size : real = 1e-3
const grid   = [k / 10 - 1 for k in 20]
const factor = cholesky([exp(-0.5 * ((a - b) / 0.6)^2) + 1e-6 * indicator(a == b) for a in grid for b in grid])

fn net(w : real[3, 50], x : real) -> real = dot(w[2], tanh(w[0] * x + w[1])) / sqrt(50)
fn weight_draw() -> real[3, 50] { z : real[3, 50] ~ normal(0, 1); [exp(log_scale[k]) * z[k] for k in 3] }
fn function_draw() -> real[20] { w = weight_draw(); [net(w, x) for x in grid] }
fn process_draw() -> real[20] { z : real[20] ~ normal(0, 1); matvec(factor, z) }
network critic(f : real[20]) -> real { c = mlp(64, 2, 1); c(f)[0] }

train fit_prior {
  batch = 128; steps = 4000; optimizer = adagrad(0.01)
  loss(critic) {
    (f, g) = (process_draw(), function_draw())
    u ~ uniform(0, 1)
    m = u * f + (1 - u) * g
    critic(g) - critic(f) + 10 * (norm(grad(critic(m), m)) - 1)^2
  }
  loss(log_scale) = -critic(function_draw())
}

fn potential(w : real[3, 50], rows : token[10, 40]) -> real =
  40 / 10 * sum((y_obs[k] - net(w, x_obs[k]))^2 / (2 * 0.01) for k in rows) +
  0.5 * sum(sq_norm(w[j] / exp(log_scale[j])) for j in 3)

sampler sghmc {
  steps = 20_000; particles = 16
  init() = (w = weight_draw(), v = [0.0 for j in 3 for k in 50])
  step(s) {
    rows : token[10, 40] ~ index(40)
    z : real[3, 50] ~ normal(0, 1)
    v = 0.95 * s.v - step_size * grad(potential(s.w, rows), s.w) + sqrt(2 * 0.05 * step_size) * z
    (w = s.w + v, v = v)
  }
  output(s) = [net(s.w, x) for x in grid]
}
