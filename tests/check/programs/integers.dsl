// Integers, tokens, precedence, and the types that widen.
const n = 7
const rows = [[1.5, 2, 3], [4, 5, 6]]
fn third(k : token[3]) -> real = [0.25, 0.5, 0.75][k]
fn next(k : token[3]) -> token[3] = (k + 1) % 3
test "quotient and remainder round down" = quotient(-7, 2) == -4 && -7 % 2 == 1 && 7 % 4 == 3 && quotient(n, 2) == 3
test "division and powers of integers are real" = 1 / 2 == 0.5 && 2^10 == 1024 && 2^-1 == 0.5 && n / 2 == 3.5
test "precedence" = -2^2 == -4 && 2^3^2 == 512 && 2 + 3 * 4 % 5 == 4 && 2 * -3 == -6 &&
  1 - 2 - 3 == -4 && 8 / 4 / 2 == 1
test "logic" = !(1 > 2) && (true || false && false) && !(false || false) && (1 < 2 && 2 < 3 || false)
test "tokens" = third(2) == 0.75 && next(2) == 0 && third(next(1)) == 0.75 && sum(third(k) for k in 3) == 1.5
test "a remainder is an index" = all([rows[i % 2, i % 3] for i in 6] == [1.5, 5, 3, 4, 2, 6])
test "what widens" = sum(one_hot(1, 3) * [1, 2, 4]) == 2 && exp(0) + 1 == 2 &&
  close(log(softmax([0.0, 0.0]))[0], -0.6931471805599)
test "numbers as they are written" = 100_000 == 1e5 && 5e-4 == 0.0005 && 2_000.5 == 2000.5
