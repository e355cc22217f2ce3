// Which definition of a field is taken: the first in the order written that completes, after products with 0 are gone.
kind flow {
  push(x : real) -> real
  pull(x : real) -> real
  weight : real = 1
  total(x : real) -> real = push(x) + pull(x)
  total(x) = push(x)
  total(x) = 7
  mixed(x : real) -> real = weight * push(x) + (1 - weight) * pull(x)
}
flow none { weight = 1 }
flow one  { push(x) = 2 * x }
flow two  { push(x) = 2 * x; pull(x) = -x }
flow half = two with weight = 0.25
test "the first that completes" = none.total(3) == 7 && one.total(3) == 6 && two.total(3) == 3
test "a product with the literal 0 needs nothing" = one.mixed(3) == 6 && close(half.mixed(3), -0.75)
test "more roles, other equations" = (one with pull(x) = 1).total(3) == 7

// roles that follow from each other over several steps
kind chain {
  a : real
  a = b / 2
  b : real = 2 * a
  b = c / 3
  c : real = 3 * b
  c = d / 4
  d : real = 4 * c
}
chain from_a { a = 1 }
chain from_d { d = 48 }
test "over several fields" = from_a.d == 24 && from_d.a == 2 && from_d.b == 4

// a field of another structure settles one of this
kind reader { source : chain; value : real = source.b + 1; value = -1 }
chain empty {}
reader full { source = from_d }
reader blank { source = empty }
test "of another structure" = full.value == 5 && blank.value == -1
