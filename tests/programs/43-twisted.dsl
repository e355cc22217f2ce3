// Twisted diffusion and reward steering (arXiv 2306.17775, arXiv 2501.06848): proposals bent by a look-ahead
// likelihood.
// Oracle: mixture prior and Gaussian likelihood of one coordinate: the posterior is a mixture and p(y) a sum of
//   normals; the estimate of p(y) is unbiased at any number of steps (up to the end time).
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
data  centers : real[8, 2] = "centers.npy"
model q = vp with data = mixture(normal(c, 0.3) for c in centers)
param y : real = 1

fn likelihood(x0 : real[2]) -> real = normal(x0[0], 0.5).logp(y)
fn twist(x : real[2], t : real) -> real = likelihood(q.denoised(x, t))

// exact weights for the chain that is simulated, whatever its drift
sampler twisted {
  target(t) = q * exp(f(x) = twist(x, t))
  drift(x, t) = q.velocity(x, t) + q.diffusion(t)^2 * (0.5 * q.score(x, t) + grad(twist(x, t), x))
  weights = exact
  steps = 200; particles = 64; time(u) = 0.999 * u
  resample = systematic when ess < 0.5
}

// the same potentials with the model's own proposal: no gradient; the last value is carried in the state
sampler steered {
  steps = 200; particles = 64; time(u) = 0.999 * u
  resample = multinomial when n % 20 == 0
  init() { x ~ q.start; r = twist(x, 0); weigh r; (x = x, r = r) }
  step(s, t, dt) {
    x ~ q.step(s.x, t, dt)
    r = twist(x, t + dt)
    weigh r - s.r
    (x = x, r = r)
  }
  output(s) = s.x
}
