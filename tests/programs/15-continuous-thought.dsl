// Continuous chain of thought, CoT2 (arXiv 2505.23648): thoughts are points of the simplex over partial sums.
// Oracle: minimum non-negative sum of 4 signed digits: after step t the state covers 2^t partial sums, enumerable
//   exactly; continuous supervision beats discrete at larger embeddings and loses at small ones.
const V = 81                                     // partial sums -40 .. 40
data digits[n] : token[n, 4, 11] = "digits.npy"
data traces    : real[n, 4, V]   = "traces.npy"      // law of the partial sum after each step; the last one-hot

network gpt(h : real[8, 24]) -> real[8, V] {
  first = attention(2, causal = true); second = attention(2, causal = true)
  place = embedding(24); wide = linear(96); narrow = linear(24); head = linear(V)
  h = h + place([i for i in 8])
  h = h + first(h)
  h = h + second(h)
  h = h + narrow(gelu(wide(h)))
  head(h)
}
network words(c : int) -> real[24] { param table : real[92, 24] ~ normal(0, 1); table[c] }

// four thoughts; each is the mean of k drawn tokens, or the law itself when k = 0
fn think(d : token[4, 11], k : int) -> (probs : real[4, V], logp : real) {
  h : real[8, 24] = 0; probs : real[4, V] = 0; logp = 0.0
  for i in 4 { h[i] = words(V + d[i]) }
  for m in 4 {
    p = softmax(gpt(h)[3 + m] / maximum(k, 1))
    probs[m] = p
    drawn : real[V] = 0
    for j in k {
      c ~ categorical(p)
      logp = logp + log(p[c]) / k
      drawn = drawn + one_hot(c, V) / k
    }
    h[4 + m] = sum((if k == 0 { p[v] } else { drawn[v] }) * words(v) for v in V)
  }
  (probs = probs, logp = logp)
}

train supervised {
  batch = 16; steps = 20_000; optimizer = adamw(1e-4)
  loss(gpt, words) {
    i ~ index(n)
    r = think(digits[i], 0)
    -sum(traces[i] * log(r.probs + 1e-9))
  }
}

train reinforced {                               // group-normalised rewards, ratio 1 at the current policy
  batch = 16; steps = 2000; optimizer = adamw(1e-5)
  loss(gpt, words) {
    i ~ index(n)
    group = [think(digits[i], 6) for g in 8]
    reward = [traces[i, 3, argmax(r.probs[3])] for r in group]
    gain = (reward - mean(reward)) / (sqrt(mean((reward - mean(reward))^2)) + 1e-4)
    ratio = [exp(r.logp - stop(r.logp)) for r in group]
    -mean(minimum(ratio * gain, clip(ratio, 0.9, 1.1) * gain))
  }
}
