// Products of matrices, and what follows from the Cholesky factor of a positive definite one.

/// The product of a matrix and a vector.
fn matvec[n, m](a : real[n, m], x : real[m]) -> real[n] = [dot(r, x) for r in a]
test "matvec" = all(matvec([[1, 2, 0], [-1, 0.5, 3]], [2, -1, 1]) == [0, 0.5])

/// The product of two matrices.
fn matmul[n, k, m](a : real[n, k], b : real[k, m]) -> real[n, m] =
  [sum(a[i, c] * b[c, j] for c in k) for i in n for j in m]
test "matmul" = all(matmul([[1, 2], [-1, 0.5]], [[3, 0, 1], [1, -1, 2]]) == [[5, -2, 5], [-2.5, -0.5, 0]])

/// A matrix with rows and columns exchanged.
fn transpose[n, m](a : real[n, m]) -> real[m, n] = [a[i, j] for j in m for i in n]
test "transpose" = all(transpose([[1, 2, 3], [4, 5, 6]]) == [[1, 4], [2, 5], [3, 6]])

/// The identity matrix of n rows.
fn eye(n : int) -> real[n, n] = [indicator(i == j) for i in n for j in n]
test "eye" = all(eye(2) == [[1, 0], [0, 1]])

/// The lower triangular l with l times its transpose equal to a; not a number where a is not positive definite.
fn cholesky[n](a : real[n, n]) -> real[n, n] {
  l : real[n, n] = 0
  for j in n {
    for i in j..n {
      r = a[i, j] - sum(l[i, k] * l[j, k] for k in j)
      l[i, j] = if i == j { sqrt(r) } else { r / l[j, j] }
    }
  }
  l
}

test "cholesky" = all(close(cholesky([[2, 0.3, -0.1], [0.3, 1.5, 0.4], [-0.1, 0.4, 1.1]]),
  [[1.414213562373, 0, 0], [0.2121320343560, 1.206233808181, 0],
    [-0.07071067811865, 0.3440460690002, 0.9882470857055]]))

/// The x with l x = b, for l lower triangular.
fn forward_solve[n](l : real[n, n], b : real[n]) -> real[n] {
  x : real[n] = 0
  for i in n { x[i] = (b[i] - sum(l[i, k] * x[k] for k in i)) / l[i, i] }
  x
}

test "forward_solve" = all(close(forward_solve([[2, 0, 0], [-1, 4, 0], [0.5, 1, 0.5]], [3, 0.5, -1]),
  [1.5, 0.5, -4.5]))

/// The x with the transpose of l times x equal to b, for l lower triangular.
fn backward_solve[n](l : real[n, n], b : real[n]) -> real[n] {
  x : real[n] = 0
  for r in n {
    i = n - 1 - r
    x[i] = (b[i] - sum(l[k, i] * x[k] for k in i + 1..n)) / l[i, i]
  }
  x
}

test "backward_solve" = all(close(backward_solve([[2, 0, 0], [-1, 4, 0], [0.5, 1, 0.5]], [3, 0.5, -1]),
  [2.3125, 0.625, -2]))

/// The x with a x = b, for a positive definite.
fn solve[n](a : real[n, n], b : real[n]) -> real[n] {
  l = cholesky(a)
  backward_solve(l, forward_solve(l, b))
}

test "solve" = all(close(solve([[2, 0.3, -0.1], [0.3, 1.5, 0.4], [-0.1, 0.4, 1.1]], [1, -2, 0.5]),
  [0.8321604503871, -1.817382125264, 1.191062631949]))

/// The inverse of a positive definite matrix.
fn inverse[n](a : real[n, n]) -> real[n, n] {
  l = cholesky(a)
  [backward_solve(l, forward_solve(l, e)) for e in eye(n)]
}

test "inverse" = all(close(inverse([[2, 0.3, -0.1], [0.3, 1.5, 0.4], [-0.1, 0.4, 1.1]]),
  [[0.5242786769880, -0.1301900070373, 0.09500351864884], [-0.1301900070373, 0.7705840957072, -0.2920478536242],
    [0.09500351864884, -0.2920478536242, 1.023926812104]]))
