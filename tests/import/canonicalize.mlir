// Canonicalization: each function ends in the shortest form.
// RUN: kac-opt %s --canonicalize --cse | FileCheck %s

// The literal 0 on the left makes 0, of a NaN too; on the right it does not.
// CHECK-LABEL: @zero_product
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-DAG: %[[REPEATED:.*]] = kac.repeat %[[ZERO]] : f64 -> tensor<2xf64>
// CHECK-DAG: %[[RIGHT:.*]] = kac.mul %arg0, %[[ZERO]]
// CHECK: return %[[ZERO]], %[[REPEATED]], %[[RIGHT]]
func.func @zero_product(%x: f64, %a: tensor<2xf64>) -> (f64, tensor<2xf64>, f64) {
  %zero = arith.constant 0.0 : f64
  %0 = kac.mul %zero, %x : (f64, f64) -> f64
  %1 = kac.mul %zero, %a : (f64, tensor<2xf64>) -> tensor<2xf64>
  %2 = kac.mul %x, %zero : (f64, f64) -> f64
  return %0, %1, %2 : f64, tensor<2xf64>, f64
}

// CHECK-LABEL: @arithmetic
// CHECK-DAG: %[[SEVEN:.*]] = arith.constant 7.0
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2 : i32
// CHECK-DAG: %[[LESS:.*]] = kac.sub %arg0, %arg1
// CHECK-DAG: %[[SQUARE:.*]] = kac.mul %arg0, %arg0
// CHECK: return %[[SEVEN]], %[[TWO]], %arg0, %[[LESS]], %[[SQUARE]]
func.func @arithmetic(%x: f64, %y: f64) -> (f64, i32, f64, f64, f64) {
  %one = arith.constant 1.0 : f64
  %two = arith.constant 2.0 : f64
  %three = arith.constant 3.0 : f64
  %minus = arith.constant -7 : i32
  %m = arith.constant 3 : i32
  %0 = kac.mul %two, %three : (f64, f64) -> f64
  %1 = kac.add %0, %one : (f64, f64) -> f64
  %2 = kac.remainder %minus, %m : (i32, i32) -> i32
  %3 = kac.neg %x : f64 -> f64
  %4 = kac.neg %3 : f64 -> f64
  %5 = kac.neg %y : f64 -> f64
  %6 = kac.add %x, %5 : (f64, f64) -> f64
  %7 = kac.pow %x, %two : (f64, f64) -> f64
  return %1, %2, %4, %6, %7 : f64, i32, f64, f64, f64
}

// CHECK-LABEL: @repeats
// CHECK: %[[SUM:.*]] = kac.add %arg0, %arg1 : (f64, tensor<3xf64>) -> tensor<3xf64>
// CHECK: %[[LONG:.*]] = kac.repeat %[[SUM]] : tensor<3xf64> -> tensor<2x3xf64>
// CHECK: return %[[SUM]], %[[LONG]]
func.func @repeats(%x: f64, %a: tensor<3xf64>) -> (tensor<3xf64>, tensor<2x3xf64>) {
  %0 = kac.repeat %x : f64 -> tensor<3xf64>
  %1 = kac.add %0, %a : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %2 = kac.repeat %x : f64 -> tensor<2x3xf64>
  %3 = kac.repeat %a : tensor<3xf64> -> tensor<2x3xf64>
  %4 = kac.add %2, %3 : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  return %1, %4 : tensor<3xf64>, tensor<2x3xf64>
}

// CHECK-LABEL: @elements
// CHECK: %[[FORWARDED:.*]] = kac.extract %arg2[%arg3] : tensor<3xf64> -> f64
// CHECK: %[[BUILT:.*]] = kac.mul %arg0, %arg0
// CHECK: return %arg1, %arg0, %[[FORWARDED]], %[[BUILT]]
func.func @elements(%x: f64, %y: f64, %a: tensor<3xf64>, %k: i32) -> (f64, f64, f64, f64) {
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %0 = kac.stack %x, %y : (f64, f64) -> tensor<2xf64>
  %1 = kac.extract %0[%c1] : tensor<2xf64> -> f64
  %2 = kac.repeat %x : f64 -> tensor<2xf64>
  %3 = kac.extract %2[%c1] : tensor<2xf64> -> f64
  %4 = kac.stack %a, %a : (tensor<3xf64>, tensor<3xf64>) -> tensor<2x3xf64>
  %5 = kac.extract %4[%c1, %k] : tensor<2x3xf64> -> f64
  %q0 = arith.constant true
  %6 = kac.build [5] {
  ^bb0(%i: i32):
    %q = kac.mul %x, %x : (f64, f64) -> f64
    %s = kac.cast %i : i32 -> f64
    %u = kac.select %q0, %q, %s : (i1, f64, f64) -> f64
    kac.yield %u : f64
  } : tensor<5xf64>
  %7 = kac.extract %6[%c2] : tensor<5xf64> -> f64
  return %1, %3, %5, %7 : f64, f64, f64, f64
}

