// What is seen not to hold is refused; what inputs decide is left for the creation of a run, with its place.
// RUN: kac-opt %s --kac-check-requirements --split-input-file --verify-diagnostics | FileCheck %s

module @wrong {
  kac.sampler @s {init = @init, monitor_names = [], monitors = [], output = @id, output_names = ["x"],
                  particles = 8 : i64, steps = 4 : i64, time = @id}
  // expected-error @+1 {{E0405: it holds}}
  kac.require_inputs @never "E0405: it holds"
  // expected-error @+1 {{E0406: it is finite (at t = 0.5)}}
  kac.require_inputs @early on @s "E0406: it is finite"
  func.func private @init(%i: i32) -> f64 {
    %0 = arith.constant 0.0 : f64
    return %0 : f64
  }
  func.func private @id(%x: f64) -> f64 {
    return %x : f64
  }
  func.func private @never() -> i1 {
    %0 = arith.constant false
    return %0 : i1
  }
  func.func private @early(%t: f64) -> i1 {
    %0 = arith.constant 0.5 : f64
    %1 = kac.compare "lt" %t, %0 : (f64, f64) -> i1
    return %1 : i1
  }
}

// -----

module @grid {
  kac.sampler @s {init = @init, monitor_names = [], monitors = [], output = @id, output_names = ["x"],
                  particles = 8 : i64, steps = 4 : i64, time = @back}
  func.func private @init(%i: i32) -> f64 {
    %0 = arith.constant 0.0 : f64
    return %0 : f64
  }
  func.func private @id(%x: f64) -> f64 {
    return %x : f64
  }
  // expected-error @+1 {{E0403: time(1 / 4) = 0.75 is not above the time before it}}
  func.func private @back(%u: f64) -> f64 {
    %0 = arith.constant 1.0 : f64
    %1 = kac.sub %0, %u : (f64, f64) -> f64
    return %1 : f64
  }
}

// -----

// CHECK: kac.require_inputs @asks "check-requirements.mlir:{{[0-9]+}}:3: E0405: w is below 1"
module @open {
  kac.declare_input @w : f64 = 2.0 : f64
  kac.require_inputs @asks "E0405: w is below 1"
  func.func private @asks() -> i1 {
    %0 = kac.input @w : f64
    %1 = arith.constant 1.0 : f64
    %2 = kac.compare "lt" %0, %1 : (f64, f64) -> i1
    return %2 : i1
  }
}

// -----

// A condition that no lineage and no draw decides is asked once, of the time where the step has it; what a draw decides stays.
// CHECK-LABEL: module @lifted
// CHECK-DAG: kac.require_inputs @[[GIVEN:.*]] on @s "{{.*}}E0405: the input is positive"
// CHECK-DAG: kac.require_inputs @[[TIMED:.*]] on @s "{{.*}}E0405: the time is early"
// CHECK-LABEL: func.func private @init
// CHECK-NOT: the input is positive
// CHECK: kac.require {{.*}} "the draw is positive"
// CHECK-LABEL: func.func private @step
// CHECK-NOT: kac.require
// CHECK: return
module @lifted {
  kac.declare_input @p : f64 = 1.0 : f64
  kac.sampler @s {init = @init, monitor_names = [], monitors = [], output = @id, output_names = ["x"],
                  particles = 8 : i64, steps = 4 : i64, time = @id, step = @step}
  func.func private @init(%i: i32) -> f64 {
    %zero = arith.constant 0.0 : f64
    %p = kac.input @p : f64
    %0 = kac.compare "lt" %zero, %p : (f64, f64) -> i1
    kac.require %0, "the input is positive"
    %x = kac.random "kac.normal" site 0[] [] : f64
    %1 = kac.compare "lt" %zero, %x : (f64, f64) -> i1
    kac.require %1, "the draw is positive"
    return %x : f64
  }
  func.func private @step(%x: f64, %t: f64, %dt: f64, %n: i32, %i: i32) -> f64 {
    %p = kac.input @p : f64
    %0 = kac.compare "lt" %t, %p : (f64, f64) -> i1
    kac.require %0, "the time is early"
    return %x : f64
  }
  func.func private @id(%x: f64) -> f64 {
    return %x : f64
  }
}
