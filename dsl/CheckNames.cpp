// Names to values: scopes, declarations, data files and params.
#include "dsl/Elaborate.h"
#include "dsl/Npy.h"

#include <algorithm>
#include <cmath>

namespace kac::checking {

ScopePtr Elaborator::inner(const ScopePtr &parent) const {
  ScopePtr scope(new Scope); // apart from its count, which stays
  scopes.push_back(scope);
  scope->parent = parent;
  scope->block = frames.empty() ? 0 : static_cast<int>(frames.back()->blocks.size());
  return scope;
}

ScopePtr Elaborator::functionScope(const ScopePtr &parent) const {
  ScopePtr scope = inner(parent);
  scope->functionTop = true;
  return scope;
}

static bool usesSlots(const Expr &e) {
  if (e.op == Op::Local || e.op == Op::Random || e.op == Op::Do || e.op == Op::Build || e.op == Op::Reduce ||
      e.op == Op::If)
    return true;
  return std::any_of(e.args.begin(), e.args.end(), [](const ExprPtr &a) { return usesSlots(*a); });
}

/// What a function or a structure that is made here sees of this scope: values of now, whatever is assigned later.
ScopePtr Elaborator::captured(const ScopePtr &scope) {
  if (frames.empty() || scope->kind != Scope::Kind::Locals)
    return scope;
  auto now = std::make_shared<Scope>(*scope);
  if (!scope->functionTop)
    now->parent = captured(scope->parent);
  for (auto &[name, value] : now->names)
    value = hold(value, name);
  return now;
}

bool Elaborator::isLocal(const Value &value) const {
  switch (value.kind) {
  case Value::Kind::Run:
    return usesSlots(*value.run);
  case Value::Kind::Structure:
    return value.structure->local;
  case Value::Kind::Function:
    if (value.closure->kind == Closure::Kind::Field)
      return value.closure->structure->local;
    return value.closure->kind == Closure::Kind::Native || isLocal(value.closure->scope);
  case Value::Kind::Tuple:
    return std::any_of(value.parts.begin(), value.parts.end(), [&](const TuplePart &p) { return isLocal(p.value); });
  case Value::Kind::Array:
    return std::any_of(value.array->elements.begin(), value.array->elements.end(),
                       [&](const Value &v) { return isLocal(v); }) ||
           (value.array->elements.empty() && value.array->local);
  case Value::Kind::Target:
    return true;
  case Value::Kind::Text:
  case Value::Kind::Default:
    return false;
  }
  return false;
}

bool Elaborator::isLocal(const ScopePtr &scope) const {
  for (ScopePtr s = scope; s; s = s->parent) {
    if (s->kind == Scope::Kind::Braces && s->self->local)
      return true;
    for (const auto &[name, value] : s->names)
      if (isLocal(value))
        return true;
  }
  return false;
}

static bool definesField(const Layer &layer, const std::string &name) {
  for (const Node *field : layer.fields->children)
    if (field->kind == NodeKind::Field && field->text == name)
      return true;
  if (layer.formals)
    for (const Node *list : layer.formals->children)
      for (const Node *formal : list->children)
        if (formal->text == name)
          return true;
  return false;
}

bool Elaborator::tryLookup(const std::string &name, const ScopePtr &scope, Value &value) {
  std::vector<StructurePtr> passed;
  for (ScopePtr s = scope; s; s = s->parent) {
    if (s->kind == Scope::Kind::Locals) {
      if (auto found = s->names.find(name); found != s->names.end()) {
        value = found->second;
        return true;
      }
      if (auto found = s->bindings.find(name); found != s->bindings.end() && !found->second.isType) {
        if (found->second.sizes.size() != 1)
          return false;
        value = Value::of(sizeValue(found->second.sizes[0], {}));
        return true;
      }
    } else if (s->kind == Scope::Kind::Braces) {
      if (definesField(s->self->layers[s->layer], name)) {
        value = fieldOf(s->self, name, {});
        return true;
      }
      passed.push_back(s->self);
    } else {
      if (auto found = s->declarations.find(name); found != s->declarations.end()) {
        value = declared(found->second, s);
        if (found->second->kind == NodeKind::Data && found->second->text != name)
          value = Value::of(sizeValue(dataSizes.at(name), {}));
        return true;
      }
      for (const StructurePtr &self : passed) {
        if (hasField(*self, name)) {
          value = fieldOf(self, name, {});
          return true;
        }
        Binding binding;
        if (inferParameter(self, name, binding) && !binding.isType && binding.sizes.size() == 1) {
          value = Value::of(sizeValue(binding.sizes[0], {}));
          return true;
        }
      }
      passed.clear();
    }
  }
  return false;
}

bool Elaborator::findBinding(const std::string &name, const ScopePtr &scope, Binding &binding) {
  std::vector<StructurePtr> passed;
  for (ScopePtr s = scope; s; s = s->parent) {
    if (s->kind == Scope::Kind::Locals) {
      if (auto found = s->bindings.find(name); found != s->bindings.end()) {
        binding = found->second;
        return true;
      }
    } else if (s->kind == Scope::Kind::Braces) {
      if (inferParameter(s->self, name, binding))
        return true;
    }
  }
  return false;
}

/// Edit distance, for the names offered with an unknown one.
static size_t distance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t next = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = row[j];
      row[j] = next;
    }
  }
  return row[b.size()];
}

