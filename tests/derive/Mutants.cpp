// Runs the tools for the text; changes an operand by a product before it.
#include "tests/derive/Mutants.h"
#include "tests/run/Kacc.h"

#include "mlir/IR/Matchers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

namespace kac::test {

std::string derivedText(const Steered &program) {
  Folder folder;
  writeText(folder / "mutation.dsl", textOf(program));
  KaccResult imported = kacc({"--emit=kac", "--f64", folder / "mutation.dsl"});
  EXPECT_EQ(imported.status, 0) << imported.err;
  writeText(folder / "mutation.mlir", imported.out);
  KaccResult derived = runTool("kac-opt", {"--kac-derive-sampler", "--canonicalize", folder / "mutation.mlir"});
  EXPECT_EQ(derived.status, 0) << derived.err;
  return derived.status == 0 ? derived.out : "";
}

ir::SamplerOp samplerOf(mlir::ModuleOp module) { return *module.getOps<ir::SamplerOp>().begin(); }

std::string initOf(mlir::ModuleOp module) { return samplerOf(module).getInitAttr().getValue().str(); }
std::string stepOf(mlir::ModuleOp module) { return samplerOf(module).getStepAttr().getValue().str(); }

std::vector<std::string> functionsOfStep(mlir::ModuleOp module) {
  std::vector<std::string> names = {stepOf(module)};
  for (size_t k = 0; k < names.size(); ++k)
    module.lookupSymbol<mlir::func::FuncOp>(names[k]).walk([&](mlir::func::CallOp call) {
      auto callee = module.lookupSymbol<mlir::func::FuncOp>(call.getCallee());
      auto owner = callee->getAttrOfType<mlir::StringAttr>("kac.structure");
      std::string name = callee.getName().str();
      if (owner && owner == samplerOf(module).getSymName() &&
          std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
    });
  return names;
}

void PrintTo(const MutationSite &site, std::ostream *stream) {
  *stream << site.function << ", operation " << site.operation << ", operand " << site.operand << " times "
          << site.factor;
}

static bool isReal(mlir::Value value) { return mlir::isa<mlir::Float64Type>(ir::elementOf(value.getType())); }

std::vector<MutationSite> sitesOf(mlir::ModuleOp module, const std::string &function) {
  std::vector<MutationSite> sites;
  unsigned index = 0;
  module.lookupSymbol<mlir::func::FuncOp>(function).walk([&](mlir::Operation *op) {
    bool sum = mlir::isa<ir::AddOp, ir::SubOp, ir::NegOp, ir::WeighOp, mlir::func::ReturnOp>(op);
    bool product = mlir::isa<ir::MulOp, ir::DivOp>(op);
    for (mlir::OpOperand &operand : op->getOpOperands()) {
      bool constant = mlir::matchPattern(operand.get(), mlir::m_Constant());
      if (isReal(operand.get()) && (sum || (product && constant)))
        for (double factor : {-1.0, 1.5})
          sites.push_back({function, index, operand.getOperandNumber(), factor});
    }
    ++index;
  });
  return sites;
}

std::unique_ptr<Module> mutant(const std::string &text, const MutationSite &site) {
  auto module = std::make_unique<Module>(text);
  std::vector<mlir::Operation *> operations;
  (**module).lookupSymbol<mlir::func::FuncOp>(site.function).walk([&](mlir::Operation *op) {
    operations.push_back(op);
  });
  mlir::OpOperand &operand = operations[site.operation]->getOpOperand(site.operand);
  mlir::OpBuilder builder(operand.getOwner());
  mlir::Location loc = operand.getOwner()->getLoc();
  auto number = mlir::arith::ConstantOp::create(builder, loc, builder.getF64FloatAttr(site.factor));
  operand.set(ir::MulOp::create(builder, loc, operand.get().getType(), number, operand.get()).getResult());
  return module;
}

} // namespace kac::test
