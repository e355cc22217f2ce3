// Structures: their layers of definitions, which of several equations holds, size and type parameters, lifted densities.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac {

StructurePtr Elaborator::makeStructure(const Node *kind, const std::string &name, const Node *node, const ScopePtr &scope,
                                       const std::map<std::string, Value> &parameters, const Bindings &bindings) {
  auto s = std::make_shared<Structure>();
  s->kind = kind;
  s->name = name;
  s->node = node;
  ScopePtr kindScope = preludeScope;
  for (const ScopePtr &file : {programScope, preludeScope})
    if (file)
      for (const auto &[declaredName, declaration] : file->declarations)
        if (declaration == kind)
          kindScope = file;
  s->layers.push_back({kind->child(1), kindScope, nullptr});
  s->layers.push_back({node->child(3), scope, node->child(2)->present() ? node->child(2) : nullptr});
  s->parameters = parameters;
  s->bindings = bindings;
  s->local = isLocal(scope);
  for (const auto &[parameter, value] : parameters)
    s->local |= isLocal(value);
  return s;
}

Value Elaborator::structureDeclaration(const Node *node, const ScopePtr &scope) {
  const Node *kind = findKind(node->child(0)->text, scope);
  if (!kind)
    fail("E0201", node->child(0)->span, "there is no kind `" + node->child(0)->text + "`");
  Value v;
  v.kind = Value::Kind::Structure;
  if (node->child(3)->kind != NodeKind::Fields) {
    v = evaluate(node->child(3), scope);
    if (v.kind == Value::Kind::Target && kind->text == "density")
      return v;
    if (v.kind != Value::Kind::Structure || v.structure->kind != kind)
      fail("E0301", node->child(3)->span, "`" + node->text + "` is declared as a `" + kind->text + "` and is " +
           (v.kind == Value::Kind::Structure ? "a `" + v.structure->kind->text + "`" : std::string("none")));
    auto copy = std::make_shared<Structure>(*v.structure);
    copy->name = node->text;
    copy->complete.clear();
    copy->fieldValues.clear();
    v.structure = copy;
    return v;
  }
  v.structure = makeStructure(kind, node->text, node, scope, {}, {});
  std::set<std::string> seen;
  for (const Node *field : node->child(3)->children)
    if (field->kind == NodeKind::Field) {
      bool known = false;
      for (const Node *other : kind->child(1)->children)
        known |= other->kind == NodeKind::Field && other->text == field->text;
      if (!known && kind->text == "sampler" && !field->child(0)->present() && !field->child(1)->present()) {
        std::string near;
        for (const Node *other : kind->child(1)->children)
          if (other->text.size() > 2 && field->text.size() > 2 && other->text.compare(0, 3, field->text, 0, 3) == 0)
            near = other->text;
        fail("E0204", field->span, "a `" + kind->text + "` has no field `" + field->text + "`", near.empty() ? "" : "did you mean `" + near + "`?");
      }
    }
  checkRequires(v.structure);
  return v;
}

const Node *Elaborator::signature(const Structure &structure, const std::string &field) const {
  for (const Node *node : structure.layers[0].fields->children)
    if (node->kind == NodeKind::Field && node->text == field)
      return node;
  return nullptr;
}

bool Elaborator::hasField(const Structure &structure, const std::string &field) const {
  if (structure.parameters.count(field))
    return true;
  for (const Layer &layer : structure.layers)
    for (const Node *node : layer.fields->children)
      if (node->kind == NodeKind::Field && node->text == field)
        return true;
  return false;
}

/// The definitions of a field in the last layer that has any, in the order written, with that layer.
std::vector<std::pair<const Node *, size_t>> Elaborator::definitions(const Structure &structure, const std::string &field) const {
  std::vector<std::pair<const Node *, size_t>> list;
  for (size_t i = structure.layers.size(); i-- > 0 && list.empty();)
    for (const Node *node : structure.layers[i].fields->children)
      if (node->kind == NodeKind::Field && node->text == field && node->child(2)->present())
        list.push_back({node, i});
  return list;
}

