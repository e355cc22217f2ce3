// Expressions of a checked model in, expressions of the language out. A block within an expression is written as the
// branch of `if true`, which the checker takes as the block itself.
#include "dsl/Kinds.h"
#include "dsl/ModelPrinter.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace kac {

namespace {

/// The operator and how tightly it binds; looser operands get brackets. Null for what is written as a call.
struct Operator {
  Op op;
  const char *text;
  int tightness;
};

const Operator *findOperator(Op op) {
  static constexpr Operator operators[] = {{Op::Or, " || ", 1},       {Op::And, " && ", 2}, {Op::Equal, " == ", 3},
                                           {Op::NotEqual, " != ", 3}, {Op::Less, " < ", 3}, {Op::LessEqual, " <= ", 3},
                                           {Op::Concat, " ++ ", 4},   {Op::Add, " + ", 5},  {Op::Sub, " - ", 5},
                                           {Op::Mul, " * ", 6},       {Op::Div, " / ", 6},  {Op::Remainder, " % ", 6},
                                           {Op::Pow, "^", 8}};
  for (const Operator &row : operators)
    if (row.op == op)
      return &row;
  return nullptr;
}

constexpr int comparison = 3, unaryTightness = 7, atomTightness = 9;

} // namespace

/// What is not finite has no literal: it is folded as the library's is.
void ModelPrinter::number(double value, const Type &type, int outer) {
  if (type.isBool()) {
    out += value != 0 ? "true" : "false";
    return;
  }
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? "(1e308 * 10 - 1e308 * 10)" : value < 0 ? "(-1e308 * 10)" : "(1e308 * 10)";
    return;
  }
  char text[32];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  std::string digits(text, end);
  if (type.isFloat() && digits.find_first_of(".e") == std::string::npos)
    digits += ".0";
  out += std::signbit(value) && outer > unaryTightness ? "(" + digits + ")" : digits;
}

void ModelPrinter::list(const char *open, const std::vector<ExprPtr> &items, const char *close, size_t from) {
  out += open;
  for (size_t i = from; i < items.size(); ++i) {
    out += i > from ? ", " : "";
    print(*items[i], 0);
  }
  out += close;
}

/// A block as a value: the expression alone if it has no statements.
void ModelPrinter::inner(const Block &block) {
  if (block.statements.empty() && block.result)
    return print(*block.result, 0);
  out += "if true ";
  braces(block);
  out += " else { 0 }";
}

/// A size where the index is a token, else bounds.
void ModelPrinter::range(int slot, const Expr &lower, const Expr &upper) {
  const Type &type = function->slots[static_cast<size_t>(slot)].type;
  if (type.scalar != Scalar::Token) {
    print(lower, 1);
    out += "..";
  }
  print(upper, 1);
}

void ModelPrinter::conditional(const Expr &condition, const Block &onTrue, const Block &onFalse) {
  out += "if ";
  print(condition, 1);
  out += " ";
  braces(onTrue);
  out += " else ";
  if (onFalse.statements.empty() && onFalse.result && onFalse.result->op == Op::If)
    print(*onFalse.result, 0);
  else
    braces(onFalse);
}

void ModelPrinter::derivative(const Expr &expr) {
  out += expr.op == Op::Grad ? "grad(" : expr.op == Op::Jvp ? "jvp(" : expr.op == Op::Laplacian ? "laplacian(" : "div(";
  print(*expr.args[0], 0);
  out += ", " + name(expr.slot);
  Type type = function->slots[static_cast<size_t>(expr.slot)].type;
  for (int component : expr.path) {
    out += "." + type.components[static_cast<size_t>(component)].name;
    type = Type(type.components[static_cast<size_t>(component)].type);
  }
  if (expr.args.size() > 1) {
    out += ", ";
    print(*expr.args[1], 0);
  }
  out += ")";
}

/// An int beside a real, or under a division, becomes a real by itself.
void ModelPrinter::operand(const Expr &expr, const Expr &other, Op op, int outer) {
  bool byItself = op == Op::Div || op == Op::Pow || (other.op != Op::Cast && other.type.isFloat());
  bool widens = expr.op == Op::Cast && byItself && op != Op::Concat;
  print(widens ? *expr.args[0] : expr, outer);
}

/// Operators bind as in the language; a chain of thousands of terms is walked from its leftmost operand.
void ModelPrinter::binary(const Expr &last, int outer) {
  std::vector<const Expr *> chain{&last};
  auto leftmost = [&]() -> const Expr & { return *chain.back()->args[0]; };
  int tightness = findOperator(last.op)->tightness;
  auto continues = [&](const Expr &expr) {
    return findOperator(expr.op) && findOperator(expr.op)->tightness == tightness;
  };
  while (last.op != Op::Pow && tightness != comparison && continues(leftmost()))
    chain.push_back(&leftmost());
  if (tightness < outer)
    out += "(";
  operand(leftmost(), *chain.back()->args[1], chain.back()->op, tightness + 1);
  for (auto expr = chain.rbegin(); expr != chain.rend(); ++expr) {
    out += findOperator((*expr)->op)->text;
    operand(*(*expr)->args[1], *(*expr)->args[0], (*expr)->op, tightness + 1);
  }
  if (tightness < outer)
    out += ")";
}

