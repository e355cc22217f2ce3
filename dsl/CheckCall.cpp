// Calls: arguments to parameters, lifting over frames, shared instances of pure functions, expansion of the others.
#include "dsl/Elaborate.h"

#include <algorithm>
#include <cstdio>

namespace kac {

namespace {

/// The operations that a generator under them turns into a loop.
const std::set<std::string> reductions = {"kac.sum", "kac.product", "kac.max", "kac.min", "kac.any", "kac.all", "kac.mean"};
/// The operations that draw.
const std::set<std::string> randoms = {"kac.uniform", "kac.normal"};

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
      closure->scope = scope;
      a.value.kind = Value::Kind::Function;
      a.value.closure = closure;
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

Callable Elaborator::callableOf(const Closure &closure, size_t) {
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
    fail("E0704", fn->span, "`" + fn->text + "` has no body: functions that the application supplies are not there yet");
  if (body->kind == NodeKind::String) {
    c.operation = body->text;
  } else if (body->kind == NodeKind::With && body->child(0)->kind == NodeKind::String) {
    c.operation = body->child(0)->text;
    c.derivatives = body->child(1);
  } else {
    c.body = body;
  }
  return c;
}

/// A function written in place takes the types of the parameter that it is given for, where they are plain.
static void annotate(Value &value, const FormalInfo &formal) {
  if (value.kind != Value::Kind::Function || value.closure->kind != Closure::Kind::InPlace || value.closure->type || !formal.type ||
      formal.type->kind != NodeKind::TypeFn)
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
        fail("E0206", a.span, "`" + name + "` takes " + std::to_string(formals.size()) + " arguments, there are " + std::to_string(arguments.size()));
    } else {
      for (size_t i = 0; i < formals.size(); ++i)
        if (formals[i].name == a.name)
          at = i;
      if (at == formals.size()) {
        std::string offered;
        for (const FormalInfo &f : formals)
          offered += (offered.empty() ? "`" : ", `") + f.name + "`";
        fail("E0206", a.span, "`" + name + "` has no parameter `" + a.name + "`", offered.empty() ? "" : "it has " + offered);
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
    fail("E0301", node->span, "this is not a function", callee.kind == Value::Kind::Structure ? "read one of its fields: `x.logp(...)`" : "");
  const Closure &closure = *callee.closure;
  if (!node->children.empty() && node->child(0)->child(2)->present()) {
    const Node *first = node->child(0);
    std::vector<Argument> rest = evaluateArguments(node, scope, 1);
    Callable callable;
    bool reduces = false;
    if (closure.kind == Closure::Kind::Declared) {
      callable = callableOf(closure, 1);
      reduces = reductions.count(callable.operation) && rest.empty();
    }
    return generatorArgument(first->child(1), first->child(2), scope, reduces ? &callable : nullptr, callee, rest, node->span);
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
    Callable callable = callableOf(closure, arguments.size());
    if (callable.operation == "math.exp" && !arguments.empty() && arguments[0].value.kind == Value::Kind::Function) {
      auto target = std::make_shared<Target>();
      Factor tilt;
      tilt.tilt = arguments[0].value.closure;
      tilt.power = number(1, realType(), span);
      target->factors.push_back(tilt);
      Value v;
      v.kind = Value::Kind::Target;
      v.target = target;
      return v;
    }
    std::vector<Value> values = match(callable.formals, std::move(arguments), callable.name, span);
    return apply(callable, std::move(values), span);
  }
  }
}

Value Elaborator::apply(const Callable &callable, std::vector<Value> values, Span span) {
  Bindings bindings;
  std::vector<std::vector<int64_t>> frames_(values.size());
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
      if (values[i].isRun() && values[i].type().isScalar() && values[i].type().isInteger() && values[i].run->op == Op::Number && !formal.name.empty())
        if (bindings.find(formal.name) == bindings.end() && values[i].run->number >= 0)
          bindings[formal.name] = Binding{false, {}, {static_cast<int64_t>(values[i].run->number)}};
      if (values[i].isRun() && values[i].run->op == Op::Particles && !formal.name.empty())
        bindings.emplace(formal.name, Binding{false, {}, {kParticles}});
      if (!values[i].isRun())
        own.clear();
      frames_[i] = own;
      if (own.size() > longest.size())
        longest = own;
    }
  for (const auto &own : frames_)
    if (!std::equal(own.rbegin(), own.rend(), longest.rbegin()))
      fail("E0304", span, "the frames of the arguments of `" + callable.name + "` do not fit: each must be the last axes of the longest");
  if (longest.empty())
    return applyCell(callable, std::move(values), bindings, span);
  bool scalars = !callable.operation.empty() && !randoms.count(callable.operation);
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
      if (!frames_[i].empty())
        cells[i] = Value::of(index(values[i].run, {is.end() - static_cast<long>(frames_[i].size()), is.end()}, span));
    return applyCell(callable, std::move(cells), bindings, span);
  });
}

