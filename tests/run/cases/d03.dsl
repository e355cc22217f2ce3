// D03: anneal, VE, three dimensions. Its exact answers are in truths.json.
process ve = variance_exploding(sigma_min = 0.02, sigma_max = 8)
const q0 = cholesky([[0.357, 0.007, -0.11], [0.007, 0.785, 0.245], [-0.11, 0.245, 0.199]])
const q1 = cholesky([[0.542, 0.043, 0.299], [0.043, 0.173, 0.226], [0.299, 0.226, 0.683]])
model q = ve with data = mixture([gaussian_vector([-0.5, -2.93, 2.16], q0),
    gaussian_vector([1.37, -0.39, 0.93], q1)], weights = [0.484, 0.516])

sampler s {
  target = q^3
  steps = 4000; particles = 20_000; resample = systematic when ess < 0.5
  monitor(x) = (first = x, second = [x[i] * x[j] for i in 3 for j in 3])
}
