// The passes of the compiler, one record each. A record stands here once its .cpp is there: all are registered.
#ifndef KAC_PASSES
#define KAC_PASSES

include "mlir/Pass/PassBase.td"

def SolveRecurrences : Pass<"kac-solve-recurrences", "::mlir::ModuleOp"> {
  let summary = "loops whose carried values are sums or extremes, or sums relative to a running extreme, as reductions";
  let dependentDialects = ["::kac::ir::KacDialect", "::mlir::arith::ArithDialect"];
}

def Differentiate : Pass<"kac-differentiate", "::mlir::ModuleOp"> {
  let summary = "derivatives of inlined functions as plain operations";
  let dependentDialects = ["::kac::ir::KacDialect", "::mlir::arith::ArithDialect"];
}

def DeriveSampler : Pass<"kac-derive-sampler", "::mlir::ModuleOp"> {
  let summary = "settles the drift of declarative samplers and derives their weights";
  let dependentDialects = ["::kac::ir::KacDialect", "::mlir::arith::ArithDialect"];
}

def CheckRequirements : Pass<"kac-check-requirements", "::mlir::ModuleOp"> {
  let summary = "refuses what must hold when a run is created and is seen not to: the time grid, conditions, schedules";
}

def LowerLineages : Pass<"kac-lower-lineages", "::mlir::ModuleOp"> {
  let summary = "each sampler's functions as kernels over tiles of lineages, in upstream dialects alone";
  let options = [Option<"f64", "f64", "bool", "false", "precision of what differs between lineages">,
                 Option<"lanes", "lanes", "int64_t", "0", "lineages a tile; 0: the best known">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect"];
}

def SplitKernels : Pass<"kac-split-kernels", "::mlir::ModuleOp"> {
  let summary = "the kernel table: which function goes to which maker, with the memory that it touches";
}

#endif
