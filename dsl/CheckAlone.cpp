// A declaration that perhaps nothing uses comes in; what is wrong with it whatever its parameters stand for goes out:
// its bodies are evaluated on values of which the declared types are all that is known.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

namespace {

bool holdsAnyhow(const CheckFailure &failure, Open open) {
  static const std::set<std::string> ofConstants = {"E0208", "E0310", "E0401"}; // that only a use supplies
  static const std::set<std::string> ofText = {"E0201", "E0202", "E0203", "E0206", "E0305"};
  static const std::set<std::string> ofTypes = {"E0204", "E0301", "E0312"};
  if (open == Open::Nothing)
    return !ofConstants.count(failure.code);
  return ofText.count(failure.code) || (open == Open::Sizes && ofTypes.count(failure.code));
}

} // namespace

/// The names in a type that stand for types, and not for sizes.
void Elaborator::typeNames(const Node *type, const ScopePtr &scope, std::vector<const Node *> &names) {
  size_t inside = type->children.size();
  if (type->kind == NodeKind::TypeArray)
    inside = 1;
  if (type->kind == NodeKind::TypeName) {
    names.push_back(type);
    if (type->text != "tangent" && !isStructureType(type, scope))
      inside = 0;
  }
  for (size_t i = 0; i < inside; ++i)
    typeNames(type->child(i), scope, names);
}

/// What the parameters of a function, a template or a kind stand for, by their places in these types: numbers, sizes
/// that differ, so that one is not taken for another, and for lists of axes what is given.
Open Elaborator::standInFor(const Node *parameters, const std::vector<const Node *> &types,
                            const std::vector<int64_t> &rest, const ScopePtr &scope) {
  std::vector<const Node *> names;
  for (const Node *type : types)
    typeNames(type, scope, names);
  Open open = parameters->present() ? Open::Sizes : Open::Nothing;
  int64_t size = 0;
  for (const Node *parameter : parameters->children) {
    const bool ofTypes =
        std::any_of(names.begin(), names.end(), [&](const Node *name) { return name->text == parameter->text; });
    if (ofTypes)
      open = Open::Types;
    scope->bindings[parameter->text] = ofTypes                 ? Binding{true, realType(), {}}
                                       : parameter->op == ".." ? Binding{false, {}, rest}
                                                               : Binding{false, {}, {size += 12}};
  }
  return open;
}

/// Something of this type: a value of a slot, or a function or structure that gives such.
Value Elaborator::standIn(const Node *type, const ScopePtr &scope, int nested) {
  if (type->kind == NodeKind::TypeFn)
    return standInFunction(type->children.back(), scope, nested);
  if (!isStructureType(type, scope))
    return Value::of(local(newSlot("p", resolveType(type, scope)), type->span));
  if (type->kind == NodeKind::TypeArray) {
    std::vector<int64_t> size = resolveExtent(type->child(1), scope);
    if (type->children.size() != 2 || size.size() != 1 || size[0] < 1 || size[0] > 64)
      fail("E0310", type->span, "an array of structures has one axis");
    auto array = std::make_shared<CompileArray>();
    array->size = size[0];
    array->elements.assign(static_cast<size_t>(size[0]), standIn(type->child(0), scope, nested));
    return Value::of(array);
  }
  const Node *kind = findKind(type->text, scope);
  Bindings bindings;
  for (size_t i = 0; i < std::min(type->children.size(), kind->child(0)->children.size()); ++i)
    bindings[kind->child(0)->child(i)->text] = {true, resolveType(type->child(i), scope), {}};
  return Value::of(standInStructure(kind, bindings, nested));
}

Value Elaborator::standInFunction(const Node *result, const ScopePtr &scope, int nested) {
  auto closure = std::make_shared<Closure>();
  closure->name = "function";
  closure->native = [this, result, scope, nested](std::vector<Argument> &, Span) {
    return standIn(result, scope, nested);
  };
  return Value::of(closure);
}

/// A structure that has all fields of its kind whose types are known.
StructurePtr Elaborator::standInStructure(const Node *kind, const Bindings &bindings, int nested) {
  if (nested > 4) // a kind with a field of the same kind
    fail("E0310", kind->span, "this type goes on without end");
  auto structure = std::make_shared<Structure>();
  structure->kind = kind;
  structure->name = kind->text;
  structure->local = true;
  structure->bindings = bindings;
  structure->layers.push_back({kind->child(1), fileOf(kind), nullptr});
  ScopePtr scope = layerScope(structure, 0);
  for (const Node *field : kind->child(1)->children) {
    if (field->kind != NodeKind::Field || !field->child(1)->present())
      continue;
    try {
      Value value = field->child(0)->present() ? standInFunction(field->child(1), scope, nested + 1)
                                               : standIn(field->child(1), scope, nested + 1);
      structure->parameters.emplace(field->text, value);
    } catch (CheckFailure &) {
      continue; // of a type that is not known: to use it says so
    }
  }
  return structure;
}

Value Elaborator::standIn(const FormalInfo &formal) {
  return formal.type ? standIn(formal.type, formal.typeScope) : Value::of(local(newSlot("p", realType()), formal.span));
}

