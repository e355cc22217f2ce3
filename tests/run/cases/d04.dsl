// D04: exponent that moves. Its exact answers are in truths.json.
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
const q0 = cholesky([[0.33, -0.364], [-0.364, 0.585]])
const q1 = cholesky([[1.035, -0.027], [-0.027, 0.066]])
const q2 = cholesky([[0.866, 0.007], [0.007, 0.069]])
model q = vp with data = mixture([gaussian_vector([-1.56, 1.09], q0),
    gaussian_vector([0.54, -0.64], q1),
    gaussian_vector([0.7, 0.44], q2)], weights = [0.324, 0.499, 0.177])

sampler s {
  target(t) = q^(1 + 2 * t)
  steps = 4000; particles = 20_000; resample = systematic when ess < 0.5
  monitor(x) = (first = x, second = [x[i] * x[j] for i in 2 for j in 2])
}