/// Along new leading axes.
void ModelPrinter::repeat(const Expr &expr) {
  size_t axes = expr.type.shape.size() - expr.args[0]->type.shape.size();
  out += "[";
  print(*expr.args[0], 0);
  for (size_t i = 0; i < axes; ++i)
    out += " for " + freshLocal("i") + " in " +
           (expr.type.shape[i] == kParticles ? kLineages : std::to_string(expr.type.shape[i]));
  out += "]";
}

void ModelPrinter::tuple(const Expr &expr) {
  out += "(";
  for (size_t i = 0; i < expr.args.size(); ++i) {
    const std::string &label = expr.type.components[i].name;
    out += (i ? ", " : "") + (label.empty() ? "" : label + " = ");
    print(*expr.args[i], 0);
  }
  out += ")";
}

/// A component without a name is taken by its place.
void ModelPrinter::part(const Expr &expr) {
  const std::vector<Component> &components = expr.args[0]->type.components;
  const auto at = static_cast<size_t>(expr.index);
  if (!components[at].name.empty()) {
    print(*expr.args[0], atomTightness);
    out += "." + components[at].name;
    return;
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < components.size(); ++i)
    parts.push_back(freshLocal("part_" + std::to_string(i)));
  out += "(if true { (";
  for (const std::string &each : parts)
    out += (&each == &parts[0] ? "" : ", ") + each;
  out += ") = ";
  print(*expr.args[0], 0);
  out += "; " + parts[at] + " } else { 0 })";
}

void ModelPrinter::call(const Expr &expr) {
  out += names.of(*expr.function) + "(";
  if (names.takesLineages(*expr.function))
    out += kLineages + (expr.args.empty() ? "" : ", ");
  list("", expr.args, ")");
}

void ModelPrinter::print(const Expr &expr, int outer) {
  if (findOperator(expr.op))
    return binary(expr, outer);
  const bool isBranch =
      expr.op == Op::If || expr.op == Op::Select || (expr.op == Op::Do && !expr.body->statements.empty());
  if (isBranch && outer > 0) {
    out += "(";
    print(expr, 0);
    out += ")";
    return;
  }
  switch (expr.op) {
  case Op::Number:
    return number(expr.number, expr.type, outer);
  case Op::Local:
    out += name(expr.slot);
    return;
  case Op::Input:
    out += model.inputs[static_cast<size_t>(expr.index)].name;
    return;
  case Op::Particles:
    out += kLineages;
    return;
  case Op::Call:
    return call(expr);
  case Op::Neg:
  case Op::Not:
    out += unaryTightness < outer ? "(" : "";
    out += expr.op == Op::Neg ? "-" : "!";
    print(*expr.args[0], unaryTightness);
    out += unaryTightness < outer ? ")" : "";
    return;
  case Op::Primitive:
  case Op::Whole:
    return list((names.ofOperation(expr) + "(").c_str(), expr.args, ")");
  case Op::Random:
    out += names.ofOperation(expr) + "()." + fields::draw + "()";
    return;
  case Op::Cast:
    return list((names.ofCast() + "(").c_str(), expr.args, ")");
  case Op::Stop:
    return list("stop(", expr.args, ")");
  case Op::Stack:
    return list("[", expr.args, "]");
  case Op::Repeat:
    return repeat(expr);
  case Op::Index:
    print(*expr.args[0], atomTightness);
    return list("[", expr.args, "]", 1);
  case Op::Build:
    out += "[";
    inner(*expr.body);
    for (size_t i = 0; i < expr.slots.size(); ++i)
      out += " for " + name(expr.slots[i]) + " in " +
             (expr.extents[i] == kParticles ? kLineages : std::to_string(expr.extents[i]));
    out += "]";
    return;
  case Op::Reduce:
    out += names.ofOperation(expr) + "(";
    inner(*expr.body);
    out += " for " + name(expr.slots[0]) + " in ";
    range(expr.slots[0], *expr.args[0], *expr.args[1]);
    if (expr.args.size() > 2 && expr.args[2]) {
      out += " if ";
      print(*expr.args[2], 1);
    }
    out += ")";
    return;
  case Op::If:
    return conditional(*expr.args[0], *expr.body, *expr.otherwise);
  case Op::Select: {
    Block branches[2];
    for (size_t i = 0; i < 2; ++i)
      branches[i].result = expr.args[i + 1];
    return conditional(*expr.args[0], branches[0], branches[1]);
  }
  case Op::Tuple:
    return tuple(expr);
  case Op::Part:
    return part(expr);
  case Op::Do:
    return inner(*expr.body);
  case Op::Missing:
    out += "missing(" + quotedText(expr.name) + ")";
    return;
  default:
    return derivative(expr);
  }
}

} // namespace kac
