// Laid over the library by the rewrite test, which asks for the same numbers: two fields are split in two.

/// A law on T, normalised or not.
kind density[T] {
  logp(x : T) -> real                                  // log density
  draw() -> T
  score(x : T) -> tangent[T] = grad(logp(x), x)
  noised(a : real, s : real) -> density[T]             // the law of a X + s Z, Z standard normal
  natural                                              // natural parameters: logp is linear in them but for a constant
  from_natural(n) -> density[T]                        // the law that has these
}

/// A path from noise to data, in generative time: t = 0 is noise, t = 1 is data.
kind process[S, T] {
  path(x0 : S, t : real) -> density[T]                 // the state at t, given the datum
  start : density[T]                                   // the state at t = 0
  diffusion(t : real) -> real = 0                      // noising SDE: coefficient
  noising(x : T, t : real) -> tangent[T]               // noising SDE: drift, towards noise
  jump_rate(a : int, b : int, t : real) -> real        // noising chain: rate from letter a to letter b
  move(x : T, dx : tangent[T], sd : real) -> density[T] = normal(x + dx, sd)

  data : density[S]                                    // roles: supply one, the others follow
  law(t : real) -> density[T]
  logp(x : T, t : real) -> real = law(t).logp(x)
  score(x : T, t : real) -> tangent[T]
  noise(x : T, t : real) -> tangent[T]
  denoised(x : T, t : real) -> tangent[T]
  velocity(x : T, t : real) -> tangent[T]
  logits(x : T, t : real) -> tangent[S]
  posterior(x : T, t : real) = softmax(logits(x, t))

  rates(x : T, t : real) -> tangent[T] = reverse_rates(jump_rate, x, score(x, t), t)
  ahead(x : T, t : real) -> tangent[T] = velocity(x, t) + diffusion(t)^2 / 2 * score(x, t)
  step(x : T, t : real, dt : real) -> density[T] = move(x, dt * ahead(x, t), sqrt(dt) * diffusion(t))
  step(x, t, dt) = jump(x, rates(x, t), dt)
}

/// A process that knows its data: one with a role supplied.
kind model = process

/// A Feynman-Kac model: start, step, weigh, resample.
kind sampler[T] {
  particles : int = 1024
  steps     : int = 100
  probes    : int = 0                                  // Hutchinson probes that derive may use
  time(u : real) -> real = u                           // the grid: t_n = time(n / steps)
  target(; t : real) -> density[T]

  start : density[T] = fused(target(time(0)).experts)  // product of the models' starts, where it is closed form
  start = target(time(0))
  init(; i : int) -> T { x ~ start; weigh target(time(0)).logp(x) - start.logp(x); x }
  init() { x ~ start; weigh target(time(0)).opening(x) - start.logp(x); x }
  init() = start.draw()

  velocity(x : T, t : real) -> tangent[T] = sum(e.power * e.model.velocity(x, t) for e in target(t).experts)
  mass(t : real) -> real = sum(e.power for e in target(t).experts)
  diffusion(t : real) -> real = target(t).diffusion(t)
  heat(t : real) -> real = diffusion(t)^2 / 2
  langevin(x : T, t : real) -> tangent[T] = heat(t) * target(t).score(x)
  summed(x : T, t : real) -> tangent[T] = velocity(x, t) + langevin(x, t)
  centroid(x : T, t : real) -> tangent[T] = velocity(x, t) / mass(t) + langevin(x, t)
  reverse(x : T, t : real) -> tangent[T] = summed(x, t) + (mass(t) - 1) * target(t).noising(x, t)
  drift(x : T, t : real) -> tangent[T] = centroid(x, t) when mass(t) > 0   // the first that derive can weigh
  drift(x, t) = summed(x, t)
  rates(x : T, t : real) -> tangent[T] = mass(t) * reverse_rates(target(t).jump_rate, x, target(t).score(x), t)
  kernel(x : T, t : real, dt : real) -> density[T] = target(t).move(x, drift(x, t) * dt, diffusion(t) * sqrt(dt))
  kernel(x, t, dt) = target(t).sole.step(x, t, dt)
  kernel(x, t, dt) = jump(x, rates(x, t), dt)

  rate(x : T, t : real) -> real =
    jvp(target(t).logp(x), t, 1) + div(drift(x, t), x) + dot(drift(x, t), target(t).score(x)) -
    diffusion(t)^2 / 2 * (div(target(t).score(x), x) + sq_norm(target(t).score(x)))
  backward(y : T, t : real, dt : real) -> density[T] =
    target(t).move(y, (diffusion(t - dt)^2 / 2 * target(t).score(y) + langevin(y, t) - drift(y, t)) * dt,
      diffusion(t - dt) * sqrt(dt))
  continuous(x : T, y : T, t : real, dt : real) -> real = rate(x, t) * dt
  exact(x : T, y : T, t : real, dt : real) -> real =
    target(t + dt).logp(y) - target(t).logp(x) + backward(y, t + dt, dt).logp(x) - kernel(x, t, dt).logp(y)
  unweighted(x : T, y : T, t : real, dt : real) -> real = 0
  weights(x : T, y : T, t : real, dt : real) -> real = continuous(x, y, t, dt)

  step(x : T; t : real, dt : real, n : int, i : int) -> T { y ~ kernel(x, t, dt); weigh weights(x, y, t, dt); y }
  resample(w : simplex[m]; ess : real, t : real, n : int) -> token[m, m]
  output(x : T) = x
  monitor(x : T; t : real, n : int)
}

/// An elementwise update rule with memory.
kind optimizer[M] {
  memory : M
  step(w : real, g : real, m : M, n : int) -> (w : real, m : M)
}

/// A loss to be lowered by moving parameters.
kind train {
  batch : int = 64
  steps : int = 1000
  clip_norm : real = inf
  optimizer : optimizer = adam(1e-3)
  loss(; n : int, i : int) -> real
  update(; n : int)
  monitor(; n : int)
}
