// Text of the kac dialect in, a module after some passes out, or what was said against it.
#pragma once

#include "compiler/dialect/Kac.h"
#include "compiler/passes/Passes.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <string>

namespace kac::test {

class Module {
public:
  explicit Module(const std::string &text) : context(registry()) {
    context.loadAllAvailableDialects();
    handler.emplace(&context, [this](mlir::Diagnostic &diagnostic) { said += diagnostic.str() + "\n"; });
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  }

  /// False where a pass fails, or the text is none.
  bool run(llvm::ArrayRef<std::unique_ptr<mlir::Pass> (*)()> passes) {
    if (!module)
      return false;
    mlir::PassManager manager(&context);
    for (auto make : passes)
      manager.addPass(make());
    return mlir::succeeded(manager.run(*module));
  }
  mlir::ModuleOp operator*() { return *module; }
  std::string text() {
    std::string result;
    llvm::raw_string_ostream stream(result);
    module->print(stream);
    return result;
  }
  std::string said;

private:
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry registry;
    registry.insert<ir::KacDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect>();
    mlir::func::registerInlinerExtension(registry);
    return registry;
  }
  mlir::MLIRContext context;
  std::optional<mlir::ScopedDiagnosticHandler> handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

inline std::unique_ptr<mlir::Pass> inlineCalls() { return mlir::createInlinerPass(); }
inline std::unique_ptr<mlir::Pass> differentiate() { return createDifferentiate(); }

} // namespace kac::test