ScopePtr Elaborator::layerScope(const StructurePtr &structure, size_t layer) {
  auto parameters = std::make_shared<Scope>();
  parameters->parent = structure->layers[layer].scope;
  parameters->bindings = structure->bindings;
  auto scope = std::make_shared<Scope>();
  scope->kind = Scope::Kind::Braces;
  scope->parent = parameters;
  scope->self = structure;
  scope->layer = layer;
  return scope;
}

Value Elaborator::detached(const std::function<Value()> &evaluateIn, const std::string &name) {
  auto function = std::make_unique<Function>();
  Frame own;
  own.function = function.get();
  own.global = true;
  own.blocks.push_back(std::make_shared<Block>());
  frames.push_back(&own);
  const std::set<std::string> *outer = currentMutables;
  currentMutables = nullptr;
  Value v;
  try {
    v = evaluateIn();
  } catch (...) {
    frames.pop_back();
    currentMutables = outer;
    throw;
  }
  frames.pop_back();
  currentMutables = outer;
  if (own.effects && v.isRun())
    fail("E0315", v.run->span, "a draw or a weight may not stand in `" + name + "`");
  if (!v.isRun() || !isLocal(v))
    return v;
  // A run-time value of its own: a function without parameters, computed once.
  function->name = uniqueName(name);
  function->span = v.run->span;
  function->result = v.type();
  own.blocks[0]->result = v.run;
  function->body = std::move(*own.blocks[0]);
  model.functions.push_back(std::move(*function));
  auto call = std::make_shared<Expr>();
  call->op = Op::Call;
  call->type = v.type();
  call->span = v.run->span;
  call->function = &model.functions.back();
  return Value::of(call);
}

void Elaborator::missingField(const StructurePtr &structure, const std::string &field, Span span) {
  CheckFailure failure{"E0401", span, "`" + structure->name + "` has no `" + field + "`", {}, ""};
  auto list = definitions(*structure, field);
  if (list.empty()) {
    failure.text += ": it is to be supplied, by `with " + field + " = ...` or in the braces";
  } else {
    failure.text += list.size() == 1 ? ": its equation lacks something" : ": each of its equations lacks something";
    for (const auto &[node, layer] : list)
      if (failure.remarks.size() < 2)
        failure.remarks.push_back({node->span, "an equation for `" + field + "`"});
  }
  throw failure;
}

std::vector<const Node *> Elaborator::settle(const StructurePtr &structure, const std::string &field) {
  if (auto found = structure->complete.find(field); found != structure->complete.end())
    return found->second;
  auto list = definitions(*structure, field);
  std::vector<const Node *> result;
  if (list.size() == 1)
    return {list[0].first};
  if (!settling.insert({structure.get(), field}).second) {
    brokeCycle = true;
    return {};
  }
  bool outerBroke = brokeCycle;
  brokeCycle = false;
  try {
    for (const auto &[node, layer] : list)
      if (completes(structure, field, node, layer)) {
        result.push_back(node);
        break;
      }
  } catch (...) {
    settling.erase({structure.get(), field});
    brokeCycle |= outerBroke;
    throw;
  }
  settling.erase({structure.get(), field});
  if (!result.empty() || !brokeCycle)
    structure->complete[field] = result;
  brokeCycle |= outerBroke;
  return result;
}

/// Evaluates in a function that is thrown away.
void Elaborator::probe(const std::function<void()> &f) {
  Function scratch;
  Frame own;
  own.function = &scratch;
  own.blocks.push_back(std::make_shared<Block>());
  own.entry = true;
  own.probe = true;
  frames.push_back(&own);
  const std::set<std::string> *outer = currentMutables;
  currentMutables = nullptr;
  try {
    f();
  } catch (...) {
    frames.pop_back();
    currentMutables = outer;
    throw;
  }
  frames.pop_back();
  currentMutables = outer;
}

/// Whether a definition can be evaluated with what the structure has.
bool Elaborator::completes(const StructurePtr &structure, const std::string &field, const Node *definition, size_t layer) {
  try {
    probe([&] {
      const Node *sign = signature(*structure, field);
      if (!definition->child(0)->present() && !(sign && sign->child(0)->present())) {
        evaluateBody(definition->child(2), functionScope(layerScope(structure, layer)));
        return;
      }
      Callable callable = fieldCallable(structure, field, definition, layer);
      std::vector<Value> values;
      for (const FormalInfo &formal : callable.formals) {
        if (!formal.type || isStructureType(formal.type, formal.typeScope))
          return; // not to be tried without its argument
        values.push_back(Value::of(local(newSlot(formal.name, resolveType(formal.type, formal.typeScope)), formal.span)));
      }
      apply(callable, values, definition->span);
    });
  } catch (CheckFailure &failure) {
    if (!failure.missing())
      throw;
    return false;
  }
  return true;
}