std::string nearest(const std::string &name, const std::vector<std::string> &offered) {
  std::string best;
  size_t least = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string &candidate : offered) {
    if (name.size() > 64 || candidate.size() > 64)
      continue;
    if (size_t d = distance(name, candidate); d < least) {
      least = d;
      best = candidate;
    }
  }
  return best.empty() ? "" : "did you mean `" + best + "`?";
}

std::vector<std::string> fieldNames(const Structure &structure) {
  std::vector<std::string> names;
  for (const Layer &layer : structure.layers)
    for (const Node *field : layer.fields->children)
      if (field->kind == NodeKind::Field)
        names.push_back(field->text);
  for (const auto &[name, value] : structure.parameters)
    names.push_back(name);
  return names;
}

std::string Elaborator::nearestName(const std::string &name, const ScopePtr &scope) const {
  std::vector<std::string> offered;
  for (ScopePtr s = scope; s; s = s->parent) {
    for (const auto &[candidate, value] : s->names)
      offered.push_back(candidate);
    for (const auto &[candidate, node] : s->declarations)
      offered.push_back(candidate);
    if (s->kind == Scope::Kind::Braces)
      for (std::string &field : fieldNames(*s->self))
        offered.push_back(std::move(field));
  }
  return nearest(name, offered);
}

Value Elaborator::lookup(const std::string &name, const ScopePtr &scope, Span span) {
  Value value;
  bool found = false;
  try {
    found = tryLookup(name, scope, value);
  } catch (CheckFailure &failure) {
    if (failure.code == "E0202")
      failure.span = span;
    throw;
  }
  if (found) {
    if (value.isRun() && value.run->span.source == nullptr) {
      auto copy = std::make_shared<Expr>(*value.run);
      copy->span = span;
      value.run = copy;
    }
    return value;
  }
  fail("E0201", span, "`" + name + "` is not declared", nearestName(name, scope));
}

const Node *Elaborator::findKind(const std::string &name, const ScopePtr &scope) {
  std::string wanted = name;
  for (int hops = 0; hops < 100; ++hops) {
    const Node *found = nullptr;
    for (ScopePtr s = scope; s && !found; s = s->parent)
      if (s->kind == Scope::Kind::File)
        if (auto it = s->declarations.find(wanted); it != s->declarations.end())
          found = it->second;
    if (!found)
      for (const ScopePtr &s : {programScope, preludeScope})
        if (s && !found)
          if (auto it = s->declarations.find(wanted); it != s->declarations.end())
            found = it->second;
    if (!found)
      return nullptr;
    if (found->kind == NodeKind::Kind)
      return found;
    if (found->kind != NodeKind::KindAlias)
      return nullptr;
    wanted = found->child(0)->text;
  }
  return nullptr;
}

