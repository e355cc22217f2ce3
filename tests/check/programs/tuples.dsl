// Tuples: components by name and by place, arithmetic, arrays of tuples, taking apart.
const p = (x = 1.5, v = [1, 2])
const plain = (3, [4, 5])
fn swap(t : (real, real)) -> (real, real) { (a, b) = t; (b, a) }
fn move(s : (x : real, v : real[2]), dt : real) -> (x : real, v : real[2]) = (x = s.x + dt * s.v[0], v = s.v)
fn middle((a, b) : (real, real), (c, d) : (real, real)) -> (real, real) = ((a + c) / 2, (b + d) / 2)
fn extremes[n](x : real[n]) -> (lo : real, hi : real) = (lo = min(x), hi = max(x))
fn apart() -> real {
  (a, rest) = plain
  (u, w) = rest                              // the rows of an array
  (q, r) = [[1, 2], [30, 40]]
  a + 10 * u + 100 * w + q[1] + r[0]
}
test "components" = p.x == 1.5 && p.v[1] == 2 && extremes([3, -1, 2]).lo == -1
test "arithmetic is componentwise" = (p + p).x == 3 && (2 * p).v[1] == 4 && (p - (x = 0.5, v = [1, 1])).v[0] == 0
test "functions of tuples" = move(p, 0.5).x == 2 && move(move(p, 1), 1).x == 3.5
test "taking apart" = apart() == 575 && same(swap((2, 7)), (7, 2))
test "a formal that takes apart" = same(middle((1, 2), (5, 4)), (3, 3))
fn same((a, b) : (real, real), (c, d) : (real, real)) -> bool = a == c && b == d
const many = [(x = i, y = [i, i * i]) for i in 3]
test "an array of tuples is a tuple of arrays" = all(many.x == [0, 1, 2]) && many[2].y[1] == 4 && many.y[2, 1] == 4
test "a loop carries a tuple" = close(orbit(4).x, -0.4375) && close(orbit(4).v, -1.5)
fn orbit(n : int) -> (x : real, v : real) {
  s = (x = 1.0, v = 0.0)
  for i in n { s = (x = s.x + 0.5 * s.v, v = s.v - 0.5 * s.x) }
  s
}

// derivatives by a tuple: a gradient in its shape, sums over its parts
fn energy(x : (a : real, b : real[2])) -> real = x.a^2 * sum(x.b) + sum(x.b^3)
fn slopes(x : (a : real, b : real[2])) -> (a : real, b : real[2]) = grad(energy(x), x)
fn along(x : (a : real, b : real[2])) -> real = jvp(energy(x), x, (a = 1, b = [0, 2]))
fn spread(x : (a : real, b : real[2])) -> real = div(grad(energy(x), x), x)
fn curve(x : (a : real, b : real[2])) -> real = laplacian(energy(x), x)
density joint(c : real) {
  logp(x : (a : real, b : real[2])) = normal(c, 1).logp(x.a) + normal(x.a, 1).logp(x.b)
}
test "a gradient has the tuple's shape" = slopes((a = 2, b = [1, 3])).a == 16 && slopes((a = 2, b = [1, 3])).b[1] == 31
test "sums over the parts" = along((a = 2, b = [1, 3])) == 78 && spread((a = 2, b = [1, 3])) == 32 &&
  curve((a = 2, b = [1, 3])) == 32
test "the score of a law on tuples" = joint(2).score((a = 1, b = [1, 2])).a == 2 &&
  joint(2).score((a = 1, b = [1, 2])).b[1] == -1
