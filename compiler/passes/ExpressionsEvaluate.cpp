// Functions in, nodes of their results out: calls are looked into where that leaves named things.
#include "compiler/passes/Expressions.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace kac {

static std::string keyOf(const Ids &operands) {
  std::string key;
  for (Id id : operands)
    key += " " + std::to_string(id);
  return key;
}

static std::string address(const void *pointer) { return std::to_string(reinterpret_cast<uintptr_t>(pointer)); }

static std::string attributeOf(Operation *op, StringRef name) {
  auto text = op->getAttrOfType<StringAttr>(name);
  return text ? text.str() : std::string();
}

static bool isDerivative(Operation *op) { return isa<ir::GradOp, ir::JvpOp, ir::DivergenceOp, ir::LaplacianOp>(op); }

Expressions::Expressions(ModuleOp module, Type stateType) : module(module), stateType(stateType) {
  for (auto function : module.getOps<func::FuncOp>())
    if (std::string kind = attributeOf(function, kinds::kKind); !kind.empty())
      fields[{kind, attributeOf(function, kinds::kStructure), attributeOf(function, kinds::kField)}] = function;
  state = argument(stateType);
  nodes[size_t(state)].usesState = true;
  nodes[size_t(state)].form = opaque(nodes[size_t(state)], state);
  time = argument(Float64Type::get(module.getContext()));
  nodes[size_t(time)].usesTime = true;
}

//===--- nodes ---===//

Id Expressions::intern(Expression node, const std::string &key) {
  auto [place, isNew] = interned.try_emplace(key, Id(nodes.size()));
  if (!isNew)
    return place->second;
  for (Id operand : node.operands) {
    const Expression &of = nodes[size_t(operand)];
    node.usesState |= of.usesState;
    node.usesTime |= of.usesTime;
    if (node.external.empty()) {
      node.external = of.external;
      node.blamed = of.blamed;
    }
  }
  if (nodes.size() > 100000)
    throw NoForm();
  nodes.push_back(std::move(node));
  return place->second;
}

Id Expressions::argument(Type type) {
  Id id = intern(Expression(Expression::Argument, type), "argument " + std::to_string(nodes.size()));
  nodes[size_t(id)].form = opaque(nodes[size_t(id)], id);
  return id;
}

Id Expressions::number(double value) {
  Expression node{Expression::Number, Float64Type::get(module.getContext())};
  node.number = value;
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  Id id = intern(node, "number " + std::to_string(bits));
  Expression &made = nodes[size_t(id)];
  auto fraction = Rational::of(value);
  made.form.kind = Form::IsCoef;
  made.form.coef = fraction ? Coef(*fraction) : Coef::symbol(id);
  return id;
}

Id Expressions::integer(int64_t value) {
  Expression node{Expression::Integer, IntegerType::get(module.getContext(), 32)};
  node.number = double(value);
  return intern(node, "integer " + std::to_string(value));
}

Id Expressions::ones() {
  Id id = intern(Expression(Expression::Ones, stateType), "ones");
  nodes[size_t(id)].form = opaque(nodes[size_t(id)], id);
  return id;
}

Id Expressions::formed(Form form, Type type) {
  if (auto constant = form.kind == Form::IsCoef ? form.coef.constant() : std::nullopt)
    return number(constant->value());
  Namer plain = [](Id id) { return std::to_string(id); };
  std::string key = "form " + std::to_string(form.kind) + " " + print(form.coef, plain) + " ; " +
                    print(form.vector, plain) + " ; " + print(form.scalar, plain, false);
  Expression node{Expression::Formed, type};
  auto uses = [&](Id id) {
    if (id >= 0)
      node.operands.push_back(id);
  };
  auto usesCoef = [&](const Coef &coef) {
    for (const auto &[monomial, c] : coef.terms)
      for (auto [id, power] : monomial)
        uses(id);
  };
  usesCoef(form.coef);
  for (const auto &[atom, c] : form.vector) {
    uses(atom);
    usesCoef(c);
  }
  for (const auto &[atom, c] : form.scalar) {
    uses(atom.a);
    uses(atom.b);
    usesCoef(c);
  }
  node.form = std::move(form);
  return intern(node, key);
}

