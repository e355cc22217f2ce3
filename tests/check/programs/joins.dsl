// `++` joins along the last axis; stacking by `[ ]`.
const a = [1, 2]
const m = [[1, 2], [3, 4]]
test "vectors" = all(a ++ [3] == [1, 2, 3]) && all([0] ++ a ++ a == [0, 1, 2, 1, 2])
test "matrices along the last axis" = all(m ++ [[5], [6]] == [[1, 2, 5], [3, 4, 6]])
test "it binds less than plus, more than comparison" = all(a + 1 ++ [9] * 2 == [2, 3, 18])
test "stacking" = all([a, 2 * a] == [[1, 2], [2, 4]]) && all([m, m][1] == m)
fn padded[n](x : real[n]) -> real[n + 2] = [0.0] ++ x ++ [0.0]
fn twice[n](x : real[n]) -> real[2 * n] = x ++ x
test "sizes add up" = all(padded([7, 8]) == [0, 7, 8, 0]) && all(twice(padded([1])) == [0, 1, 0, 0, 1, 0]) &&
  all(padded(padded([5])) == [0, 0, 5, 0, 0])
