// D06: classifier-free guidance, w = 2.5. Its exact answers are in truths.json.
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
const u0 = cholesky([[0.284, 0.349], [0.349, 0.654]])
const u1 = cholesky([[0.603, 0.419], [0.419, 0.401]])
const u2 = cholesky([[0.078, 0.046], [0.046, 0.838]])
const u3 = cholesky([[1.022, 0.088], [0.088, 0.086]])
model u = vp with data = mixture([gaussian_vector([-1.63, -0.42], u0),
    gaussian_vector([-2.78, -0.23], u1),
    gaussian_vector([-2.65, 1.05], u2),
    gaussian_vector([1.83, -0.72], u3)], weights = [0.1312, 0.2688, 0.3996, 0.2004])
const c0 = cholesky([[0.284, 0.349], [0.349, 0.654]])
const c1 = cholesky([[0.603, 0.419], [0.419, 0.401]])
model c = vp with data = mixture([gaussian_vector([-1.63, -0.42], c0),
    gaussian_vector([-2.78, -0.23], c1)], weights = [0.328, 0.672])

sampler s {
  target = u^(-1.5) * c^2.5
  steps = 2000; particles = 20_000; resample = systematic when ess < 0.5
  monitor(x) = (first = x, second = [x[i] * x[j] for i in 2 for j in 2])
}