/// The partial derivative of a primitive, as its declaration gives it. It may use the primitive itself (exp), so its place is
/// made before its body.
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
                              const std::vector<int64_t> &frame_, Span span) {
  ScopePtr scope = inner(callable.resultScope);
  scope->bindings = bindings;
  Type result = resolveType(callable.result, scope);
  result.shape.insert(result.shape.begin(), frame_.begin(), frame_.end());
  std::vector<ExprPtr> args;
  bool whole = false;
  for (size_t i = 0; i < values.size(); ++i) {
    const FormalInfo &formal = callable.formals[i];
    ScopePtr own = inner(formal.typeScope);
    own->bindings = bindings;
    Type type = resolveType(formal.type, own);
    whole |= !type.shape.empty() || !formal.type->children.empty();
    ExprPtr e = asRun(values[i], span);
    args.push_back(coerce(e, type, span, true));
  }
  bool constant = true;
  for (const ExprPtr &a : args)
    constant &= a->op == Op::Number;
  if (constant && callable.operation == "kac.quotient" && args[1]->number != 0)
    return number(static_cast<double>(static_cast<int64_t>(args[0]->number) / static_cast<int64_t>(args[1]->number) -
                                      ((static_cast<int64_t>(args[0]->number) % static_cast<int64_t>(args[1]->number) != 0) &&
                                       ((args[0]->number < 0) != (args[1]->number < 0)))),
                  result, span);
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

Value Elaborator::applyCell(const Callable &callable, std::vector<Value> values, const Bindings &bindings, Span span) {
  if (!callable.operation.empty()) {
    if (randoms.count(callable.operation)) {
      auto e = std::make_shared<Expr>(*make(Op::Random, realType(), {}, span));
      e->name = callable.operation;
      for (const auto &[slot, extent] : frame().indices) {
        e->args.push_back(local(slot, span));
        e->extents.push_back(extent);
      }
      frame().effects = true;
      int slot = newSlot("draw", realType());
      Statement s{};
      s.kind = Statement::Kind::Assign;
      s.span = span;
      s.slot = slot;
      s.value = e;
      emit(std::move(s));
      return Value::of(local(slot, span));
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
      values[i] = Value::of(repeatTo(coerce(values[i].run, type, values[i].run->span.source ? values[i].run->span : span, true), type, span));
    }
  }
  bool structureResult = callable.result && isStructureType(callable.result, callable.resultScope);
  if (!callable.key.empty() && allRun && !structureResult && !expanded.count(callable.key)) {
    if (const Function *function = instantiate(callable, values, bindings, span)) {
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

static void bindFormal(ScopePtr &scope, const FormalInfo &formal, const Value &value) { scope->names[formal.name] = value; }

/// The value of the body in a scope where the parameters are bound, as the declared result.
Value Elaborator::expand(const Callable &callable, const std::vector<Value> &values, const Bindings &bindings, Span span) {
  if (++expansions > 400) {
    expansions = 0;
    fail("E0208", span, "`" + callable.name + "` uses itself");
  }
  ScopePtr scope = functionScope(callable.scope);
  scope->bindings = bindings;
  const std::set<std::string> *outer = currentMutables;
  currentMutables = &mutableNames(callable.body);
  try {
    for (size_t i = 0; i < values.size(); ++i) {
      const FormalInfo &formal = callable.formals[i];
      if (formal.names.empty())
        bindNew(formal.name, values[i], scope);
      else
        destructure(formal.names, values[i], scope, formal.span);
    }
    (void)bindFormal;
    Value v = evaluateBody(callable.body, scope);
    if (callable.result) {
      ScopePtr own = inner(callable.resultScope);
      own->bindings = bindings;
      bool known = true;
      if (callable.structure && callable.resultScope != callable.scope) // a size that only the kind names, and no argument settles
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
        v = Value::of(repeatTo(coerce(e, type, e->span.source ? e->span : callable.span, true), type, e->span.source ? e->span : callable.span));
      }
    }
    currentMutables = outer;
    --expansions;
    return v;
  } catch (...) {
    currentMutables = outer;
    if (expansions > 0)
      --expansions;
    throw;
  }
}

const Function *Elaborator::instantiate(const Callable &callable, const std::vector<Value> &values,
                                        const Bindings &bindings, Span span) {
  std::string key = callable.key;
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
  if (!instantiating.insert(key).second) {
    // While an equation is only tried, a field under way counts as having no definition.
    for (const Frame *f : frames)
      if (f->probe && callable.structure) {
        brokeCycle = true;
        fail("E0401", span, "`" + callable.name + "` follows only from itself");
      }
    fail("E0208", span, "`" + callable.name + "` uses itself");
  }
  auto function = std::make_unique<Function>();
  function->span = callable.span;
  Frame own;
  own.function = function.get();
  own.blocks.push_back(std::make_shared<Block>());
  frames.push_back(&own);
  const std::set<std::string> *outer = currentMutables;
  currentMutables = nullptr;
  auto leave = [&] {
    frames.pop_back();
    currentMutables = outer;
    instantiating.erase(key);
  };
  Value result;
  try {
    std::vector<Value> arguments;
    for (size_t i = 0; i < values.size(); ++i) {
      int slot = newSlot(callable.formals[i].name.empty() ? "p" : callable.formals[i].name, values[i].type());
      function->parameters.push_back(slot);
      arguments.push_back(constant[i] ? values[i] : Value::of(local(slot, callable.formals[i].span)));
    }
    result = expand(callable, arguments, bindings, span);
  } catch (...) {
    leave();
    throw;
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
  leave();
  if (!runs || own.effects) {
    expanded.insert(callable.key);
    return nullptr;
  }
  function->name = uniqueName(callable.structure ? callable.structure->name + "." + callable.field : callable.name);
  function->result = result.type();
  own.blocks[0]->result = result.run;
  function->body = std::move(*own.blocks[0]);
  if (callable.structure) {
    function->kind = callable.structure->kind->text;
    function->field = callable.field;
    function->structure = callable.structure->name;
  }
  model.functions.push_back(std::move(*function));
  return instances[key] = &model.functions.back();
}

bool Elaborator::builtin(const Value &callee, const Node *node, const ScopePtr &scope, Value &result) {
  const std::string &name = callee.text;
  if (name == "grad" || name == "jvp" || name == "div" || name == "laplacian") {
    result = derivative(name, node, scope);
    return true;
  }
  if (name == "stop") {
    if (node->children.size() != 1)
      fail("E0206", node->span, "`stop` takes one argument");
    ExprPtr e = asRun(evaluate(node->child(0)->child(1), scope), node->span);
    result = Value::of(make(Op::Stop, e->type, {e}, node->span));
    return true;
  }
  if (name == "fused") {
    std::vector<Argument> arguments = evaluateArguments(node, scope);
    result = fused(arguments, node->span);
    return true;
  }
  if (name == "population")
    fail("E0706", node->span, "`population` is not there yet");
  return false;
}

Value Elaborator::derivative(const std::string &name, const Node *node, const ScopePtr &scope) {
  size_t wanted = name == "jvp" ? 3 : 2;
  if (node->children.size() != wanted)
    fail("E0206", node->span, "`" + name + "` takes " + std::to_string(wanted) + " arguments");
  const Node *at = node->child(1)->child(1);
  const Node *head = at->kind == NodeKind::Postfix ? at->child(0) : at;
  if (head->kind != NodeKind::Name)
    fail("E0312", at->span, "a derivative is taken by a name");
  Value variable = lookup(head->text, scope, head->span);
  if (!variable.isRun() || variable.run->op != Op::Local)
    fail("E0312", at->span, "`" + head->text + "` is no variable here: a derivative is taken by a parameter or a local name");
  std::vector<int> path;
  Type type = variable.type();
  if (at->kind == NodeKind::Postfix)
    for (size_t i = 1; i < at->children.size(); ++i) {
      bool found = false;
      if (at->child(i)->kind == NodeKind::Member && type.isTuple)
        for (size_t c = 0; c < type.components.size() && !found; ++c)
          if (type.components[c].name == at->child(i)->text) {
            path.push_back(static_cast<int>(c));
            Type inside = type.components[c].type;
            type = inside;
            found = true;
          }
      if (!found)
        fail("E0312", at->span, "a derivative is taken by a name or a component of one");
    }
  if (type.isTuple)
    fail("E0312", at->span, "a derivative is taken by one array, this is " + printType(type), "take it by a component");
  if (type.isInteger())
    fail("E0701", node->span, "differences by tokens are not there yet");
  if (type.isBool())
    fail("E0312", at->span, "a derivative is taken by reals, this is " + printType(type));
  ExprPtr e = asRun(evaluate(node->child(0)->child(1), scope), node->child(0)->span);
  if (e->type.isTuple || e->type.isBool())
    fail("E0312", node->child(0)->span, printType(e->type) + " has no derivative");
  e = coerce(e, realType(e->type.shape), node->child(0)->span, true);
  Op op = name == "grad" ? Op::Grad : name == "jvp" ? Op::Jvp : name == "div" ? Op::Divergence : Op::Laplacian;
  if ((op == Op::Grad || op == Op::Laplacian) && !e->type.shape.empty())
    fail("E0312", node->child(0)->span, "`" + name + "` needs one number, this is " + printType(e->type));
  if (op == Op::Divergence && e->type.shape != type.shape)
    fail("E0312", node->child(0)->span, "`div` needs a field in the shape of `" + head->text + "`: " + printType(realType(type.shape)) + ", this is " +
         printType(e->type));
  std::vector<ExprPtr> args{e};
  if (op == Op::Jvp) {
    ExprPtr v = asRun(evaluate(node->child(2)->child(1), scope), node->child(2)->span);
    args.push_back(repeatTo(coerce(v, realType(v->type.shape), node->child(2)->span, false), realType(type.shape), node->child(2)->span));
  }
  Type result = op == Op::Grad ? realType(type.shape) : op == Op::Jvp ? realType(e->type.shape) : realType();
  auto d = std::make_shared<Expr>(*make(op, result, std::move(args), node->span));
  d->slot = variable.run->slot;
  d->path = path;
  return Value::of(d);
}

Value Elaborator::instantiateTemplate(const Closure &closure, std::vector<Argument> arguments, Span span) {
  const Node *node = closure.node;
  const Node *kind = findKind(node->child(0)->text, closure.scope);
  if (!kind)
    fail("E0201", node->child(0)->span, "there is no kind `" + node->child(0)->text + "`");
  std::vector<std::string> parameters;
  if (node->child(1)->present())
    for (const Node *size : node->child(1)->children)
      parameters.push_back(size->text);
  std::vector<FormalInfo> formals = formalsOf(node->child(2), closure.scope);
  std::vector<Value> values = match(formals, std::move(arguments), node->text, span);
  Bindings bindings;
  std::vector<int64_t> longest;
  std::map<std::string, size_t> ranks;
  for (int pass = 0; pass < 2; ++pass)
    for (size_t i = 0; i < values.size(); ++i) {
      const FormalInfo &formal = formals[i];
      if (values[i].kind == Value::Kind::Default && (pass == 1 || !formal.type || !isParameter(formal.type, parameters)))
        values[i] = defaultOf(formal, bindings);
      if (!formal.type)
        continue;
      if ((formal.type->kind == NodeKind::TypeName && isParameter(formal.type, parameters)) != (pass == 1))
        continue;
      std::vector<int64_t> own = pass == 1 ? longest : std::vector<int64_t>{};
      annotate(values[i], formal);
      Span at = values[i].isRun() && values[i].run->span.source ? values[i].run->span : span;
      // `weights : simplex[n] = 1 / n`: a default repeats along the axes of its type.
      if (values[i].isRun() && values[i].run->op == Op::Number && formal.type->kind == NodeKind::TypeName && !formal.type->children.empty() &&
          formal.type->text != "token") {
        ScopePtr typeScope = inner(formal.typeScope);
        typeScope->bindings = bindings;
        try {
          Type type = resolveType(formal.type, typeScope);
          values[i] = Value::of(coerce(make(Op::Repeat, realType(type.shape), {coerce(values[i].run, realType(), at, false)}, at), type, at, true));
        } catch (CheckFailure &) {
        }
      }
      unify(formal.type, formal.typeScope, values[i], parameters, bindings, own, at);
      if (values[i].isRun() && values[i].run->op == Op::Number && values[i].type().isInteger() && values[i].run->number >= 0)
        bindings.emplace(formal.name, Binding{false, {}, {static_cast<int64_t>(values[i].run->number)}});
      if (values[i].isRun()) {
        ranks[formal.name] = own.size();
        if (own.size() > longest.size())
          longest = own;
      }
    }
  if (!longest.empty() && kind->text != "density")
    fail("E0304", span, "a `" + kind->text + "` is not lifted over axes: an argument of `" + node->text + "` has too many");
  std::map<std::string, Value> named;
  for (size_t i = 0; i < values.size(); ++i) {
    const FormalInfo &formal = formals[i];
    if (values[i].isRun() && formal.type && !isStructureType(formal.type, formal.typeScope)) {
      ScopePtr own = inner(formal.typeScope);
      own->bindings = bindings;
      Type cell;
      try {
        cell = resolveType(formal.type, own);
      } catch (CheckFailure &) {
        cell = values[i].type();
      }
      values[i] = Value::of(hold(coerce(values[i].run, cell, span, true), formal.name));
    } else {
      values[i] = hold(values[i], formal.name);
    }
    named[formal.name] = values[i];
  }
  const Node *body = node->child(3);
  if (body->kind != NodeKind::Fields) {
    ScopePtr scope = functionScope(closure.scope);
    scope->bindings = bindings;
    scope->names = named;
    Value v = evaluate(body, scope);
    if (v.kind != Value::Kind::Structure)
      fail("E0301", body->span, "`" + node->text + "` must be a `" + kind->text + "`");
    if (v.structure->kind != kind)
      fail("E0301", body->span, "`" + node->text + "` is declared as a `" + kind->text + "` and is a `" + v.structure->kind->text + "`");
    auto copy = std::make_shared<Structure>(*v.structure);
    copy->name = node->text;
    copy->complete.clear();
    copy->fieldValues.clear();
    for (const auto &[name, value] : named)
      copy->parameters.emplace(name, value);
    v.structure = copy;
    return v;
  }
  StructurePtr structure = makeStructure(kind, node->text, node, closure.scope, named, bindings);
  structure->parameterFrames = ranks;
  structure->frame = longest;
  relift(structure);
  checkRequires(structure);
  Value v;
  v.kind = Value::Kind::Structure;
  v.structure = structure;
  return v;
}

} // namespace kac
