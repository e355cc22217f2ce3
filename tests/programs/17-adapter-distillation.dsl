// Adapter distillation of guidance, AGD (arXiv 2503.07274): an adapter reproduces the guided output in one pass.
// Oracle: exact conditional scores as the guided teacher: squared error on guided paths against unguided ones, final
//   W2, and half the evaluations.
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
data means : real[4, 2] = "class_means.npy"
model free = vp with data = mixture(normal(m, 0.3) for m in means)

network base(x : real[2], t : real, c : token[4], shift : real[64]) -> real[2] {
  embed = embedding(16)
  l1 = linear(64); l2 = linear(64); out = linear(2)
  h = silu(l1(x ++ fourier(t, 32) ++ embed(c)))
  h = h + shift                                     // the insertion point
  out(silu(l2(h)))
}
weights base = "base.safetensors"
network adapter(t : real, c : token[4], w : real) -> real[64] {
  embed = embedding(16)
  l1 = linear(32)
  param out : real[64, 32] = 0                      // starts as the base network
  matvec(out, silu(l1(embed(c) ++ fourier(t, 16) ++ fourier(w / 10, 16))))
}

fn guided_noise(x : real[2], t : real, c : token[4], w : real) -> real[2] {
  conditional = vp with data = normal(means[c], 0.3)
  (1 - w) * free.noise(x, t) + w * conditional.noise(x, t)
}

train distill {
  batch = 256; steps = 20_000
  loss(adapter) {
    c ~ index(4)
    w ~ uniform(1, 6)
    k ~ index(50)
    x : real[2] ~ normal(0, 1)
    for n in 49 while n < k {                        // deterministic guided steps, up to a random time
      (t, s) = (n / 50, (n + 1) / 50)
      e = guided_noise(x, t, c, w)
      x = vp.alpha(s) * (x - vp.sigma(t) * e) / vp.alpha(t) + vp.sigma(s) * e
    }
    t = k / 50
    sq_norm(base(x, t, c, adapter(t, c, w)) - guided_noise(x, t, c, w))
  }
}
model fast = vp with noise(x, t) = base(x, t, 2, adapter(t, 2, 4))
sampler one_pass { target = fast; diffusion(t) = 0; steps = 50; particles = 4096; time(u) = 0.98 * u }
