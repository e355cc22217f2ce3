// Functions of arrays: totals, orders, what makes a simplex of reals. One of all axes never lifts, one of the last axis
// lifts over those in front.

/// The total of all elements.
fn sum[..s](x : real[..s]) -> real = "kac.sum"
test "sum" = sum([[1, 2], [3, 4.5]]) == 10.5 && sum(k for k in 5 if k != 2) == 8

/// The product of all elements.
fn product[..s](x : real[..s]) -> real = "kac.product"
test "product" = product([2, -1.5, 3]) == -9

/// The largest element that is a number.
fn largest[..s](x : real[..s]) -> real = "kac.largest"
test "largest" = largest([[-3, 0.5], [0.25, -1]]) == 0.5 && largest([inf - inf, 2]) == 2 && largest([2, inf - inf]) == 2

/// The smallest element that is a number.
fn smallest[..s](x : real[..s]) -> real = "kac.smallest"
test "smallest" = smallest([[-3, 0.5], [0.25, -1]]) == -3 && smallest([inf - inf, 2]) == 2

/// The largest element; not a number where one of them is none.
fn max[..s](x : real[..s]) -> real = "kac.max"
test "max" = max([[-3, 0.5], [0.25, -1]]) == 0.5 && !(max([inf - inf, 2]) >= 0)

/// The smallest element; not a number where one of them is none.
fn min[..s](x : real[..s]) -> real = "kac.min"
test "min" = min([[-3, 0.5], [0.25, -1]]) == -3 && !(min([2, inf - inf]) <= 2)

/// Whether an element is true.
fn any[..s](x : bool[..s]) -> bool = "kac.any"
test "any" = any([false, true, false]) && !any([false, false])

/// Whether all elements are true.
fn all[..s](x : bool[..s]) -> bool = "kac.all"
test "all" = all([true, true]) && !all([true, false])

/// The mean of all elements.
fn mean[..s](x : real[..s]) -> real = "kac.mean"
test "mean" = mean([[1, 2], [3, 4.5]]) == 2.625

/// The place of the largest element, of several the first.
fn argmax[n](x : real[n]) -> token[n] = "kac.argmax"
test "argmax" = argmax([0.5, 2, -1, 2]) == 1

/// The place of the smallest element, of several the first.
fn argmin[n](x : real[n]) -> token[n] = argmax(-x)
test "argmin" = argmin([0.5, 2, -1, -1]) == 2

/// The running totals: element k is the total of the first k + 1.
fn cumsum[n](x : real[n]) -> real[n] = "kac.cumsum"
test "cumsum" = all(cumsum([0.5, 0.25, -2]) == [0.5, 0.75, -1.25])

/// The elements in ascending order.
fn sort[n](x : real[n]) -> real[n] = "kac.sort"
test "sort" = all(sort([2, -1, 0.5]) == [-1, 0.5, 2])

/// Of ascending numbers c the first k with c[k] > u, or the last k.
fn search[n](c : real[n], u : real) -> token[n] = "kac.search"
test "search" = all(search([0.2, 0.2, 0.7, 1], [0.1, 0.2, 0.7, 2]) == [0, 2, 3, 3])

/// The middle of the ordered elements, or the mean of the two in the middle.
fn median[n](x : real[n]) -> real {
  y = sort(x)
  (y[quotient(n - 1, 2)] + y[quotient(n, 2)]) / 2
}
test "median" = median([3, -1, 0.5]) == 0.5 && median([3, -1, 0.5, 1]) == 0.75

/// The total of the products of elements.
fn dot[..s](a : real[..s], b : real[..s]) -> real = sum(a * b)
test "dot" = dot([1, 2.5], [-2, 4]) == 8

/// The total of the squares of the elements.
fn sq_norm[..s](x : real[..s]) -> real = sum(x * x)
test "sq_norm" = sq_norm([[1, 2], [-1.5, 0]]) == 7.25

/// The Euclidean norm of all elements.
fn norm[..s](x : real[..s]) -> real = sqrt(sq_norm(x))
test "norm" = close(norm([0.6, -0.8]), 1)

/// log of the total of exp, which does not overflow; elements may be -inf, and where all are so is the result.
fn logsumexp[..s](x : real[..s]) -> real {
  m = stop(largest(x))                                 // what is not a number shows in the sum
  if abs(m) < inf { m + log(sum(exp(x - m))) } else { m }
}

test "logsumexp" = close(logsumexp([1.5, -0.3, 0.2]), 1.863135506369) && logsumexp([-inf, -1000, -inf]) == -1000 &&
  logsumexp([-inf, -inf]) == -inf && close(logsumexp([1000, 999]), 1000.313261688)

/// exp of the elements over their total, along the last axis.
fn softmax[n](x : real[n]) -> simplex[n] {
  e = exp(x - stop(largest(x)))
  e / sum(e)
}

test "softmax" = all(close(softmax([1.5, -0.3, 0.2]), [0.6954921834932, 0.1149640846982, 0.1895437318085])) &&
  all(softmax([-inf, 1000, -inf]) == [0, 1, 0])

/// The logarithm of softmax.
fn log_softmax[n](x : real[n]) -> real[n] = x - logsumexp(x)
test "log_softmax" =
  all(close(log_softmax([1.5, -0.3, 0.2]), [-0.3631355063688, -2.163135506369, -1.663135506369]))

/// Nonnegative elements over their total, along the last axis.
fn normalize[n](x : real[n]) -> simplex[n] = x / sum(x)
test "normalize" = all(close(normalize([1, 3, 0.5]), [0.2222222222222, 0.6666666666667, 0.1111111111111]))

/// n numbers of which the one at k is 1, the others 0.
fn one_hot(k : int, n : int) -> onehot[n] = [if i == k { 1.0 } else { 0.0 } for i in n]
test "one_hot" = all(one_hot([2, 0], 3) == [[0, 0, 1], [1, 0, 0]])

/// The negative log probability of letter k under the softmax of the logits.
fn cross_entropy[n](logits : real[n], k : int) -> real = logsumexp(logits) - logits[k]
test "cross_entropy" = close(cross_entropy([1.5, -0.3, 0.2], 1), 2.163135506369)

/// x with v in place of the element at i.
fn replace[n, T](x : T[n], i : int, v : T) -> T[n] {
  y = x
  y[i] = v
  y
}
test "replace" = all(replace([[1, 2], [3, 4]], 1, [5, 6]) == [[1, 2], [5, 6]])

/// The rows of a matrix, one after another.
fn flatten[n, m](x : real[n, m]) -> real[n * m] = [x[quotient(i, m), i % m] for i in n * m]
test "flatten" = all(flatten([[1, 2, 3], [4, 5, 6]]) == [1, 2, 3, 4, 5, 6])
