// Calls: arguments to parameters, lifting over frames, shared instances of pure functions, expansion of the others.
#include "dsl/Elaborate.h"

#include <algorithm>
#include <cstdio>

namespace kac::checking {

namespace {

std::string pointerKey(const void *p) {
  char text[32];
  std::snprintf(text, sizeof text, "%p", p);
  return text;
}

} // namespace

std::vector<Argument> Elaborator::evaluateArguments(const Node *call, const ScopePtr &scope, size_t from) {
  std::vector<Argument> arguments;
  for (size_t i = from; i < call->children.size(); ++i) {
    const Node *node = call->child(i);
    Argument a{node->text, node->span, {}};
    if (node->child(2)->present())
      fail("E0301", node->span, "a generator stands only in the first argument");
    if (node->child(0)->present()) {
      auto closure = std::make_shared<Closure>();
      closure->kind = Closure::Kind::InPlace;
      closure->name = node->text;
      closure->node = node;
      closure->scope = captured(scope);
      a.value = Value::of(closure);
    } else {
      a.value = evaluateDetached(node->child(1), scope);
    }
    arguments.push_back(std::move(a));
  }
  return arguments;
}

std::vector<FormalInfo> Elaborator::formalsOf(const Node *formals, const ScopePtr &scope) const {
  std::vector<FormalInfo> list;
  for (const Node *group : formals->children)
    for (const Node *formal : group->children) {
      FormalInfo info;
      info.name = formal->text;
      if (formal->child(0)->present())
        for (const Node *name : formal->child(0)->children)
          info.names.push_back(name->text);
      info.type = formal->child(1)->present() ? formal->child(1) : nullptr;
      info.typeScope = scope;
      info.fallback = formal->child(2)->present() ? formal->child(2) : nullptr;
      info.span = formal->span;
      list.push_back(std::move(info));
    }
  return list;
}

Callable Elaborator::callableOf(const Closure &closure) {
  Callable c;
  c.name = closure.name;
  c.scope = closure.scope;
  c.span = closure.node->span;
  if (closure.kind == Closure::Kind::InPlace) {
    for (const Node *name : closure.node->child(0)->children) {
      FormalInfo info;
      info.name = name->text;
      info.span = name->span;
      if (closure.type && c.formals.size() + 1 < closure.type->children.size()) {
        info.type = closure.type->child(c.formals.size());
        info.typeScope = closure.typeScope;
      }
      c.formals.push_back(info);
    }
    if (closure.type) {
      c.result = closure.type->children.back();
      c.resultScope = closure.typeScope;
    }
    c.body = closure.node->child(1);
    if (!isLocal(closure.scope))
      c.key = "place " + pointerKey(closure.node) + pointerKey(closure.scope.get());
    return c;
  }
  const Node *fn = closure.node;
  if (fn->child(0)->present())
    for (const Node *size : fn->child(0)->children)
      c.parameters.push_back(size->text);
  c.formals = formalsOf(fn->child(1), closure.scope);
  c.result = fn->child(2)->present() ? fn->child(2) : nullptr;
  c.resultScope = closure.scope;
  c.key = "fn " + pointerKey(fn);
  const Node *body = fn->child(3);
  if (!body->present())
    fail("E0704", fn->span,
         "`" + fn->text + "` has no body: functions that the application supplies are not there yet");
  if (body->kind == NodeKind::String) {
    c.operation = body->text;
    c.operationSpan = body->span;
  } else if (body->kind == NodeKind::With && body->child(0)->kind == NodeKind::String) {
    c.operation = body->child(0)->text;
    c.operationSpan = body->child(0)->span;
    c.derivatives = body->child(1);
  } else {
    c.body = body;
  }
  return c;
}

/// A function written in place takes the types of the parameter that it is given for, where they are plain.
void annotate(Value &value, const FormalInfo &formal) {
  if (value.kind != Value::Kind::Function || value.closure->kind != Closure::Kind::InPlace || value.closure->type ||
      !formal.type || formal.type->kind != NodeKind::TypeFn)
    return;
  for (const Node *type : formal.type->children)
    if (type->kind != NodeKind::TypeName || type->text != "real" || !type->children.empty())
      return;
  auto typed = std::make_shared<Closure>(*value.closure);
  typed->type = formal.type;
  typed->typeScope = formal.typeScope;
  value.closure = typed;
}

/// The value of a parameter that was left out.
Value Elaborator::defaultOf(const FormalInfo &formal, const Bindings &bindings) {
  ScopePtr scope = inner(formal.typeScope);
  scope->bindings = bindings;
  return evaluateDetached(formal.fallback, scope);
}

std::vector<Value> Elaborator::match(const std::vector<FormalInfo> &formals, std::vector<Argument> arguments,
                                     const std::string &name, Span span) {
  std::vector<Value> values(formals.size());
  std::vector<bool> given(formals.size(), false);
  size_t next = 0;
  for (Argument &a : arguments) {
    size_t at = formals.size();
    if (a.name.empty() || (next < formals.size() && formals[next].name.empty())) {
      at = next++;
      if (at >= formals.size())
        fail("E0206", a.span,
             "`" + name + "` takes " + std::to_string(formals.size()) + " arguments, there are " +
                 std::to_string(arguments.size()));
    } else {
      for (size_t i = 0; i < formals.size(); ++i)
        if (formals[i].name == a.name)
          at = i;
      if (at == formals.size()) {
        std::string offered;
        for (const FormalInfo &f : formals)
          offered += (offered.empty() ? "`" : ", `") + f.name + "`";
        fail("E0206", a.span, "`" + name + "` has no parameter `" + a.name + "`",
             offered.empty() ? "" : "it has " + offered);
      }
    }
    if (given[at])
      fail("E0206", a.span, "the parameter `" + formals[at].name + "` of `" + name + "` is given twice");
    given[at] = true;
    values[at] = std::move(a.value);
  }
  for (size_t i = 0; i < formals.size(); ++i) {
    if (given[i])
      continue;
    if (!formals[i].fallback)
      fail("E0206", span, "`" + name + "` needs its parameter `" + formals[i].name + "`");
    values[i].kind = Value::Kind::Default; // evaluated once the sizes that it may use are known
  }
  return values;
}

Value Elaborator::evaluateCall(const Value &callee, const Node *node, const ScopePtr &scope) {
  if (callee.kind != Value::Kind::Function)
    fail("E0301", node->span, "this is not a function",
         callee.kind == Value::Kind::Structure ? "read one of its fields: `x.logp(...)`" : "");
  const Closure &closure = *callee.closure;
  if (!node->children.empty() && node->child(0)->child(2)->present()) {
    const Node *first = node->child(0);
    std::vector<Argument> rest = evaluateArguments(node, scope, 1);
    Callable callable;
    bool reduces = false;
    if (closure.kind == Closure::Kind::Declared) {
      callable = callableOf(closure);
      const Operation *row = findOperation(callable.operation);
      reduces = row && row->shape == OperationShape::Total && rest.empty();
    }
    return generatorArgument(first->child(1), first->child(2), scope, reduces ? &callable : nullptr, callee, rest,
                             node->span);
  }
  return call(callee, evaluateArguments(node, scope), node->span);
}

Value Elaborator::call(const Value &callee, std::vector<Argument> arguments, Span span) {
  if (callee.kind != Value::Kind::Function)
    fail("E0301", span, "this is not a function");
  const Closure &closure = *callee.closure;
  switch (closure.kind) {
  case Closure::Kind::Native:
    return closure.native(arguments, span);
  case Closure::Kind::Template:
    instantiated.insert(closure.node);
    return instantiateTemplate(closure, std::move(arguments), span);
  case Closure::Kind::Field: {
    // Called from the program all parameters are positional, in the kind's order.
    std::vector<Value> values;
    const Node *sign = signature(*closure.structure, closure.name);
    std::vector<std::string> names;
    if (sign && sign->child(0)->present())
      for (const Node *group : sign->child(0)->children)
        for (const Node *formal : group->children)
          names.push_back(formal->text);
    for (Argument &a : arguments) {
      if (a.name.empty()) {
        values.push_back(std::move(a.value));
        continue;
      }
      auto at = std::find(names.begin(), names.end(), a.name);
      if (at == names.end() || static_cast<size_t>(at - names.begin()) != values.size())
        fail("E0206", a.span, "the field `" + closure.name + "` takes its arguments by place");
      values.push_back(std::move(a.value));
    }
    return callField(closure.structure, closure.name, std::move(values), span);
  }
  default: {
    Callable callable = callableOf(closure);
    if (callable.operation == "math.exp" && !arguments.empty() && arguments[0].value.kind == Value::Kind::Function) {
      auto target = std::make_shared<Target>();
      Factor tilt;
      tilt.tilt = arguments[0].value.closure;
      tilt.power = number(1, realType(), span);
      tilt.span = place.source ? place : span;
      target->factors.push_back(tilt);
      return Value::of(target);
    }
    std::vector<Value> values = match(callable.formals, std::move(arguments), callable.name, span);
    return apply(callable, std::move(values), span);
  }
  }
}

Value Elaborator::apply(const Callable &callable, std::vector<Value> values, Span span) {
  // The rate is rewritten before what it needs is known.
  Scoped<bool> defer(deferring, callable.structure && callable.structure->kind->text == kinds::sampler &&
                                    callable.field == fields::rate);
  Bindings bindings;
  std::vector<std::vector<int64_t>> argumentFrames(values.size());
  std::vector<int64_t> longest;
  // First what sets frames, then what a type parameter stands for, then what follows from that.
  auto passOf = [&](const Node *type) {
    if (!type)
      return 0;
    if (isParameter(type, callable.parameters))
      return 1;
    return type->kind == NodeKind::TypeFn || type->text == "tangent" ? 2 : 0;
  };
  for (int pass = 0; pass < 3; ++pass)
    for (size_t i = 0; i < values.size(); ++i) {
      const FormalInfo &formal = callable.formals[i];
      if (values[i].kind == Value::Kind::Default && pass == passOf(formal.type))
        values[i] = defaultOf(formal, bindings);
      if (!formal.type || passOf(formal.type) != pass)
        continue;
      std::vector<int64_t> own = pass == 1 ? longest : std::vector<int64_t>{};
      annotate(values[i], formal);
      Span at = values[i].isRun() && values[i].run->span.source ? values[i].run->span : span;
      unify(formal.type, formal.typeScope, values[i], callable.parameters, bindings, own, at);
      // An int that occurs in a type is a size.
      if (values[i].isRun() && values[i].type().isScalar() && values[i].type().isInteger() &&
          values[i].run->op == Op::Number && !formal.name.empty())
        if (bindings.find(formal.name) == bindings.end() && values[i].run->number >= 0)
          bindings[formal.name] = Binding{false, {}, {static_cast<int64_t>(values[i].run->number)}};
      if (values[i].isRun() && values[i].run->op == Op::Particles && !formal.name.empty())
        bindings.emplace(formal.name, Binding{false, {}, {kParticles}});
      if (!values[i].isRun())
        own.clear();
      argumentFrames[i] = own;
      if (own.size() > longest.size())
        longest = own;
    }
  for (const auto &own : argumentFrames)
    if (!std::equal(own.rbegin(), own.rend(), longest.rbegin()))
      fail("E0304", span,
           "the frames of the arguments of `" + callable.name +
               "` do not fit: each must be the last axes of the longest");
  if (longest.empty())
    return applyCell(callable, std::move(values), bindings, span);
  bool scalars = !callable.operation.empty() && operationOf(callable).shape != OperationShape::Law;
  for (const FormalInfo &formal : callable.formals)
    scalars &= formal.type && formal.type->kind == NodeKind::TypeName && formal.type->children.empty();
  if (scalars)
    return Value::of(primitive(callable, std::move(values), bindings, longest, span));
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i].isRun())
      values[i] = Value::of(hold(values[i].run));
  return buildValue(longest, span, [&](const std::vector<ExprPtr> &is) {
    std::vector<Value> cells = values;
    for (size_t i = 0; i < values.size(); ++i)
      if (!argumentFrames[i].empty())
        cells[i] =
            Value::of(index(values[i].run, {is.end() - static_cast<long>(argumentFrames[i].size()), is.end()}, span));
    return applyCell(callable, std::move(cells), bindings, span);
  });
}

