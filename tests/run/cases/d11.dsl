// D11: rectified flow, annealed. Its exact answers are in truths.json.
process rf = rectified_flow()
const q0 = cholesky([[0.341, -0.385], [-0.385, 0.632]])
const q1 = cholesky([[0.332, -0.367], [-0.367, 0.594]])
const q2 = cholesky([[0.269, -0.376], [-0.376, 0.748]])
model q = rf with data = mixture([gaussian_vector([1.24, 2.18], q0),
    gaussian_vector([-0.46, 0.65], q1),
    gaussian_vector([-0.44, -1.71], q2)], weights = [0.435, 0.367, 0.198])

sampler s {
  target = q^2
  diffusion(t) = sqrt(2 * (1 - t))
  time(u) = 0.001 + 0.999 * u
  steps = 1000; particles = 20_000; resample = systematic when ess < 0.5
  monitor(x) = (first = x, second = [x[i] * x[j] for i in 2 for j in 2])
}
