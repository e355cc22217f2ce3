// A checked model in, a program of the language out: declarations, functions and statements. A sampler becomes one that
// writes its own `init` and `step`. Compiled again, a program that did so from the start gives the same bits. Where
// weights are derived from a target, drift and rate stand as they are defined, before derivation rewrites them: samples
// and weights agree up to rounding, as long as that form is finite; a field that a model lacks is asked for; of several
// drifts the first whose condition holds is taken. What a target asks of the time is asked by the step.
#include "dsl/Kinds.h"
#include "dsl/ModelPrinter.h"
#include "dsl/Operations.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace kac {

namespace {

/// What a parameter or a local has: the widest of its family, which takes all that the model's own type takes.
Type widest(Type type) {
  for (Component &component : type.components)
    component.type = widest(component.type);
  if (type.isFloat())
    type.scalar = Scalar::Real;
  if (type.isInteger()) {
    type.scalar = Scalar::Int;
    type.letters = 0;
  }
  return type;
}

/// What a function promises: tokens are kept, since they may be ancestors.
Type promised(Type type) {
  for (Component &component : type.components)
    component.type = promised(component.type);
  return type.isInteger() ? type : widest(type);
}

bool isEmpty(const Block *block);

/// Whether nothing is written, since no block is empty in the language.
bool isEmpty(const Statement &statement) {
  return (statement.kind == Statement::Kind::If || statement.kind == Statement::Kind::For) &&
         isEmpty(statement.body.get()) && isEmpty(statement.otherwise.get());
}

bool isEmpty(const Block *block) {
  return !block || std::all_of(block->statements.begin(), block->statements.end(),
                               [](const Statement &statement) { return isEmpty(statement); });
}

} // namespace

