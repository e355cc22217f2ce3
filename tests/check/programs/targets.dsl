// The algebra of targets, and the fields of a sampler that follow from them.
param beta : real = 3
process ve = variance_exploding(sigma_min = 0.1, sigma_max = 10)
model a = ve with data = normal(1, 0.5)
model b = ve with data = normal(-1, 2)
fn reward(x : real) -> real = -(x - 1)^2 / 1.6

density bump = normal(0, 1)^2 * exp(f(x) = 0.5 * x) / normal(1, 3)
test "powers, products, quotients, tilts" = close(bump.logp(0.7), 0.04467375546344) &&
  close(bump.score(0.7), -0.9333333333333)

sampler power { target = a^beta; steps = 10; particles = 64; resample = systematic when ess < 0.5 }
sampler both  { target(t) = a * b^(1 + t) * exp(reward)^(t^2); steps = 10; particles = 64 }
sampler plain { target = a; steps = 10; particles = 64 }
test "the mass of a target" = power.mass(0.5) == 3 && both.mass(0.5) == 2.5 && plain.mass(0.5) == 1
test "its score and log density" = close(power.target(0.3).score(0.7), 0.1372040434600) &&
  close(both.target(0.3).logp(0.7), -4.76465080229) && close(both.target(0.3).score(0.7), -0.1348791828642)

test "the noise is that of the models" = close(power.diffusion(0.3), 7.623209234214) &&
  both.diffusion(0.3) == power.diffusion(0.3)

test "drifts" = close(power.drift(0.7, 0.3), 5.315588233072) && close(power.summed(0.7, 0.3), 7.973382349608) &&
  close(plain.drift(0.7, 0.3), 2.657794116536) && close(both.drift(0.7, 0.3), -6.049486644512)

test "the rate of the weights" = close(plain.rate(0.7, 0.3), 0) && close(power.rate(0.7, 0.3), 8.859313721788) &&
  close((power with drift = summed).rate(0.7, 0.3), 0.3646600994731) && close(both.rate(0.7, 0.3), 1.514735722584)
test "the start is that of the power" = close(power.start.sd, 5.773502691896) && plain.start.sd == 10

// on vectors
model c = ve with data = normal([1, -1], 0.5)
sampler plane { target = c^beta; steps = 10; particles = 64 }
test "the start on vectors" = all(close(plane.start.sd, 5.773502691896)) &&
  close(plane.start.logp([3, -2]), -5.539434963729) && all(abs(mean(plane.start.draw() for i in 4000)) < 0.5)

test "the drift on vectors" = all(close(plane.drift([0.7, -0.7], 0.3), [5.315588233072, -5.315588233072]))
test "time, and settings" = power.time(0.3) == 0.3 && power.steps == 10 && power.particles == 64

// models of a template, made anew wherever it is used, share what they are made of alike
process even(top : real) = variance_exploding(sigma_min = 0.1, sigma_max = top)
model at(m : real) = even(10) with data = normal(m, 0.5)
model d = ve with data = normal(-1, 0.5)
sampler twice { target = at(1) * at(-1); steps = 10; particles = 64 }
sampler named { target = a * d; steps = 10; particles = 64 }
test "templates of templates" = twice.diffusion(0.3) == power.diffusion(0.3) &&
  close(twice.drift(0.7, 0.3), named.drift(0.7, 0.3)) && close(twice.rate(0.7, 0.3), named.rate(0.7, 0.3))

// a target without models
density well(d : real) { logp(x : real) = -(x^2 - d)^2 }
sampler still {
  target    = well(2)
  start     = normal(0, 1)
  diffusion = 1
  drift     = langevin
  steps     = 10
  particles = 64
}
test "a density alone is a target" = close(still.drift(0.7, 0.3), 2.114) && close(still.rate(0.7, 0.3), 0)
