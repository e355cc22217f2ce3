// D07: quotient. Its exact answers are in truths.json.
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
const a0 = cholesky([[0.354, 0.405], [0.405, 0.682]])
const a1 = cholesky([[0.424, 0.466], [0.466, 0.678]])
model a = vp with data = mixture([gaussian_vector([-0.94, 0.32], a0),
    gaussian_vector([-0.3, 0.15], a1)], weights = [0.712, 0.288])
const b0 = cholesky([[0.985, -0.187], [-0.187, 0.105]])
const b1 = cholesky([[0.186, 0.266], [0.266, 0.728]])
model b = vp with data = mixture([gaussian_vector([1.47, -0.61], b0),
    gaussian_vector([-0.36, -0.63], b1)], weights = [0.349, 0.651])
const c0 = cholesky([[0.976, 0.047], [0.047, 1.844]])
const c1 = cholesky([[1.467, 0.464], [0.464, 1.41]])
model c = vp with data = mixture([gaussian_vector([0.44, 0.43], c0),
    gaussian_vector([0.97, -0.72], c1)], weights = [0.306, 0.694])

sampler s {
  target = a * b / c
  steps = 2000; particles = 20_000; resample = systematic when ess < 0.5
  monitor(x) = (first = x, second = [x[i] * x[j] for i in 2 for j in 2])
}
