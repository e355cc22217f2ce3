// A checked model in, its text out: declarations, then functions as statements, in nearly the words of the language.
#include "dsl/Model.h"

#include <algorithm>
#include <charconv>

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

const char *callName(Op op) {
  switch (op) {
  case Op::Select:
    return "select";
  case Op::Cast:
    return "real";
  case Op::Grad:
    return "grad";
  case Op::Jvp:
    return "jvp";
  case Op::Divergence:
    return "div";
  case Op::Laplacian:
    return "laplacian";
  case Op::Stop:
    return "stop";
  default:
    return "?";
  }
}

constexpr int unaryTightness = 7, atomTightness = 9;

class Printer {
public:
  explicit Printer(const Model &model) : model(model) {}

  std::string take() { return std::move(out); }

  void print() {
    for (const Input &input : model.inputs)
      print(input);
    for (const Requirement &requirement : model.requires_)
      out += "require " + requirement.function->name +
             (requirement.sampler.empty() ? "()" : "(t) in " + requirement.sampler) + ", \"" + requirement.code + ": " +
             requirement.text + "\"\n";
    for (const TestCase &test : model.tests)
      out += "test \"" + test.text + "\" = " + test.function->name + "()\n";
    for (const Sampler &sampler : model.samplers)
      print(sampler);
    for (const Function &each : model.functions) {
      function = &each;
      print(each);
    }
  }

private:
  void print(const Input &input) {
    out += input.kind == Input::Kind::Param ? "param " : "data ";
    out += input.name + " : " + printType(input.type) + " = ";
    if (input.values.size() == 1)
      number(input.values[0], input.type);
    else
      out += std::to_string(input.values.size()) + " numbers";
    out += "\n";
  }

  void print(const Sampler &sampler) {
    out += "\nsampler " + sampler.name + " : " + printType(sampler.state) + " {\n";
    auto row = [&](const char *name, const std::string &value) {
      out += "  " + std::string(name) + " = " + value + "\n";
    };
    auto role = [&](const char *name, const Function *value) {
      if (value)
        row(name, value->name);
    };
    row("particles", std::to_string(sampler.particles));
    row("steps", std::to_string(sampler.steps) + (sampler.stepsFixed ? " // fixed" : ""));
    if (!sampler.weighted)
      row("weights", "unweighted");
    role("init", sampler.init);
    role("step", sampler.step);
    role("time", sampler.time);
    role("resample", sampler.resample);
    role("when", sampler.when);
    role("output", sampler.output);
    role("drift", sampler.drift);
    role("rate", sampler.rate);
    for (const Monitor &monitor : sampler.monitors)
      row("monitor", monitor.name + " : " + monitor.function->name);
    out += "}\n";
  }

  void print(const Function &each) {
    out += "\n";
    if (!each.field.empty())
      out += "// field " + each.field + " of " + each.kind + " " + each.structure + "\n";
    for (const Function *alternative : each.alternatives)
      out += "// or " + alternative->name + "\n";
    if (each.when)
      out += "// when " + each.when->name + "\n";
    out += "fn " + each.name + "(";
    const char *separator = "";
    for (int slot : each.parameters) {
      out += separator + name(slot) + " : " + printType(each.slots[slot].type);
      separator = ", ";
    }
    out += ") -> " + printType(each.result) + " ";
    braces(each.body);
    out += "\n";
  }

  // --- statements ---

  void newLine() { out += "\n" + std::string(2 * depth, ' '); }

  void braces(const Block &block) {
    out += "{";
    ++depth;
    for (const Statement &statement : block.statements) {
      newLine();
      print(statement);
    }
    if (block.result) {
      newLine();
      print(*block.result, 0);
    }
    --depth;
    newLine();
    out += "}";
  }

  void print(const Statement &statement) {
    switch (statement.kind) {
    case Statement::Kind::Assign:
    case Statement::Kind::AssignElement:
      out += name(statement.slot);
      if (statement.kind == Statement::Kind::AssignElement)
        list("[", statement.indices, "]");
      out += " = ";
      print(*statement.value, 0);
      return;
    case Statement::Kind::For:
      out += "for " + name(statement.slot) + " in ";
      print(*statement.value, 1);
      out += "..";
      print(*statement.second, 1);
      if (statement.condition) {
        out += " while ";
        print(*statement.condition, 0);
      }
      out += " ";
      braces(*statement.body);
      return;
    case Statement::Kind::If:
      conditional(*statement.condition, statement.body.get(), statement.otherwise.get());
      return;
    case Statement::Kind::Weigh:
      out += "weigh ";
      print(*statement.value, 0);
      return;
    case Statement::Kind::Require:
      out += "require ";
      print(*statement.condition, 0);
      out += ", \"" + statement.text + "\"";
      return;
    }
  }

  void conditional(const Expr &condition, const Block *onTrue, const Block *onFalse) {
    out += "if ";
    print(condition, 0);
    out += " ";
    if (onTrue)
      braces(*onTrue);
    if (onFalse) {
      out += " else ";
      braces(*onFalse);
    }
  }

  // --- expressions ---

  /// Slots of one name are told apart by their numbers.
  std::string name(int slot) const {
    const std::string &own = function->slots[slot].name;
    auto same = [&](const Slot &other) { return other.name == own; };
    bool unique = std::count_if(function->slots.begin(), function->slots.end(), same) == 1;
    return unique && !own.empty() ? own : own + "_" + std::to_string(slot);
  }