Id Expressions::derived(Expression::Kind kind, Id of) {
  Expression node{kind, kind == Expression::Gradient ? stateType : nodes[size_t(of)].type};
  node.operands = {of};
  Id id = intern(node, (kind == Expression::Gradient ? "gradient " : "rate ") + std::to_string(of));
  nodes[size_t(id)].form = opaque(nodes[size_t(id)], id);
  return id;
}

Id Expressions::operation(Operation *op, Ids operands, ArrayRef<Value> captured) {
  Type type = op->getResult(0).getType();
  if (auto constant = constantOf(op->getResult(0)); constant && type.isF64())
    return number(*constant);
  if (auto constant = constantOf(op->getResult(0)); constant && type.isInteger(32))
    return integer(int64_t(*constant));
  // An element of an array that is written out.
  if (isa<ir::ExtractOp>(op) && operands.size() == 2)
    if (const Expression &array = nodes[size_t(operands[0])]; array.op && isa<ir::StackOp>(array.op))
      if (const Expression &index = nodes[size_t(operands[1])];
          index.kind == Expression::Integer && index.number >= 0 && index.number < double(array.operands.size()))
        return array.operands[size_t(index.number)];
  if (auto whole = dyn_cast<ir::WholeOp>(op); whole && whole.getName() == "kac.sum" && type.isF64())
    if (Expression array = nodes[size_t(operands[0])];
        array.op && isa<ir::StackOp>(array.op) && nodes[size_t(array.operands[0])].type.isF64())
      try {
        Form total = nodes[size_t(array.operands[0])].form;
        for (size_t k = 1; k < array.operands.size(); ++k)
          total = sum(total, nodes[size_t(array.operands[k])].form);
        return formed(normal(total), type);
      } catch (NoForm) {
      }
  Expression node{Expression::Operation, type, op, operands};
  node.captured.assign(captured.begin(), captured.end());
  std::string key = op->getName().getStringRef().str() + " " + address(op->getAttrDictionary().getAsOpaquePointer()) +
                    " " + address(type.getAsOpaquePointer());
  if (op->getNumRegions() > 0 || (!isa<func::CallOp>(op) && !isMemoryEffectFree(op)))
    key += " " + address(op);
  Id id = intern(node, key + keyOf(operands));
  if (nodes[size_t(id)].form.kind == Form::None) {
    Form form = formOf(op, nodes[size_t(id)], id);
    nodes[size_t(id)].form = form;
  }
  const Form &form = nodes[size_t(id)].form;
  if (auto constant = form.kind == Form::IsCoef ? form.coef.constant() : std::nullopt)
    return number(constant->value());
  return id;
}

//===--- functions ---===//

Ids Expressions::evaluate(func::FuncOp function, const Ids &arguments) {
  if (depth > 200)
    throw NoForm();
  ++depth;
  struct Leave {
    int &depth;
    ~Leave() { --depth; }
  } leave{depth};
  Environment environment;
  Block &body = function.getBody().front();
  for (auto [argument, id] : llvm::zip(body.getArguments(), arguments))
    environment[argument] = id;
  for (Operation &op : body.without_terminator())
    visit(&op, environment);
  Ids results;
  for (Value operand : body.getTerminator()->getOperands())
    results.push_back(environment.at(operand));
  return results;
}

