// Two samplers' worth of lowered functions: one in lanes that reads its state and adds to the weights, one that all
// lineages share and that fills the uniform memory.
// RUN: kac-opt %s --kac-split-kernels | FileCheck %s
// CHECK: kac.kernels = [
// CHECK-SAME: {buffers = {log_weight = "inout", state_in = "in"}, element = f32, kernel = @walk.tiles, lanes = 16 : i64, target = "llvm"}
// CHECK-SAME: {buffers = {inputs = "in", uniform = "out"}, element = f64, kernel = @walk.prepare, lanes = 1 : i64, target = "llvm"}
// CHECK-SAME: {buffers = {}, element = f64, kernel = @walk.when, lanes = 1 : i64, target = "llvm"}
module @walk {
  func.func @walk.tiles(%run: !llvm.ptr, %n: i64, %begin: i64, %end: i64) {
    %place = llvm.getelementptr %run[40] : (!llvm.ptr) -> !llvm.ptr, i8
    %state = llvm.load %place : !llvm.ptr -> !llvm.ptr
    %tile = llvm.getelementptr %state[%begin] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %x = llvm.load %tile : !llvm.ptr -> vector<16xf32>
    %place2 = llvm.getelementptr %run[64] : (!llvm.ptr) -> !llvm.ptr, i8
    %weights = llvm.load %place2 : !llvm.ptr -> !llvm.ptr
    %old = llvm.load %weights : !llvm.ptr -> f32
    %first = vector.extract %x[0] : f32 from vector<16xf32>
    %new = arith.addf %old, %first : f32
    llvm.store %new, %weights : f32, !llvm.ptr
    return
  }
  func.func @walk.prepare(%run: !llvm.ptr, %n: i64) {
    %place = llvm.getelementptr %run[24] : (!llvm.ptr) -> !llvm.ptr, i8
    %inputs = llvm.load %place : !llvm.ptr -> !llvm.ptr
    %data = llvm.load %inputs : !llvm.ptr -> f64
    %place2 = llvm.getelementptr %run[80] : (!llvm.ptr) -> !llvm.ptr, i8
    %uniform = llvm.load %place2 : !llvm.ptr -> !llvm.ptr
    llvm.store %data, %uniform : f64, !llvm.ptr
    return
  }
  func.func @walk.when(%run: !llvm.ptr, %ess: f64, %t: f64, %n: i64) -> i32 {
    %c1 = arith.constant 1 : i32
    return %c1 : i32
  }
}
