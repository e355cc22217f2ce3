// Improved rectified flows (arXiv 2405.20320): one reflow round with U-shaped times and a pseudo-Huber loss.
// Oracle: straightness E|x - z - v|^2 over t, and one-step against many-step W2 on eight Gaussians: skewed times and
//   Huber beat plain reflow at one step, and a second round adds little.
data points[n] : real[n, 2]    = "eight_gaussians.npy"
data pairs[m]  : real[m, 2, 2] = "pairs.npy"      // rows (noise, sample): what `pairs_of_teacher` writes
const a = 4.0

network v1(x : real[2], t : real) -> real[2] { f = mlp(256, 3, 2); f(x ++ fourier(t, 16)) }
network v2(x : real[2], t : real) -> real[2] { f = mlp(256, 3, 2); f(x ++ fourier(t, 16)) }
process flow = rectified_flow()

train first {
  batch = 256; steps = 20_000
  loss(v1) {
    x ~ empirical(points)
    z : real[2] ~ normal(0, 1)
    t ~ uniform(0, 1)
    sq_norm(v1((1 - t) * z + t * x, t) - (x - z))
  }
}

sampler pairs_of_teacher {
  steps = 100; particles = 50_000
  init() { z : real[2] ~ normal(0, 1); [z, z] }
  step(s, t, dt) = [s[0], s[1] + dt * v1(s[1], t)]
}

train reflow {
  batch = 256; steps = 20_000
  loss(v2) {
    s ~ empirical(pairs)
    u ~ uniform(0, 1)
    flip ~ bernoulli(0.5)
    skewed = log(1 + u * (exp(a) - 1)) / a
    t = clip(if flip { skewed } else { 1 - skewed }, 1e-5, 1 - 1e-5)
    e = v2((1 - t) * s[0] + t * s[1], t) - (s[1] - s[0])
    c = 0.00054 * 2
    t * (sqrt(sq_norm(e) + c^2) - c)              // the paper's weight 1 - t, its time running to noise
  }
}

sampler one_step {
  target = flow with velocity = v2
  diffusion(t) = 0
  steps = 1; particles = 10_000
}
