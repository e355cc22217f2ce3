// PV-RNN (arXiv 1811.01339): a variational recurrent generator whose latents are parameters of each training
// sequence.
// Oracle: probabilistic finite-state sequences; small, middle and large w give noise, structure and deterministic
//   chaos; the Kullback-Leibler terms of Gaussians are closed form.
data  seqs   : real[32, 40, 2] = "sequences.npy"
data  probe  : real[40, 2]     = "window.npy"
param w      : real = 0.05
param a      : real[32, 40, 4] = 0                   // one latent drive for each sequence and time
param window : real[40, 4]     = 0                   // the same for a new sequence, regressed at test time

network cell(d : real[16], z : real[2]) -> real[16] { l = linear(16); tanh(l(d ++ z)) }
network prior(d : real[16]) -> real[4]              { l = linear(4); l(d) }
network posterior(d : real[16], a : real[4]) -> real[4] { l = linear(4); l(d) + a }
network readout(d : real[16]) -> real[2] { l = linear(2); l(d) }

fn free_energy(drive : real[40, 4], y : real[40, 2]) -> real {
  d : real[16] = 0
  loss = 0.0
  for t in 40 {
    (p, q) = (prior(d), posterior(d, drive[t]))
    z ~ normal(q[0..2], exp(q[2..4]))
    kl = sum(p[2 + k] - q[2 + k] + 0.5 * (exp(2 * q[2 + k]) + (q[k] - p[k])^2) / exp(2 * p[2 + k]) - 0.5 for k in 2)
    d = cell(d, z)
    loss = loss + 0.5 * sq_norm(readout(d) - y[t]) + w * kl
  }
  loss
}

train fit {
  batch = 32; steps = 20_000
  loss(cell, prior, posterior, readout, a, i) = free_energy(a[i], seqs[i])
}
train regress { batch = 1; steps = 500; loss(window) = free_energy(window, probe) }

sampler generate {
  steps = 400; particles = 64
  init() { d : real[16] = 0; d }
  step(d) {
    p = prior(d)
    z ~ normal(p[0..2], exp(p[2..4]))
    cell(d, z)
  }
  output(d) = readout(d)
}
