// Reading parts of arrays: indices, slices, all of an axis, the first axes of more.
const a = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]
const n = 3
test "leading axes" = all(a[1] == [5, 6, 7, 8]) && a[2, 3] == 12 && a[2][0] == 9
test "a slice of an axis" = all(a[0, 1..3] == [2, 3]) && all(a[1..3, 0] == [5, 9]) &&
  all(a[0..2, 2..4] == [[3, 4], [7, 8]])
test "all of an axis" = all(a[.., 1] == [2, 6, 10]) && all(a[.., 1..2] == [[2], [6], [10]]) && all(a[..] == a)
test "sizes as bounds" = all(a[0, n - 2..n] == [2, 3]) && sum(a[0..n, n]) == 24
test "an array of indices" = all(a[[2, 0], 1] == [10, 2]) && all(a[0, [3, 3, 1]] == [4, 4, 2])
test "parts of results" = close(softmax([0.0, log(3)])[1], 0.75) && (a[0] ++ a[1])[5] == 6
fn row_at(k : int) -> real[4] = a[k]
fn entry(i : token[3], j : int) -> real = a[i, quotient(j, 2)]
test "an index that is computed" = all(row_at(1 + 1) == a[2]) && entry(2, 5) == 11
