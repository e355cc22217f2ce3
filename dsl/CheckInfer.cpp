// The size and type parameters of a structure, from what was supplied to it; what a density is a law of.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

/// The type of a parameter of the function that `callee` names, a declaration of a file.
std::optional<Type> Elaborator::cellOf(const Node *callee, size_t parameter, const StructurePtr &structure,
                                       const ScopePtr &scope) {
  Value value;
  if (callee->kind != NodeKind::Name || hasField(*structure, callee->text) || !tryLookup(callee->text, scope, value) ||
      value.kind != Value::Kind::Function || value.closure->kind != Closure::Kind::Declared)
    return std::nullopt;
  Callable callable = callableOf(*value.closure);
  if (parameter >= callable.formals.size() || !callable.formals[parameter].type)
    return std::nullopt;
  return resolveType(callable.formals[parameter].type, callable.formals[parameter].typeScope);
}

/// The type of the cell that `name` is passed to in `body`, as in `eps(name, 1 - t)`.
std::optional<Type> Elaborator::cellOf(const Node *body, const std::string &name, const StructurePtr &structure,
                                       const ScopePtr &scope) {
  for (const Node *child : body->children)
    if (auto cell = cellOf(child, name, structure, scope))
      return cell;
  if (body->kind != NodeKind::Postfix || body->child(1)->kind != NodeKind::Call)
    return std::nullopt;
  const auto &arguments = body->child(1)->children;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (const Node *given = arguments[i]->child(1);
        arguments[i]->text.empty() && given->kind == NodeKind::Name && given->text == name)
      if (auto cell = cellOf(body->child(0), i, structure, scope))
        return cell;
  return std::nullopt;
}

