// Functions at work: pure ones as shared instances, others expanded where they are used; primitives and their
// derivatives.
#include "dsl/Elaborate.h"

#include <algorithm>
#include <cmath>

namespace kac::checking {

/// The partial derivative of a primitive, as its declaration gives it. It may use the primitive itself (exp), so its
/// place is made before its body.
const Function *Elaborator::derivativeOf(const Callable &callable, const Node *field, const std::vector<ExprPtr> &args,
                                         const Bindings &bindings) {
  std::string key = callable.key + "." + field->text;
  if (auto found = instances.find(key); found != instances.end())
    return found->second;
  model.functions.emplace_back();
  Function &place = model.functions.back();
  instances[key] = &place;
  Callable d = callable;
  d.operation.clear();
  d.derivatives = nullptr;
  d.result = nullptr;
  d.body = field->child(2);
  std::vector<Type> types;
  std::vector<std::string> names;
  for (size_t i = 0; i < args.size(); ++i) {
    types.push_back(args[i]->type);
    types.back().shape.clear();
    names.push_back(callable.formals[i].name);
  }
  enter(callable.name + "." + field->text, field->span, types, names, false, [&](std::vector<Value> values) {
    ExprPtr e = asRun(expand(d, values, bindings, field->span), field->span);
    return Value::of(coerce(e, realType(), field->span, true));
  });
  place = std::move(model.functions.back());
  model.functions.pop_back();
  return &place;
}

ExprPtr Elaborator::primitive(const Callable &callable, std::vector<Value> values, const Bindings &bindings,
                              const std::vector<int64_t> &leading, Span span) {
  ScopePtr scope = inner(callable.resultScope);
  scope->bindings = bindings;
  Type result = resolveType(callable.result, scope);
  const Type cell = result;
  result.shape.insert(result.shape.begin(), leading.begin(), leading.end());
  std::vector<ExprPtr> args;
  std::vector<Type> types;
  for (size_t i = 0; i < values.size(); ++i) {
    const FormalInfo &formal = callable.formals[i];
    ScopePtr own = inner(formal.typeScope);
    own->bindings = bindings;
    Type type = resolveType(formal.type, own);
    types.push_back(type);
    ExprPtr e = asRun(values[i], span);
    args.push_back(coerce(e, type, span, true));
  }
  checkOperation(callable, types, cell);
  bool whole = operationOf(callable).shape != OperationShape::Elementwise, constant = true;
  for (const ExprPtr &a : args)
    constant &= a->op == Op::Number;
  if (constant && callable.operation == "kac.quotient" && args[1]->number != 0)
    return number(std::floor(args[0]->number / args[1]->number), result, span);
  auto e = std::make_shared<Expr>(*make(whole ? Op::Whole : Op::Primitive, result, args, span));
  e->name = callable.operation;
  if (callable.derivatives) {
    for (size_t i = 0; i < callable.formals.size(); ++i) {
      const Function *derivative = nullptr;
      for (const Node *field : callable.derivatives->children)
        if (field->kind == NodeKind::Field && field->text == "d" + callable.formals[i].name) {
          derivative = derivativeOf(callable, field, args, bindings);
        }
      e->derivatives.push_back(derivative);
    }
  }
  return e;
}

/// The value of the body in a scope where the parameters are bound, as the declared result.
Value Elaborator::expand(const Callable &callable, const std::vector<Value> &values, const Bindings &bindings,
                         Span span) {
  if (expansions >= 400)
    fail("E0208", span, "`" + callable.name + "` uses itself");
  const Scoped<int> deeper(expansions, expansions + 1);
  ScopePtr scope = functionScope(callable.scope);
  scope->bindings = bindings;
  const Scoped<const std::set<std::string> *> own(currentMutables, &mutableNames(callable.body));
  for (size_t i = 0; i < values.size(); ++i) {
    const FormalInfo &formal = callable.formals[i];
    if (formal.names.empty())
      bindNew(formal.name, values[i], scope);
    else
      destructure(formal.names, values[i], scope, formal.span);
  }
  Value v = evaluateBody(callable.body, scope);
  if (callable.result) {
    ScopePtr own = inner(callable.resultScope);
    own->bindings = bindings;
    bool known = true;
    if (callable.structure &&
        callable.resultScope != callable.scope) // a size that only the kind names, and no argument settles
      try {
        if (!isStructureType(callable.result, own))
          resolveType(callable.result, own);
      } catch (CheckFailure &failure) {
        if (failure.code != "E0201" && failure.code != "E0310")
          throw;
        known = false;
      }
    if (known && !isStructureType(callable.result, own)) {
      Type type = resolveType(callable.result, own);
      ExprPtr e = asRun(v, callable.span);
      v = Value::of(repeatTo(coerce(e, type, e->span.source ? e->span : callable.span, true), type,
                             e->span.source ? e->span : callable.span));
    }
  }
  return v;
}

const Function *Elaborator::instantiate(const Callable &callable, const std::vector<Value> &values,
                                        const Bindings &bindings, Span span) {
  std::string key = callable.key + "|" + std::to_string(reinterpret_cast<uintptr_t>(entered));
  std::vector<bool> constant(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const Expr &e = *values[i].run;
    constant[i] = e.op == Op::Particles || (e.op == Op::Number && e.type.isInteger() && e.type.isScalar());
    key += "|" + printType(e.type);
    if (constant[i])
      key += "=" + (e.op == Op::Particles ? std::string("N") : std::to_string(static_cast<int64_t>(e.number)));
  }
  if (auto found = instances.find(key); found != instances.end())
    return found->second;
  const Underway underway(instantiating, key);
  if (!underway.fresh()) {
    // While an equation is only tried, a field under way counts as having no definition.
    for (const Frame *f : frames)
      if (f->probe && callable.structure) {
        ++cyclesBroken;
        fail("E0401", span, "`" + callable.name + "` follows only from itself");
      }
    fail("E0208", span, "`" + callable.name + "` uses itself");
  }
  auto function = std::make_unique<Function>();
  function->span = callable.span;
  Frame own(*function);
  Value result;
  {
    const Within inside(*this, own);
    std::vector<Value> arguments;
    for (size_t i = 0; i < values.size(); ++i) {
      int slot = newSlot(callable.formals[i].name.empty() ? "p" : callable.formals[i].name, values[i].type());
      function->parameters.push_back(slot);
      arguments.push_back(constant[i] ? values[i] : Value::of(local(slot, callable.formals[i].span)));
    }
    result = expand(callable, arguments, bindings, span);
  }
  bool runs = result.isRun();
  bool hasParts = result.kind == Value::Kind::Tuple;
  if (hasParts) {
    runs = true;
    for (const auto &[name, v] : result.parts)
      runs &= v.isRun();
    if (runs)
      result = Value::of(asRun(result, span));
  }
  if (!runs || own.effects) {
    expanded.insert(callable.key);
    return nullptr;
  }
  function->result = result.type();
  own.blocks[0]->result = result.run;
  function->body = std::move(*own.blocks[0]);
  if (callable.structure) {
    function->kind = callable.structure->kind->text;
    function->field = callable.field;
    function->structure = identity.nameOf(callable.structure);
  }
  // What is made anew at each use of its template is one function where it computes the same.
  const std::string text = std::to_string(reinterpret_cast<uintptr_t>(callable.body));
  const Function *&same =
      instances["same " + text + " " + function->structure + " " + function->field + identity.describe(*function)];
  if (!same) {
    function->name = uniqueName(callable.structure ? callable.structure->name + "." + callable.field : callable.name);
    model.functions.push_back(std::move(*function));
    same = &model.functions.back();
  }
  return instances[key] = same;
}

} // namespace kac::checking
