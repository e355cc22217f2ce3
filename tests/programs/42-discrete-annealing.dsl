// Discrete Feynman-Kac correctors (arXiv 2601.10403): annealing, guidance and reward for masked and uniform chains.
// Oracle: a 5-state chain's integrated master equation meets the target to 1e-13; `annealed` ends at e = 0.9505 with
//   letter k as (e prior_k)^beta and the mask as (1 - e)^beta: 0.7190, 0.1798, 0.0647, 0.0288, mask 0.0078, log Z
//   -6.827 (start taken as all mask). A grid that is even in t has weights without a usable variance near 1.
alphabet dna = "ACGT"
param beta : real = 2
const prior : simplex[6, dna] = [[0.5, 0.25, 0.15, 0.1] for i in 6]
const other : simplex[6, dna] = [[0.1, 0.2, 0.3, 0.4] for i in 6]

process chain   = masked(keep(t) = t)
process flips   = uniform_noise(keep(t) = t)
model   letters = chain with data = categorical(prior)
model   rivals  = chain with data = categorical(other)
model   flipped = flips with data = categorical(prior)
network denoiser(x : token[6, 5], t : real) -> real[6, dna] {
  embed = embedding(16); f = mlp(64, 2, 24)
  h = f(flatten(embed(x)) ++ fourier(t, 16))
  [h[4 * i + j] for i in 6 for j in dna]
}
model learned = chain with logits = denoiser
fn    content(x : token[6, 5]) -> real = sum(indicator(x[i] == 1 || x[i] == 2) for i in 6)

sampler annealed {
  target = letters^beta
  steps = 200; particles = 4096; time(u) = 1 - 0.99 * 0.05^u; resample = systematic when ess < 0.5
}
sampler annealed_flips = annealed with target = flipped^beta
sampler guided_letters {
  target = letters^(1 - beta) * rivals^beta
  steps = 200; particles = 4096; time(u) = 1 - 0.99 * 0.05^u
}

sampler rewarded {
  target(t) = learned * exp(content)^t
  steps = 200; particles = 4096; time(u) = 1 - 0.99 * 0.05^u; resample = systematic when ess < 0.5
}
