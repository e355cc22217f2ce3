// Gumbel-Softmax flow matching (arXiv 2503.17361): a flow on the simplex, exact or learned.
// Oracle (exact posterior, prior below, 400 steps, 40 000 samples): argmax of the state has frequencies 0.584, 0.253,
//   0.115, 0.048 and a draw from it 0.435, 0.249, 0.174, 0.143: the published flow is biased, and must be reproduced
//   so.
alphabet dna = "ACGT"
data     seqs[n] : token[n, 4, dna] = "toy.npy"
const    prior : simplex[1, dna] = [[0.5, 0.25, 0.15, 0.1]]

network denoiser(x : simplex[4, dna], t : real) -> real[4, dna] {
  f = mlp(256, 4, 16)
  h = f(flatten(x) ++ fourier(t, 32))
  [h[4 * i + j] for i in 4 for j in dna]
}

process gs = gumbel_softmax(tau_max = 10, decay = 3, beta = 2)
model   exact_toy = gs with data = categorical(prior)
model   learned = gs with logits = denoiser

train fit {
  batch = 512; steps = 50_000; optimizer = adamw(1e-3)
  loss(denoiser) {
    s ~ empirical(seqs)
    t ~ uniform(0, 1)
    x ~ gs.path(s, t)
    mean(cross_entropy(denoiser(x, t), s))
  }
}

sampler toy  { target = exact_toy; steps = 400; particles = 40_000; output(x) = argmax(x) }
sampler flow { target = learned;   steps = 100; particles = 51_200; output(x) = argmax(x) }
