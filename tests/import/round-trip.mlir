// Operations in text: printed, they read back to the same.
// RUN: kac-opt %s | kac-opt | FileCheck %s
// CHECK-LABEL: func.func @f
// CHECK: kac.variable %arg0 : tensor<2xf64>
// CHECK: kac.reduce "kac.sum" %c0_i32 to %c2_i32 {
// CHECK: kac.build [2, 3] {
// CHECK: kac.loop %c0_i32 to %c2_i32 init(%{{.*}} : f64) while {
// CHECK: kac.weigh
// CHECK: kac.grad %{{.*}} by %{{.*}} : tensor<2xf64>
// CHECK: kac.insert %{{.*}} into %{{.*}}[%c0_i32] in_range : f64 into tensor<2xf64>
// CHECK: kac.random "kac.normal" site 3[%c0_i32] [2] : f64
kac.declare_input data @xs : tensor<2xf64> = dense<[1.0, 2.0]> : tensor<2xf64>
kac.declare_input @beta : f64 = 3.0 : f64
func.func @f(%x0: tensor<2xf64>, %t: f64) -> (f64, tensor<2xf64>) attributes {kac.kind = "process"} {
  %c0 = arith.constant 0 : i32
  %c2 = arith.constant 2 : i32
  %zero = arith.constant 0.0 : f64
  %x = kac.variable %x0 : tensor<2xf64>
  %xs = kac.input @xs : tensor<2xf64>
  %b = kac.input @beta : f64
  %d = kac.sub %x, %xs : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
  %e = kac.mul %d, %b : (tensor<2xf64>, f64) -> tensor<2xf64>
  %l = kac.primitive "math.exp"(%e) : (tensor<2xf64>) -> tensor<2xf64>
  %s = kac.whole "kac.sum"(%l) : (tensor<2xf64>) -> f64
  %r = kac.reduce "kac.sum" %c0 to %c2 {
  ^bb0(%i: i32):
    %p = kac.extract %d[%i] in_range : tensor<2xf64> -> f64
    %q = kac.compare "lt" %p, %t : (f64, f64) -> i1
    kac.yield %p, %q : f64, i1
  } : f64
  %bu = kac.build [2, 3] {
  ^bb0(%i: i32, %j: i32):
    %p = kac.extract %d[%i] in_range : tensor<2xf64> -> f64
    kac.yield %p : f64
  } : tensor<2x3xf64>
  %lo = kac.loop %c0 to %c2 init(%s : f64) while {
  ^bb0(%i: i32, %a: f64):
    %q = kac.compare "lt" %a, %t : (f64, f64) -> i1
    kac.yield %q : i1
  } do {
  ^bb0(%i: i32, %a: f64):
    %a2 = kac.add %a, %t : (f64, f64) -> f64
    kac.yield %a2 : f64
  } : f64
  %lo2 = kac.loop %c0 to %c2 init(%s : f64) while {
  } do {
  ^bb0(%i: i32, %a: f64):
    %a2 = kac.add %a, %t : (f64, f64) -> f64
    kac.yield %a2 : f64
  } : f64
  %q = kac.compare "lt" %lo, %t : (f64, f64) -> i1
  %if = kac.if %q {
    kac.yield %s : f64
  } else {
    kac.yield %r : f64
  } : f64
  kac.if %q {
    kac.weigh %s
    kac.yield
  } else {
    kac.yield
  }
  %sum = kac.add %if, %lo2 : (f64, f64) -> f64
  %g = kac.grad %sum by %x : tensor<2xf64>
  %ins = kac.insert %s into %g[%c0] in_range : f64 into tensor<2xf64>
  %rnd = kac.random "kac.normal" site 3 [%c0] [2] : f64
  %w = kac.add %rnd, %zero : (f64, f64) -> f64
  kac.require %q, "text"
  return %w, %ins : f64, tensor<2xf64>
}
