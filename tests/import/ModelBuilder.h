// Short ways to write a checked model by hand, for tests.
#pragma once

#include "dsl/Model.h"

#include <initializer_list>

namespace kac::test {

inline std::shared_ptr<Expr> make(Op op, Type type, std::vector<ExprPtr> args = {}) {
  auto expr = std::make_shared<Expr>();
  expr->op = op;
  expr->type = std::move(type);
  expr->args = std::move(args);
  return expr;
}

inline ExprPtr number(double value, Type type = realType()) {
  auto expr = make(Op::Number, std::move(type));
  expr->number = value;
  return expr;
}

inline ExprPtr named(Op op, const std::string &name, Type type, std::vector<ExprPtr> args) {
  auto expr = make(op, std::move(type), std::move(args));
  expr->name = name;
  return expr;
}

inline ExprPtr call(const Function &function, std::vector<ExprPtr> args) {
  auto expr = make(Op::Call, function.result, std::move(args));
  expr->function = &function;
  return expr;
}

inline std::shared_ptr<Block> block(std::vector<Statement> statements, ExprPtr result = nullptr) {
  return std::make_shared<Block>(Block{std::move(statements), std::move(result)});
}

inline ExprPtr withBody(Op op, Type type, std::vector<ExprPtr> args, std::vector<int> slots, ExprPtr body) {
  auto expr = make(op, std::move(type), std::move(args));
  expr->slots = std::move(slots);
  expr->body = block({}, std::move(body));
  return expr;
}

inline Type tuple(std::initializer_list<Component> components) {
  Type type;
  type.isTuple = true;
  type.components = components;
  return type;
}

/// A function under construction: slots by name.
struct FunctionBuilder {
  Function &function;

  FunctionBuilder(Model &model, const std::string &name, Type result) : function(model.functions.emplace_back()) {
    function.name = name;
    function.result = std::move(result);
  }
  int slot(const std::string &name, Type type) {
    function.slots.push_back({name, std::move(type)});
    return static_cast<int>(function.slots.size()) - 1;
  }
  int parameter(const std::string &name, Type type) {
    function.parameters.push_back(slot(name, std::move(type)));
    return function.parameters.back();
  }
  ExprPtr get(int slot) const {
    auto expr = make(Op::Local, function.slots[slot].type);
    expr->slot = slot;
    return expr;
  }
  ExprPtr derivative(Op op, Type type, int slot, std::vector<ExprPtr> args, std::vector<int> path = {}) const {
    auto expr = make(op, std::move(type), std::move(args));
    expr->slot = slot;
    expr->path = std::move(path);
    return expr;
  }
  void add(Statement statement) { function.body.statements.push_back(std::move(statement)); }
  void result(ExprPtr value) { function.body.result = std::move(value); }
};

inline Statement makeStatement(Statement::Kind kind) {
  Statement statement;
  statement.kind = kind;
  return statement;
}

inline Statement assign(int slot, ExprPtr value) {
  Statement statement = makeStatement(Statement::Kind::Assign);
  statement.slot = slot;
  statement.value = std::move(value);
  return statement;
}

inline Statement assignElement(int slot, std::vector<ExprPtr> indices, ExprPtr value) {
  Statement statement = makeStatement(Statement::Kind::AssignElement);
  statement.slot = slot;
  statement.indices = std::move(indices);
  statement.value = std::move(value);
  return statement;
}

inline Statement loop(int slot, ExprPtr lower, ExprPtr upper, ExprPtr condition, std::shared_ptr<Block> body) {
  Statement statement = makeStatement(Statement::Kind::For);
  statement.slot = slot;
  statement.value = std::move(lower);
  statement.second = std::move(upper);
  statement.condition = std::move(condition);
  statement.body = std::move(body);
  return statement;
}

inline Statement when(ExprPtr condition, std::shared_ptr<Block> body, std::shared_ptr<Block> otherwise = nullptr) {
  Statement statement = makeStatement(Statement::Kind::If);
  statement.condition = std::move(condition);
  statement.body = std::move(body);
  statement.otherwise = std::move(otherwise);
  return statement;
}

} // namespace kac::test
