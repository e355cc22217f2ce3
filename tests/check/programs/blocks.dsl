// Blocks and conditionals: values, rebinding, what is carried out of a branch, names that hide others.
const k = 3
fn graded(x : real) -> int {
  if x > 10 { 2 } else if x > 5 { 1 } else { 0 }
}

fn rebound(x : real) -> real {
  y = x + 1
  y = 2 * y
  if y > 10 { y = y - 100 }
  scale = 10
  if x > 0 {
    scale = 20
    own = 5
    y = y + own
  } else {
    y = -y
  }
  y + scale
}

fn hides(k : int) -> int {
  k = k + 1
  pi = 4
  k * pi
}
fn widened(c : bool) -> real = if c { 1 } else { 2.5 }
fn lazy(n : int) -> real = if n > 0 { 1 / n } else { 0 }
test "a chain of conditions" = graded(12) == 2 && graded(7) == 1 && graded(-1) == 0
test "branches carry what they rebind" = rebound(1) == 29 && rebound(-3) == 14 && rebound(7) == -59
test "local names hide declarations" = hides(1) == 8 && k == 3 && pi < 4
test "branches widen to a common type" = widened(true) == 1 && widened(false) == 2.5
test "a condition inside an expression" = 1 + (if k == 3 { 10 } else { 20 }) * 2 == 21
test "the branch that is not taken" = lazy(0) == 0 && lazy(4) == 0.25
fn several(x : real) -> real {
  a = x; b = 2; c = a * b
  c - 1
}
test "statements on one line" = several(4) == 7