bool Elaborator::available(const StructurePtr &structure, const std::string &field) {
  if (structure->parameters.count(field))
    return true;
  auto list = definitions(*structure, field);
  if (settling.count({structure.get(), field})) {
    brokeCycle = true;
    return false;
  }
  if (list.size() != 1)
    return !settle(structure, field).empty();
  settling.insert({structure.get(), field});
  bool complete = false;
  try {
    complete = completes(structure, field, list[0].first, list[0].second);
  } catch (CheckFailure &) {
    settling.erase({structure.get(), field});
    throw;
  }
  settling.erase({structure.get(), field});
  return complete;
}

Value Elaborator::fieldOf(const StructurePtr &structure, const std::string &field, Span span) {
  if (auto found = structure->parameters.find(field); found != structure->parameters.end())
    return found->second;
  if (!structure->frame.empty() || (structure->kind->text == "density" && !hasField(*structure, field))) {
    if (structure->frame.empty()) {
      Value whole;
      whole.kind = Value::Kind::Structure;
      whole.structure = structure;
      return targetField(asTarget(whole, nullptr, span), field, span);
    }
    return callLifted(structure, field, {}, span);
  }
  if (structure->kind->text == "process" && !hasField(*structure, field)) {
    Value whole;
    whole.kind = Value::Kind::Structure;
    whole.structure = structure;
    return targetField(asTarget(whole, nullptr, span), field, span);
  }
  const Node *sign = signature(*structure, field);
  auto list = definitions(*structure, field);
  if (!structure->choices.empty() && !(sign && sign->child(0)->present()))
    return callChoice(structure, [&](const StructurePtr &one) { return fieldOf(one, field, span); }, span);
  bool function = (sign && sign->child(0)->present()) || (!list.empty() && list[0].first->child(0)->present());
  if (!sign && list.empty())
    for (const Layer &layer : structure->layers)
      for (const Node *node : layer.fields->children)
        if (node->kind == NodeKind::Field && node->text == field && node->child(0)->present())
          function = true;
  if (function) {
    auto closure = std::make_shared<Closure>();
    closure->kind = Closure::Kind::Field;
    closure->name = field;
    closure->structure = structure;
    Value v;
    v.kind = Value::Kind::Function;
    v.closure = closure;
    return v;
  }
  if (!structure->local)
    if (auto found = structure->fieldValues.find(field); found != structure->fieldValues.end())
      return found->second;
  if (settling.count({structure.get(), field})) {
    brokeCycle = true;
    missingField(structure, field, span);
  }
  std::vector<const Node *> complete = settle(structure, field);
  if (complete.empty())
    missingField(structure, field, span);
  const Node *definition = complete[0];
  size_t layer = list[0].second;
  settling.insert({structure.get(), field});
  auto evaluateValue = [&] {
    ScopePtr scope = functionScope(layerScope(structure, layer));
    Value v = evaluateBody(definition->child(2), scope);
    const Node *type = definition->child(1)->present() ? definition->child(1) : sign && sign->child(1)->present() ? sign->child(1) : nullptr;
    ScopePtr typeScope = definition->child(1)->present() ? scope : layerScope(structure, 0);
    if (type && !isStructureType(type, typeScope)) {
      Type wanted = resolveType(type, typeScope);
      ExprPtr e = asRun(v, definition->span);
      v = Value::of(repeatTo(coerce(e, wanted, e->span.source ? e->span : definition->span, false), wanted, definition->span));
    } else if (type && v.kind == Value::Kind::Structure && type->kind == NodeKind::TypeName && type->children.size() == 1 &&
               v.structure->kind->text == "density") {
      // A law repeats along the missing axes of its declared type.
      Type wanted;
      bool known = true;
      try {
        wanted = resolveType(type->child(0), typeScope);
      } catch (CheckFailure &) {
        known = false;
      }
      if (known && !wanted.isTuple) {
        Type own = valueType(v.structure, definition->span);
        if (own.shape.size() < wanted.shape.size()) {
          std::vector<int64_t> full(wanted.shape.begin(), wanted.shape.end() - static_cast<long>(own.shape.size() - v.structure->frame.size()));
          v.structure = lift(v.structure, full);
        }
      }
    }
    return v;
  };
  Value v;
  try {
    v = structure->local ? evaluateValue() : detached(evaluateValue, structure->name + "." + field);
  } catch (...) {
    settling.erase({structure.get(), field});
    throw;
  }
  settling.erase({structure.get(), field});
  if (v.kind == Value::Kind::Structure && v.structure->kind->text == "density" && v.structure->name != structure->name && !v.structure->node)
    v.structure->name = structure->name + "." + field;
  if (!structure->local)
    structure->fieldValues[field] = v;
  return v;
}

