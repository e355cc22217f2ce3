// Samplers that write their own step: states that are tuples, outputs, monitors, weights, templates of samplers.
const observed = [0.5, -0.25, 1, 0.75]
sampler walk {
  steps = 4; particles = 128; resample = stratified when ess < 0.5 && n > 0
  init() = (x = 0.0, crossings = 0)
  step(s, n) {
    y ~ normal(s.x, 0.5)
    weigh normal(y, 0.25).logp(observed[n])
    if n < 2 { weigh -0.125 }
    (x = y, crossings = s.crossings + (if y * s.x < 0 { 1 } else { 0 }))
  }
  output(s) = s.x
  monitor(s, t) = (mean = s.x, late = indicator(t > 0.5) * s.x^2, share = indicator(s.crossings > 0))
}
test "output reads the state" = walk.output((x = 2.5, crossings = 3)) == 2.5
test "monitors have names" = walk.monitor((x = -2.0, crossings = 1), 0.75).late == 4 &&
  walk.monitor((x = -2.0, crossings = 1), 0.25).late == 0 && walk.monitor((x = -2.0, crossings = 0), 1).share == 0
test "settings" = walk.steps == 4 && walk.particles == 128 && walk.probes == 0

// a template, of which two are made
sampler filter[n](ys : real[n], spread : real, gain : real = 0.9) {
  steps = n; particles = 64; resample = systematic when ess < threshold
  threshold = 0.5
  init() { x ~ normal(0, 1); x }
  step(x, n) {
    y ~ normal(gain * x, spread)
    weigh normal(y, 0.3).logp(ys[n])
    y
  }
}
sampler narrow = filter(observed, 0.25)
sampler wide   = filter(observed ++ observed, 2, gain = 0.5) with threshold = 0.9
test "templates" = narrow.steps == 4 && wide.steps == 8 && narrow.gain == 0.9 && wide.threshold == 0.9

// no steps: importance sampling; the time grid; a resampler of the user's
fn keep[n](w : simplex[n]) -> token[n, n] = [i for i in n]
sampler importance {
  steps = 0; particles = 32
  init(i) { x ~ normal(0, 2); weigh normal(1, 0.5).logp(x) - normal(0, 2).logp(x) + 0 * i; (x = x, index = i) }
}
sampler lazy = walk with { resample = keep; time(u) = u^2 }
test "the grid, and no steps" = lazy.time(0.5) == 0.25 && walk.time(0.5) == 0.5 && importance.steps == 0