  void number(double value, const Type &type) {
    if (type.isBool()) {
      out += value != 0 ? "true" : "false";
      return;
    }
    char text[32];
    auto end = std::to_chars(text, text + sizeof text, value).ptr;
    std::string digits(text, end);
    bool isWhole = digits.find_first_of(".en") == std::string::npos;
    out += type.isFloat() && isWhole ? digits + ".0" : digits;
  }

  void list(const char *open, const std::vector<ExprPtr> &items, const char *close, size_t from = 0) {
    out += open;
    for (size_t i = from; i < items.size(); ++i) {
      out += i > from ? ", " : "";
      print(*items[i], 0);
    }
    out += close;
  }

  /// A block as a value: the expression alone if it has no statements.
  void inner(const Block &block) {
    if (block.statements.empty() && block.result)
      print(*block.result, 0);
    else
      braces(block);
  }

  void derivative(const Expr &expr) {
    out += callName(expr.op);
    out += "(";
    print(*expr.args[0], 0);
    out += ", " + name(expr.slot);
    for (int component : expr.path)
      out += "." + std::to_string(component);
    if (expr.args.size() > 1) {
      out += ", ";
      print(*expr.args[1], 0);
    }
    out += ")";
  }

  /// Operators bind as in the language; a chain of thousands of terms is walked from its leftmost operand.
  void binary(const Expr &last, int outer) {
    std::vector<const Expr *> chain{&last};
    auto leftmost = [&]() -> const Expr & { return *chain.back()->args[0]; };
    int tightness = findOperator(last.op)->tightness;
    while (last.op != Op::Pow && findOperator(leftmost().op) && findOperator(leftmost().op)->tightness == tightness)
      chain.push_back(&leftmost());
    if (tightness < outer)
      out += "(";
    print(leftmost(), tightness + 1);
    for (auto expr = chain.rbegin(); expr != chain.rend(); ++expr) {
      out += findOperator((*expr)->op)->text;
      print(*(*expr)->args[1], tightness + 1);
    }
    if (tightness < outer)
      out += ")";
  }

  void print(const Expr &expr, int outer) {
    if (findOperator(expr.op))
      return binary(expr, outer);
    switch (expr.op) {
    case Op::Number:
      return number(expr.number, expr.type);
    case Op::Local:
      out += name(expr.slot);
      return;
    case Op::Input:
      out += model.inputs[expr.index].name;
      return;
    case Op::Particles:
      out += "particles";
      return;
    case Op::Call:
      return list((expr.function->name + "(").c_str(), expr.args, ")");
    case Op::Neg:
    case Op::Not:
      out += unaryTightness < outer ? "(" : "";
      out += expr.op == Op::Neg ? "-" : "!";
      print(*expr.args[0], unaryTightness);
      out += unaryTightness < outer ? ")" : "";
      return;
    case Op::Primitive:
    case Op::Whole:
      return list((expr.name + "(").c_str(), expr.args, ")");
    case Op::Random:
      out += expr.name + "#" + std::to_string(expr.index);
      return list("[", expr.args, "]");
    case Op::Stack:
      return list("[", expr.args, "]");
    case Op::Repeat:
      out += "repeat(";
      print(*expr.args[0], 0);
      out += " : " + printType(expr.type) + ")";
      return;
    case Op::Index:
      print(*expr.args[0], atomTightness);
      return list("[", expr.args, expr.inRange ? "]" : "]?", 1);
    case Op::Build:
      out += "[";
      inner(*expr.body);
      for (size_t i = 0; i < expr.slots.size(); ++i)
        out += " for " + name(expr.slots[i]) + " in " +
               (expr.extents[i] == kParticles ? "particles" : std::to_string(expr.extents[i]));
      out += "]";
      return;
    case Op::Reduce:
      out += expr.name + "(";
      inner(*expr.body);
      out += " for " + name(expr.slots[0]) + " in ";
      print(*expr.args[0], 1);
      out += "..";
      print(*expr.args[1], 1);
      if (expr.args.size() > 2 && expr.args[2]) {
        out += " if ";
        print(*expr.args[2], 0);
      }
      out += ")";
      return;
    case Op::If:
      return conditional(*expr.args[0], expr.body.get(), expr.otherwise.get());
    case Op::Tuple:
      return list("(", expr.args, ")");
    case Op::Part: {
      const Component &component = expr.args[0]->type.components[expr.index];
      print(*expr.args[0], atomTightness);
      out += "." + (component.name.empty() ? std::to_string(expr.index) : component.name);
      return;
    }
    case Op::Do:
      return braces(*expr.body);
    case Op::Missing:
      out += "missing(\"" + expr.name + "\")";
      return;
    case Op::Grad:
    case Op::Jvp:
    case Op::Divergence:
    case Op::Laplacian:
      return derivative(expr);
    default:
      out += callName(expr.op);
      return list("(", expr.args, ")");
    }
  }

  const Model &model;
  const Function *function = nullptr;
  std::string out;
  int depth = 0;
};

} // namespace

std::string printModel(const Model &model) {
  Printer printer(model);
  printer.print();
  return printer.take();
}

} // namespace kac