Callable Elaborator::fieldCallable(const StructurePtr &structure, const std::string &field, const Node *definition, size_t layer) {
  Callable c;
  c.name = structure->name + "." + field;
  c.structure = structure;
  c.field = field;
  c.span = definition->span;
  c.scope = layerScope(structure, layer);
  ScopePtr kindScope = layerScope(structure, 0);
  const Node *sign = signature(*structure, field);
  if (definition->child(0)->present())
    c.formals = formalsOf(definition->child(0), c.scope);
  // Types not written here are the kind's, or those of the first definition that writes them.
  std::vector<FormalInfo> kindFormals = sign && sign->child(0)->present() ? formalsOf(sign->child(0), kindScope) : std::vector<FormalInfo>{};
  size_t positional = sign && sign->child(0)->present() ? sign->child(0)->child(0)->children.size() : c.formals.size();
  for (size_t i = 0; i < c.formals.size(); ++i) {
    if (c.formals[i].type)
      continue;
    if (i < positional && i < kindFormals.size()) {
      c.formals[i].type = kindFormals[i].type;
      c.formals[i].typeScope = kindScope;
    }
    for (size_t j = positional; i >= positional && j < kindFormals.size(); ++j)
      if (kindFormals[j].name == c.formals[i].name) {
        c.formals[i].type = kindFormals[j].type;
        c.formals[i].typeScope = kindScope;
      }
    if (!c.formals[i].type)
      for (const auto &[other, otherLayer] : definitions(*structure, field))
        if (!c.formals[i].type && other->child(0)->present()) {
          ScopePtr otherScope = layerScope(structure, otherLayer);
          auto list = formalsOf(other->child(0), otherScope);
          if (i < list.size() && list[i].type) {
            c.formals[i].type = list[i].type;
            c.formals[i].typeScope = otherScope;
          }
        }
  }
  if (definition->child(1)->present()) {
    c.result = definition->child(1);
    c.resultScope = c.scope;
  } else if (sign && sign->child(1)->present() && sign->child(0)->present()) {
    // A type parameter that this very field decides promises nothing.
    const Node *type = sign->child(1);
    Binding binding;
    bool open = false;
    if (type->kind == NodeKind::TypeName && type->children.empty() && structure->kind->child(0)->present())
      for (const Node *size : structure->kind->child(0)->children)
        open |= size->text == type->text && !inferParameter(structure, type->text, binding);
    if (!open) {
      c.result = type;
      c.resultScope = kindScope;
    }
  }
  const Node *body = definition->child(2);
  if (body->kind == NodeKind::String)
    c.operation = body->text;
  else
    c.body = body;
  if (!structure->local) {
    char text[64];
    std::snprintf(text, sizeof text, "field %p %p ", static_cast<const void *>(structure.get()), static_cast<const void *>(definition));
    c.key = text + field;
    alive.push_back(structure);
  }
  // Names in the types that mean nothing else are sizes of the call.
  std::function<void(const Node *, const ScopePtr &)> open = [&](const Node *node, const ScopePtr &scope) {
    if (node->kind == NodeKind::TypeName || node->kind == NodeKind::ExtentRest) {
      Binding binding;
      Value value;
      static const std::set<std::string> known = {"real", "int", "bool", "positive", "simplex", "onehot", "token", "spin", "tangent"};
      bool means = known.count(node->text) || findBinding(node->text, scope, binding) || findKind(node->text, scope);
      if (!means && node->kind == NodeKind::TypeName)
        means = tryLookup(node->text, scope, value);
      if (!means)
        c.parameters.push_back(node->text);
    }
    for (const Node *child : node->children)
      open(child, scope);
  };
  for (const FormalInfo &formal : c.formals)
    if (formal.type)
      open(formal.type, formal.typeScope);
  return c;
}

