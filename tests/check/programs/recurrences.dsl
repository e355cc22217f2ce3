// Loops that carry sums and extremes, against the same written as reductions: values and derivatives, and what is not a number.

fn online(x : real[5]) -> real {
  top = -inf
  total = 0.0
  for k in 5 {
    high = stop(maximum(top, x[k]))
    total = total * exp(top - high) + exp(x[k] - high)
    top = high
  }
  log(total) + top
}

fn branched(x : real[5]) -> real {
  top = -inf
  total = 0.0
  for k in 5 {
    if x[k] > top {
      total = total * exp(top - x[k]) + 1
      top = x[k]
    } else {
      total = total + exp(x[k] - top)
    }
  }
  log(total) + top
}

fn lowest(x : real[5], first : real) -> real {
  low = first
  for k in 5 { if x[k] < low { low = x[k] } }
  low
}

fn highest(x : real[5]) -> real {
  high = -inf
  for k in 5 { high = maximum(high, x[k]) }
  high
}

fn later(x : real[5]) -> real {
  high = x[0]
  for k in 2 .. 5 { if x[k] > high { high = x[k] } }
  high
}

fn filtered(x : real[5]) -> real {
  low = inf
  for k in 1 .. 4 { if k != 2 { low = minimum(low, x[k]) } }
  low
}

/// The level of a sum whose factor is not a number is one all the same.
fn level(x : real[5]) -> real {
  top = -inf
  total = 0.0
  for k in 5 {
    high = maximum(top, x[k])
    total = total * exp(top - high) + (inf - inf) * exp(x[k] - high)
    top = high
  }
  if total != total { top } else { 0.0 }
}

fn positives(x : real[5]) -> real {
  total = 1.5
  for k in 5 { if x[k] > 0 { total = total + k * x[k]^2 } else { total = total - x[k] } }
  total
}

/// Weighted by f of the element; another sum beside it.
fn spread(x : real[5]) -> real {
  top = 0.3
  total = 2.0
  other = 0.0
  for k in 5 {
    high = maximum(top, x[k])
    other = other + sin(x[k])
    total = total * exp(top - high) + x[k]^2 * exp(x[k] - high)
    top = high
  }
  log(total) + top + other
}

fn direct(x : real[5]) -> real = log(2 * exp(0.3) + sum(x[k]^2 * exp(x[k]) for k in 5)) + sum(sin(x))


fn values_agree(y : real[5]) -> bool =
  close(online(y), 2.969092756377) && close(branched(y), 2.969092756377) && close(spread(y), direct(y)) &&
  lowest(y, 1) == -1.5 && lowest(y, -3) == -3 && highest(y) == 2.25 &&
  later(y) == 2.25 && later([0, 9, -1, 0.5, 0.25]) == 0.5 && filtered(y) == -1.5 && filtered([0, 2, -9, 1.5, -7]) == 1.5 &&
  level(y) == 2.25 && close(positives(y), 1.5 + 2 * 2.25^2 + 3 * 4 + 1.5 + 0.125)

fn gradients_agree(y : real[5]) -> bool =
  all(close(grad(online(y), y), softmax(y))) && all(close(grad(branched(y), y), softmax(y))) &&
  all(close(grad(spread(y), y), grad(direct(y), y))) && all(grad(lowest(y, 1), y) == [0, 1, 0, 0, 0]) &&
  all(close(grad(positives(y), y), [0, -1, 9, 12, -1]))

fn divergences_agree(y : real[5]) -> bool =
  close(div(grad(online(y), y), y), 1 - sum(softmax(y)^2)) &&
  close(div(grad(branched(y), y), y), 1 - sum(softmax(y)^2)) &&
  close(div(grad(spread(y), y), y), div(grad(direct(y), y), y))

fn no_number(y : real[5]) -> bool = online(y) != online(y) && branched(y) != branched(y) && lowest(y, 1) == -1.5 &&
  highest(y) != highest(y)

test "values" = values_agree([0.4, -1.5, 2.25, 2, -0.125])
test "gradients" = gradients_agree([0.4, -1.5, 2.25, 2, -0.125])
test "divergences" = divergences_agree([0.4, -1.5, 2.25, 2, -0.125])
test "what is not a number" = no_number([0.4, -1.5, inf - inf, 2, -0.125])
test "far down" = close(online([-800, -801, -800, -802, -900]), -799.0824242044)
