// One function of the checked model in, its func.func out: slots become values, blocks become regions.
#pragma once

#include "compiler/dialect/Kac.h"
#include "dsl/Model.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include <optional>
#include <set>

namespace kac {

/// The place of a span in its file; unknown where no text stands for it.
mlir::Location locationOf(Span span, mlir::MLIRContext *context);

/// The types of the values that one value of the language becomes: a tuple is its components, in order.
llvm::SmallVector<mlir::Type> flatten(const Type &type, mlir::MLIRContext *context);

/// The type of a value that is no tuple.
mlir::Type valueType(const Type &type, mlir::MLIRContext *context);

class FunctionImport {
public:
  FunctionImport(const Model &model, const Function &function, mlir::ModuleOp module);
  /// Appends the function to the module; fails after a message.
  llvm::LogicalResult run();

private:
  using Values = llvm::SmallVector<mlir::Value, 2>;
  /// What each slot holds; nothing before its first assignment.
  using Environment = std::vector<std::optional<Values>>;

  // --- statements ---
  Values block(const Block &block);
  void statement(const Statement &statement);
  void assignElement(const Statement &statement);
  void loop(const Statement &statement);
  /// An `if` as statement (no types) or expression: what its branches assign and was bound before is carried out.
  Values branch(Span span, const Expr &condition, const Block *onTrue, const Block *onFalse,
                llvm::ArrayRef<mlir::Type> types);
  /// The slots bound now that any of these may assign.
  std::vector<int> carriedBy(std::initializer_list<const Block *> blocks, const Expr *expression = nullptr);
  Values held(llvm::ArrayRef<int> slots);
  /// Sets the slots to these values, laid end to end.
  void hold(llvm::ArrayRef<int> slots, mlir::ValueRange values);
  void assign(int slot, mlir::ValueRange values);

  // --- expressions ---
  Values value(const Expr &expr);
  mlir::Value scalar(const Expr &expr);
  Values local(const Expr &expr);
  Values elementwise(const Expr &expr);
  Values number(const Expr &expr);
  Values input(const Expr &expr);
  Values call(const Expr &expr);
  Values whole(const Expr &expr);
  Values random(const Expr &expr);
  Values stack(const Expr &expr);
  Values concat(const Expr &expr);
  Values index(const Expr &expr);
  Values build(const Expr &expr);
  Values reduce(const Expr &expr);
  Values derivative(const Expr &expr);
  mlir::Value operation(const Expr &expr, mlir::Type type, mlir::ValueRange operands);
  mlir::Value repeat(mlir::Value value, mlir::Type type);
  mlir::Value zero(mlir::Type type);
  mlir::ArrayAttr derivativesOf(const Expr &expr);

  /// Says that the model is not well formed; what follows needs some values, so it gets zeros.
  Values fail(Span span, const llvm::Twine &text, const Type &type);
  mlir::Block *openBlock(mlir::Region &region, mlir::TypeRange types);

  const Model &model;
  const Function &function;
  mlir::ModuleOp module;
  mlir::OpBuilder builder;
  mlir::Location at; // of the expression or statement at hand
  Environment slots;
  std::set<int> variables; // slots that derivatives are taken by
  bool failed = false;
};

} // namespace kac