Value Elaborator::callField(const StructurePtr &structure, const std::string &field, std::vector<Value> values, Span span) {
  if (!structure->choices.empty()) {
    for (Value &v : values)
      v = hold(v);
    return callChoice(structure, [&](const StructurePtr &one) { return callField(one, field, values, span); }, span);
  }
  if (auto found = structure->parameters.find(field); found != structure->parameters.end()) {
    std::vector<Argument> arguments;
    for (Value &v : values)
      arguments.push_back({"", span, std::move(v)});
    return call(found->second, std::move(arguments), span);
  }
  bool density = structure->kind->text == "density";
  if (density && (!structure->frame.empty()))
    return callLifted(structure, field, std::move(values), span);
  if (density && (field == "logp" || field == "score") && values.size() == 1 && values[0].isRun() && !values[0].type().isTuple) {
    // A density lifts to the point that it is asked at.
    Type own = valueType(structure, span);
    if (!own.isTuple && values[0].type().shape.size() > own.shape.size()) {
      const auto &shape = values[0].type().shape;
      return callLifted(lift(structure, {shape.begin(), shape.end() - static_cast<long>(own.shape.size())}), field, std::move(values), span);
    }
  }
  std::vector<const Node *> complete = settle(structure, field);
  if (complete.empty())
    missingField(structure, field, span);
  return callDefinition(structure, field, complete[0], std::move(values), span);
}

/// A call of one of the definitions of a field; where its `when` fails, of the next that completes.
Value Elaborator::callDefinition(const StructurePtr &structure, const std::string &field, const Node *definition,
                                 std::vector<Value> values, Span span) {
  auto list = definitions(*structure, field);
  size_t layer = list[0].second;
  const Node *sign = signature(*structure, field);
  // A sampler's drift and resample keep their conditions: derive and the run loop decide by them.
  bool kept = structure->kind->text == "sampler" && (field == "drift" || field == "resample");
  if (definition->child(3)->present() && !kept) {
    for (Value &v : values)
      v = hold(v);
    ScopePtr scope = functionScope(layerScope(structure, layer));
    const Node *formals = sign && sign->child(0)->present() ? sign->child(0) : definition->child(0);
    size_t i = 0;
    if (formals->present())
      for (const Node *group : formals->children)
        for (const Node *formal : group->children)
          if (i < values.size())
            scope->names[formal->text] = values[i++];
    ExprPtr condition = asRun(evaluate(definition->child(3), scope), definition->child(3)->span);
    if (!condition->type.isBool() || condition->type.isTuple || !condition->type.shape.empty())
      fail("E0301", definition->child(3)->span, "the condition after `when` is one bool");
    auto otherwise = [&]() -> Value {
      bool after = false;
      for (const auto &[node, at] : list) {
        if (after && completes(structure, field, node, at))
          return callDefinition(structure, field, node, values, span);
        after |= node == definition;
      }
      if (list[0].second > 0) { // at last the kind's
        auto base = std::make_shared<Structure>(*structure);
        for (size_t i = 1; i < base->layers.size(); ++i) {
          auto without = std::make_shared<Node>(*base->layers[i].fields);
          std::erase_if(without->children, [&](const Node *node) { return node->kind == NodeKind::Field && node->text == field && node->child(2)->present(); });
          base->layers[i].fields = without.get();
          keptNodes.push_back(without);
        }
        base->complete.clear();
        base->fieldValues.clear();
        return callField(base, field, values, span);
      }
      fail("E0401", span, "`" + structure->name + "` has no `" + field + "` where the condition of its definition fails");
    };
    if (condition->op == Op::Number)
      return condition->number != 0 ? callUnconditionally(structure, field, definition, layer, values, span) : otherwise();
    std::shared_ptr<Block> branches[2];
    for (int branch = 0; branch < 2; ++branch)
      branches[branch] = block([&] {
        return asRun(branch == 0 ? callUnconditionally(structure, field, definition, layer, values, span) : otherwise(), span);
      });
    Type type = commonType(branches[0]->result->type, branches[1]->result->type, span);
    for (auto &branch : branches)
      branch->result = coerce(branch->result, type, span, true);
    auto e = std::make_shared<Expr>(*make(Op::If, type, {condition}, span));
    e->body = branches[0];
    e->otherwise = branches[1];
    return Value::of(e);
  }
  return callUnconditionally(structure, field, definition, layer, std::move(values), span);
}

