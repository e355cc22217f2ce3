// Statistical mechanics of continual learning (arXiv 2212.02846): factorised binary weights, pre-activations as
// Gaussians.
// Oracle: teacher-student binary perceptron, two tasks in sequence: the overlap with teacher 1 rises on its task and
//   falls on the second, less with pull = 1 than with 0; binary_kl is 0 at equal means and positive elsewhere.
data  x1 : real[2000, 200] = "task1.npy"
data  x2 : real[2000, 200] = "task2.npy"
data  w1 : spin[200]       = "teacher1.npy"
data  w2 : spin[200]       = "teacher2.npy"
param theta  : real[200] ~ normal(0, 0.1)            // mean weight is tanh(theta)
param anchor : real[200] = 0                         // the previous task's factors
param pull   : real = 1

fn data_term(x : real[200], teacher : real[200]) -> real {
  m = tanh(theta)
  y = sign(dot(teacher, x))
  -log(normal_cdf(y * dot(m, x) / sqrt(sum((1 - m^2) * x^2) + 1e-6)) + 1e-12)
}

fn binary_kl(m : real, p : real) -> real =
  (1 + m) / 2 * log((1 + m) / (1 + p)) + (1 - m) / 2 * log((1 - m) / (1 - p))

train sequence {
  batch = 100; steps = 10_000; optimizer = adam(0.01)
  loss(theta, n) {
    k ~ index(2000)
    fit = if n < 5000 { data_term(x1[k], w1) } else { data_term(x2[k], w2) }
    prior = if n < 5000 { 0.0 } else { sum(binary_kl(tanh(theta), tanh(anchor))) }
    fit + pull * prior / 2000
  }
  update(anchor, n) = if n == 4999 { theta } else { anchor }
  monitor() = [dot(tanh(theta), w1), dot(tanh(theta), w2)] / 200
}
