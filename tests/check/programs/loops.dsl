// Loops: carried names, `while`, nested loops, element assignment, names that end with the block.
fn fibonacci(n : int) -> int {
  a = 0
  b = 1
  for i in n { c = a + b; a = b; b = c }
  a
}

fn root(x : real) -> real {
  y = 1.0
  for i in 100 while abs(y * y - x) > 1e-12 { y = (y + x / y) / 2 }
  y
}

fn first_above[n](x : real[n], bound : real) -> int {
  at = n
  found = false
  for i in n while !found {
    if x[i] > bound {
      at = i
      found = true
    }
  }
  at
}

fn pascal() -> real[5] {
  row : real[5] = 0
  row[0] = 1
  for i in 1..5 {
    for r in i {
      j = i - r
      row[j] = row[j] + row[j - 1]
    }
  }
  row
}

fn transposed(a : real[2, 3]) -> real[3, 2] {
  y : real[3, 2] = -1
  for i in 2 { for j in 3 { y[j, i] = a[i, j] } }
  y
}

fn rows(k : int) -> real[3, 2] {
  y : real[3, 2] = 0
  y[1] = [k, 2 * k]
  z = y                      // a copy: what is done to y later does not reach it
  y[0] = [7, 8]
  y[2] = z[0] + z[1]
  y
}

fn steps_to_one(n : int) -> int {
  k = n
  count = 0
  for i in 200 while k != 1 {
    k = if k % 2 == 0 { quotient(k, 2) } else { 3 * k + 1 }
    count = count + 1
  }
  count
}
test "carried names" = fibonacci(10) == 55 && fibonacci(0) == 0
test "while" = close(root(2), 1.414213562373) && first_above([1, 3, 2, 5], 2.5) == 1 && first_above([1, 2], 9) == 2
test "element assignment" = all(pascal() == [1, 4, 6, 4, 1]) &&
  all(transposed([[1, 2, 3], [4, 5, 6]]) == [[1, 4], [2, 5], [3, 6]])
test "rows, and arrays are values" = all(rows(3) == [[7, 8], [3, 6], [3, 6]])
test "a condition that changes inside" = steps_to_one(27) == 111 && steps_to_one(1) == 0
fn over_elements() -> real {
  s = 0.0
  for x in [2.5, -1, 4] { s = 2 * s + x }
  for i in 2..4 { s = s + 100 * i }
  s
}
test "over elements, and between bounds" = over_elements() == 512
