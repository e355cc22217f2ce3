// SVH-PSL, Stein variational hypernetworks (arXiv 2412.17312): interacting particles drive a Pareto set learner.
// Oracle: two-objective toy fronts known in closed form: log hypervolume difference, with and without repulsion.
network hyper(ray : real[2]) -> real[6] { f = mlp(64, 2, 6); sigmoid(f(ray)) }
fn objectives(x : real[6]) -> real[2] {
  g = 1 + 9 * mean(x[1..6])
  [x[0], g * (1 - sqrt(x[0] / g + 1e-9))]
}
fn scalarised(x : real[6], ray : real[2]) -> real = max(ray * objectives(x))

train learn {
  batch = 64; steps = 2000
  loss(hyper) {
    ray ~ dirichlet([1, 1])
    x = hyper(ray)
    f = objectives(x)
    g = grad(scalarised(x, ray), x)
    slope = [grad(objectives(x)[o], x) for o in 2]
    // all pairs: kernel on objective values, bandwidth by the median
    (fs, gs, js) = (population(f), population(g), population(slope))
    width = 0.5 * median(norm(f - o) for o in fs)^2 / log(batch) + 1e-6
    push = mean(exp(-sq_norm(f - fs[j]) / width) *
      (gs[j] - 2 / width * matvec(transpose(js[j]), f - fs[j])) for j in batch)
    dot(stop(push), x)
  }
}

sampler front {
  steps = 0; particles = 200
  init() { ray ~ dirichlet([1, 1]); x = hyper(ray); (x = x, f = objectives(x)) }
}
