// InfEdit, inversion-free editing (arXiv 2312.04965): two chains share one noise draw.
// Oracle: equal conditions return the source, to rounding; with analytic conditional mixtures the edit lands in the
//   target class while unrelated coordinates stay.
data sources[n] : real[n, 2] = "sources.npy"
process vp  = variance_preserving(beta_min = 0.1, beta_max = 20)
model   cat = vp with data = mixture([normal([-2, -1], 0.3), normal([-2, 1], 0.3)])
model   dog = vp with data = mixture([normal([2, -1], 0.3), normal([2, 1], 0.3)])

sampler edit {
  steps = 15; particles = 1024
  init() {
    x0 ~ empirical(sources)
    z : real[2] ~ normal(0, 1)
    x = vp.alpha(0) * x0 + vp.sigma(0) * z
    (clean = x0, source = x, target = x)
  }
  step(s, t, dt) {
    z : real[2] ~ normal(0, 1)                       // one draw, both chains
    d = dog.noise(s.target, t) - cat.noise(s.source, t)
    edited = s.clean + (s.target - s.source - vp.sigma(t) * d) / vp.alpha(t)
    (clean = s.clean,
      source = vp.alpha(t + dt) * s.clean + vp.sigma(t + dt) * z,
      target = vp.alpha(t + dt) * edited + vp.sigma(t + dt) * z)
  }
  output(s) = s.target
}
