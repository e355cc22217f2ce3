// Straight-through guided flow, STGFlow (arXiv 2503.17361): a classifier of clean sequences steers a simplex flow.
// Oracle: the guide sums to 0 over letters; for f affine in each position it equals x_i (E[f | s_i] - E[f]) by
//   enumeration; the mean of f over draws rises along the run and with the strength, and its variance falls with the
//   draws.
alphabet dna = "ACGT"
data  pwm   : real[4, dna]    = "pwm.npy"
const prior : simplex[4, dna] = [[0.5, 0.25, 0.15, 0.1] for i in 4]
param strength : real = 4

fn activity(s : real[4, dna]) -> real = dot(pwm, s)

process gs = gumbel_softmax(tau_max = 10, decay = 3, beta = 2)
model   toy = gs with data = categorical(prior)

sampler guided_flow {
  target     = guided(toy, by(x, t) = strength * straight_through(activity, x, draws = 10))
  weights    = unweighted
  steps      = 100
  particles  = 1024
  output(x)  = argmax(x)
  monitor(x) = activity(one_hot(argmax(x), dna))
}

// The same reward as a weighted target: no gradient, exact in the limit of many particles.
sampler weighted_flow {
  target(t) = toy * exp(activity)^(strength * t)
  steps     = 100
  particles = 1024
  output(x) = argmax(x)
}
