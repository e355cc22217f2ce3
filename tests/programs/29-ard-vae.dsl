// ARD-VAE (arXiv 2501.10901): the prior variance of each latent is estimated from encodings under a Gamma hyperprior.
// Oracle: linear data of known rank: the number of latents with large estimated variance equals the rank.
data  rows[n] : real[n, 20] = "rank_5.npy"
param variance : real[10]   = 1

network encoder(x : real[20]) -> real[20] { f = mlp(64, 2, 20); f(x) }
network decoder(z : real[10]) -> real[20] { f = mlp(64, 2, 20); f(z) }

train fit {
  batch = 256; steps = 10_000
  loss(encoder, decoder) {
    x ~ empirical(rows)
    q = encoder(x)
    (m, s) = (q[0..10], exp(q[10..20]))
    z ~ normal(m, s)
    kl = 0.5 * sum((s^2 + m^2) / variance - 1 - log(s^2 / variance))
    0.5 * sq_norm(decoder(z) - x) / 0.01 + kl
  }
  update(variance) {                                 // posterior mean under Gamma(1e-2, 1e-2) precisions
    x ~ empirical(rows)
    m = encoder(x)[0..10]
    (1e-2 + 0.5 * sum(o for o in population(m^2))) / (1e-2 + 0.5 * batch)
  }
}

sampler generate {
  steps = 0; particles = 1000
  init() {
    z ~ normal([0.0 for k in 10], sqrt(variance))
    decoder(z)
  }
}
