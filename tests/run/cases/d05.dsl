// D05: product of two. Its exact answers are in truths.json.
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
const a0 = cholesky([[0.33, -0.364], [-0.364, 0.585]])
const a1 = cholesky([[1.035, -0.027], [-0.027, 0.066]])
const a2 = cholesky([[0.866, 0.007], [0.007, 0.069]])
model a = vp with data = mixture([gaussian_vector([-1.56, 1.09], a0),
    gaussian_vector([0.54, -0.64], a1),
    gaussian_vector([0.7, 0.44], a2)], weights = [0.324, 0.499, 0.177])
const b0 = cholesky([[0.368, -0.442], [-0.442, 0.741]])
const b1 = cholesky([[0.078, -0.005], [-0.005, 0.895]])
model b = vp with data = mixture([gaussian_vector([2.0, 0.79], b0),
    gaussian_vector([-1.97, -0.01], b1)], weights = [0.605, 0.395])

sampler s {
  target = a * b
  steps = 2000; particles = 20_000; resample = systematic when ess < 0.5
  monitor(x) = (first = x, second = [x[i] * x[j] for i in 2 for j in 2])
}
