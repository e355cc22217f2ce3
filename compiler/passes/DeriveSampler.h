// What is shared by the files of kac-derive-sampler: one sampler, and the drifts that it may take.
#pragma once

#include "compiler/passes/Expressions.h"

#include "mlir/IR/SymbolTable.h"

namespace kac {

/// What cannot be had, and what would help.
struct Missing {
  std::string code, text;
  std::vector<std::string> offers;
  mlir::Location at;
};

/// One drift that may be taken, with the weight that follows from it.
struct Candidate {
  mlir::func::FuncOp drift;
  std::unique_ptr<Expressions> expressions;
  Form u, g;
  std::vector<Missing> missing;
  bool assumed = false; // its `when` is left to be checked at creation
};

class Derivation {
public:
  Derivation(mlir::ModuleOp module, ir::SamplerOp sampler) : module(module), sampler(sampler) {}
  mlir::LogicalResult run();

private:
  mlir::func::FuncOp lookup(mlir::FlatSymbolRefAttr symbol) {
    return symbol ? module.lookupSymbol<mlir::func::FuncOp>(symbol) : mlir::func::FuncOp();
  }
  std::optional<Candidate> derive(mlir::func::FuncOp choice);
  void look(Candidate &candidate);
  mlir::LogicalResult refuse(llvm::ArrayRef<Candidate> candidates);
  mlir::LogicalResult refuseMissing();
  void warnOfJumps();
  mlir::Location placeOf(llvm::StringRef model);
  void settle(Candidate &candidate);
  mlir::LogicalResult demand(Candidate &candidate);
  mlir::func::FuncOp noise();
  Form noise(Expressions &expressions);
  void warn(Candidate &candidate);
  void warnOfVariance(Candidate &candidate, const Coef &z);
  void record(Candidate &candidate);

  mlir::ModuleOp module;
  ir::SamplerOp sampler;
  mlir::func::FuncOp drift, rate;
};

/// A message at this place, with what would help.
void report(mlir::Location at, const std::string &code, const std::string &text, llvm::ArrayRef<std::string> offers);
/// The field that a drift passes on to, if it does nothing else: "centroid".
std::string schemeOf(mlir::ModuleOp module, mlir::func::FuncOp drift);

} // namespace kac
