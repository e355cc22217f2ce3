// Type and size parameters: [T], [n], [..s], several at once, tangent, functions of generic functions.
fn first[n, T](x : T[n]) -> T = x[0]
fn pair[T](a : T, b : T) -> T[2] = [a, b]
fn count[..s](x : real[..s]) -> real = sum(x * 0 + 1)
fn outer[n, m](a : real[n], b : real[m]) -> real[n, m] = [x * y for x in a for y in b]
fn apply[T, U](f : fn(T) -> U, x : T) -> U = f(x)
fn fold[n, T](x : T[n], start : T, f : fn(T, T) -> T) -> T {
  y = start
  for i in n { y = f(y, x[i]) }
  y
}
fn along[T](f : fn(T) -> real, x : T, by : tangent[T]) -> real = jvp(f(x), x, by)
fn doubled[..s](x : real[..s]) -> real[2, ..s] = [x, x]
fn flat[n, m](x : real[n, m]) -> real[n * m] = flatten(x)
test "elements of any type" = first([4, 5]) == 4 && all(first([[1, 2], [3, 4]]) == [1, 2]) && first([true, false]) &&
  first([(a = 1, b = 2), (a = 3, b = 4)]).b == 2
test "one type, two arguments" = all(pair([1, 2], [3, 4]) == [[1, 2], [3, 4]]) && all(pair(1.0, 2.5) == [1, 2.5])
test "any axes" = count([[1, 2, 3], [4, 5, 6]]) == 6 && count(7) == 1 && all(doubled([1, 2]) == [[1, 2], [1, 2]])
test "several sizes" = all(outer([1, 2], [3, 4, 5]) == [[3, 4, 5], [6, 8, 10]]) &&
  all(flat([[1, 2], [3, 4]]) == [1, 2, 3, 4])
test "functions between types" = apply(f(x) = x[0] + x[2], x = [1, 2, 5]) == 6 && apply(sq_norm, [[3, 4]]) == 25
test "a fold" = fold([3, 1, 2], 10, f(a, b) = a - b) == 4 &&
  all(fold([[1, 2], [3, 4]], [0, 0], f(a, b) = 2 * a + b) == [5, 8])
test "tangents" = close(along(sq_norm, [1.0, 2.0], [0.5, -1.0]), -3) && close(along(f(x) = x^3, x = 2.0, by = 0.5), 6)

// a kind's own parameters, from the values that its fields are given
kind rule[M] {
  memory : M
  step(w : real, g : real, m : M) -> (w : real, m : M)
}
rule momentum(rate : real) {
  memory = 0.0
  step(w, g, s) = (w - rate * (0.9 * s + g), 0.9 * s + g)
}
rule counted { memory = [0, 0]; step(w, g, m) = (w, m + [1, 2]) }
test "a value of a parameter's type" =
  close(momentum(0.1).step(1, 2, momentum(0.1).memory).w, 0.8) && counted.step(1, 2, counted.memory).m[1] == 2

kind ring[n] {
  w : real[n]
  mass : real = sum(w) / n
}
ring three { w = [1, 2, 6] }
test "a size of a kind" = three.mass == 3
test "a memory of the library" = adam(0.1).memory.m == 0
