// Calls inside regions of the dialect are expanded; functions that nobody names any more go, those a sampler names stay.
// RUN: kac-opt %s --inline --symbol-dce | FileCheck %s

// CHECK-NOT: @square
// CHECK-LABEL: func.func private @f
// CHECK: kac.build [2]
// CHECK-NEXT: ^bb0(%[[I:.*]]: i32):
// CHECK-NEXT: %[[CAST:.*]] = kac.cast %[[I]]
// CHECK-NEXT: kac.mul %[[CAST]], %[[CAST]]
// CHECK-NOT: @square
func.func private @square(%x: f64) -> f64 {
  %0 = kac.mul %x, %x : (f64, f64) -> f64
  return %0 : f64
}
func.func private @f() -> tensor<2xf64> {
  %0 = kac.build [2] {
  ^bb0(%i: i32):
    %x = kac.cast %i : i32 -> f64
    %y = func.call @square(%x) : (f64) -> f64
    kac.yield %y : f64
  } : tensor<2xf64>
  return %0 : tensor<2xf64>
}
kac.test @f "named"
