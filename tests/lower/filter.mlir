// A bootstrap particle filter: `weigh`, an observation for each step, systematic resampling.
// RUN: kac-opt %s --kac-lower-lineages | FileCheck %s
// CHECK-NOT: kac.add
// CHECK: func.func @bootstrap.init.tiles
// CHECK: func.func @bootstrap.step.tiles
// CHECK: func.func @bootstrap.resample.prepare
// CHECK-NOT: masked.gather
// CHECK: func.func @bootstrap.resample.tiles
// CHECK: masked.gather{{.*}}xf64>
module @filter {
  kac.declare_input data @ys : tensor<5xf64> = dense<[0.5, -0.25, 1.0, 0.75, -1.5]> : tensor<5xf64>
  func.func @init(%i: i32) -> f64 {
    %z = kac.random "kac.normal" site 0 [] [] : f64
    return %z : f64
  }
  func.func @step(%x: f64, %t: f64, %dt: f64, %n: i32, %i: i32) -> f64 {
    %decay = arith.constant 0.9 : f64
    %noise = arith.constant 0.5 : f64
    %sd = arith.constant 0.3 : f64
    %two = arith.constant 2.0 : f64
    %half = arith.constant -0.5 : f64
    %turn = arith.constant 6.283185307179586 : f64
    %mean = kac.mul %decay, %x : (f64, f64) -> f64
    %z = kac.random "kac.normal" site 1 [] [] : f64
    %e = kac.mul %noise, %z : (f64, f64) -> f64
    %y = kac.add %mean, %e : (f64, f64) -> f64
    %ys = kac.input @ys : tensor<5xf64>
    %seen = kac.extract %ys[%n] : tensor<5xf64> -> f64
    %d = kac.sub %seen, %y : (f64, f64) -> f64
    %r = kac.div %d, %sd : (f64, f64) -> f64
    %q = kac.pow %r, %two : (f64, f64) -> f64
    %h = kac.mul %half, %q : (f64, f64) -> f64
    %l = kac.primitive "math.log"(%sd) : (f64) -> f64
    %w = kac.sub %h, %l : (f64, f64) -> f64
    %lt = kac.primitive "math.log"(%turn) : (f64) -> f64
    %k = kac.mul %half, %lt : (f64, f64) -> f64
    %logp = kac.add %w, %k : (f64, f64) -> f64
    kac.weigh %logp
    return %y : f64
  }
  func.func @time(%u: f64) -> f64 { return %u : f64 }
  func.func @resample(%w: tensor<?xf64>, %ess: f64, %t: f64, %n: i32) -> tensor<?xi32> {
    %u = kac.random "kac.uniform" site 2 [] [] : f64
    %c = kac.whole "kac.cumsum"(%w) : (tensor<?xf64>) -> tensor<?xf64>
    %count = kac.particles
    %a = kac.build [-1] {
    ^bb0(%i: i32):
      %r = kac.cast %i : i32 -> f64
      %p = kac.add %r, %u : (f64, f64) -> f64
      %all = kac.cast %count : i32 -> f64
      %at = kac.div %p, %all : (f64, f64) -> f64
      %k = kac.whole "kac.search"(%c, %at) : (tensor<?xf64>, f64) -> i32
      kac.yield %k : i32
    } : tensor<?xi32>
    return %a : tensor<?xi32>
  }
  func.func @when(%ess: f64, %t: f64, %n: i32) -> i1 {
    %half = arith.constant 0.5 : f64
    %low = kac.compare "lt" %ess, %half : (f64, f64) -> i1
    return %low : i1
  }
  func.func @output(%x: f64) -> f64 { return %x : f64 }
  func.func @mean(%x: f64, %t: f64, %n: i32) -> f64 { 
    %r = kac.add %x, %t : (f64, f64) -> f64
    return %r : f64 
  }
  kac.sampler @bootstrap {particles = 100 : i64, steps = 5 : i64, init = @init, step = @step, time = @time,
    resample = @resample, when = @when, output = @output, output_names = ["x"], monitors = [@mean],
    monitor_names = ["shifted"]}
}
