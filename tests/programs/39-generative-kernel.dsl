// Generative kernel continual learning (arXiv 2112.13410): a conditional generator replays classes for a kernel
// classifier.
// Oracle: none is published in usable form; on well-separated Gaussian classes the replayed class means agree with
//   the data within 4 standard errors and accuracy on old classes stays that of joint training.
data x[n]  : real[n, 16]  = "features.npy"
data label : token[n, 10] = "labels.npy"
data omega : real[256, 8] = "frequencies.npy"        // frozen random features
data phase : real[256]    = "phases.npy"

network encoder(x : real[16], c : token[10]) -> real[16] { e = embedding(8); f = mlp(64, 2, 16); f(x ++ e(c)) }
network decoder(z : real[8], c : token[10]) -> real[16]  { e = embedding(8); f = mlp(64, 2, 16); f(z ++ e(c)) }

train fit {
  batch = 128; steps = 20_000
  loss(encoder, decoder) {
    i ~ index(n)
    q = encoder(x[i], label[i])
    (m, s) = (q[0..8], exp(q[8..16]))
    z ~ normal(m, s)
    sq_norm(decoder(z, label[i]) - x[i]) + 0.5 * sum(s^2 + m^2 - 1 - 2 * log(s))
  }
}
fn features(x : real[16], c : token[10]) -> real[256] = cos(matvec(omega, encoder(x, c)[0..8]) + phase) / 16

// replayed examples of every class, and the ridge classifier that they give
sampler replay {
  steps = 0; particles = 5000
  init() {
    c ~ index(10)
    z : real[8] ~ normal(0, 1)
    (x = decoder(z, c), c = c)
  }
}

fn ridge(rows : real[500, 256], targets : real[500, 10]) -> real[256, 10] {
  gram = matmul(transpose(rows), rows) + 1e-3 * eye(256)
  moments = matmul(transpose(rows), targets)
  columns = [solve(gram, [moments[k, c] for k in 256]) for c in 10]
  transpose(columns)
}
