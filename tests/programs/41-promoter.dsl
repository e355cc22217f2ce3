// Promoter design (arXiv 2503.17361): a trained simplex flow, steered by a classifier of clean sequences, with its
// training.
// Oracle: parameter counts of the dilated network; with the exact denoiser of a known prior the reference frequencies
//   of Gumbel-Softmax flow matching.
alphabet dna = "ACGT"
data promoters[n] : token[n, 200, dna] = "promoters.txt"

network block(dilation : int)(h : real[200, 128], time : real[128]) -> real[200, 128] {
  norm = layer_norm(); conv = conv1d(128, kernel = 9, dilation = dilation); dense = linear(128)
  h + relu(conv(norm(h + dense(time))))
}

network denoiser(x : simplex[200, dna], t : real) -> real[200, dna] {
  embed = conv1d(128, kernel = 9)
  time = linear(128)
  blocks = [block(d) for d in [1, 1, 4, 16, 64]]
  mix = conv1d(128, kernel = 1); out = conv1d(dna, kernel = 1)
  h = relu(embed(x))
  s = relu(time(fourier(t, 128)))
  for b in blocks { h = b(h, s) }
  out(relu(mix(h)))
}

network activity(s : real[200, dna]) -> real {
  conv = conv1d(64, kernel = 9); head = linear(1)
  head(mean(h for h in relu(conv(s))))[0]
}
weights activity = "activity.safetensors"

process gs   = gumbel_softmax(tau_max = 10, decay = 3, beta = 2)
model   flow = gs with logits = denoiser

train fit {
  batch = 256; steps = 20_000; optimizer = adamw(5e-4)
  loss(denoiser) {
    s ~ empirical(promoters)
    t ~ uniform(0, 1)
    x ~ gs.path(s, t)
    mean(cross_entropy(denoiser(x, t), s))
  }
}

sampler design {
  target    = guided(flow, by(x, t) = 4 * straight_through(activity, x, draws = 10))
  weights   = unweighted
  steps     = 100
  particles = 1024
  output(x) = argmax(flow.posterior(x, 1))
}
