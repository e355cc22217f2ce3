// Resampling: from normalised weights w of n lineages to the n ancestors that replace them. All keep the expected
// number of copies of lineage k at n w[k] (arXiv cs/0507025).

/// One uniform number for all: the cumulated weights are read at (i + u) / n. Kitagawa (1996).
fn systematic[n](w : simplex[n]) -> token[n, n] {
  u ~ standard_uniform()
  c = cumsum(w)
  [search(c, (i + u) / n * c[n - 1]) for i in n]
}

test "systematic" = all(systematic([0.5, 0.25, 0.25, 0]) == [0, 0, 1, 2]) &&
  all(abs(mean(copies(systematic([0.55, 0.15, 0.3])) for m in 2000) - [1.65, 0.45, 0.9]) < 0.06)

/// A uniform number in each of n equal cells. Kitagawa (1996).
fn stratified[n](w : simplex[n]) -> token[n, n] {
  u : real[n] ~ standard_uniform()
  c = cumsum(w)
  [search(c, (i + u[i]) / n * c[n - 1]) for i in n]
}

test "stratified" = all(stratified([0.5, 0.25, 0.25, 0]) == [0, 0, 1, 2]) &&
  all(abs(mean(copies(stratified([0.55, 0.15, 0.3])) for m in 2000) - [1.65, 0.45, 0.9]) < 0.06)

/// n independent draws. Gordon, Salmond and Smith (1993).
fn multinomial[n](w : simplex[n]) -> token[n, n] {
  u : real[n] ~ standard_uniform()
  c = cumsum(w)
  [search(c, u[i] * c[n - 1]) for i in n]
}

test "multinomial" = all(multinomial([0, 1, 0]) == 1) &&
  all(abs(mean(copies(multinomial([0.55, 0.15, 0.3])) for m in 2000) - [1.65, 0.45, 0.9]) < 0.1)

/// The integral part of n w[k] as copies, and independent draws from what is left. Liu and Chen (1998).
fn residual[n](w : simplex[n]) -> token[n, n] {
  whole = floor(n * w + 1e-9)                          // a product that rounding took below an integer counts as that
  kept = cumsum(whole)
  rest = cumsum(maximum(n * w - whole, 0))
  u : real[n] ~ standard_uniform()
  [if i < kept[n - 1] { search(kept, i) } else { search(rest, u[i] * rest[n - 1]) } for i in n]
}

test "residual" = all(residual([0.5, 0.25, 0.25, 0]) == [0, 0, 1, 2]) &&
  all(residual(normalize([1.0 for i in 49])) == [i for i in 49]) &&
  all(abs(mean(copies(residual([0.55, 0.15, 0.3])) for m in 2000) - [1.65, 0.45, 0.9]) < 0.06)

/// How often each of the n indices occurs among n ancestors.
fn copies[n](a : token[n, n]) -> real[n] = [sum(indicator(a[i] == k) for i in n) for k in n]
test "copies" = all(copies([2, 0, 2]) == [1, 0, 2])

/// The effective number of n weighted lineages, as a share of n: 1 where all weigh alike, 1 / n where one has all.
fn relative_ess[n](w : simplex[n]) -> real = 1 / (n * sq_norm(w))
test "relative_ess" = close(relative_ess([0.7, 0.2, 0.1]), 0.6172839506173)
