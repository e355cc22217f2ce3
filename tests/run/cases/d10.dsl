// D10: two processes, VP and VE. Its exact answers are in truths.json.
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
process ve = variance_exploding(sigma_min = 0.02, sigma_max = 8)
const a0 = cholesky([[0.845, 0.242], [0.242, 0.153]])
const a1 = cholesky([[1.037, -0.112], [-0.112, 0.077]])
model a = vp with data = mixture([gaussian_vector([1.15, 0.08], a0),
    gaussian_vector([1.58, 0.46], a1)], weights = [0.502, 0.498])
const b0 = cholesky([[0.512, -0.436], [-0.436, 0.508]])
const b1 = cholesky([[0.073, -0.017], [-0.017, 0.956]])
model b = ve with data = mixture([gaussian_vector([-1.89, -3.51], b0),
    gaussian_vector([-0.42, 1.5], b1)], weights = [0.631, 0.369])

sampler s {
  target = a * b
  diffusion(t) = vp.diffusion(t)
  steps = 1000; particles = 20_000; resample = systematic when ess < 0.5
  monitor(x) = (first = x, second = [x[i] * x[j] for i in 2 for j in 2])
}
