// D09: anneal and reward, VE. Its exact answers are in truths.json.
process ve = variance_exploding(sigma_min = 0.02, sigma_max = 8)
const q0 = cholesky([[0.357, 0.007, -0.11], [0.007, 0.785, 0.245], [-0.11, 0.245, 0.199]])
const q1 = cholesky([[0.542, 0.043, 0.299], [0.043, 0.173, 0.226], [0.299, 0.226, 0.683]])
model q = ve with data = mixture([gaussian_vector([-0.5, -2.93, 2.16], q0),
    gaussian_vector([1.37, -0.39, 0.93], q1)], weights = [0.484, 0.516])
fn reward(x : real[3]) -> real {
  y = x - [0.3, 0.2, -0.5]
  dot(x, [0.2, 0.0, 0.3]) - 0.5 * dot(y, matvec([[0.8, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]], y))
}

sampler s {
  target(t) = q^2 * exp(reward)^(t^2)
  steps = 4000; particles = 20_000; resample = systematic when ess < 0.5
  monitor(x) = (first = x, second = [x[i] * x[j] for i in 3 for j in 3])
}
