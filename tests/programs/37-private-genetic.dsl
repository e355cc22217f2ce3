// Private synthetic data by genetic search (arXiv 2306.03257): mutate, cross and select on noisy query answers.
// Oracle: with the noise off the query error falls to the best a table of this size can reach, known by enumeration
//   for few columns; with it on, to the noise floor.
data  table : token[1000, 6, 2] = "private.npy"
param noise : real = 0.005
param greed : real = 2000
param blur : real[6, 6] ~ normal(0, noise)          // the answers are asked once: a parameter, drawn once

// all two-way marginals
fn answers[n](rows : token[n, 6, 2]) -> real[6, 6] = [mean(rows[r, a] * rows[r, b] for r in n) for a in 6 for b in 6]
const truth = answers(table)

sampler genetic {
  steps = 2000; particles = 200; resample = multinomial
  init() {
    rows : token[100, 6, 2] ~ index(2)
    (rows = rows, error = sq_norm(answers(rows) - truth - blur))
  }
  step(s) {
    rows = s.rows
    r ~ index(100)
    c ~ index(6)
    mate ~ index(particles)
    crossing ~ bernoulli(0.5)
    others = population(s.rows)
    if crossing { rows[r] = others[mate][r] } else { rows[r, c] = (rows[r, c] + 1) % 2 }
    error = sq_norm(answers(rows) - truth - blur)
    weigh greed * (s.error - error)
    (rows = rows, error = error)
  }
  output(s) = s.rows
}