std::string quotedText(const std::string &text) {
  std::string quoted = "\"";
  for (char c : text)
    quoted += c == '\n' ? std::string("\\n") : (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
  return quoted + "\"";
}

std::string ModelPrinter::print() {
  for (const Input &input : model.inputs)
    print(input);
  for (const Requirement &requirement : model.requires_)
    if (names.isWritten(requirement))
      out += "require " + names.of(*requirement.function) + "(), " + quotedText(requirement.text) + "\n";
  auto isTest = [&](const Sampler &sampler) {
    return std::any_of(model.tests.begin(), model.tests.end(),
                       [&](const TestCase &test) { return test.function == sampler.init; });
  };
  for (const Sampler &sampler : model.samplers)
    if (!isTest(sampler))
      print(sampler);
  for (const TestCase &test : model.tests)
    out += "\ntest " + quotedText(test.text) + " = " + names.of(*test.function) + "(0) == 1\n";
  for (const Function *each : names.functions())
    print(*each);
  for (const auto &[key, expr] : names.operations())
    operation(*expr);
  if (names.usesCasts())
    out += "\nfn " + names.ofCast() + "(x : int) -> real = x\n";
  for (const std::string &text : names.demands())
    out += "\n" + kinds::density + " " + names.ofDemand(text) + "(holds : bool) {\n  require holds, " +
           quotedText(text) + "\n}\n";
  return std::move(out);
}

void ModelPrinter::elements(const Input &input, size_t axis, size_t &at) {
  if (axis == input.type.shape.size())
    return number(input.values[at++], input.type, 0);
  out += "[";
  for (int64_t i = 0; i < input.type.shape[axis]; ++i) {
    out += i ? ", " : "";
    elements(input, axis + 1, at);
  }
  out += "]";
}

void ModelPrinter::print(const Input &input) {
  out += input.kind == Input::Kind::Param ? "param " : "data ";
  out += input.name + " : " + printType(input.type) + " = ";
  size_t at = 0;
  if (input.kind == Input::Kind::Data)
    out += quotedText(input.file);
  else if (std::adjacent_find(input.values.begin(), input.values.end(), std::not_equal_to<>()) == input.values.end())
    number(input.values.empty() ? 0 : input.values[0], input.type, 0); // it is repeated
  else
    elements(input, 0, at);
  out += "\n";
}

/// A field as its own procedure, or as a call of the function that has it.
/// A step begins with what its sampler's target asks of the time.
void ModelPrinter::field(const std::string &label, const Function *value, const std::string &end,
                         const std::vector<const Requirement *> &demands) {
  if (!value)
    return;
  bool own = names.isInPlace(*value);
  std::vector<std::string> parameters;
  for (int slot : value->parameters)
    parameters.push_back(value->slots[static_cast<size_t>(slot)].name);
  nameSlots(*value, parameters);
  out += "  " + label + "(";
  std::string arguments;
  for (int slot : value->parameters)
    arguments += (arguments.empty() ? "" : ", ") + name(slot);
  out += arguments + ") ";
  depth = 1;
  if (own)
    out += "-> " + printType(value->result) + " ";
  if (!demands.empty()) {
    out += "{";
    for (const Requirement *demand : demands)
      out += "\n    " + names.ofDemand(demand->text) + "(" + names.of(*demand->function) +
             (demand->function->parameters.empty() ? "())" : "(" + name(value->parameters.end()[-4]) + "))");
    if (own) {
      lines(value->body);
    } else {
      out += "\n    " + names.of(*value) + "(" + arguments + ")\n  ";
    }
    out += "}";
  } else if (own) {
    body(value->body);
  } else {
    out += "= " + names.of(*value) + "(" + arguments + ")" + end;
  }
  depth = 0;
  out += "\n";
}

void ModelPrinter::print(const Sampler &sampler) {
  out += "\n" + kinds::sampler + " " + sampler.name + " {\n";
  std::vector<const Requirement *> demands;
  for (const Requirement &requirement : model.requires_)
    if (requirement.sampler == sampler.name)
      demands.push_back(&requirement);
  if (!sampler.step)
    for (const Requirement *demand : demands)
      out += "  // of the target, for the derivation alone: " + demand->text + "\n";
  out += "  " + fields::particles + " = " + std::to_string(sampler.particles) + "\n";
  out += "  " + fields::steps + " = " + std::to_string(sampler.steps) + "\n";
  field(fields::time, sampler.time);
  field(fields::init, sampler.init);
  if (!sampler.weighted)
    out += "  " + fields::weights + "(x, y, t, dt) = 0\n";
  weighs = sampler.weighted;
  field(fields::step, sampler.step, "", demands);
  weighs = true;
  field(fields::resample, sampler.resample, sampler.when ? " when " + names.of(*sampler.when) + "(ess, t, n)" : "");
  field(fields::output, sampler.output);
  if (!sampler.monitors.empty()) {
    bool alone = sampler.monitors.size() == 1 && sampler.monitors[0].name == fields::monitor;
    out += "  " + fields::monitor + "(x, t, n) = " + (alone ? "" : "(");
    for (const Monitor &monitor : sampler.monitors) {
      bool isNamed = monitor.name.find('.') == std::string::npos && !alone;
      out += &monitor == &sampler.monitors[0] ? "" : ", ";
      out += (isNamed ? monitor.name + " = " : "") + names.of(*monitor.function) + "(x, t, n)";
    }
    out += alone ? "\n" : ")\n";
  }
  out += "}\n";
}

void ModelPrinter::print(const Function &each) {
  nameSlots(each);
  out += "\n";
  if (!each.field.empty())
    out += "/// The field `" + each.field + "` of the " + each.kind + " `" + each.structure + "`.\n";
  auto has = [&](int slot) { return mentionsLineages(each.slots[static_cast<size_t>(slot)].type); };
  bool sized = std::any_of(each.parameters.begin(), each.parameters.end(), has);
  out += "fn " + names.of(each) + (sized ? "[" + kLineages + "](" : "(");
  const char *separator = "";
  if (names.takesLineages(each)) {
    out += kLineages + " : int";
    separator = ", ";
  }
  std::string arguments;
  for (int slot : each.parameters) {
    out += separator + name(slot) + " : " + printType(widest(each.slots[static_cast<size_t>(slot)].type));
    arguments += (arguments.empty() ? "" : ", ") + name(slot);
    separator = ", ";
  }
  out += ") -> " + printType(promised(each.result)) + " ";
  if (each.when && !each.alternatives.empty()) {
    out += "{\n  if " + names.of(*each.when) + "(" + arguments + ") ";
    depth = 1;
    braces(each.body);
    depth = 0;
    out += " else { " + names.of(*each.alternatives[0]) + "(" + arguments + ") }\n}";
  } else {
    body(each.body);
  }
  out += "\n";
}

/// A function, or for a law a density, whose body is the operation's name.
void ModelPrinter::operation(const Expr &expr) {
  const Operation *row = findOperation(expr.name);
  const std::string &label = names.ofOperation(expr);
  if (!row)
    return;
  auto word = [](char letter) { return std::string(letter == 'i' ? "int" : letter == 'b' ? "bool" : "real"); };
  const std::string first = word(row->operands[0]), result = word(row->result);
  std::string head = "fn " + label;
  std::vector<std::string> formals;
  switch (row->shape) {
  case OperationShape::Law:
    out += "\n" + kinds::density + " " + label + "() {\n  " + fields::draw + "() -> real = " + quotedText(expr.name) +
           "\n}\n";
    return;
  case OperationShape::Total:
    head += "[..s](x : " + first + "[..s]) -> " + result;
    break;
  case OperationShape::Scan:
    head += "[n](x : " + first + "[n]) -> " + result + "[n]";
    break;
  case OperationShape::Pick:
    head += "[n](x : " + first + "[n]) -> token[n]";
    break;
  case OperationShape::Search:
    head += "[n](c : real[n], u : real) -> token[n]";
    break;
  case OperationShape::Elementwise:
    head += "(";
    for (size_t i = 0; i < std::strlen(row->operands); ++i) {
      formals.emplace_back(1, static_cast<char>('a' + i));
      while (names.isTaken(formals[i]))
        formals[i] += "_";
      head += (i ? ", " : "") + formals[i] + " : " + word(row->operands[i]);
    }
    head += ") -> " + result;
  }
  out += "\n" + head + " = " + quotedText(expr.name);
  derivatives(expr, formals);
  out += "\n";
}

/// In place, since a derivative may use the function that it belongs to, as that of exp does.
void ModelPrinter::derivatives(const Expr &expr, const std::vector<std::string> &formals) {
  const char *separator = " with { ";
  for (size_t i = 0; i < expr.derivatives.size(); ++i)
    if (const Function *derivative = expr.derivatives[i]) {
      nameSlots(*derivative, formals);
      out += separator + ("d" + formals.at(i)) + " ";
      body(derivative->body);
      separator = "; ";
    }
  if (separator[0] == ';')
    out += " }";
}

// --- names of locals ---

std::string ModelPrinter::freshLocal(const std::string &wanted) {
  std::string candidate = wanted;
  for (int i = 2; names.isTaken(candidate) || !localNames.insert(candidate).second; ++i)
    candidate = wanted + "_" + std::to_string(i);
  return candidate;
}

/// Slots of one name are told apart by their numbers. Parameters have the names that they are given.
void ModelPrinter::nameSlots(const Function &of, const std::vector<std::string> &parameters) {
  function = &of;
  locals.assign(of.slots.size(), "");
  localNames = {parameters.begin(), parameters.end()};
  for (size_t i = 0; i < parameters.size(); ++i)
    locals[static_cast<size_t>(of.parameters.at(i))] = parameters[i];
  std::map<std::string, int> counts;
  for (const Slot &slot : of.slots)
    ++counts[slot.name];
  for (size_t i = 0; i < of.slots.size(); ++i) {
    const std::string &own = of.slots[i].name;
    if (locals[i].empty())
      locals[i] =
          freshLocal(PrintedNames::plain(own) + (counts[own] == 1 && !own.empty() ? "" : "_" + std::to_string(i)));
  }
}

// --- statements ---

/// `= e`, or a block.
void ModelPrinter::body(const Block &block) {
  if (!block.statements.empty() || !block.result)
    return braces(block);
  out += "= ";
  print(*block.result, 0);
}

void ModelPrinter::lines(const Block &block) {
  ++depth;
  for (const Statement &statement : block.statements)
    print(statement);
  if (block.result) {
    newLine();
    print(*block.result, 0);
  }
  --depth;
  newLine();
}

void ModelPrinter::braces(const Block &block) {
  out += "{";
  if (block.statements.empty() && block.result) {
    out += " ";
    print(*block.result, 0);
    out += " }";
    return;
  }
  lines(block);
  out += "}";
}

void ModelPrinter::print(const Statement &statement) {
  if (isEmpty(statement) || (statement.kind == Statement::Kind::Weigh && !weighs))
    return;
  newLine();
  switch (statement.kind) {
  case Statement::Kind::Assign: {
    const Expr &value = *statement.value;
    out += name(statement.slot);
    if (value.op == Op::Random) {
      out += " ~ " + names.ofOperation(value) + "()";
      return;
    }
    bool repeated = value.op == Op::Repeat;
    if (repeated)
      out += " : " + printType(widest(value.type));
    out += " = ";
    print(repeated ? *value.args[0] : value, 0);
    return;
  }
  case Statement::Kind::AssignElement:
    out += name(statement.slot);
    list("[", statement.indices, "] = ");
    print(*statement.value, 0);
    return;
  case Statement::Kind::For:
    out += "for " + name(statement.slot) + " in ";
    range(statement.slot, *statement.value, *statement.second);
    if (statement.condition) {
      out += " while ";
      print(*statement.condition, 1);
    }
    out += " ";
    braces(*statement.body);
    return;
  case Statement::Kind::If:
    if (isEmpty(statement.body.get())) {
      out += "if !(";
      print(*statement.condition, 0);
      out += ") ";
      braces(*statement.otherwise);
      return;
    }
    out += "if ";
    print(*statement.condition, 1);
    out += " ";
    braces(*statement.body);
    if (!isEmpty(statement.otherwise.get())) {
      out += " else ";
      braces(*statement.otherwise);
    }
    return;
  case Statement::Kind::Weigh:
    out += "weigh ";
    print(*statement.value, 0);
    return;
  case Statement::Kind::Require:
    out += names.ofDemand(statement.text) + "(";
    print(*statement.condition, 0);
    out += ")";
    return;
  }
}

std::string printModel(const Model &model) { return ModelPrinter(model).print(); }

} // namespace kac
