// Loops become reductions where what they carry has a closed form, and stay where it has none.
// RUN: kac-opt %s --kac-solve-recurrences --canonicalize | FileCheck %s

func.func private @exp.dx(%x: f64) -> f64

// total' = total exp(top - high) + exp(l - high) under a filter: the greatest first, then one sum relative to it.
// CHECK-LABEL: func.func @online(
// CHECK-NOT: kac.loop
// CHECK: %[[TOP:.*]] = kac.whole "kac.largest"(%arg0)
// CHECK: %[[LEVEL:.*]] = kac.stop %[[TOP]]
// CHECK: %[[SUM:.*]] = kac.reduce "kac.sum"
// CHECK: kac.if
// CHECK: kac.sub %{{.*}}, %[[LEVEL]]
// CHECK-COUNT-1: math.exp
// CHECK-NOT: math.exp
// CHECK: %[[NAN:.*]] = kac.whole "kac.any"
// CHECK: %[[FIRST:.*]] = kac.select %[[NAN]], %{{.*}}, %[[LEVEL]]
// CHECK: return %[[FIRST]], %[[SUM]]
func.func @online(%ls: tensor<5xf64>) -> (f64, f64) {
  %c0 = arith.constant 0 : i32
  %c5 = arith.constant 5 : i32
  %none = arith.constant 0xFFF0000000000000 : f64
  %zero = arith.constant 0.0 : f64
  %r:2 = kac.loop %c0 to %c5 init(%none, %zero : f64, f64) while {} do {
  ^bb0(%k: i32, %top: f64, %total: f64):
    %l = kac.extract %ls[%k] in_range : tensor<5xf64> -> f64
    %some = kac.compare "ne" %l, %none : (f64, f64) -> i1
    %s:2 = kac.if %some {
      %more = kac.compare "lt" %top, %l : (f64, f64) -> i1
      %nan = kac.compare "ne" %l, %l : (f64, f64) -> i1
      %either = kac.or %more, %nan : (i1, i1) -> i1
      %greater = kac.select %either, %l, %top : (i1, f64, f64) -> f64
      %high = kac.stop %greater : f64
      %down = kac.sub %top, %high : (f64, f64) -> f64
      %scale = kac.primitive "math.exp"(%down) by [@exp.dx] : (f64) -> f64
      %kept = kac.mul %total, %scale : (f64, f64) -> f64
      %over = kac.sub %l, %high : (f64, f64) -> f64
      %e = kac.primitive "math.exp"(%over) by [@exp.dx] : (f64) -> f64
      %sum = kac.add %kept, %e : (f64, f64) -> f64
      kac.yield %high, %sum : f64, f64
    } else {
      kac.yield %top, %total : f64, f64
    } : f64, f64
    kac.yield %s#0, %s#1 : f64, f64
  } : f64, f64
  return %r#0, %r#1 : f64, f64
}

// The same with a branch for a new greatest, where the term is 1. A NaN does not move `top`.
// CHECK-LABEL: func.func @branches(
// CHECK-NOT: kac.loop
// CHECK: kac.select
// CHECK: kac.whole "kac.largest"
// CHECK: kac.reduce "kac.sum"
// CHECK-NOT: kac.if
// CHECK: return
func.func @branches(%ls: tensor<5xf64>) -> (f64, f64) {
  %c0 = arith.constant 0 : i32
  %c5 = arith.constant 5 : i32
  %none = arith.constant 0xFFF0000000000000 : f64
  %zero = arith.constant 0.0 : f64
  %one = arith.constant 1.0 : f64
  %r:2 = kac.loop %c0 to %c5 init(%none, %zero : f64, f64) while {} do {
  ^bb0(%k: i32, %top: f64, %total: f64):
    %l = kac.extract %ls[%k] in_range : tensor<5xf64> -> f64
    %more = kac.compare "lt" %top, %l : (f64, f64) -> i1
    %s:2 = kac.if %more {
      %down = kac.sub %top, %l : (f64, f64) -> f64
      %scale = kac.primitive "math.exp"(%down) by [@exp.dx] : (f64) -> f64
      %kept = kac.mul %scale, %total : (f64, f64) -> f64
      %sum = kac.add %one, %kept : (f64, f64) -> f64
      kac.yield %l, %sum : f64, f64
    } else {
      %over = kac.sub %l, %top : (f64, f64) -> f64
      %e = kac.primitive "math.exp"(%over) by [@exp.dx] : (f64) -> f64
      %sum = kac.add %total, %e : (f64, f64) -> f64
      kac.yield %top, %sum : f64, f64
    } : f64, f64
    kac.yield %s#0, %s#1 : f64, f64
  } : f64, f64
  return %r#0, %r#1 : f64, f64
}