Value Elaborator::evaluateData(const Node *node) {
  const std::string path = directory.empty() || node->child(2)->text.starts_with("/")
                               ? node->child(2)->text
                               : directory + "/" + node->child(2)->text;
  NpyArray array;
  std::string why;
  NpyError error = readNpy(path, array, why);
  if (error != NpyError::None)
    fail(codeOf(error), node->child(2)->span, "`" + node->child(2)->text + "`: " + why,
         error == NpyError::Missing ? "data files are looked up beside the program" : "");
  Bindings bindings;
  std::vector<std::string> parameters;
  if (node->child(0)->present())
    for (const Node *size : node->child(0)->children)
      parameters.push_back(size->text);
  Value seen = Value::of(make(Op::Number, realType(array.shape), {}, node->child(1)->span));
  const Node *typeNode = node->child(1);
  std::vector<int64_t> lifted;
  // The element type is checked on the contents below; here only the shape is matched.
  Type declaredType;
  try {
    auto shape = std::make_shared<Expr>(*seen.run);
    if (typeNode->kind == NodeKind::TypeName && (typeNode->text == "int" || typeNode->text == "token"))
      shape->type.scalar = Scalar::Int;
    if (typeNode->kind == NodeKind::TypeName && typeNode->text == "token" && !typeNode->children.empty()) {
      shape->type.scalar = Scalar::Token;
      ScopePtr scope = inner(programScope);
      auto letters = resolveExtent(typeNode->children.back(), scope);
      shape->type.letters = letters.empty() ? 0 : letters[0];
    }
    if (typeNode->kind == NodeKind::TypeName && typeNode->text == "bool")
      shape->type.scalar = Scalar::Bool;
    for (auto [word, scalar] :
         {std::pair{"positive", Scalar::Positive}, {"simplex", Scalar::Simplex}, {"onehot", Scalar::Onehot}})
      if (typeNode->text == word)
        shape->type.scalar = scalar;
    unify(typeNode, programScope, Value::of(shape), parameters, bindings, lifted, node->child(2)->span);
    ScopePtr scope = inner(programScope);
    scope->bindings = bindings;
    declaredType = resolveType(typeNode, scope);
  } catch (CheckFailure &failure) {
    if (failure.code != "E0304")
      throw;
    fail("E0804", node->child(2)->span,
         "`" + node->child(2)->text + "` holds " + printType(realType(array.shape)) +
             ", the program asks for another shape: " + failure.text);
  }
  if (!lifted.empty() || declaredType.shape != array.shape)
    fail("E0804", node->child(2)->span,
         "`" + node->child(2)->text + "` holds " + printType(realType(array.shape)) + ", the program asks for " +
             printType(declaredType));
  for (double v : array.values) {
    if (!std::isfinite(v))
      fail("E0806", node->child(2)->span, "`" + node->child(2)->text + "` holds a value that is not finite");
    bool fits = true;
    if (declaredType.isInteger())
      fits = v == std::floor(v) && std::abs(v) < 2147483648.0 &&
             (!declaredType.letters || (v >= 0 && v < declaredType.letters));
    else if (declaredType.isBool())
      fits = v == 0 || v == 1;
    else if (declaredType.scalar == Scalar::Positive)
      fits = v > 0;
    if (!fits)
      fail("E0805", node->child(2)->span,
           "`" + node->child(2)->text + "` holds " + std::to_string(v) + ", which is no " + printType(declaredType));
  }
  for (const auto &[name, binding] : bindings)
    if (!binding.isType && binding.sizes.size() == 1)
      dataSizes[name] = binding.sizes[0];
  model.inputs.push_back(
      {Input::Kind::Data, node->text, declaredType, node->span, std::move(array.values), node->child(2)->text});
  auto e = std::make_shared<Expr>(*make(Op::Input, declaredType, {}, node->span));
  e->index = static_cast<int64_t>(model.inputs.size()) - 1;
  e->name = node->text;
  demandType(e, node->text);
  return Value::of(e);
}

