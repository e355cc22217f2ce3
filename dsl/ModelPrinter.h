// A checked model in, a program of the language out: first-order functions, and samplers as procedures.
#pragma once

#include "dsl/ModelPrintNames.h"

namespace kac {

/// Declarations and statements are in ModelPrint.cpp, expressions in ModelPrintExpr.cpp.
class ModelPrinter {
public:
  explicit ModelPrinter(const Model &model) : model(model), names(model) {}
  std::string print();

private:
  void print(const Input &input);
  void print(const Sampler &sampler);
  void print(const Function &each);
  void operation(const Expr &expr);
  void derivatives(const Expr &expr, const std::vector<std::string> &formals);
  void field(const std::string &name, const Function *value, const std::string &end = "",
             const std::vector<const Requirement *> &demands = {});
  void elements(const Input &input, size_t axis, size_t &at);

  void nameSlots(const Function &of, const std::vector<std::string> &parameters = {});
  std::string freshLocal(const std::string &name);
  const std::string &name(int slot) const { return locals[static_cast<size_t>(slot)]; }

  void newLine() { out += "\n" + std::string(2 * static_cast<size_t>(depth), ' '); }
  void body(const Block &block);
  void lines(const Block &block);
  void braces(const Block &block);
  void print(const Statement &statement);
  void conditional(const Expr &condition, const Block &onTrue, const Block &onFalse);

  void print(const Expr &expr, int outer);
  void number(double value, const Type &type, int outer);
  void list(const char *open, const std::vector<ExprPtr> &items, const char *close, size_t from = 0);
  void inner(const Block &block);
  void range(int slot, const Expr &lower, const Expr &upper);
  void derivative(const Expr &expr);
  void binary(const Expr &last, int outer);
  void operand(const Expr &expr, const Expr &other, Op op, int outer);
  void repeat(const Expr &expr);
  void tuple(const Expr &expr);
  void part(const Expr &expr);
  void call(const Expr &expr);

  const Model &model;
  const PrintedNames names;
  const Function *function = nullptr;
  std::vector<std::string> locals;
  std::set<std::string> localNames;
  std::string out;
  int depth = 0;
  bool weighs = true; // false in a step that only weighs 0
};

/// What the language writes for a string of this text.
std::string quotedText(const std::string &text);

} // namespace kac
