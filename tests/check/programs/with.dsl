// `with`: fields replaced and what followed from them derived anew; layers; tuples.
kind thermometer {
  celsius : real
  celsius = (fahrenheit - 32) / 1.8
  celsius = kelvin - 273.15
  fahrenheit : real = 1.8 * celsius + 32
  kelvin : real = celsius + 273.15
}
thermometer boiling { celsius = 100 }
thermometer room = boiling with celsius = 21.5
thermometer body = boiling with { celsius = 37 }
test "what followed is derived anew" = close(room.fahrenheit, 70.7) && close(room.kelvin, 294.65)
test "the old structure stays" = close(boiling.fahrenheit, 212) && close(body.fahrenheit, 98.6)
test "in an expression" = close((body with celsius = -40).fahrenheit, -40)

// the last layer that defines a field counts
kind shape { sides : int; angle : real = 180 * (sides - 2) / sides; label(k : int) -> int = 10 * sides + k }
shape square { sides = 4 }
shape odd = square with { sides = 5; label(k) = sides - k }
test "several fields at once" = odd.angle == 108 && odd.label(2) == 3 && square.label(2) == 42
test "a layer over a layer" = (odd with sides = 6).angle == 120 && (odd with sides = 6).label(2) == 4

// a structure of the library
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
model   q  = vp with data = normal(1, 0.5)
model   r  = vp with noise(x, t) = 0.25 * x
test "another role supplied" = close(q.score(0.7, 0.8), 0.2200493914151) && close(r.score(0.7, 0.8), -0.2994022836118)
test "data replaced" = close((q with data = normal(0, 1)).score(0.7, 0.8), -0.7)

// on a tuple it replaces components
const state = (x = 1.5, n = 2, done = false)
const later = state with { x = 2.5; done = true }
test "a tuple" = later.x == 2.5 && later.n == 2 && later.done && !(later with done = false).done

// a state's type from the function that it is passed to
process outer = variance_exploding(sigma_min = 0.01, sigma_max = 4)
fn pull(x : real[2], t : real) -> real[2] = -x / (1 + outer.sigma(t)^2)
fn push(x : real[2], t : real) -> real[2] = outer.sigma(1 - t) * x / (1 + outer.sigma(1 - t)^2)
model passed = outer with noise(x, t) = push(x, 1 - t)
model given = outer with score = pull
model written = outer with score(x : real[2], t) = pull(x, t)
test "cells" = close(sum(passed.score([1, 2], 0.4)), sum(given.score([1, 2], 0.4))) &&
  close(passed.start.logp([1, 2]), written.start.logp([1, 2])) && passed.start.logp([1, 2]) < passed.start.logp([1, 1])