Value Elaborator::evaluateParam(const Node *node, const ScopePtr &file) {
  if (node->op == "~")
    fail("E0705", node->span, "a param drawn from a law is not there yet");
  if (node->child(1)->kind == NodeKind::String)
    fail("E0705", node->child(1)->span, "a param read from a file is not there yet");
  return settable(node->text, node->child(0), node->child(1), node->span, file);
}

/// An input of the run, with its default.
Value Elaborator::settable(const std::string &name, const Node *typeNode, const Node *fallback, Span span,
                           const ScopePtr &scope) {
  Type type = resolveType(typeNode, scope);
  int64_t count = 1;
  for (int64_t size : type.shape)
    count *= size;
  if (count > int64_t{1} << 24) // the default is written out
    fail("E0310", typeNode->span, "a param has more than 2^24 elements");
  std::vector<double> values;
  Value value = evaluateDetached(fallback, scope);
  ExprPtr e = coerce(asRun(value, fallback->span), type, fallback->span, false);
  e = repeatTo(e, type, fallback->span);
  std::function<void(const Expr &)> flatten = [&](const Expr &x) {
    if (x.op == Op::Number) {
      values.push_back(x.number);
    } else if (x.op == Op::Stack) {
      for (const ExprPtr &a : x.args)
        flatten(*a);
    } else if (x.op == Op::Repeat) {
      size_t before = values.size();
      flatten(*x.args[0]);
      std::vector<double> once(values.begin() + static_cast<long>(before), values.end());
      int64_t times = 1;
      for (size_t i = 0; i < x.type.shape.size() - x.args[0]->type.shape.size(); ++i)
        times *= x.type.shape[i];
      for (int64_t i = 1; i < times; ++i)
        values.insert(values.end(), once.begin(), once.end());
    } else if (x.op == Op::Cast) {
      flatten(*x.args[0]);
    } else {
      fail("E0310", fallback->span, "the default of a param must be a constant");
    }
  };
  flatten(*e);
  model.inputs.push_back({Input::Kind::Param, name, type, span, std::move(values)});
  auto input = std::make_shared<Expr>(*make(Op::Input, type, {}, span));
  input->index = static_cast<int64_t>(model.inputs.size()) - 1;
  input->name = name;
  demandType(input, name);
  return Value::of(input);
}

Value Elaborator::declared(const Node *node, const ScopePtr &file) {
  if (auto found = values.find(node); found != values.end())
    return found->second;
  const Underway own(evaluating, node);
  if (!own.fresh())
    fail("E0208", node->span, "`" + node->text + "` depends on itself");
  Value value;
  auto closureOf = [&](Closure::Kind kind) {
    auto closure = std::make_shared<Closure>();
    closure->kind = kind;
    closure->name = node->text;
    closure->node = node;
    closure->scope = file;
    return Value::of(closure);
  };
  switch (node->kind) {
  case NodeKind::Const: {
    value = detached(
        [&] {
          Value v = evaluate(node->child(1), file);
          if (node->child(0)->present()) {
            Type type = resolveType(node->child(0), file);
            v = Value::of(repeatTo(coerce(asRun(v, node->child(1)->span), type, node->child(1)->span, false), type,
                                   node->child(1)->span));
          }
          return v;
        },
        node->text, node->child(1)->span);
    break;
  }
  case NodeKind::Data:
    value = evaluateData(node);
    break;
  case NodeKind::Param:
    value = evaluateParam(node, file);
    break;
  case NodeKind::Fn:
    value = closureOf(Closure::Kind::Declared);
    break;
  case NodeKind::Structure:
    value = node->child(2)->present() ? closureOf(Closure::Kind::Template)
                                      : detached([&] { return structureDeclaration(node, file); }, node->text);
    break;
  default:
    fail("E0202", node->span, "`" + node->text + "` is not a value");
  }
  return values[node] = value;
}

} // namespace kac::checking