bool Elaborator::inferParameter(const StructurePtr &structure, const std::string &name, Binding &binding) {
  for (const Bindings *known : {&structure->bindings, &structure->settled.inferred})
    if (auto found = known->find(name); found != known->end()) {
      binding = found->second;
      return true;
    }
  const Node *kindSizes = structure->kind->child(0);
  bool ofKind = false, ofTemplate = false;
  if (kindSizes->present())
    for (const Node *size : kindSizes->children)
      ofKind |= size->text == name;
  const Node *declaration = structure->node;
  if (declaration && declaration->kind == NodeKind::Structure && declaration->child(1)->present())
    for (const Node *size : declaration->child(1)->children)
      ofTemplate |= size->text == name;
  if ((!ofKind && !ofTemplate) || !structure->settled.resolving.insert(name).second)
    return false;
  const std::string like = identity.likenessOf(structure) + " " + name;
  auto done = [&](bool found) {
    structure->settled.resolving.erase(name);
    if (found) {
      structure->settled.inferred[name] = binding;
      if (inferredAlike.emplace(like, binding).second)
        alive.push_back(structure);
    }
    return found;
  };
  if (auto known = inferredAlike.find(like); known != inferredAlike.end()) {
    binding = known->second;
    return done(true);
  }
  auto attempt = [&](const std::function<bool()> &f) {
    bool found = false;
    try {
      probe([&] { found = f(); });
    } catch (CheckFailure &failure) {
      if (!failure.missing() && failure.code != "E0201" && failure.code != "E0310" && failure.code != "E0206") {
        structure->settled.resolving.erase(name);
        throw;
      }
    }
    return found;
  };
  auto isName = [&](const Node *type) {
    return type->kind == NodeKind::TypeName && type->text == name && type->children.empty();
  };
  std::function<bool(const Node *)> mentioned = [&](const Node *type) {
    return type->text == name || std::any_of(type->children.begin(), type->children.end(), mentioned);
  };
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
        if (!inferParameter(s, kinds::kState, b))
          return false;
        binding = b;
        return true;
      }
    }
    if (!s)
      return false;
    if (s->kind->text == kinds::density) {
      binding = {true, valueType(s, {}), {}};
      return true;
    }
    if (isModel(s) && type->text == kinds::density)
      return inferParameter(s, kinds::kState, binding);
    const Node *other = findKind(type->text, preludeScope);
    return other == s->kind && inferParameter(s, s->kind->child(0)->child(position)->text, binding);
  };
  ScopePtr kindScope = layerScope(structure, 0);
  // What the kind's type of a value says of the parameter where the value is of type `is`.
  auto says = [&](const Node *type, const Type &is) {
    Bindings found;
    std::vector<int64_t> unused;
    unify(type, kindScope, Value::of(make(Op::Number, is, {}, {})), {name}, found, unused, {});
    if (auto it = found.find(name); it != found.end())
      binding = it->second;
    return found.count(name) > 0;
  };
  auto isOfValue = [&](const Node *type) {
    return type->present() && type->text != "tangent" && mentioned(type) && !isStructureType(type, kindScope);
  };
  const bool ofSampler = structure->kind->text == kinds::sampler;
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
            if (!isOfValue(type))
              continue;
            for (const auto &found : list) {
              const Node *definition = found.first, *own = definition->child(0);
              const size_t layer = found.second;
              if (layer == 0 || (own->present() && i >= own->child(group)->children.size()))
                continue;
              const Node *written = own->present() ? own->child(group)->child(i)->child(1) : nullptr;
              if (attempt([&] {
                    ScopePtr scope = layerScope(structure, layer);
                    if (written && written->present())
                      return says(type, resolveType(written, scope));
                    std::optional<Type> cell =
                        own->present()
                            ? cellOf(definition->child(2), own->child(group)->child(i)->text, structure, scope)
                        : group == 0 ? cellOf(definition->child(2), i, structure, scope)
                                     : std::nullopt;
                    // One number tells nothing, since functions of numbers lift; and a sampler starts somewhere.
                    return cell && (cell->isTuple || !cell->shape.empty()) && !ofSampler && says(type, *cell);
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
      bool own = isOfValue(type);
      if (!own && !(mentions && isStructureType(type, kindScope)))
        continue;
      if (!sign->child(0)->present()) {
        for (const auto &found : list) {
          const Node *written = found.first->child(1);
          const size_t layer = found.second;
          if (own && written->present() &&
              attempt([&] { return says(type, resolveType(written, layerScope(structure, layer))); }))
            return done(true);
          if (!own && written->children.size() > position && attempt([&] {
                binding = {true, resolveType(written->child(position), layerScope(structure, layer)), {}};
                return true;
              }))
            return done(true);
        }
        if (attempt([&] {
              if (own && !list.empty()) // the field itself is of the type that is asked for
                return says(type, asRun(evaluateBody(list[0].first->child(2),
                                                     functionScope(layerScope(structure, list[0].second))),
                                        {})
                                      ->type);
              Value v = fieldOf(structure, sign->text, {});
              if (own)
                return says(type, asRun(v, {})->type);
              return fromStructure(v, type, position);
            }))
          return done(true);
        continue;
      }
      // The result of a function field: evaluated on values of the right types.
      if (attempt([&] {
            std::vector<Value> arguments;
            const Node *formals = sign->child(0);
            for (const Node *group : formals->children)
              for (const Node *formal : group->children) {
                if (!formal->child(1)->present() || isStructureType(formal->child(1), kindScope))
                  return false;
                Type t = resolveType(formal->child(1), kindScope);
                arguments.push_back(Value::of(local(newSlot(formal->text, t), formal->span)));
              }
            if (settling.count({structure.get(), sign->text}))
              return false;
            if (own && !list.empty() && list[0].second == 0)
              return false; // the kind's own default cannot tell
            Value v = callField(structure, sign->text, arguments, sign->span);
            if (own)
              return says(type, asRun(v, {})->type);
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
          if (!written->present() || !wanted->present() || wanted->kind != NodeKind::TypeName ||
              !wanted->children.empty())
            return false;
          return attempt([&] {
            Binding known;
            if (!inferParameter(structure, wanted->text, known) || !known.isType)
              return false;
            Bindings found;
            std::vector<int64_t> unused;
            std::vector<std::string> open;
            for (const Node *size : declaration->child(1)->children)
              if (!structure->bindings.count(size->text) && !structure->settled.inferred.count(size->text))
                open.push_back(size->text);
            unify(written, layerScope(structure, layer), Value::of(make(Op::Number, known.type, {}, {})), open, found,
                  unused, {});
            auto it = found.find(name);
            if (it == found.end())
              return false;
            binding = it->second;
            return true;
          });
        };
        const Node *written = definition->child(1), *wanted = sign->child(1); // `density[real[..s]]` for `density[T]`
        for (size_t i = 0; i < std::min(written->children.size(), wanted->children.size()); ++i)
          if (matchTypes(written->child(i), wanted->child(i)))
            return done(true);
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
    copy->settled = {};
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
  if (!inferParameter(cell, kinds::kState, binding) || !binding.isType)
    fail("E0310", span, "what `" + density->name + "` is a law of cannot be told",
         "give `logp` or `draw` the type of its value");
  Type type = binding.type;
  for (Component &c : type.components)
    c.type.shape.insert(c.type.shape.begin(), density->frame.begin(), density->frame.end());
  if (!type.isTuple)
    type.shape.insert(type.shape.begin(), density->frame.begin(), density->frame.end());
  return type;
}

} // namespace kac::checking
