// Kernel density estimators in large dimension (arXiv 2408.05807): when a point cloud's score collapses to one point.
// Oracle: sum of squared weights at h = 0.5, 1, 1.5, 2 times h_G (simulated, standard error below 0.3 %, 0.8 %, 1.3 %,
//   1 %): 0.801, 0.288, 0.0225, 0.0028 (d = 50, n = 1808, h_G = 1.177) and, to twice that error, 0.806, 0.293, 0.0207,
//   0.0015 (d = 30, n = 8103, h_G = 0.868).
const d = 50
param h : real = 1.177

sampler participation {
  steps = 0; particles = 1000
  init() {
    x : real[d] ~ normal(0, 1)
    distance = [square_distance(x) for j in 1808]    // a fresh cloud for every query, never stored
    w = softmax(-distance / (2 * h^2))
    sq_norm(w)
  }
}

fn square_distance(x : real[d]) -> real {
  y : real[d] ~ normal(0, 1)
  sq_norm(x - y)
}

// the same collapse as a generative model: the exact diffusion of a stored cloud
data cloud : real[1808, d] = "cloud.npy"
process ve = variance_exploding(sigma_min = 0.05, sigma_max = 20)
model exact_cloud = ve with data = empirical(cloud)
sampler memorise { target = exact_cloud; steps = 200; particles = 256 }
