// Optimizers: how one number w moves against its gradient g, with what it remembers. A tuple is (new w, new memory).

/// Against the gradient.
optimizer sgd(rate : real) {
  memory = 0.0
  step(w, g, m, n) = (w - rate * g, m)
}
test "sgd" = close(sgd(0.1).step(2.0, 3.0, 0.0, 1).w, 1.7)

/// The running mean of the gradient over the root of that of its square, both corrected for their start (arXiv
/// 1412.6980); `decay` is that of the weights.
optimizer adam(rate : real, b1 : real = 0.9, b2 : real = 0.999, eps : real = 1e-8, decay : real = 0) {
  memory = (m = 0.0, v = 0.0)
  step(w, g, s, n) {
    m = b1 * s.m + (1 - b1) * g
    v = b2 * s.v + (1 - b2) * g^2
    (w - rate * (m / (1 - b1^(n + 1)) / (sqrt(v / (1 - b2^(n + 1))) + eps) + decay * w), (m = m, v = v))
  }
}

test "adam" = close(adam(0.1).step(2.0, 3.0, (m = 0.5, v = 0.2), 1).w, 1.961376750294) &&
  close(adam(0.1).step(2.0, 3.0, (m = 0.5, v = 0.2), 1).m.v, 0.2088)

/// Adam with decay of the weights (arXiv 1711.05101).
optimizer adamw(rate : real, decay : real = 0.01) = adam(rate, decay = decay)
test "adamw" = close(adamw(0.1, 0.2).step(2.0, 3.0, (m = 0.5, v = 0.2), 1).w, 1.921376750294)

/// The gradient over the root of the sum of all its squares (Duchi, Hazan and Singer 2011).
optimizer adagrad(rate : real, eps : real = 1e-10) {
  memory = 0.0
  step(w, g, m, n) = (w - rate * g / (sqrt(m + g^2) + eps), m + g^2)
}

test "adagrad" = close(adagrad(0.1).step(2.0, 3.0, 16.0, 1).w, 1.94) &&
  close(adagrad(0.1).step(2.0, 3.0, 16.0, 1).m, 25)

/// The sign of a mean of the gradient (arXiv 2302.06675).
optimizer lion(rate : real, b1 : real = 0.9, b2 : real = 0.99) {
  memory = 0.0
  step(w, g, m, n) = (w - rate * sign(b1 * m + (1 - b1) * g), b2 * m + (1 - b2) * g)
}
test "lion" = close(lion(0.1).step(2.0, 3.0, -0.5, 1).w, 2.1) && close(lion(0.1).step(2.0, 3.0, -0.5, 1).m, -0.465)