void Expressions::visit(Operation *op, Environment &environment) {
  Ids operands;
  for (Value operand : op->getOperands())
    operands.push_back(environment.at(operand));
  if (isa<ir::VariableOp>(op)) {
    environment[op->getResult(0)] = operands[0];
  } else if (auto callOp = dyn_cast<func::CallOp>(op)) {
    for (auto [result, id] : llvm::zip(op->getResults(), call(callOp, operands)))
      environment[result] = id;
  } else if (isDerivative(op)) {
    environment[op->getResult(0)] = derivative(op, environment);
  } else if (op->getNumRegions() > 0) {
    region(op, environment);
  } else if (isa<ir::MissingOp>(op)) {
    throw NoForm(); // its function stays a name
  } else if (op->getNumResults() == 1) {
    Id id = operation(op, operands);
    if (std::string name = externalIn(op); !name.empty() && nodes[size_t(id)].usesState && nodes[size_t(id)].op) {
      nodes[size_t(id)].external = name;
      nodes[size_t(id)].blamed = op;
    }
    environment[op->getResult(0)] = id;
  } else {
    throw NoForm(); // an effect
  }
}

func::FuncOp Expressions::find(Field field) const {
  auto found = fields.find({field.kind.str(), field.structure.str(), field.name.str()});
  return found == fields.end() ? func::FuncOp() : found->second;
}

Expressions::Field Expressions::fieldOf(Id id) const {
  auto callOp = dyn_cast_or_null<func::CallOp>((*this)[id].op);
  auto callee = callOp ? ModuleOp(module).lookupSymbol<func::FuncOp>(callOp.getCallee()) : nullptr;
  if (!callee || !callee->hasAttr(kinds::kKind))
    return {};
  auto text = [&](StringRef name) {
    auto attribute = callee->getAttrOfType<StringAttr>(name);
    return attribute ? attribute.getValue() : StringRef();
  };
  return {text(kinds::kKind), text(kinds::kStructure), text(kinds::kField)};
}

/// An operation that is named without its derivative.
std::string Expressions::externalIn(Operation *op) {
  auto primitive = dyn_cast<ir::PrimitiveOp>(op);
  bool real = primitive && isa<FloatType>(ir::elementOf(primitive.getType()));
  return real && !primitive.getDerivatives() ? primitive.getName().str() : "";
}

std::string Expressions::externalIn(func::FuncOp function) {
  auto [place, isNew] = externals.try_emplace(function.getName());
  if (!isNew)
    return place->second;
  std::string name = function.isExternal() ? function.getName().str() : "";
  function.walk([&](Operation *op) {
    auto callOp = dyn_cast<func::CallOp>(op);
    auto callee = callOp ? module.lookupSymbol<func::FuncOp>(callOp.getCallee()) : nullptr;
    if (name.empty())
      name = callee ? externalIn(callee) : externalIn(op);
  });
  return externals[function.getName()] = name;
}

/// Of plain functions that do the same, as a function written in place does wherever its target is asked for, the
/// first.
func::FuncOp Expressions::first(func::FuncOp function) {
  if (function->hasAttr(kinds::kKind) || function.isExternal())
    return function;
  for (func::FuncOp other : plain)
    if (other == function || (other.getFunctionType() == function.getFunctionType() &&
                              OperationEquivalence::isRegionEquivalentTo(&other.getBody(), &function.getBody(),
                                                                         OperationEquivalence::IgnoreLocations)))
      return other;
  plain.push_back(function);
  return function;
}

/// A call like those of the text.
func::CallOp Expressions::callOf(func::FuncOp callee, Location at) {
  OpBuilder b(module.getContext());
  b.setInsertionPointToEnd(&scratch);
  SmallVector<Value> operands;
  for (Type type : callee.getArgumentTypes())
    operands.push_back(scratch.addArgument(type, at));
  return func::CallOp::create(b, at, callee, operands);
}

Ids Expressions::call(func::CallOp op, const Ids &arguments) {
  auto callee = module.lookupSymbol<func::FuncOp>(op.getCallee());
  if (!callee)
    throw NoForm();
  if (auto other = chosen.find(callee.getName()); other != chosen.end())
    callee = other->second;
  if (func::FuncOp same = first(callee); same != callee) {
    callee = same;
    op = callOf(callee, op.getLoc());
  }
  if (!callee.isExternal())
    if (auto seen = look(op, callee, arguments))
      return *seen;
  if (op.getNumResults() != 1)
    throw NoForm();
  Id id = operation(op, arguments);
  Expression &node = nodes[size_t(id)];
  if (node.usesState && node.external.empty() && !(node.external = externalIn(callee)).empty())
    node.blamed = op;
  callee.walk([&](ir::MissingOp missing) { node.missing = missing; });
  return {id};
}

