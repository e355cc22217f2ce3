// The passes of the compiler, one record each. A record stands here once its .cpp is there: all are registered.
#ifndef KAC_PASSES
#define KAC_PASSES

include "mlir/Pass/PassBase.td"

def Differentiate : Pass<"kac-differentiate", "::mlir::ModuleOp"> {
  let summary = "derivatives of inlined functions as plain operations";
  let dependentDialects = ["::kac::ir::KacDialect", "::mlir::arith::ArithDialect"];
}

def DeriveSampler : Pass<"kac-derive-sampler", "::mlir::ModuleOp"> {
  let summary = "settles the drift of declarative samplers and derives their weights";
  let dependentDialects = ["::kac::ir::KacDialect", "::mlir::arith::ArithDialect"];
}

#endif
