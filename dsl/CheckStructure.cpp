// Structures: their layers of definitions, which of several equations holds, size and type parameters, lifted
// densities.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

/// The file that declares a kind.
ScopePtr Elaborator::fileOf(const Node *kind) const {
  auto found = programScope->declarations.find(kind->text);
  return found != programScope->declarations.end() && found->second == kind ? programScope : preludeScope;
}

StructurePtr Elaborator::makeStructure(const Node *kind, const std::string &name, const Node *node,
                                       const ScopePtr &scope, const std::map<std::string, Value> &parameters,
                                       const Bindings &bindings) {
  auto s = std::make_shared<Structure>();
  s->kind = kind;
  s->name = name;
  s->node = node;
  s->layers.push_back({kind->child(1), fileOf(kind), nullptr});
  s->layers.push_back({node->child(3), scope, node->child(2)->present() ? node->child(2) : nullptr});
  s->parameters = parameters;
  s->bindings = bindings;
  s->local = isLocal(scope);
  for (const auto &[parameter, value] : parameters)
    s->local |= isLocal(value);
  return s;
}

/// A value written without parameters or type: a sampler adds none of its own, and a number is not given for a function
/// where a value has nearly the same name.
void Elaborator::checkFieldName(const Node *kind, const Node *field) const {
  const Node *sign = nullptr;
  std::vector<std::string> all, values;
  for (const Node *other : kind->child(1)->children) {
    if (other->kind != NodeKind::Field)
      continue;
    if (other->text == field->text && !sign)
      sign = other;
    all.push_back(other->text);
    if (!other->child(0)->present())
      values.push_back(other->text);
  }
  const NodeKind given = field->child(2)->kind;
  if (!sign && kind->text == kinds::sampler)
    fail("E0204", field->span, "a `" + kind->text + "` has no field `" + field->text + "`", nearest(field->text, all));
  if (sign && sign->child(0)->present() && (given == NodeKind::Int || given == NodeKind::Real))
    if (std::string help = nearest(field->text, values); !help.empty())
      fail("E0301", field->span, "`" + field->text + "` of a `" + kind->text + "` is a function, and this is a number",
           help);
}

/// `data = data`: the nearest declaration in the text is the field itself.
void Elaborator::checkNotItself(const Node *field) const {
  const Node *given = field->child(2);
  if (!field->child(0)->present() && given->kind == NodeKind::Name && given->text == field->text)
    fail("E0208", given->span, "`" + field->text + "` depends on itself: here the name is the field's own",
         "give another name to the declaration that is meant");
}