// Indices of loops and of sizes need no check; one that may leave the array keeps it.
// CHECK-LABEL: @ranges
// CHECK: kac.build [3]
// CHECK: kac.extract %arg0[%{{.*}}] in_range
// CHECK: kac.reduce
// CHECK: kac.extract %arg0[%{{.*}}] : tensor
func.func @ranges(%a: tensor<4xf64>, %n: i32) -> (tensor<3xf64>, f64) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %0 = kac.build [3] {
  ^bb0(%i: i32):
    %j = kac.add %i, %c1 : (i32, i32) -> i32
    %e = kac.extract %a[%j] : tensor<4xf64> -> f64
    kac.yield %e : f64
  } : tensor<3xf64>
  %1 = kac.reduce "kac.max" %c0 to %n {
  ^bb0(%i: i32):
    %e = kac.extract %a[%i] : tensor<4xf64> -> f64
    kac.yield %e : f64
  } : f64
  return %0, %1 : tensor<3xf64>, f64
}

// CHECK-LABEL: @builds
// CHECK-NEXT: %[[REPEAT:.*]] = kac.repeat %arg1 : f64 -> tensor<4xf64>
// CHECK-NEXT: return %arg0, %[[REPEAT]]
func.func @builds(%a: tensor<4xf64>, %x: f64) -> (tensor<4xf64>, tensor<4xf64>) {
  %0:2 = kac.build [4] {
  ^bb0(%i: i32):
    %e = kac.extract %a[%i] : tensor<4xf64> -> f64
    kac.yield %e, %x : f64, f64
  } : tensor<4xf64>, tensor<4xf64>
  return %0#0, %0#1 : tensor<4xf64>, tensor<4xf64>
}

// CHECK-LABEL: @reduces
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: return %[[ZERO]], %arg0
func.func @reduces(%x: f64, %n: i32) -> (f64, f64) {
  %zero = arith.constant 0.0 : f64
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %0 = kac.reduce "kac.sum" %c0 to %n {
  ^bb0(%i: i32):
    kac.yield %zero : f64
  } : f64
  %1 = kac.reduce "kac.max" %c0 to %c1 {
  ^bb0(%i: i32):
    kac.yield %x : f64
  } : f64
  return %0, %1 : f64, f64
}

// CHECK-LABEL: @branches
// CHECK: %[[IF:.*]] = kac.if %arg2
// CHECK-NEXT: kac.yield %arg0 : f64
// CHECK: return %arg0, %[[IF]], %arg1
func.func @branches(%x: f64, %y: f64, %c: i1) -> (f64, f64, f64) {
  %true = arith.constant true
  %0 = kac.if %true {
    kac.yield %x : f64
  } else {
    kac.yield %y : f64
  } : f64
  %1:3 = kac.if %c {
    kac.yield %x, %y, %x : f64, f64, f64
  } else {
    kac.yield %y, %y, %y : f64, f64, f64
  } : f64, f64, f64
  return %0, %1#0, %1#1 : f64, f64, f64
}

// CHECK-LABEL: @loops
// CHECK: %[[LOOP:.*]] = kac.loop %{{.*}} to %arg2 init(%arg0 : f64)
// CHECK: kac.add %{{.*}}, %arg1
// CHECK: return %[[LOOP]], %arg1, %arg0
func.func @loops(%x: f64, %y: f64, %n: i32) -> (f64, f64, f64) {
  %c0 = arith.constant 0 : i32
  %0:3 = kac.loop %c0 to %n init(%x, %y, %y : f64, f64, f64) while {
  } do {
  ^bb0(%i: i32, %a: f64, %b: f64, %unread: f64):
    %s = kac.add %a, %b : (f64, f64) -> f64
    kac.yield %s, %b, %s : f64, f64, f64
  } : f64, f64, f64
  %1 = kac.loop %c0 to %c0 init(%x : f64) while {
  } do {
  ^bb0(%i: i32, %a: f64):
    kac.yield %y : f64
  } : f64
  return %0#0, %0#1, %1 : f64, f64, f64
}

// Two variables of one value stay two; what draws and is not used goes.
// CHECK-LABEL: @effects
// CHECK-COUNT-2: kac.variable
// CHECK-NOT: kac.random
// CHECK-NOT: kac.require
// CHECK-NOT: kac.weigh
func.func @effects(%x: f64) -> (f64, f64) {
  %true = arith.constant true
  %zero = arith.constant 0.0 : f64
  %0 = kac.variable %x : f64
  %1 = kac.variable %x : f64
  %2 = kac.random "kac.uniform" site 1 [] [] : f64
  kac.require %true, "holds"
  kac.weigh %zero
  return %0, %1 : f64, f64
}
