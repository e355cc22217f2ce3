// The broadcasting rule: cells, frames that are suffixes of the longest, operators, indices, densities.
fn weigh_up[n](x : real[n], by : real) -> real = by * sum(x)
fn shift(x : real, y : real) -> real = 10 * x + y
const table = [[1, 2, 3], [4, 5, 6]]
test "operators have scalar cells" = all(table + [10, 20, 30] == [[11, 22, 33], [14, 25, 36]]) &&
  all(2 * table - 1 == [[1, 3, 5], [7, 9, 11]]) && all(-[1, 2]^2 == [-1, -4])
test "a frame in front of a cell" = all(weigh_up(table, 2) == [12, 30]) && all(weigh_up([1, 2], [3, 4]) == [9, 12])
test "frames are suffixes of the longest" = all(shift([[1, 2], [3, 4]], [5, 6]) == [[15, 26], [35, 46]]) &&
  all(weigh_up([[[1, 2]], [[3, 4]]], [10]) == [[30], [70]])
test "a parameter of all axes never lifts" = sum(table) == 21 && sq_norm([[1, 2], [0, 3]]) == 14
test "the last axis of anything" = all(close(normalize([[1, 3], [2, 2]]), [[0.25, 0.75], [0.5, 0.5]])) &&
  all(argmax([[1, 3, 2], [5, 0, 1]]) == [1, 0])

test "an index lifts" = all([10, 20, 30][[2, 0]] == [30, 10]) &&
  all(table[[1, 1, 0]] == [[4, 5, 6], [4, 5, 6], [1, 2, 3]]) &&
  all([7, 8, 9][[[0, 1], [2, 2]]] == [[7, 8], [9, 9]])

test "a density lifts to the product" = close(normal([0, 1], [1, 2]).logp([0.5, -0.5]), -2.937274246969) &&
  all(close(normal([0, 1], 2).score([0.5, -0.5]), [-0.125, 0.375])) &&
  all(normal([0, 1], 2).mean == [0, 1]) && close(normal([0, 1], 2).noised(0.5, 0.75).logp([0.5, 1]), -2.444164169038)

test "log density and score lift to nothing" = close(normal([0, 1], [1, 2]).logp([0.5, -0.5]),
  normal(0, 1).logp(0.5) + normal(1, 2).logp(-0.5))

test "comparisons and conditions" = all(([1, 5, 3] > [2, 2, 3]) == [false, true, false]) &&
  all(select([true, false], 1, [7, 8]) == [1, 8]) && all(clip([-2, 0.5, 9], 0, [1, 1, 4]) == [0, 0.5, 4])

fn spread() -> real {
  x : real[2, 3] = [1, 2, 3]
  d : density[real[4]] = normal(1, 2)
  sum(x) + d.logp([1, 1, 1, 1])
}
test "a declared type repeats along missing leading axes" = close(spread(), 12 - 4 * 1.612085713765)

// what is constant keeps the shape of what it is joined with
const nothing = 0
const on = true
fn ones[n](x : real[n]) -> real = sum(0 * x + 1) + sum(nothing * x + 1) + sum(0.0 * x + 1)
fn exps[n](x : real[n], w : real) -> real = sum(exp(w * x))
fn grown(x : real[3]) -> real[3] {
  y = 0 * x
  y[1] = 2.5
  for k in 2 { y = y + x }
  y
}
test "a product with a literal 0" = ones([1, 2, 3]) == 9 && exps([1, 2, 3], 0) == 3 && sum(grown([1, 2, 3])) == 14.5
test "a side that decides" = sum(indicator(on || [1, 2, 3] > 2)) == 3 && sum(indicator([1, 2, 3] > 2 || on)) == 3 &&
  sum(select(!on && [1, 2, 3] > 2, 2, 3)) == 9
density power(n : int) { logp(x : real) = n * power(n - 1).logp(x) + 1 }
test "a product with a literal 0 ends a recursion" = power(3).logp(0) == 16
