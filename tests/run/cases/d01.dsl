// D01: anneal, one dimension. Its exact answers are in truths.json.
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
model q = vp with data = mixture([normal(-2.0, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3])

sampler s {
  target = q^3
  steps = 1000; particles = 20_000; resample = systematic when ess < 0.5
  monitor(x) = (first = x, second = x^2)
}
