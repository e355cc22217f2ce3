// grad, jvp, div, stop: by a name, by a component, through definitions, branches, loops and draws; nested.
fn f(x : real) -> real = x^3 + 2 * sin(x)
fn slope(x : real) -> real = grad(f(x), x)
fn curvature(x : real) -> real = grad(slope(x), x)
fn rosenbrock(x : real[2]) -> real = (1 - x[0])^2 + 100 * (x[1] - x[0]^2)^2
fn descent(x : real[2]) -> real[2] = grad(rosenbrock(x), x)
test "of a number" = close(slope(0.5), 2.505165123781) && close(curvature(0.5), 2.041148922792)
test "of a vector" = all(close(descent([-0.5, 0.75]), [97, 100]))
fn through(x : real) -> real {
  y = x * x
  y = y + x
  z = [y, 2 * y, x]
  grad(sum(z * z), x)                        // z = (y, 2 y, x), y = x^2 + x
}
fn by_middle(x : real) -> real { y = x * x; grad(y^2 + x, y) }
fn by_component(s : (w : real, b : real[2])) -> real[2] = grad(s.w * s.b[0]^2 + s.b[1], s.b)
test "through every definition between" = close(through(0.5), 16) && close(by_middle(3), 18)
test "by a component" = all(close(by_component((w = 1.5, b = [2, 7])), [6, 1]))
fn along(t : real) -> real[2] = jvp([t^2, exp(2 * t)], t, 1)
fn directed(x : real[2]) -> real = jvp(rosenbrock(x), x, [1, -1])
fn divergence(x : real[2]) -> real = div([x[0]^2 * x[1], x[1]^3 - x[0]], x)
test "jvp" = all(close(along(0.5), [1, 5.436563656918])) && close(directed([-0.5, 0.75]), -3)
test "div" = close(divergence([1.5, -0.5]), -0.75)
fn stopped(x : real) -> real = grad(stop(x^2) * x, x)
fn branch(x : real) -> real = grad(if x > 1 { x^2 } else { 5 * x }, x)
fn loop(x : real) -> real {
  y = x
  for i in 3 { y = y * y }
  grad(y, x)
}

fn elements(x : real[3]) -> real[3] {
  y : real[3] = 1
  y[0] = x[1]
  y[2] = x[0] * x[2]
  y[0] = y[0] * y[2]
  grad(sum(y), x)
}
test "stop" = close(stopped(3), 9)
test "branches and loops" = close(branch(2), 4) && close(branch(0.5), 5) && close(loop(1.5), 136.6875)
test "replaced elements" = all(close(elements([2, 3, 5]), [20, 10, 8]))
fn mixed(x : real, y : real) -> real { g = grad(x^2 * y^3, x); grad(g, y) }
fn smooth(x : real[3]) -> real[3] = grad(logsumexp(x), x)
test "nested, and of library functions" = close(mixed(2, 3), 108) && all(close(smooth([1.5, -0.3, 0.2]),
  [0.6954921834932, 0.1149640846982, 0.1895437318085]))
fn shifted(m : real) -> real { x ~ normal(m, 2); grad(x^2 / 2, m) - x }
test "draws are reparameterised" = close(shifted(1.5), 0)

// through a loop that ends early, as often as asked for
fn climbs(x : real) -> real {
  y = x
  for k in 5 while y < 2 { y = y + 0.3 * y * y }
  y
}
fn bend(x : real) -> real = grad(grad(climbs(x), x), x)
fn other(x : real) -> real = jvp(grad(climbs(x), x), x, 1)
fn third(x : real) -> real = laplacian(climbs(x), x)
test "twice by reverse" = close(bend(0.5), other(0.5)) && close(bend(1.1), third(1.1)) && bend(0.5) > 24