/// The results of a call by its body; nothing where the call is to stay as it is.
std::optional<Ids> Expressions::look(func::CallOp op, func::FuncOp callee, const Ids &arguments) {
  std::string kind = attributeOf(callee, kinds::kKind);
  bool usesState = false, usesOther = false;
  for (Id argument : arguments) {
    usesState |= nodes[size_t(argument)].usesState;
    usesOther |= nodes[size_t(argument)].usesState && argument != state;
  }
  Ids results;
  try {
    results = evaluate(callee, arguments);
  } catch (NoForm) {
    return std::nullopt;
  }
  if (results.size() != 1 || kind == kinds::kSampler)
    return results;
  Form form = nodes[size_t(results[0])].form;
  if (!usesState) {
    // A schedule keeps its name, so that formulas stay short.
    if (kind != kinds::kProcess || form.kind != Form::IsCoef || form.coef.constant())
      return results;
    if (Expression &same = nodes[size_t(results[0])]; same.kind == Expression::Named) { // another name of a schedule
      same.op = op;
      same.shown = arguments;
      return results;
    }
    Expression named{Expression::Named, nodes[size_t(results[0])].type, op, {results[0]}};
    named.shown = arguments;
    Id id = intern(named, "named" + keyOf({results[0]}));
    nodes[size_t(id)].form = opaque(nodes[size_t(id)], id);
    return Ids{id};
  }
  if (usesOther && kind != kinds::kProcess)
    return results;
  if (isClosed(form, kind == kinds::kProcess))
    return results;
  return std::nullopt;
}

bool Expressions::isClosed(const Form &form, bool fieldsOfProcessOnly) const {
  std::function<bool(Id)> closed = [&](Id id) {
    const Expression &node = nodes[size_t(id)];
    if (!node.usesState || id == state)
      return true;
    if (fieldsOfProcessOnly)
      return fieldOf(id).kind == kinds::kProcess;
    if (node.kind == Expression::Gradient || node.kind == Expression::TimeDerivative)
      return closed(node.operands[0]);
    return node.op && isa<func::CallOp>(node.op);
  };
  if (form.kind == Form::IsVector)
    return llvm::all_of(form.vector, [&](const auto &term) { return closed(term.first); });
  return form.kind == Form::IsScalar && llvm::all_of(form.scalar, [&](const auto &term) {
           return term.first.kind == ScalarAtom::One || (term.first.kind == ScalarAtom::Value && closed(term.first.a));
         });
}

std::optional<Form> Expressions::sibling(Id id, StringRef name) {
  Field field = fieldOf(id);
  const Expression &node = nodes[size_t(id)];
  return formOf({field.kind, field.structure, name}, Ids(node.operands), node.op->getLoc());
}

std::optional<Form> Expressions::fieldOf(StringRef process, StringRef name) {
  Field field{kinds::kProcess, process, name};
  func::FuncOp callee = find(field);
  if (!callee)
    return std::nullopt;
  return formOf(field, callee.getNumArguments() == 1 ? Ids{time} : Ids{state, time}, callee.getLoc());
}

std::optional<Form> Expressions::formOf(Field field, const Ids &arguments, Location at) {
  func::FuncOp callee = find(field);
  if (!callee || callee.isExternal() || callee.getNumArguments() != arguments.size() || callee.getNumResults() != 1)
    return std::nullopt;
  for (auto [type, argument] : llvm::zip(callee.getArgumentTypes(), arguments))
    if (nodes[size_t(argument)].type != type)
      return std::nullopt;
  return nodes[size_t(call(callOf(callee, at), arguments)[0])].form;
}

