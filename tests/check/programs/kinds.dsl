// A user's own kinds: three fields that define each other, roles, functions as fields, an alias.
kind disc {
  radius : real
  radius = diameter / 2
  radius = sqrt(area / pi)
  diameter : real = 2 * radius
  area : real = pi * radius^2
}
disc by_radius   { radius = 1.5 }
disc by_diameter { diameter = 5 }
disc by_area     { area = 12.5 * pi }
test "from the radius" = by_radius.diameter == 3 && close(by_radius.area, 7.068583470577)
test "from the diameter" = by_diameter.radius == 2.5 && close(by_diameter.area, 19.63495408494)
test "from the area" = close(by_area.radius, 3.535533905933) && close(by_area.diameter, 7.071067811865)

// functions as fields: which one is given decides what follows
kind curve {
  height(x : real) -> real
  slope(x : real) -> real = grad(height(x), x)
  height(x) = base + slope(x) * x            // right for straight lines only
  base : real = 0
  zero(from : real) -> real = from - height(from) / slope(from)
}
kind line = curve
curve parabola { height(x) = x^2 - 2 }
line rising { slope(x) = 3; base = -1.5 }
test "the slope from the height" = close(parabola.slope(1.5), 3) && close(parabola.zero(1.5), 1.416666666667)
test "the height from the slope" = rising.height(2) == 4.5 && rising.zero(7) == 0.5

// a structure may add fields of its own, one of them a role
curve shifted {
  by : real
  height(x) = (x - by)^2
}
curve here = shifted with by = 2
test "a role that is supplied later" = here.height(5) == 9 && close(here.slope(5), 6)