Value Elaborator::structureDeclaration(const Node *node, const ScopePtr &scope) {
  const Node *kind = findKind(node->child(0)->text, scope);
  if (!kind)
    fail("E0201", node->child(0)->span, "there is no kind `" + node->child(0)->text + "`");
  if (node->child(3)->kind != NodeKind::Fields) {
    const Scoped<std::pair<const Node *, std::string>> naming(aliased, {node->child(3), node->text});
    Value v = evaluate(node->child(3), scope);
    if (v.kind == Value::Kind::Target && kind->text == kinds::density)
      return v;
    if (v.kind != Value::Kind::Structure || v.structure->kind != kind)
      fail("E0301", node->child(3)->span,
           "`" + node->text + "` is declared as a `" + kind->text + "` and is " +
               (v.kind == Value::Kind::Structure ? "a `" + v.structure->kind->text + "`" : std::string("none")));
    auto copy = std::make_shared<Structure>(*v.structure);
    copy->name = node->text;
    copy->settled = {};
    v.structure = copy;
    return v;
  }
  StructurePtr structure = makeStructure(kind, node->text, node, scope, {}, {});
  for (const Node *field : node->child(3)->children)
    if (field->kind == NodeKind::Field) {
      checkNotItself(field);
      if (!field->child(0)->present() && !field->child(1)->present())
        checkFieldName(kind, field);
    }
  checkRequires(structure);
  return Value::of(structure);
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
std::vector<std::pair<const Node *, size_t>> Elaborator::definitions(const Structure &structure,
                                                                     const std::string &field) const {
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
  ScopePtr scope(new Scope);
  scopes.push_back(scope);
  scope->kind = Scope::Kind::Braces;
  scope->parent = parameters;
  scope->self = structure;
  scope->layer = layer;
  return scope;
}

Value Elaborator::detached(const std::function<Value()> &evaluateIn, const std::string &name, Span at) {
  auto function = std::make_unique<Function>();
  Frame own(*function);
  own.global = true;
  Value v;
  {
    const Within inside(*this, own);
    v = evaluateIn();
  }
  if (own.effects && v.isRun())
    fail("E0315", at.source ? at : v.run->span, "a draw or a weight may not stand in `" + name + "`");
  if (v.kind == Value::Kind::Structure && !v.structure->local)
    for (const auto &[parameter, value] : v.structure->parameters)
      if (isLocal(value))
        fail("E0310", at,
             "`" + parameter + "` of `" + v.structure->name +
                 "` depends on values of a loop or a branch: compute it in a `const` first");
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

/// What to say of a field without a complete definition: each equation, and what it lacks.
CheckFailure Elaborator::whyMissing(const StructurePtr &structure, const std::string &field, Span span) {
  CheckFailure failure{"E0401",
                       span.source || !structure->node ? span : structure->node->span,
                       "`" + structure->name + "` has no `" + field + "`",
                       {},
                       ""};
  auto list = definitions(*structure, field);
  failure.text += list.empty()       ? ": it is to be supplied"
                  : list.size() == 1 ? ": its equation lacks something"
                                     : ": each of its equations lacks something";
  if (list.empty())
    failure.help = "supply it by `with " + field + " = ...` or in the braces";
  const Underway own(settling, {structure.get(), field});
  for (const auto &[node, layer] : list) {
    CheckFailure lacks;
    if (failure.remarks.size() == 4 || completes(structure, field, node, layer, &lacks))
      continue;
    // Down to what nothing follows from: what was supplied and does not suffice, or else the last that was asked for.
    std::string text = lacks.text;
    std::set<std::pair<const Structure *, std::string>> seen{{structure.get(), field}};
    std::function<bool(const CheckFailure &)> descend = [&](const CheckFailure &at) {
      lacks = at;
      if (!at.structure || seen.size() > 20 || !seen.insert({at.structure.get(), at.field}).second)
        return false;
      auto below = definitions(*at.structure, at.field);
      for (const auto &[further, where] : below) {
        CheckFailure next;
        if (!completes(at.structure, at.field, further, where, &next) && descend(next))
          return true;
      }
      return below.empty();
    };
    descend(CheckFailure(lacks));
    if (lacks.text != text)
      text += ", which needs what is not there: " + lacks.text;
    std::string remark = "an equation for `" + field;
    failure.remarks.push_back({node->span, remark.append("`; ").append(text)});
  }
  return failure;
}

void Elaborator::missingField(const StructurePtr &structure, const std::string &field, Span span) {
  bool wanted = true; // an equation that is only tried is not explained
  for (const Frame *f : frames)
    wanted &= !f->probe;
  if (wanted)
    throw whyMissing(structure, field, span);
  throw CheckFailure{"E0401", span, "`" + structure->name + "` has no `" + field + "`", {}, "", structure, field};
}

/// A call of a field that a model does not have, for derivation to cancel or to refuse.
Value Elaborator::absent(const StructurePtr &structure, const std::string &field, const std::vector<Value> &values,
                         Span span) {
  const Node *sign = signature(*structure, field);
  std::string key = "absent " + identity.nameOf(structure) + "." + field;
  std::vector<ExprPtr> args;
  ScopePtr scope = inner(layerScope(structure, 0));
  size_t i = 0;
  for (const Node *group : sign->child(0)->children)
    for (const Node *formal : group->children)
      if (i < values.size()) {
        args.push_back(asRun(values[i++], span));
        key += "|" + printType(args.back()->type);
        if (const Node *type = formal->child(1); type->present() && type->kind == NodeKind::TypeName)
          for (const Node *parameter : structure->kind->child(0)->children)
            if (parameter->text == type->text)
              scope->bindings[type->text] = {true, args.back()->type, {}};
      }
  const Function *&function = instances[key];
  if (!function) {
    Function made;
    made.name = uniqueName(structure->name + "." + field);
    made.span = structure->node ? structure->node->span : span;
    for (size_t k = 0; k < args.size(); ++k) {
      made.parameters.push_back(static_cast<int>(k));
      made.slots.push_back({k == 0 ? "x" : "t", args[k]->type});
    }
    made.result = resolveType(sign->child(1), scope);
    made.kind = structure->kind->text;
    made.field = field;
    made.structure = identity.nameOf(structure);
    auto missing = std::make_shared<Expr>(*make(Op::Missing, made.result, {}, made.span));
    CheckFailure why = whyMissing(structure, field, span);
    missing->name = why.text;
    if (why.remarks.size() == 1)
      missing->name = "`" + structure->name + "` has no `" + field +
                      "`: " + why.remarks[0].second.substr(why.remarks[0].second.find("; ") + 2);
    made.body.result = missing;
    model.functions.push_back(std::move(made));
    function = &model.functions.back();
    // How a log density moves follows from these: derivation may do without it where they are there.
    if (field == fields::logp)
      for (const std::string &other : {fields::velocity, fields::score})
        if (available(structure, other))
          probe([&] {
            std::vector<Value> own;
            own.reserve(args.size());
            for (const ExprPtr &arg : args)
              own.push_back(Value::of(local(newSlot("p", arg->type), span)));
            callField(structure, other, own, span);
          });
  }
  auto e = std::make_shared<Expr>(*make(Op::Call, function->result, std::move(args), span));
  e->function = function;
  return Value::of(e);
}

std::vector<const Node *> Elaborator::settle(const StructurePtr &structure, const std::string &field) {
  if (auto found = structure->settled.complete.find(field); found != structure->settled.complete.end())
    return found->second;
  auto list = definitions(*structure, field);
  std::vector<const Node *> result;
  if (list.size() == 1)
    return {list[0].first};
  const std::string like = identity.likenessOf(structure) + " " + field;
  if (auto known = completeAlike.find(like); known != completeAlike.end())
    return structure->settled.complete[field] = known->second;
  const Underway own(settling, {structure.get(), field});
  if (!own.fresh()) {
    ++cyclesBroken;
    return {};
  }
  const int before = cyclesBroken;
  for (const auto &[node, layer] : list)
    if (completes(structure, field, node, layer)) {
      result.push_back(node);
      break;
    }
  if (!result.empty() || cyclesBroken == before) {
    structure->settled.complete[field] = result;
    if (completeAlike.emplace(like, result).second)
      alive.push_back(structure);
  }
  return result;
}

/// Evaluates in a function that is thrown away.
void Elaborator::probe(const std::function<void()> &f) {
  Function scratch;
  Frame own(scratch);
  own.entry = true;
  own.probe = true;
  const Within inside(*this, own);
  f();
}

/// Whether a definition can be evaluated with what the structure has.
bool Elaborator::completes(const StructurePtr &structure, const std::string &field, const Node *definition,
                           size_t layer, CheckFailure *lacks) {
  try {
    probe([&] {
      const Node *sign = signature(*structure, field);
      if (!definition->child(0)->present() && !(sign && sign->child(0)->present())) {
        evaluateBody(definition->child(2), functionScope(layerScope(structure, layer)));
        return;
      }
      const bool own = definition->child(0)->present(); // parameters; else a value or a function is given
      Callable callable = fieldCallable(structure, field, definition, layer);
      std::vector<Value> values;
      for (const FormalInfo &formal : own ? callable.formals : formalsOf(sign->child(0), layerScope(structure, 0))) {
        if (!formal.type || isStructureType(formal.type, formal.typeScope))
          return; // not to be tried without its argument
        Type type;
        try {
          type = resolveType(formal.type, formal.typeScope);
        } catch (CheckFailure &) {
          return; // a size that the call decides
        }
        values.push_back(Value::of(local(newSlot(formal.name, type), formal.span)));
      }
      if (own)
        apply(callable, values, definition->span);
      else
        callUnconditionally(structure, field, definition, layer, values, definition->span);
    });
  } catch (CheckFailure &failure) {
    // An equation of the library after its first is for other types, where it does not fit these.
    if (!failure.missing() && !(failure.code.starts_with("E03") && librarySources.count(definition->span.source) &&
                                definitions(*structure, field)[0].first != definition))
      throw;
    if (lacks)
      *lacks = failure;
    return false;
  }
  return true;
}

bool Elaborator::available(const StructurePtr &structure, const std::string &field) {
  if (structure->parameters.count(field))
    return true;
  auto list = definitions(*structure, field);
  if (settling.count({structure.get(), field})) {
    ++cyclesBroken;
    return false;
  }
  if (list.size() != 1)
    return !settle(structure, field).empty();
  const Underway own(settling, {structure.get(), field});
  return completes(structure, field, list[0].first, list[0].second);
}

/// What is declared to be of a kind is no number, and no template that waits for its parameters.
void Elaborator::expectStructure(const Value &value, const std::string &field, const Node *type, Span span) const {
  if (value.isRun() || value.kind == Value::Kind::Text)
    fail("E0301", span,
         "`" + field + "` is a `" + type->text + "`, this is " + (value.isRun() ? printType(value.type()) : "a text"));
  if (value.kind == Value::Kind::Function)
    fail("E0301", span, "`" + field + "` is a `" + type->text + "`, `" + value.closure->name + "` is a function",
         value.closure->kind == Closure::Kind::Template ? "give it its parameters first" : "");
}

Value Elaborator::fieldOf(const StructurePtr &structure, const std::string &field, Span span) {
  // A run may have other lineages and steps than the text says: what computes with them takes the run's.
  if (structure.get() == entered && !frames.empty()) {
    if (field == fields::particles)
      return Value::of(sizeValue(kParticles, span));
    if (field == fields::steps)
      stepsRead.insert(entered);
  }
  if (auto found = structure->parameters.find(field); found != structure->parameters.end())
    return found->second;
  if (!structure->frame.empty() || (structure->kind->text == kinds::density && !hasField(*structure, field))) {
    if (structure->frame.empty())
      return targetField(asTarget(Value::of(structure), nullptr, span), field, span);
    const Node *lifted = signature(*structure, field);
    if (!lifted || !lifted->child(0)->present())
      return callLifted(structure, field, {}, span);
  }
  if (structure->kind->text == kinds::process && !hasField(*structure, field))
    return targetField(asTarget(Value::of(structure), nullptr, span), field, span);
  const Node *sign = signature(*structure, field);
  auto list = definitions(*structure, field);
  if (!structure->choices.empty() && !(sign && sign->child(0)->present()))
    return callChoice(
        structure, [&](const StructurePtr &one) { return fieldOf(one, field, span); }, span);
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
    return Value::of(closure);
  }
  if (!structure->local)
    if (auto found = structure->settled.fieldValues.find(field); found != structure->settled.fieldValues.end())
      return found->second;
  if (settling.count({structure.get(), field})) {
    ++cyclesBroken;
    missingField(structure, field, span);
  }
  std::vector<const Node *> complete = settle(structure, field);
  if (complete.empty())
    missingField(structure, field, span);
  size_t layer = list[0].second;
  const Underway own(settling, {structure.get(), field});
  Give evaluateDefinition = [&](const Node *definition) {
    ScopePtr scope = functionScope(layerScope(structure, layer));
    Value v = evaluateBody(definition->child(2), scope);
    const Node *type = definition->child(1)->present()     ? definition->child(1)
                       : sign && sign->child(1)->present() ? sign->child(1)
                                                           : nullptr;
    ScopePtr typeScope = definition->child(1)->present() ? scope : layerScope(structure, 0);
    if (type && !isStructureType(type, typeScope)) {
      Type wanted = resolveType(type, typeScope);
      ExprPtr e = asRun(v, definition->span);
      v = Value::of(repeatTo(coerce(e, wanted, e->span.source ? e->span : definition->span, true), wanted,
                             definition->span)); // a promise
    } else if (type && type->kind == NodeKind::TypeName && v.kind != Value::Kind::Structure) {
      expectStructure(v, field, type, definition->child(2)->span);
    } else if (type && type->kind == NodeKind::TypeName && type->children.size() == 1 &&
               v.structure->kind->text == kinds::density) {
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
          std::vector<int64_t> full(wanted.shape.begin(),
                                    wanted.shape.end() -
                                        static_cast<long>(own.shape.size() - v.structure->frame.size()));
          v.structure = lift(v.structure, full);
        }
      }
    }
    return v;
  };
  Give evaluateWhole = [&](const Node *definition) {
    if (!definition->child(3)->present())
      return evaluateDefinition(definition);
    return giveWhen(
        structure, field, definition, functionScope(layerScope(structure, layer)), evaluateDefinition, evaluateWhole,
        [&](const StructurePtr &base) { return fieldOf(base, field, span); }, span);
  };
  auto evaluateValue = [&] { return evaluateWhole(complete[0]); };
  Value v = structure->local ? evaluateValue() : detached(evaluateValue, structure->name + "." + field);
  if (v.kind == Value::Kind::Structure && v.structure->kind->text == kinds::density &&
      v.structure->name != structure->name && !v.structure->node)
    v.structure->name = structure->name + "." + field;
  if (!structure->local)
    structure->settled.fieldValues[field] = v;
  return v;
}

} // namespace kac::checking