//===--- regions and derivatives ---===//

void Expressions::region(Operation *op, Environment &environment) {
  llvm::SetVector<Value> captured;
  bool escapes = false;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (inner != op && !op->isAncestor(operand.getParentBlock()->getParentOp()))
        captured.insert(operand);
    if (isDerivative(inner))
      escapes |= captured.contains(inner->getOperand(1));
  });
  if (escapes)
    throw NoForm();
  auto reduce = dyn_cast<ir::ReduceOp>(op);
  bool overStack = llvm::any_of(captured, [&](Value value) {
    Operation *made = nodes[size_t(environment.at(value))].op;
    return made && isa<ir::StackOp>(made) && nodes[size_t(environment.at(value))].usesState;
  });
  auto bound = [&](Value value) {
    const Expression &node = nodes[size_t(environment.at(value))];
    return node.kind == Expression::Integer ? std::optional(int64_t(node.number)) : std::nullopt;
  };
  if (reduce && overStack && reduce.getName() == "kac.sum") {
    auto lower = bound(reduce.getLower()), upper = bound(reduce.getUpper());
    Block &body = reduce.getBody().front();
    if (lower && upper && *lower < *upper && *upper - *lower <= 64 && body.getTerminator()->getNumOperands() == 1) {
      std::optional<Form> total;
      for (int64_t i = *lower; i < *upper; ++i) {
        Environment inner = environment;
        inner[body.getArgument(0)] = integer(i);
        for (Operation &each : body.without_terminator())
          visit(&each, inner);
        Form term = nodes[size_t(inner.at(body.getTerminator()->getOperand(0)))].form;
        total = total ? sum(*total, term) : term;
      }
      environment[op->getResult(0)] = formed(normal(*total), op->getResult(0).getType());
      return;
    }
  }
  if (op->getNumResults() != 1)
    throw NoForm();
  Ids operands;
  for (Value operand : op->getOperands())
    operands.push_back(environment.at(operand));
  for (Value value : captured)
    operands.push_back(environment.at(value));
  Id id = operation(op, operands, captured.getArrayRef());
  op->walk([&](Operation *inner) {
    auto callOp = dyn_cast<func::CallOp>(inner);
    auto callee = callOp ? module.lookupSymbol<func::FuncOp>(callOp.getCallee()) : nullptr;
    Expression &node = nodes[size_t(id)];
    if (node.external.empty() && node.usesState)
      if (!(node.external = callee ? externalIn(callee) : externalIn(inner)).empty())
        node.blamed = inner;
  });
  environment[op->getResult(0)] = id;
}

/// Whether `value` depends on what `variable` stands for by way of `variable` alone.
bool Expressions::onlyThrough(Value value, Value variable, const Environment &environment) const {
  bool byState = environment.at(variable) == state;
  llvm::SetVector<Value> todo;
  todo.insert(value);
  for (size_t k = 0; k < todo.size(); ++k) {
    Value each = todo[k];
    if (each == variable)
      continue;
    auto known = environment.find(each);
    Operation *op = each.getDefiningOp();
    if (!op) {
      if (known == environment.end())
        continue; // an index of a region
      const Expression &node = nodes[size_t(known->second)];
      if (byState ? node.usesState : node.usesTime)
        return false;
      continue;
    }
    op->walk([&](Operation *inner) { todo.insert(inner->operand_begin(), inner->operand_end()); });
  }
  return true;
}

