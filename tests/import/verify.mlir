// Ill-formed operations: each is refused with the label of the rule.
// RUN: kac-opt %s --split-input-file --verify-diagnostics

func.func @suffix(%a: tensor<2x3xf64>, %b: tensor<2xf64>) {
  // expected-error @+1 {{elementwise_c1: the shape of 'tensor<2xf64>' is no suffix of the result's}}
  %0 = kac.add %a, %b : (tensor<2x3xf64>, tensor<2xf64>) -> tensor<2x3xf64>
  return
}

// -----

func.func @longest(%a: f64) {
  // expected-error @+1 {{elementwise_c1: no operand has the shape of the result}}
  %0 = kac.add %a, %a : (f64, f64) -> tensor<3xf64>
  return
}

// -----

func.func @predicate(%a: f64) {
  // expected-error @+1 {{compare_c1: no predicate 'gt'}}
  %0 = kac.compare "gt" %a, %a : (f64, f64) -> i1
  return
}

// -----

func.func @derivatives(%a: f64) {
  // expected-error @+1 {{primitive_c1: one derivative for each operand}}
  %0 = kac.primitive "math.exp"(%a) by [@d, @e] : (f64) -> f64
  return
}

// -----

// expected-error @+1 {{declare_input_c1}}
kac.declare_input @x : f64 = 3 : i32

// -----

func.func @input() {
  // expected-error @+1 {{input_c1: no input @y}}
  %0 = kac.input @y : f64
  return
}

// -----

kac.declare_input @x : f64 = 3.0 : f64
func.func @input() {
  // expected-error @+1 {{input_c2: the input has type 'f64'}}
  %0 = kac.input @x : i32
  return
}

// -----

func.func @whole(%a: tensor<3xf64>) {
  // expected-error @+1 {{whole_c1: no operation 'kac.norm'}}
  %0 = kac.whole "kac.norm"(%a) : (tensor<3xf64>) -> f64
  return
}

// -----

func.func @whole(%a: tensor<2x3xf64>) {
  // expected-error @+1 {{whole_c4: acts on one axis}}
  %0 = kac.whole "kac.cumsum"(%a) : (tensor<2x3xf64>) -> tensor<2x3xf64>
  return
}

// -----

func.func @whole(%a: tensor<3xf64>) {
  // expected-error @+1 {{whole_c5: the result is 'i32'}}
  %0 = kac.whole "kac.argmax"(%a) : (tensor<3xf64>) -> f64
  return
}

// -----

func.func @stack(%a: f64) {
  // expected-error @+1 {{stack_c1}}
  %0 = kac.stack %a, %a : (f64, f64) -> tensor<3xf64>
  return
}

// -----

func.func @repeat(%a: tensor<2xf64>) {
  // expected-error @+1 {{repeat_c1}}
  %0 = kac.repeat %a : tensor<2xf64> -> tensor<2x3xf64>
  return
}

// -----

func.func @concat(%a: tensor<2xf64>) {
  // expected-error @+1 {{concat_c3}}
  %0 = kac.concat %a, %a : (tensor<2xf64>, tensor<2xf64>) -> tensor<3xf64>
  return
}

// -----

func.func @extract(%a: tensor<2x3xf64>, %i: i32) {
  // expected-error @+1 {{extract_c2: an element is 'tensor<3xf64>'}}
  %0 = kac.extract %a[%i] : tensor<2x3xf64> -> f64
  return
}

// -----

func.func @insert(%a: tensor<2xf64>, %v: f64, %i: i32) {
  // expected-error @+1 {{insert_c1: more indices than axes}}
  %0 = kac.insert %v into %a[%i, %i] : f64 into tensor<2xf64>
  return
}

// -----

func.func @build(%v: f64) {
  // expected-error @+1 {{build_c2}}
  %0 = kac.build [3] {
  ^bb0(%i: i32):
    kac.yield %v : f64
  } : tensor<2xf64>
  return
}

// -----

func.func @build(%v: i32) {
  // expected-error @+1 {{build_c3}}
  %0 = kac.build [2] {
  ^bb0(%i: i32):
    kac.yield %v : i32
  } : tensor<2xf64>
  return
}

// -----

func.func @reduce(%v: f64, %n: i32) {
  // expected-error @+1 {{reduce_c2}}
  %0 = kac.reduce "kac.any" %n to %n {
  ^bb0(%i: i32):
    kac.yield %v : f64
  } : f64
  return
}

// -----

func.func @branch(%v: f64, %c: i1) {
  // expected-error @+1 {{if_c2}}
  %0 = kac.if %c {
    kac.yield %v : f64
  } else {
    kac.yield
  } : f64
  return
}

// -----

func.func @loop(%v: f64, %n: i32) {
  // expected-error @+1 {{loop_c4}}
  %0 = kac.loop %n to %n init(%v : f64) while {
  } do {
  ^bb0(%i: i32):
    kac.yield %v : f64
  } : f64
  return
}

// -----

func.func @random(%i: i32) {
  // expected-error @+1 {{random_c1: no primitive law 'kac.gamma'}}
  %0 = kac.random "kac.gamma" site 0 [%i] [3] : f64
  return
}

// -----

// expected-error @+1 {{sampler_c1: no function @init}}
kac.sampler @s {init = @init, monitor_names = [], monitors = [], output = @o, output_names = ["x"], particles = 8 : i64,
  steps = 1 : i64, time = @t}