Value Elaborator::applyCell(const Callable &callable, std::vector<Value> values, const Bindings &bindings, Span span) {
  if (!callable.operation.empty()) {
    if (operationOf(callable).shape == OperationShape::Law) {
      if (!values.empty())
        checkOperation(callable, std::vector<Type>(values.size()), realType());
      auto e = std::make_shared<Expr>(*make(Op::Random, realType(), {}, span));
      e->name = callable.operation;
      for (const auto &[slot, extent] : frame().indices) {
        e->args.push_back(local(slot, span));
        e->extents.push_back(extent);
      }
      frame().effects = true;
      return Value::of(store("draw", e, span));
    }
    return Value::of(primitive(callable, std::move(values), bindings, {}, span));
  }
  // Values take the types of their parameters.
  bool allRun = true;
  for (size_t i = 0; i < values.size(); ++i) {
    const FormalInfo &formal = callable.formals[i];
    if (!values[i].isRun()) {
      if (values[i].kind == Value::Kind::Tuple && formal.type && !isStructureType(formal.type, formal.typeScope))
        values[i] = Value::of(asRun(values[i], span));
      else
        allRun = false;
    }
    if (values[i].isRun() && formal.type && !isStructureType(formal.type, formal.typeScope)) {
      ScopePtr own = inner(formal.typeScope);
      own->bindings = bindings;
      Type type = resolveType(formal.type, own);
      values[i] = Value::of(repeatTo(
          coerce(values[i].run, type, values[i].run->span.source ? values[i].run->span : span, true), type, span));
    }
  }
  bool structureResult = callable.result && isStructureType(callable.result, callable.resultScope);
  if (!callable.key.empty() && allRun && !structureResult && !expanded.count(callable.key)) {
    if (const Function *function = instantiate(callable, values, bindings, span)) {
      const ExprPtr &result = function->body.result; // it has no effects
      if (result->op == Op::Number)
        return Value::of(number(result->number, result->type, span)); // what a 0 multiplies is not needed
      for (size_t i = 0; i < values.size(); ++i)
        if (result->op == Op::Local && result->slot == function->parameters[i] && result->type == values[i].type())
          return values[i]; // `time(0)` is 0, and a power of it known
      std::vector<ExprPtr> args;
      for (size_t i = 0; i < values.size(); ++i)
        args.push_back(values[i].run);
      auto e = std::make_shared<Expr>(*make(Op::Call, function->result, std::move(args), span));
      e->function = function;
      return Value::of(e);
    }
  }
  return expand(callable, values, bindings, span);
}

} // namespace kac::checking
