// Moves of a lineage that leave a law as it is.

/// y with probability min(1, exp(log_ratio)), else x; x where the ratio is not a number.
fn metropolis[T](x : T, y : T, log_ratio : real) -> T {
  u ~ standard_uniform()
  if log(u) < log_ratio { y } else { x }
}

test "metropolis" = metropolis(1.5, 2.5, 0.7) == 2.5 && metropolis(1.5, 2.5, -inf) == 1.5 &&
  abs(mean(metropolis(0.0, 1.0, log(0.3)) for i in 4000) - 0.3) < 0.03
