// A sampler that only draws from init: x ~ normal(mu, 2).
// RUN: kac-opt %s --kac-lower-lineages | FileCheck %s
// CHECK-NOT: kac.add
// CHECK: func.func @draws.init.tiles
// CHECK: func.func @draws.output.values
module @normal {
  kac.declare_input @mu : f64 = 1.5 : f64
  func.func @init(%i: i32) -> f64 {
    %z = kac.random "kac.normal" site 3 [] [] : f64
    %sd = arith.constant 2.0 : f64
    %mu = kac.input @mu : f64
    %s = kac.mul %sd, %z : (f64, f64) -> f64
    %x = kac.add %mu, %s : (f64, f64) -> f64
    return %x : f64
  }
  func.func @time(%u: f64) -> f64 { return %u : f64 }
  func.func @output(%x: f64) -> f64 { return %x : f64 }
  kac.sampler @draws {particles = 1000 : i64, steps = 0 : i64, steps_fixed, init = @init, time = @time,
    output = @output, output_names = ["x"], monitors = [], monitor_names = []}
}
