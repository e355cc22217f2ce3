// Calls of fields: which definition, with which parameters, under which condition.
#include "dsl/Elaborate.h"

#include <algorithm>
#include <cstdio>
#include <functional>

namespace kac::checking {

Callable Elaborator::fieldCallable(const StructurePtr &structure, const std::string &field, const Node *definition,
                                   size_t layer) {
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
  std::vector<FormalInfo> kindFormals =
      sign && sign->child(0)->present() ? formalsOf(sign->child(0), kindScope) : std::vector<FormalInfo>{};
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
  if (body->kind == NodeKind::String) {
    c.operation = body->text;
    c.operationSpan = body->span;
  } else {
    c.body = body;
  }
  if (!structure->local) {
    char text[64];
    std::snprintf(text, sizeof text, "field %p %p ", static_cast<const void *>(structure.get()),
                  static_cast<const void *>(definition));
    c.key = text + field;
    alive.push_back(structure);
  }
  // Names in the types that mean nothing else are sizes of the call.
  std::function<void(const Node *, const ScopePtr &)> open = [&](const Node *node, const ScopePtr &scope) {
    if (node->kind == NodeKind::TypeName || node->kind == NodeKind::ExtentRest) {
      Binding binding;
      Value value;
      static const std::set<std::string> known = {"real",   "int",   "bool", "positive", "simplex",
                                                  "onehot", "token", "spin", "tangent"};
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

/// What a kernel gives must lie in the space that the state is of.
void Elaborator::staysInside(const StructurePtr &sampler, const StructurePtr &kernel, Span span) {
  for (const auto *known : {&sampler->bindings, &sampler->settled.inferred})
    if (auto state = known->find(kinds::kState); state != known->end() && !state->second.type.isTuple)
      if (Type moved = valueType(kernel, span); !moved.isTuple && !widens(moved, state->second.type))
        fail("E0301", span,
             "the state is " + printType(state->second.type) + ", and a step by `" + kernel->name + "` gives " +
                 printType(moved) + ", which may lie outside",
             "another variable, as the logarithm of a positive one; or a `step` of your own");
}

Value Elaborator::callField(const StructurePtr &structure, const std::string &field, std::vector<Value> values,
                            Span span) {
  if (deferring && isModel(structure) && structure->choices.empty() && !structure->local &&
      !available(structure, field))
    return absent(structure, field, values, span);
  Scoped<bool> own(deferring, false);
  if (!structure->choices.empty()) {
    for (Value &v : values)
      v = hold(v);
    return callChoice(
        structure, [&](const StructurePtr &one) { return callField(one, field, values, span); }, span);
  }
  if (auto found = structure->parameters.find(field); found != structure->parameters.end()) {
    std::vector<Argument> arguments;
    arguments.reserve(values.size());
    for (Value &v : values)
      arguments.push_back({"", span, std::move(v)});
    return call(found->second, std::move(arguments), span);
  }
  bool density = structure->kind->text == kinds::density;
  if (density && (!structure->frame.empty()))
    return callLifted(structure, field, std::move(values), span);
  if (density && (field == fields::logp || field == fields::score) && values.size() == 1 && values[0].isRun() &&
      !values[0].type().isTuple) {
    // A density lifts to the point that it is asked at.
    Type own = valueType(structure, span);
    if (!own.isTuple && values[0].type().shape.size() > own.shape.size()) {
      const auto &shape = values[0].type().shape;
      return callLifted(lift(structure, {shape.begin(), shape.end() - static_cast<long>(own.shape.size())}), field,
                        std::move(values), span);
    }
  }
  std::vector<const Node *> complete = settle(structure, field);
  if (complete.empty())
    missingField(structure, field, span);
  // What a sampler computes with is asked for more than once: what it draws would differ each time.
  if (structure->kind->text != kinds::sampler || !signature(*structure, field) || frames.empty() ||
      fields::mayDo(structure->kind->text, field) > fields::May::Nothing)
    return callDefinition(structure, field, complete[0], std::move(values), span);
  Scoped<bool> pure(frame().effects, false);
  Value result = callDefinition(structure, field, complete[0], std::move(values), span);
  if (frame().effects)
    fail("E0315", complete[0]->span, "a draw or a weight may not stand in `" + field + "`", "draw in `step`");
  if (field == fields::kernel && result.kind == Value::Kind::Structure)
    staysInside(structure, result.structure, span);
  return result;
}

/// What a definition gives; where its `when` fails, what the next that completes does, at last the kind's. `here` gives
/// one definition without its condition, `whole` a further one with it, `ofKind` the field of a structure.
Value Elaborator::giveWhen(const StructurePtr &structure, const std::string &field, const Node *definition,
                           const ScopePtr &scope, const Give &here, const Give &whole,
                           const std::function<Value(const StructurePtr &)> &ofKind, Span span) {
  ExprPtr condition = asRun(evaluate(definition->child(3), scope), definition->child(3)->span);
  if (!condition->type.isBool() || condition->type.isTuple || !condition->type.shape.empty())
    fail("E0301", definition->child(3)->span, "the condition after `when` is one bool");
  auto list = definitions(*structure, field);
  auto otherwise = [&]() -> Value {
    bool after = false;
    for (const auto &[node, at] : list) {
      if (after && completes(structure, field, node, at))
        return whole(node);
      after |= node == definition;
    }
    if (list[0].second > 0) { // at last the kind's
      auto base = std::make_shared<Structure>(*structure);
      for (size_t i = 1; i < base->layers.size(); ++i) {
        auto without = std::make_shared<Node>(*base->layers[i].fields);
        std::erase_if(without->children, [&](const Node *node) {
          return node->kind == NodeKind::Field && node->text == field && node->child(2)->present();
        });
        base->layers[i].fields = without.get();
        keptNodes.push_back(without);
      }
      base->settled = {};
      return ofKind(base);
    }
    fail("E0401", span, "`" + structure->name + "` has no `" + field + "` where the condition of its definition fails");
  };
  if (condition->op == Op::Number)
    return condition->number != 0 ? here(definition) : otherwise();
  std::shared_ptr<Block> branches[2];
  for (int branch = 0; branch < 2; ++branch)
    branches[branch] = block([&] { return asRun(branch == 0 ? here(definition) : otherwise(), span); });
  const std::string owner = identity.nameOf(structure);
  for (Function &f : model.functions) // a part of the field is not taken for it
    if (f.structure == owner && f.field == field)
      f.kind = f.structure = f.field = "";
  Type type = commonType(branches[0]->result->type, branches[1]->result->type, span);
  for (auto &branch : branches)
    branch->result = coerce(branch->result, type, span, true);
  auto e = std::make_shared<Expr>(*make(Op::If, type, {condition}, span));
  e->body = branches[0];
  e->otherwise = branches[1];
  return Value::of(e);
}

/// A call of one of the definitions of a field; where its `when` fails, of the next that completes.
Value Elaborator::callDefinition(const StructurePtr &structure, const std::string &field, const Node *definition,
                                 std::vector<Value> values, Span span) {
  auto list = definitions(*structure, field);
  size_t layer = list[0].second;
  const Node *sign = signature(*structure, field);
  // The kind's choice of drifts keeps its conditions, derive decides by them; a run resamples only where one of them
  // holds.
  bool kept = structure->kind->text == kinds::sampler &&
              (field == fields::drift ? layer == 0 && structure.get() == entered
                                      : field == fields::resample && definition == list.back().first);
  if (!definition->child(3)->present() || kept)
    return callUnconditionally(structure, field, definition, layer, std::move(values), span);
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
  return giveWhen(
      structure, field, definition, scope,
      [&](const Node *node) { return callUnconditionally(structure, field, node, layer, values, span); },
      [&](const Node *node) { return callDefinition(structure, field, node, values, span); },
      [&](const StructurePtr &base) { return callField(base, field, values, span); }, span);
}

Value Elaborator::callUnconditionally(const StructurePtr &structure, const std::string &field, const Node *definition,
                                      size_t layer, std::vector<Value> values, Span span) {
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
      return asLaw(apply(fieldCallable(structure, field, definition, layer), {}, span), field, values, sign,
                   definition->child(2)->span);
    }
    Value function = evaluateBody(definition->child(2), functionScope(layerScope(structure, layer)));
    if (function.kind != Value::Kind::Function) {
      if (function.isRun() && function.run->op == Op::Number)
        return function; // a constant field
      fail("E0301", definition->child(2)->span,
           "`" + field + "` is a function of " + std::to_string(positional) +
               " parameters: give one by name, or write `" + field + "(...) = ...`");
    }
    std::vector<Argument> arguments;
    for (size_t i = 0;
         i < values.size() && i < (function.closure->kind == Closure::Kind::Field ? values.size() : positional); ++i)
      arguments.push_back({"", span, values[i]});
    return call(function, std::move(arguments), span);
  }
  Callable c = fieldCallable(structure, field, definition, layer);
  std::vector<Value> own;
  for (size_t i = 0; i < c.formals.size(); ++i) {
    if (!sign || !sign->child(0)->present() || i < positional) {
      if (i >= values.size())
        fail("E0206", span,
             "`" + field + "` of `" + structure->name + "` needs its parameter `" + c.formals[i].name + "`");
      own.push_back(values[i]);
      continue;
    }
    auto at = std::find(offered.begin(), offered.end(), c.formals[i].name);
    if (at == offered.end()) {
      std::string names;
      for (const std::string &n : offered)
        names += (names.empty() ? "`" : ", `") + n + "`";
      fail("E0206", c.formals[i].span,
           "`" + field + "` of a `" + structure->kind->text + "` is not offered `" + c.formals[i].name + "`",
           names.empty() ? "" : "it is offered " + names);
    }
    size_t chosen = positional + static_cast<size_t>(at - offered.begin());
    if (chosen >= values.size())
      fail("E0206", span,
           "`" + field + "` of `" + structure->name + "` needs its parameter `" + c.formals[i].name + "`");
    own.push_back(values[chosen]);
  }
  size_t most = sign && sign->child(0)->present() ? positional + offered.size() : c.formals.size();
  if (values.size() > most || (positional && c.formals.size() < positional))
    fail("E0206", values.size() > most ? span : definition->span,
         "`" + field + "` takes " + std::to_string(positional ? positional : most) + " parameters");
  return asLaw(apply(c, std::move(own), span), field, values, sign, definition->child(2)->span);
}

/// What a field that is declared a density gives: in a target a model stands for its law at the target's time.
Value Elaborator::asLaw(Value v, const std::string &field, const std::vector<Value> &values, const Node *sign,
                        Span span) {
  bool density = sign && sign->child(1)->present() && sign->child(1)->text == kinds::density;
  if (density)
    expectStructure(v, field, sign->child(1), span);
  if (!density || (v.kind != Value::Kind::Target && !(v.kind == Value::Kind::Structure && isModel(v.structure))))
    return v;
  size_t positional = sign->child(0)->child(0)->children.size();
  ExprPtr time;
  for (size_t i = positional; i < values.size(); ++i)
    if (sign->child(0)->child(1)->child(i - positional)->text == kinds::kTime)
      time = values[i].run;
  return Value::of(asTarget(v, time, span));
}

} // namespace kac::checking
