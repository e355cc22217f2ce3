// Comprehensions, generators as arguments, ranges, filters.
const xs = [3, 1, 4, 1, 5]
const grid = [10 * i + j for i in 2 for j in 3]
test "axes in the order of the generators" = all(grid == [[0, 1, 2], [10, 11, 12]])
test "a later range may use an earlier index" = sum(i * j for i in 4 for j in 0..i) == 11 &&
  sum(1 for i in 5 for j in i) == 10

test "elements of an array, rows of a matrix" = all([2 * x for x in xs] == [6, 2, 8, 2, 10]) &&
  all([sum(r) for r in grid] == [3, 33])

test "the axes of the expression follow" = all([[i, i * i] for i in 3] == [[0, 0], [1, 1], [2, 4]]) &&
  all([eye(2) * i for i in 1..3] == [[[1, 0], [0, 1]], [[2, 0], [0, 2]]])

test "reductions run elementwise over the axes" = all(sum(r for r in grid) == [10, 12, 14]) &&
  all(max([x, -x] for x in xs) == [5, -1]) && all(mean([i, 2 * i] for i in 3) == [1, 2])

test "a filter" = sum(x for x in xs if x > 2) == 12 && product(i + 1 for i in 5 if i % 2 == 0) == 15 &&
  any(x == 4 for x in xs if x > 3) && sum(1 for x in xs if x > 9) == 0 && max(x for x in xs if x < 4) == 3
test "a filter that sees both indices" = sum(10 * i + j for i in 3 for j in 3 if i < j) == 15
test "any function of an array" = close(logsumexp(log(x) for x in xs), 2.639057329615) &&
  all(cumsum(k for k in 4) == [0, 1, 3, 6]) && sort(-x for x in xs)[0] == -5
test "a sum of nothing" = sum(x for x in xs if x < 0) == 0 && sum(i for i in 0) == 0 && sum(i for i in 3..3) == 0
test "densities are mixed" = close(mixture(normal(c, 1) for c in [0, 2]).logp(0.5), -1.423824026246) &&
  close(mixture(normal(i, 1) for i in 2, weights = [0.25, 0.75]).logp(0.5), -1.043938533205)
fn squares[n](x : real[n]) -> real[n] = [x[i]^2 for i in n]
test "sizes as ranges" = all(squares([1, -2, 3]) == [1, 4, 9])
