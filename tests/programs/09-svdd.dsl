// SVDD, derivative-free guidance (arXiv 2408.08252): one of M proposals is kept in each lineage, by a soft value.
// Oracle: N(0, v) data and a quadratic reward are Gaussian throughout, so the value is closed form and the output
//   tends to precision 1/v + 1/(alpha s^2) as M grows (here 3, at mean [2/3, 4/3]); the one-step value (PM)
//   is biased, the regressed one (MC) less.
param   alpha : real = 0.5
process vp    = variance_preserving(beta_min = 0.1, beta_max = 20)
model   q     = vp with data = normal([0, 0], 1)
fn      reward(x : real[2]) -> real = -0.5 * sq_norm(x - [1, 2])

network critic(x : real[2], t : real) -> real {
  net = mlp(64, 2, 1)
  net(x ++ fourier(t, 16))[0]
}

train regress {
  batch = 256; steps = 5000
  loss(critic) {
    x0 ~ q.data
    t ~ uniform(0, 1)
    x ~ q.path(x0, t)
    (critic(x, t) - reward(x0))^2
  }
}

// Written out: a procedure of the user's own, from the primitives that the library uses.
sampler by_hand {
  steps = 100; particles = 256
  init() { x ~ q.start; x }
  step(x, t, dt) {
    y : real[10, 2] ~ q.step(x, t, dt)                        // ten proposals for each lineage
    k ~ categorical(softmax(reward(q.denoised(y, t + dt)) / alpha))
    y[k]
  }
}

// The same from the library, with either value.
sampler pm = svdd(q, value(x, t) = reward(q.denoised(x, t)), temperature = alpha) with particles = 256
sampler mc = svdd(q, value = critic, draws = 20, temperature = alpha) with particles = 256