// A sum of arrays, from what it starts from.
// CHECK-LABEL: func.func @plain(
// CHECK-NOT: kac.loop
// CHECK: %[[SUM:.*]] = kac.reduce "kac.sum"
// CHECK: kac.add %arg1, %[[SUM]]
func.func @plain(%rows: tensor<5x2xf64>, %first: tensor<2xf64>) -> tensor<2xf64> {
  %c1 = arith.constant 1 : i32
  %c5 = arith.constant 5 : i32
  %r = kac.loop %c1 to %c5 init(%first : tensor<2xf64>) while {} do {
  ^bb0(%k: i32, %total: tensor<2xf64>):
    %row = kac.extract %rows[%k] in_range : tensor<5x2xf64> -> tensor<2xf64>
    %sum = kac.sub %total, %row : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    kac.yield %sum : tensor<2xf64>
  } : tensor<2xf64>
  return %r : tensor<2xf64>
}

// A geometric sum has other weights in each turn; a sum of what another sum is by then is none; nor is what starts again.
// CHECK-LABEL: func.func @stays(
// CHECK-COUNT-3: kac.loop
func.func @stays(%ls: tensor<5xf64>, %zero: f64) -> (f64, f64, f64, f64) {
  %c0 = arith.constant 0 : i32
  %c5 = arith.constant 5 : i32
  %half = arith.constant 0.5 : f64
  %a = kac.loop %c0 to %c5 init(%zero : f64) while {} do {
  ^bb0(%k: i32, %total: f64):
    %l = kac.extract %ls[%k] in_range : tensor<5xf64> -> f64
    %less = kac.mul %half, %total : (f64, f64) -> f64
    %sum = kac.add %less, %l : (f64, f64) -> f64
    kac.yield %sum : f64
  } : f64
  %b:2 = kac.loop %c0 to %c5 init(%zero, %zero : f64, f64) while {} do {
  ^bb0(%k: i32, %one: f64, %two: f64):
    %l = kac.extract %ls[%k] in_range : tensor<5xf64> -> f64
    %x = kac.add %one, %l : (f64, f64) -> f64
    %y = kac.add %two, %x : (f64, f64) -> f64
    kac.yield %x, %y : f64, f64
  } : f64, f64
  %c = kac.loop %c0 to %c5 init(%zero : f64) while {} do {
  ^bb0(%k: i32, %total: f64):
    %l = kac.extract %ls[%k] in_range : tensor<5xf64> -> f64
    %more = kac.compare "lt" %zero, %l : (f64, f64) -> i1
    %sum = kac.add %total, %l : (f64, f64) -> f64
    %next = kac.select %more, %sum, %l : (i1, f64, f64) -> f64
    kac.yield %next : f64
  } : f64
  return %a, %b#0, %b#1, %c : f64, f64, f64, f64
}

// A factor that belongs to another level than the one that is carried.
// CHECK-LABEL: func.func @other_level(
// CHECK: kac.loop
func.func @other_level(%ls: tensor<5xf64>, %shift: f64) -> (f64, f64) {
  %c0 = arith.constant 0 : i32
  %c5 = arith.constant 5 : i32
  %none = arith.constant 0xFFF0000000000000 : f64
  %zero = arith.constant 0.0 : f64
  %r:2 = kac.loop %c0 to %c5 init(%none, %zero : f64, f64) while {} do {
  ^bb0(%k: i32, %top: f64, %total: f64):
    %l = kac.extract %ls[%k] in_range : tensor<5xf64> -> f64
    %more = kac.compare "lt" %top, %l : (f64, f64) -> i1
    %high = kac.select %more, %l, %top : (i1, f64, f64) -> f64
    %moved = kac.add %high, %shift : (f64, f64) -> f64
    %down = kac.sub %top, %moved : (f64, f64) -> f64
    %scale = kac.primitive "math.exp"(%down) by [@exp.dx] : (f64) -> f64
    %kept = kac.mul %total, %scale : (f64, f64) -> f64
    %over = kac.sub %l, %high : (f64, f64) -> f64
    %e = kac.primitive "math.exp"(%over) by [@exp.dx] : (f64) -> f64
    %sum = kac.add %kept, %e : (f64, f64) -> f64
    kac.yield %high, %sum : f64, f64
  } : f64, f64
  return %r#0, %r#1 : f64, f64
}
