// One step of annealed Langevin dynamics in a mixture of 40 normal laws in the plane: its score by the derivative of a
// log-sum-exp, as kac-differentiate leaves it.
// RUN: kac-opt %s --kac-lower-lineages | FileCheck %s
// CHECK-NOT: kac.add
// CHECK: func.func @anneal.init.tiles
// CHECK: func.func @anneal.step.tiles
module @mixture {
  kac.declare_input data @centers : tensor<40x2xf64> = dense<0.0> : tensor<40x2xf64>
  kac.declare_input @beta : f64 = 3.0 : f64
  func.func @init(%i: i32) -> tensor<2xf64> {
    %five = arith.constant 20.0 : f64
    %x = kac.build [2] {
    ^bb0(%k: i32):
      %z = kac.random "kac.normal" site 0 [%k] [2] : f64
      %s = kac.mul %five, %z : (f64, f64) -> f64
      kac.yield %s : f64
    } : tensor<2xf64>
    return %x : tensor<2xf64>
  }
  func.func @step(%x: tensor<2xf64>, %t: f64, %dt: f64, %n: i32, %i: i32) -> tensor<2xf64> {
    %zero = arith.constant 0 : i32
    %many = arith.constant 40 : i32
    %two = arith.constant 2.0 : f64
    %one = arith.constant 1.0 : f64
    %half = arith.constant -0.5 : f64
    %turn = arith.constant 6.283185307179586 : f64
    %ten = arith.constant 10.0 : f64
    %weight = arith.constant 0.025 : f64
    %late = kac.sub %one, %t : (f64, f64) -> f64
    %sigma = kac.mul %ten, %late : (f64, f64) -> f64
    %s2 = kac.pow %sigma, %two : (f64, f64) -> f64
    %v = kac.add %one, %s2 : (f64, f64) -> f64
    %sd = kac.primitive "math.sqrt"(%v) : (f64) -> f64
    %lsd = kac.primitive "math.log"(%sd) : (f64) -> f64
    %lturn = kac.primitive "math.log"(%turn) : (f64) -> f64
    %lw = kac.primitive "math.log"(%weight) : (f64) -> f64
    %centers = kac.input @centers : tensor<40x2xf64>
    %beta = kac.input @beta : f64
    %l = kac.build [40] {
    ^bb0(%k: i32):
      %c = kac.extract %centers[%k] in_range : tensor<40x2xf64> -> tensor<2xf64>
      %parts = kac.build [2] {
      ^bb0(%j: i32):
        %m = kac.extract %c[%j] in_range : tensor<2xf64> -> f64
        %xj = kac.extract %x[%j] in_range : tensor<2xf64> -> f64
        %d = kac.sub %xj, %m : (f64, f64) -> f64
        %r = kac.div %d, %sd : (f64, f64) -> f64
        %q = kac.pow %r, %two : (f64, f64) -> f64
        %h = kac.mul %half, %q : (f64, f64) -> f64
        %a = kac.sub %h, %lsd : (f64, f64) -> f64
        %lt = kac.mul %half, %lturn : (f64, f64) -> f64
        %b = kac.add %a, %lt : (f64, f64) -> f64
        kac.yield %b : f64
      } : tensor<2xf64>
      %sum = kac.whole "kac.sum"(%parts) : (tensor<2xf64>) -> f64
      %e = kac.add %lw, %sum : (f64, f64) -> f64
      kac.yield %e : f64
    } : tensor<40xf64>
    %max = kac.whole "kac.max"(%l) : (tensor<40xf64>) -> f64
    %less = kac.sub %l, %max : (tensor<40xf64>, f64) -> tensor<40xf64>
    %exp = kac.primitive "math.exp"(%less) : (tensor<40xf64>) -> tensor<40xf64>
    %total = kac.whole "kac.sum"(%exp) : (tensor<40xf64>) -> f64
    %ltotal = kac.primitive "math.log"(%total) : (f64) -> f64
    %logp = kac.add %max, %ltotal : (f64, f64) -> f64
    %inverse = kac.div %one, %total : (f64, f64) -> f64
    %score = kac.reduce "kac.sum" %zero to %many {
    ^bb0(%k: i32):
      %c = kac.extract %centers[%k] in_range : tensor<40x2xf64> -> tensor<2xf64>
      %e = kac.extract %exp[%k] in_range : tensor<40xf64> -> f64
      %p = kac.mul %e, %inverse : (f64, f64) -> f64
      %d = kac.sub %c, %x : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
      %g = kac.div %d, %v : (tensor<2xf64>, f64) -> tensor<2xf64>
      %pull = kac.mul %p, %g : (f64, tensor<2xf64>) -> tensor<2xf64>
      kac.yield %pull : tensor<2xf64>
    } : tensor<2xf64>
    %gain = kac.mul %beta, %dt : (f64, f64) -> f64
    %push = kac.mul %gain, %score : (f64, tensor<2xf64>) -> tensor<2xf64>
    %spread2 = kac.mul %two, %dt : (f64, f64) -> f64
    %spread = kac.primitive "math.sqrt"(%spread2) : (f64) -> f64
    %y = kac.build [2] {
    ^bb0(%j: i32):
      %z = kac.random "kac.normal" site 1 [%j] [2] : f64
      %xj = kac.extract %x[%j] in_range : tensor<2xf64> -> f64
      %pj = kac.extract %push[%j] in_range : tensor<2xf64> -> f64
      %m = kac.add %xj, %pj : (f64, f64) -> f64
      %s = kac.mul %spread, %z : (f64, f64) -> f64
      %yj = kac.add %m, %s : (f64, f64) -> f64
      kac.yield %yj : f64
    } : tensor<2xf64>
    %square = kac.mul %score, %score : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    %norm = kac.whole "kac.sum"(%square) : (tensor<2xf64>) -> f64
    %w = kac.add %logp, %norm : (f64, f64) -> f64
    %wdt = kac.mul %w, %dt : (f64, f64) -> f64
    kac.weigh %wdt
    return %y : tensor<2xf64>
  }
  func.func @time(%u: f64) -> f64 { return %u : f64 }
  func.func @output(%x: tensor<2xf64>) -> tensor<2xf64> { return %x : tensor<2xf64> }
  kac.sampler @anneal {particles = 100000 : i64, steps = 1000 : i64, init = @init, step = @step, time = @time,
    output = @output, output_names = ["x"], monitors = [], monitor_names = []}
}