Id Expressions::derivative(Operation *op, Environment &environment) {
  Value value = op->getOperand(0), variable = op->getOperand(1);
  Id of = environment.at(value), by = environment.at(variable);
  if ((by != state && by != time) || !onlyThrough(value, variable, environment))
    throw NoForm();
  Type type = op->getResult(0).getType();
  auto ofDivergence = [&](const Form &form) {
    return formed(normal(Form{Form::IsScalar, {}, {}, divergence(asField(form))}), type);
  };
  const Form form = nodes[size_t(of)].form;
  if (auto jvp = dyn_cast<ir::JvpOp>(op)) {
    const Form along = nodes[size_t(environment.at(jvp.getDirection()))].form;
    if (by == time && along.kind == Form::IsCoef)
      return formed(scale(timeDerivative(of), along.coef), type);
    if (by == time)
      throw NoForm();
    return formed(normal(dot(gradient(of), along)), type);
  }
  if (by == time) {
    if (!isa<ir::GradOp>(op))
      throw NoForm();
    return formed(timeDerivative(of), type);
  }
  if (isa<ir::GradOp>(op))
    return formed(gradient(of), type);
  if (isa<ir::DivergenceOp>(op))
    return ofDivergence(form);
  return ofDivergence(gradient(of));
}

//===--- names ---===//

std::string Expressions::nameOf(Id id) const {
  const Expression &node = (*this)[id];
  auto list = [&](const Ids &ids) {
    std::string text;
    for (size_t k = 0; k < ids.size(); ++k)
      text += (k ? ", " : "") + nameOf(ids[k]);
    return text;
  };
  auto apply = [&](const std::string &f) { return f + "(" + list(node.operands) + ")"; };
  switch (node.kind) {
  case Expression::Argument:
    return id == state ? "x" : id == time ? "t" : "a" + std::to_string(id);
  case Expression::Number: {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%.17g", node.number);
    return text;
  }
  case Expression::Integer:
    return std::to_string(int64_t(node.number));
  case Expression::Ones:
    return "1";
  case Expression::Gradient:
    return "grad(" + nameOf(node.operands[0]) + ", x)";
  case Expression::TimeDerivative:
    return "jvp(" + nameOf(node.operands[0]) + ", t, 1)";
  case Expression::Formed:
  case Expression::Reciprocal: {
    Namer name = [this](Id id) { return nameOf(id); };
    if (node.form.kind == Form::IsCoef)
      return (node.kind == Expression::Formed ? "(" : "1 / (") + print(node.form.coef, name) + ")";
    return "(" +
           (node.form.kind == Form::IsVector ? print(node.form.vector, name)
                                             : print(node.form.scalar, name, scalarState())) +
           ")";
  }
  case Expression::Named:
  case Expression::Operation:
    break;
  }
  if (auto callOp = dyn_cast<func::CallOp>(node.op)) {
    Field field = fieldOf(id);
    std::string name = field.name.empty() ? callOp.getCallee().str() : (field.structure + "." + field.name).str();
    return name + "(" + list(node.kind == Expression::Named ? node.shown : node.operands) + ")";
  }
  if (auto input = dyn_cast<ir::InputOp>(node.op))
    return input.getInput().str();
  if (auto primitive = dyn_cast<ir::PrimitiveOp>(node.op))
    return apply(primitive.getName().split('.').second.str());
  if (isa<ir::StackOp>(node.op))
    return "[" + list(node.operands) + "]";
  if (isa<ir::ExtractOp>(node.op))
    return nameOf(node.operands[0]) + "[" + list(Ids(node.operands.begin() + 1, node.operands.end())) + "]";
  StringRef sign = isa<ir::AddOp>(node.op)   ? " + "
                   : isa<ir::SubOp>(node.op) ? " - "
                   : isa<ir::MulOp>(node.op) ? " * "
                   : isa<ir::DivOp>(node.op) ? " / "
                   : isa<ir::PowOp>(node.op) ? "^"
                                             : "";
  if (!sign.empty())
    return "(" + nameOf(node.operands[0]) + sign.str() + nameOf(node.operands[1]) + ")";
  if (isa<ir::NegOp>(node.op))
    return "(-" + nameOf(node.operands[0]) + ")";
  if (isa<ir::CastOp, ir::RepeatOp>(node.op))
    return nameOf(node.operands[0]);
  return apply(node.op->getName().stripDialect().str());
}

} // namespace kac
