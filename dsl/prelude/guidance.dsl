// Ways to steer a process: by a velocity, by another model, by the gradient of a function of letters.

/// The process q with `by` added to its velocity: guidance without weights.
process guided[S, T](q : process[S, T], by : fn(T, real) -> tangent[T]) =
  q with velocity(x, t) = q.velocity(x, t) + by(x, t)

test "guided" =
  close(guided(rectified_flow() with data = normal(1, 0.5), by(x, t) = t * x).velocity(0.7, 0.3), 0.7221951219512) &&
  close(guided(rectified_flow() with data = normal(1, 0.5), by(x, t) = t * x).score(0.7, 0.3), -0.780487804878)

/// Classifier-free guidance as it is commonly run (arXiv 2207.12598): the score of a^(1 - w) b^w, without weights.
process cfg[S, T](a : process[S, T], b : process[S, T], w : real) =
  a with score(x, t) = (1 - w) * a.score(x, t) + w * b.score(x, t)

test "cfg" = close(cfg(rectified_flow() with data = normal(1, 0.5), rectified_flow() with data = normal(0, 1),
  2.5).score(0.7, 0.3), -1.846509671993)

/// p o (g - <p, g>): the tangent of the simplex with log-rates g, along the last axis.
fn replicator[v](p : simplex[v], g : real[v]) -> real[v] = p * (g - dot(p, g))
test "replicator" = all(close(replicator([0.2, 0.5, 0.3], [1, 2, -1]), [0.02, 0.55, -0.57]))

/// The gradient of f at hard letters drawn from p, one for each of the l positions.
fn hard_gradient[l, v](f : fn(real[l, v]) -> real, p : simplex[l, v]) -> real[l, v] {
  k ~ categorical(p)
  y = one_hot(k, v)
  grad(f(y), y)
}
test "hard_gradient" = all(close(hard_gradient(f(y) = sum(sq(y - [[0.25, 3]])), p = [[0, 1]]), [[-0.5, -4]]))

/// The mean over `draws` hard sequences of the gradient of f, pulled back to log p: a tangent vector of the simplex.
fn straight_through[l, v](f : fn(real[l, v]) -> real, p : simplex[l, v], draws : int = 10) -> real[l, v] =
  mean(replicator(p, hard_gradient(f, p)) for m in draws)
test "straight_through" = all(close(straight_through(f(y) = 2 * y[0, 0] - y[0, 1], p = [[0.2, 0.8]]), [[0.48, -0.48]]))