Value Elaborator::callUnconditionally(const StructurePtr &structure, const std::string &field, const Node *definition, size_t layer,
                                      std::vector<Value> values, Span span) {
  const Node *sign = signature(*structure, field);
  std::vector<std::string> offered;
  size_t positional = 0;
  if (sign && sign->child(0)->present()) {
    positional = sign->child(0)->child(0)->children.size();
    for (const Node *formal : sign->child(0)->child(1)->children)
      offered.push_back(formal->text);
  }
  if (!definition->child(0)->present() && sign && sign->child(0)->present()) {
    // Given without parameters: a value, or a function of those before `;`.
    if (positional == 0 || definition->child(2)->kind == NodeKind::String) {
      return asLaw(apply(fieldCallable(structure, field, definition, layer), {}, span), values, sign, span);
    }
    Value function = evaluateBody(definition->child(2), functionScope(layerScope(structure, layer)));
    if (function.kind != Value::Kind::Function) {
      if (function.isRun() && function.run->op == Op::Number)
        return function; // a constant field
      fail("E0301", definition->child(2)->span, "`" + field + "` is a function of " + std::to_string(positional) + " parameters: give one by name, or write `" + field + "(...) = ...`");
    }
    std::vector<Argument> arguments;
    for (size_t i = 0; i < values.size() && i < (function.closure->kind == Closure::Kind::Field ? values.size() : positional); ++i)
      arguments.push_back({"", span, values[i]});
    return call(function, std::move(arguments), span);
  }
  Callable c = fieldCallable(structure, field, definition, layer);
  std::vector<Value> own;
  for (size_t i = 0; i < c.formals.size(); ++i) {
    if (!sign || !sign->child(0)->present() || i < positional) {
      if (i >= values.size())
        fail("E0206", span, "`" + field + "` of `" + structure->name + "` needs its parameter `" + c.formals[i].name + "`");
      own.push_back(values[i]);
      continue;
    }
    auto at = std::find(offered.begin(), offered.end(), c.formals[i].name);
    if (at == offered.end()) {
      std::string names;
      for (const std::string &n : offered)
        names += (names.empty() ? "`" : ", `") + n + "`";
      fail("E0206", c.formals[i].span, "`" + field + "` of a `" + structure->kind->text + "` is not offered `" + c.formals[i].name + "`",
           names.empty() ? "" : "it is offered " + names);
    }
    size_t index_ = positional + static_cast<size_t>(at - offered.begin());
    if (index_ >= values.size())
      fail("E0206", span, "`" + field + "` of `" + structure->name + "` needs its parameter `" + c.formals[i].name + "`");
    own.push_back(values[index_]);
  }
  size_t most = sign && sign->child(0)->present() ? positional + offered.size() : c.formals.size();
  if (values.size() > most || (positional && c.formals.size() < positional))
    fail("E0206", values.size() > most ? span : definition->span, "`" + field + "` takes " + std::to_string(positional ? positional : most) + " parameters");
  return asLaw(apply(c, std::move(own), span), values, sign, span);
}

/// What a field that is declared a density gives: in a target a model stands for its law at the target's time.
Value Elaborator::asLaw(Value v, const std::vector<Value> &values, const Node *sign, Span span) {
  bool density = sign && sign->child(1)->present() && sign->child(1)->text == "density";
  if (!density || (v.kind != Value::Kind::Target && !(v.kind == Value::Kind::Structure && isModel(v.structure))))
    return v;
  size_t positional = sign->child(0)->child(0)->children.size();
  ExprPtr time;
  for (size_t i = positional; i < values.size(); ++i)
    if (sign->child(0)->child(1)->child(i - positional)->text == "t")
      time = values[i].run;
  Value target;
  target.kind = Value::Kind::Target;
  target.target = asTarget(v, time, span);
  return target;
}

