// A gradient and a divergence become arithmetic: of exp(-x) + 3 x^2 and of sin(x).
// RUN: kac-opt %s --kac-differentiate --canonicalize | FileCheck %s
// RUN: kac-opt %s --kac-differentiate --canonicalize | FileCheck --check-prefix=GONE %s

// GONE-NOT: kac.grad
// GONE-NOT: kac.divergence

// CHECK-LABEL: func.func @slope(
// CHECK-SAME: %[[X:.*]]: f64)
// CHECK-DAG: %[[MINUS:.*]] = kac.neg %[[X]]
// CHECK-DAG: %[[E:.*]] = kac.primitive "math.exp"(%[[MINUS]])
// CHECK-DAG: kac.sub %{{.*}}, %[[E]]
// CHECK-DAG: 6.000000e+00
// CHECK: return
func.func @slope(%x: f64) -> f64 {
  %v = kac.variable %x : f64
  %n = kac.neg %v : f64 -> f64
  %e = kac.primitive "math.exp"(%n) by [@exp.dx] : (f64) -> f64
  %three = arith.constant 3.0 : f64
  %two = arith.constant 2.0 : f64
  %s = kac.pow %v, %two : (f64, f64) -> f64
  %p = kac.mul %three, %s : (f64, f64) -> f64
  %f = kac.add %e, %p : (f64, f64) -> f64
  %g = kac.grad %f by %v : f64
  return %g : f64
}
func.func private @exp.dx(%x: f64) -> f64 {
  %0 = kac.primitive "math.exp"(%x) by [@exp.dx] : (f64) -> f64
  return %0 : f64
}

// CHECK-LABEL: func.func @spread(
// CHECK: %[[C:.*]] = kac.primitive "math.cos"(%{{.*}})
// CHECK: return %[[C]]
func.func @spread(%x: f64) -> f64 {
  %v = kac.variable %x : f64
  %s = kac.primitive "math.sin"(%v) by [@sin.dx] : (f64) -> f64
  %d = kac.divergence %s by %v : f64
  return %d : f64
}
func.func private @sin.dx(%x: f64) -> f64 {
  %0 = kac.primitive "math.cos"(%x) by [@cos.dx] : (f64) -> f64
  return %0 : f64
}
func.func private @cos.dx(%x: f64) -> f64 {
  %0 = kac.primitive "math.sin"(%x) by [@sin.dx] : (f64) -> f64
  %1 = kac.neg %0 : f64 -> f64
  return %1 : f64
}
