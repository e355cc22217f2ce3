// DiffuMatch (arXiv 2507.23715): a score model of functional maps distilled into a matching objective.
// Oracle: synthetic near-diagonal orthogonal matrices of known rotation are recovered from partial, noisy
//   correspondences, and better with the prior than with an orthogonality penalty.
data maps[n] : real[n, 30, 30] = "maps.npy"
data a       : real[30, 12]    = "source_functions.npy"
data b       : real[30, 12]    = "target_functions.npy"
process ve = edm(sigma_min = 0.01, sigma_max = 1)

network denoise(c : real[30, 30], sigma : real) -> real[30, 30] {
  f = mlp(512, 3, 900)
  h = f(flatten(c) ++ fourier(log(sigma), 32))
  c / (1 + sigma^2) + sigma / sqrt(1 + sigma^2) * [h[30 * i + j] for i in 30 for j in 30]
}

train prior {
  batch = 64; steps = 50_000
  loss(denoise) {
    c ~ empirical(maps)
    s ~ log_normal(-1.2, 1.2)
    z : real[30, 30] ~ normal(0, 1)
    (1 + s^2) / s^2 * sq_norm(denoise(abs(c) + s * z, s) - abs(c))
  }
}

fn pull(c : real[30, 30], s : real) -> real[30, 30] {
  z : real[30, 30] ~ normal(0, 1)
  c - denoise(c + s * z, s)
}

sampler match {
  steps = 300; particles = 1
  init() = 0.1 * eye(30)
  step(c) {
    u ~ uniform(0, 1)
    distilled = mean(pull(abs(c), 0.01 + u) for k in 32) * sign(c)
    c - 0.05 * (grad(sq_norm(matmul(c, a) - b), c) + distilled)
  }
}