bool Elaborator::inferParameter(const StructurePtr &structure, const std::string &name, Binding &binding) {
  for (const Bindings *known : {&structure->bindings, &structure->inferred})
    if (auto found = known->find(name); found != known->end()) {
      binding = found->second;
      return true;
    }
  const Node *kindSizes = structure->kind->child(0);
  bool ofKind = false, ofTemplate = false;
  if (kindSizes->present())
    for (const Node *size : kindSizes->children)
      ofKind |= size->text == name;
  for (const Layer &layer : structure->layers)
    (void)layer;
  const Node *declaration = structure->node;
  if (declaration && declaration->kind == NodeKind::Structure && declaration->child(1)->present())
    for (const Node *size : declaration->child(1)->children)
      ofTemplate |= size->text == name;
  if ((!ofKind && !ofTemplate) || !structure->resolving.insert(name).second)
    return false;
  auto done = [&](bool found) {
    structure->resolving.erase(name);
    if (found)
      structure->inferred[name] = binding;
    return found;
  };
  auto attempt = [&](const std::function<bool()> &f) {
    bool found = false;
    try {
      probe([&] { found = f(); });
    } catch (CheckFailure &failure) {
      if (!failure.missing() && failure.code != "E0201" && failure.code != "E0310" && failure.code != "E0206") {
        structure->resolving.erase(name);
        throw;
      }
    }
    return found;
  };
  auto isName = [&](const Node *type) { return type->kind == NodeKind::TypeName && type->text == name && type->children.empty(); };
  auto fromStructure = [&](const Value &v, const Node *type, size_t position) {
    StructurePtr s = v.structure;
    if (v.kind == Value::Kind::Target) {
      for (const Factor &f : v.target->factors)
        if (f.structure)
          s = f.structure;
      if (!s)
        return false;
      if (isModel(s)) {
        Binding b;
        if (!inferParameter(s, "T", b))
          return false;
        binding = b;
        return true;
      }
    }
    if (!s)
      return false;
    if (s->kind->text == "density") {
      binding = {true, valueType(s, {}), {}};
      return true;
    }
    if (isModel(s) && type->text == "density")
      return inferParameter(s, "T", binding);
    const Node *other = findKind(type->text, preludeScope);
    return other == s->kind && inferParameter(s, s->kind->child(0)->child(position)->text, binding);
  };
  ScopePtr kindScope = layerScope(structure, 0);
  if (ofKind) {
    for (const Node *sign : structure->layers[0].fields->children) {
      if (sign->kind != NodeKind::Field)
        continue;
      auto list = definitions(*structure, sign->text);
      if (list.empty())
        continue;
      // A parameter of a function field, annotated where it is defined.
      if (sign->child(0)->present()) {
        for (size_t group = 0; group < 2; ++group)
          for (size_t i = 0; i < sign->child(0)->child(group)->children.size(); ++i) {
            const Node *type = sign->child(0)->child(group)->child(i)->child(1);
            if (!type->present() || !isName(type))
              continue;
            for (const auto &[definition, layer] : list) {
              if (layer == 0 || !definition->child(0)->present() || i >= definition->child(0)->child(group)->children.size())
                continue;
              const Node *written = definition->child(0)->child(group)->child(i)->child(1);
              if (written->present() && attempt([&] {
                    binding = {true, resolveType(written, layerScope(structure, layer)), {}};
                    return true;
                  }))
                return done(true);
            }
          }
      }
    }
    for (const Node *sign : structure->layers[0].fields->children) {
      if (sign->kind != NodeKind::Field || !sign->child(1)->present())
        continue;
      const Node *type = sign->child(1);
      auto list = definitions(*structure, sign->text);
      bool supplied = structure->parameters.count(sign->text) || !list.empty();
      if (!supplied)
        continue;
      size_t position = 0;
      bool mentions = false;
      for (size_t i = 0; i < type->children.size(); ++i)
        if (isName(type->child(i))) {
          mentions = true;
          position = i;
        }
      bool own = isName(type);
      if (!own && !(mentions && isStructureType(type, kindScope)))
        continue;
      if (!sign->child(0)->present()) {
        for (const auto &[definition, layer] : list)
          if (!own && definition->child(1)->present() && definition->child(1)->children.size() > position)
            if (attempt([&] {
                  binding = {true, resolveType(definition->child(1)->child(position), layerScope(structure, layer)), {}};
                  return true;
                }))
              return done(true);
        if (attempt([&] {
              Value v = fieldOf(structure, sign->text, {});
              if (own) {
                binding = {true, asRun(v, {})->type, {}};
                return true;
              }
              return fromStructure(v, type, position);
            }))
          return done(true);
        continue;
      }
      // The result of a function field: evaluated on values of the right types.
      if (attempt([&] {
            std::vector<Value> values_;
            const Node *formals = sign->child(0);
            for (const Node *group : formals->children)
              for (const Node *formal : group->children) {
                if (!formal->child(1)->present() || isStructureType(formal->child(1), kindScope))
                  return false;
                Type t = resolveType(formal->child(1), kindScope);
                values_.push_back(Value::of(local(newSlot(formal->text, t), formal->span)));
              }
            if (settling.count({structure.get(), sign->text}))
              return false;
            if (own && !list.empty() && list[0].second == 0)
              return false; // the kind's own default cannot tell
            Value v = callField(structure, sign->text, values_, sign->span);
            if (own) {
              binding = {true, asRun(v, {})->type, {}};
              return true;
            }
            return fromStructure(v, type, position);
          }))
        return done(true);
    }
  }
  if (ofTemplate) {
    // A size of the template: what is written with it stands where the kind has a type of its own that is known.
    for (size_t layer = 1; layer < structure->layers.size(); ++layer)
      for (const Node *definition : structure->layers[layer].fields->children) {
        if (definition->kind != NodeKind::Field)
          continue;
        const Node *sign = signature(*structure, definition->text);
        if (!sign)
          continue;
        auto matchTypes = [&](const Node *written, const Node *wanted) {
          if (!written->present() || !wanted->present() || wanted->kind != NodeKind::TypeName || !wanted->children.empty())
            return false;
          return attempt([&] {
            Binding known;
            if (!inferParameter(structure, wanted->text, known) || !known.isType)
              return false;
            Bindings found;
            std::vector<int64_t> frame_;
            std::vector<std::string> open;
            for (const Node *size : declaration->child(1)->children)
              if (!structure->bindings.count(size->text) && !structure->inferred.count(size->text))
                open.push_back(size->text);
            unify(written, layerScope(structure, layer), Value::of(make(Op::Number, known.type, {}, {})), open, found, frame_, {});
            auto it = found.find(name);
            if (it == found.end())
              return false;
            binding = it->second;
            return true;
          });
        };
        if (definition->child(0)->present() && sign->child(0)->present())
          for (size_t group = 0; group < 2; ++group) {
            const Node *a = definition->child(0)->child(group), *b = sign->child(0)->child(group);
            for (size_t i = 0; i < std::min(a->children.size(), b->children.size()); ++i)
              if (matchTypes(a->child(i)->child(1), b->child(i)->child(1)))
                return done(true);
          }
      }
  }
  return done(false);
}

Type Elaborator::valueType(const StructurePtr &density, Span span) {
  Binding binding;
  StructurePtr cell = density;
  if (!density->frame.empty()) {
    auto copy = std::make_shared<Structure>(*density);
    copy->frame.clear();
    copy->element = nullptr;
    for (auto &[name, rank] : copy->parameterFrames)
      if (auto p = copy->parameters.find(name); rank && p != copy->parameters.end() && p->second.isRun()) {
        Type t = p->second.type();
        t.shape.erase(t.shape.begin(), t.shape.begin() + static_cast<long>(rank));
        p->second = Value::of(make(Op::Number, t, {}, span));
      }
    cell = copy;
  }
  if (!inferParameter(cell, "T", binding) || !binding.isType)
    fail("E0310", span, "what `" + density->name + "` is a law of cannot be told", "give `logp` or `draw` the type of its value");
  Type type = binding.type;
  for (Component &c : type.components)
    c.type.shape.insert(c.type.shape.begin(), density->frame.begin(), density->frame.end());
  if (!type.isTuple)
    type.shape.insert(type.shape.begin(), density->frame.begin(), density->frame.end());
  return type;
}

} // namespace kac