/// Evaluates in a function that is thrown away, and keeps what is wrong in the text of the program.
void Elaborator::attempt(const std::function<void()> &f, Open open, std::vector<CheckFailure> &failures) {
  try {
    probe(f);
  } catch (CheckFailure &failure) {
    if (failure.span.source && !librarySources.count(failure.span.source) && holdsAnyhow(failure, open))
      failures.push_back(failure);
  }
}

/// The definitions of a structure that stand in the program, from this layer on.
void Elaborator::checkFields(const StructurePtr &structure, size_t layer, Open open,
                             std::vector<CheckFailure> &failures) {
  for (; layer < structure->layers.size(); ++layer) {
    const Node *fields = structure->layers[layer].fields;
    if (!fields->span.source || librarySources.count(fields->span.source))
      continue;
    for (const Node *definition : fields->children)
      if (definition->kind == NodeKind::Field && definition->child(2)->present())
        checkField(structure, definition, layer, open, failures);
  }
}

void Elaborator::checkField(const StructurePtr &structure, const Node *definition, size_t layer, Open open,
                            std::vector<CheckFailure> &failures) {
  const std::string &field = definition->text;
  Callable callable;
  if (definition->child(0)->present())
    callable = fieldCallable(structure, field, definition, layer);
  for (const FormalInfo &formal : callable.formals)
    if (!formal.type)
      open = Open::Types;
  if (open == Open::Types && definition->contains(NodeKind::With))
    return; // the names that stand to the right of a `with` are those of what is given
  const Scoped<int> cycles(cyclesBroken, cyclesBroken);
  const Underway own(settling, {structure.get(), field});
  attempt(
      [&] {
        if (!definition->child(0)->present()) {
          evaluateBody(definition->child(2), functionScope(layerScope(structure, layer)));
          return;
        }
        std::vector<Value> values;
        try {
          for (const FormalInfo &formal : callable.formals)
            values.push_back(standIn(formal));
        } catch (CheckFailure &) {
          return; // its type is settled by a use alone
        }
        apply(callable, std::move(values), definition->span);
      },
      open, failures);
}

/// What is wrong with a function, a template or a structure, where `rest` is what lists of axes stand for.
std::vector<CheckFailure> Elaborator::failuresAlone(const Node *node, const Value &value,
                                                    const std::vector<int64_t> &rest) {
  std::vector<CheckFailure> failures;
  if (value.kind == Value::Kind::Structure) {
    checkFields(value.structure, 1, Open::Nothing, failures);
    return failures;
  }
  const bool function = node->kind == NodeKind::Fn;
  const Node *parameters = node->child(function ? 0 : 1);
  ScopePtr scope = inner(programScope);
  std::vector<FormalInfo> formals = formalsOf(node->child(function ? 1 : 2), scope);
  std::vector<const Node *> types;
  for (const FormalInfo &formal : formals)
    if (formal.type)
      types.push_back(formal.type);
  Open open = standInFor(parameters, types, rest, scope);
  for (const FormalInfo &formal : formals)
    if (!formal.type ? !formal.fallback : isStructureType(formal.type, scope))
      open = Open::Types;
  if (open == Open::Types && node->contains(NodeKind::With))
    return failures;
  attempt(
      [&] {
        std::vector<Value> values(formals.size());
        std::vector<Argument> arguments;
        try {
          for (size_t i = 0; i < formals.size(); ++i) {
            if (!formals[i].type && formals[i].fallback) {
              values[i].kind = Value::Kind::Default;
              continue;
            }
            values[i] = standIn(formals[i]);
            arguments.push_back({formals[i].name, formals[i].span, values[i]});
          }
        } catch (CheckFailure &failure) {
          if (failure.code == "E0201")
            throw;
          return; // its type is settled by a use alone
        }
        if (function) {
          apply(callableOf(*value.closure), std::move(values), node->span);
          return;
        }
        Value made = instantiateTemplate(*value.closure, std::move(arguments), node->span);
        if (made.kind != Value::Kind::Structure)
          return;
        made.structure->bindings.insert(scope->bindings.begin(), scope->bindings.end()); // what no argument settles
        checkFields(made.structure, 1, open, failures);
      },
      open, failures);
  return failures;
}

/// A declaration of the program, as far as it can be checked without a use. A list of axes is once empty and once not:
/// what is wrong with both is wrong.
void Elaborator::checkAlone(const Node *node) {
  Value value = declared(node, programScope);
  const bool closed = value.kind == Value::Kind::Structure;
  if (!closed && value.kind != Value::Kind::Function)
    return;
  if (node->kind == NodeKind::Fn && (!node->child(3)->present() || !callableOf(*value.closure).body))
    return; // without a body of its own
  std::vector<CheckFailure> failures = failuresAlone(node, value, {});
  if (!failures.empty() && !closed) {
    std::vector<CheckFailure> others = failuresAlone(node, value, {2, 3});
    std::erase_if(failures, [&](const CheckFailure &failure) {
      return std::none_of(others.begin(), others.end(), [&](const CheckFailure &other) {
        return other.code == failure.code && other.span.begin == failure.span.begin;
      });
    });
  }
  for (const CheckFailure &failure : failures)
    reportFailure(failure);
}

} // namespace kac::checking
