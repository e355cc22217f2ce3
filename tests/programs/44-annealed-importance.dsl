// Annealed importance sampling and its continuous forms (arXiv 2410.02711): a path of energies, no diffusion model.
// Oracle (quadrature, one integral a coordinate): log Z 1.461461, mean of x[0] -0.396928, E x[0]^2 0.878632, E x[1]^2
//   0.832745; the mean weight is unbiased for Z with exact weights at any number of steps; all samplers agree.
density prior = normal([0, 0], 2)
fn      energy(x : real[2]) -> real = sum((x^2 - 1)^2) + 0.5 * x[0]

sampler annealed {
  target(t) = prior^(1 - t) * exp(f(x) = -energy(x))^t
  diffusion(t) = 0.7
  weights = exact
  steps = 200; particles = 2048
}

sampler corrected = predictor_corrector(corrections = 2) with {
  target(t) = prior^(1 - t) * exp(f(x) = -energy(x))^t
  diffusion(t) = 0.7
  steps = 100
}

// the next temperature from the population: bisection on the effective sample size
sampler adaptive {
  steps = 40; particles = 2048; resample = systematic
  init() { x ~ prior; (x = x, b = 0.0) }
  step(s) {
    gain = -energy(s.x) - prior.logp(s.x)
    gains = population(gain)
    (lo, hi) = (s.b, 1.0)
    for k in 30 {
      mid = (lo + hi) / 2
      w = softmax((mid - s.b) * gains)
      if relative_ess(w) > 0.9 { lo = mid } else { hi = mid }
    }
    b = if hi > 1 - 1e-6 { 1.0 } else { lo }
    weigh (b - s.b) * gain
    x = s.x
    for k in 5 {
      z : real[2] ~ normal(0, 1)
      y = x + 0.3 * z
      x = metropolis(x, y, (1 - b) * (prior.logp(y) - prior.logp(x)) - b * (energy(y) - energy(x)))
    }
    (x = x, b = b)
  }
  output(s) = s.x
}
