// The size and type parameters of a structure, from what was supplied to it; what a density is a law of.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

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
    if (s->kind->text == kinds::density) {
      binding = {true, valueType(s, {}), {}};
      return true;
    }
    if (isModel(s) && type->text == kinds::density)
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
            for (const auto &found : list) {
              const Node *definition = found.first;
              const size_t layer = found.second;
              if (layer == 0 || !definition->child(0)->present() ||
                  i >= definition->child(0)->child(group)->children.size())
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
        for (const auto &found : list) {
          const Node *written = found.first->child(1);
          const size_t layer = found.second;
          if (!own && written->children.size() > position && attempt([&] {
                binding = {true, resolveType(written->child(position), layerScope(structure, layer)), {}};
                return true;
              }))
            return done(true);
        }
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
  if (!inferParameter(cell, "T", binding) || !binding.isType)
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
