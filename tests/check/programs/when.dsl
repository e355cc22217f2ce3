// `when`: a field that is given where a condition holds, and the next definition elsewhere.
kind gait {
  legs : int
  speed(t : real) -> real = 1 when t < 0.25
  speed(t) = 2 * t when legs > 2
  speed(t) = 10
  far(t : real) -> real = 100 * speed(t)
}
gait man { legs = 2 }
gait horse { legs = 4 }
gait tired = horse with { speed(t) = 0.5 when t > 0.75 }
test "the first that holds" = man.speed(0.125) == 1 && horse.speed(0.125) == 1
test "a condition of constants" = man.speed(0.5) == 10 && horse.speed(0.5) == 1
test "other fields follow" = horse.far(0.5) == 100 && man.far(0.2) == 100
test "at last the kind's" = tired.speed(0.8) == 0.5 && tired.speed(0.5) == 1

// values as well as functions
kind sized {
  a : real
  b : real = 1 when a > 0
  b = 2
}
sized low { a = -3 }
sized high { a = 3 }
sized own { a = 3; b = 9 when a > 5 }
sized never { a = -3; b = 9 when 2 < 1 }
test "a value where its condition holds" = high.b == 1 && low.b == 2
test "at last the kind's value" = own.b == 1 && never.b == 2
