// f-distill (arXiv 2502.15681): a one-step student trained by ratio-weighted score differences.
// Oracle: with an analytic teacher in one dimension the gradient -E[h(r) (s_teacher - s_student) dG] equals finite
//   differences of the divergence by quadrature; h = 1 (reverse KL), r (forward KL), r/(r + 1) (Jensen-Shannon).
process vp      = variance_preserving(beta_min = 0.1, beta_max = 20)
model   teacher = vp with data = mixture([normal([-2], 0.5), normal([1.5], 0.8)], weights = [0.7, 0.3])

network student(z : real[4]) -> real[1]       { f = mlp(128, 3, 1); f(z) }
network eps(x : real[1], t : real) -> real[1] { f = mlp(128, 3, 1); f(x ++ fourier(t, 16)) }
network critic(x : real[1], t : real) -> real { f = mlp(128, 3, 1); f(x ++ fourier(t, 16))[0] }
model   fake = vp with noise = eps

fn fresh() -> real[1] { z : real[4] ~ normal(0, 1); student(z) }

train distill {
  batch = 512; steps = 20_000; optimizer = adam(1e-3)
  optimizer(student) = adam(1e-4)
  loss(eps) {                                       // denoising loss on the student's own samples
    t ~ uniform(0, 0.999)
    x0 = fresh()
    z : real[1] ~ normal(0, 1)
    sq_norm(eps(vp.alpha(t) * x0 + vp.sigma(t) * z, t) - z)
  }
  loss(critic) {                                    // log ratio of teacher to student
    t ~ uniform(0, 0.999)
    x0 ~ teacher.data
    x ~ vp.path(x0, t)
    y ~ vp.path(fresh(), t)
    softplus(-critic(x, t)) + softplus(critic(y, t))
  }
  loss(student) {
    t ~ uniform(0.02, 0.98)
    x ~ vp.path(fresh(), t)                         // reparameterised: the gradient reaches the student
    r = exp(critic(x, t))
    h = r / (r + 1)
    h_mean = mean(population(h))
    -dot(stop(h / h_mean * (teacher.score(x, t) - fake.score(x, t))), x)
  }
}
sampler one_step { steps = 0; particles = 10_000; init() = fresh() }
