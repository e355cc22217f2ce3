// Types and sizes as written to types and sizes as they are: resolving, matching with arguments, widening.
#include "dsl/Elaborate.h"

#include <algorithm>
#include <cmath>

namespace kac::checking {

namespace {

struct ScalarName {
  const char *name;
  Scalar scalar;
};
constexpr ScalarName scalarNames[] = {
    {"real", Scalar::Real},       {"int", Scalar::Int},       {"bool", Scalar::Bool},   {"positive", Scalar::Positive},
    {"simplex", Scalar::Simplex}, {"onehot", Scalar::Onehot}, {"token", Scalar::Token}, {"spin", Scalar::Spin}};

const ScalarName *scalarNamed(const std::string &name) {
  for (const ScalarName &row : scalarNames)
    if (name == row.name)
      return &row;
  return nullptr;
}

Type prepend(Type type, const std::vector<int64_t> &sizes) {
  if (type.isTuple)
    for (Component &c : type.components)
      c.type = prepend(c.type, sizes);
  else
    type.shape.insert(type.shape.begin(), sizes.begin(), sizes.end());
  return type;
}

/// All numbers of a constant array, or nothing where it is none.
bool constants(const Expr &e, std::vector<double> &out) {
  if (e.op == Op::Number) {
    out.push_back(e.number);
    return true;
  }
  if (e.op == Op::Cast)
    return constants(*e.args[0], out);
  if (e.op != Op::Stack)
    return false;
  return std::all_of(e.args.begin(), e.args.end(), [&](const ExprPtr &a) { return constants(*a, out); });
}

} // namespace

Type Elaborator::tangentOf(const Type &type) const {
  if (type.isTuple) {
    Type t = type;
    for (Component &c : t.components)
      c.type = tangentOf(c.type);
    return t;
  }
  Type t = realType(type.shape);
  if (type.scalar == Scalar::Token)
    t.shape.push_back(type.letters);
  return t;
}

bool Elaborator::isStructureType(const Node *node, const ScopePtr &scope) {
  if (node->kind == NodeKind::TypeArray)
    return isStructureType(node->child(0), scope);
  return node->kind == NodeKind::TypeFn ||
         (node->kind == NodeKind::TypeName && !scalarNamed(node->text) && findKind(node->text, scope));
}

std::vector<int64_t> Elaborator::resolveExtent(const Node *node, const ScopePtr &scope) {
  switch (node->kind) {
  case NodeKind::Int: {
    Value v = evaluate(node, scope);
    return {constantSize(v, node->span)};
  }
  case NodeKind::ExtentRest: {
    Binding binding;
    if (!findBinding(node->text, scope, binding) || binding.isType)
      fail("E0310", node->span, "the sizes `.." + node->text + "` are not known here");
    return binding.sizes;
  }
  case NodeKind::TypeName: {
    Binding binding;
    if (findBinding(node->text, scope, binding) && !binding.isType)
      return binding.sizes;
    return {constantSize(lookup(node->text, scope, node->span), node->span)};
  }
  case NodeKind::Chain: {
    int64_t total = resolveExtent(node->child(0), scope).at(0);
    for (size_t i = 1; i + 1 < node->children.size(); i += 2) {
      const std::string &sign = node->child(i)->text;
      int64_t next = resolveExtent(node->child(i + 1), scope).at(0);
      bool fits = total != kParticles && next != kParticles && total < (int64_t{1} << 31) && next < (int64_t{1} << 31);
      if (!fits || (sign == "/" && (next == 0 || total % next != 0)))
        fail("E0310", node->span, "this size is not a whole number");
      total = sign == "+" ? total + next : sign == "-" ? total - next : sign == "*" ? total * next : total / next;
    }
    if (total < 0 || total >= (int64_t{1} << 31))
      fail("E0310", node->span, "a size must lie between 0 and 2^31");
    return {total};
  }
  default:
    fail("E0310", node->span, "this is not a size");
  }
}

Type Elaborator::resolveType(const Node *node, const ScopePtr &scope) {
  if (node->kind == NodeKind::TypeTuple) {
    Type tuple;
    tuple.isTuple = true;
    for (const Node *c : node->children)
      tuple.components.push_back({c->text, resolveType(c->child(0), scope)});
    return tuple;
  }
  if (node->kind == NodeKind::TypeArray) {
    std::vector<int64_t> sizes;
    for (size_t i = 1; i < node->children.size(); ++i)
      for (int64_t size : resolveExtent(node->child(i), scope))
        sizes.push_back(size);
    return prepend(resolveType(node->child(0), scope), sizes);
  }
  if (node->kind != NodeKind::TypeName)
    fail("E0303", node->span, "a function is no value of a program that runs");
  if (node->text == "tangent") {
    if (node->children.size() != 1 || node->child(0)->kind != NodeKind::TypeName)
      fail("E0303", node->span, "`tangent` takes one type");
    return tangentOf(resolveType(node->child(0), scope));
  }
  std::vector<int64_t> sizes;
  for (const Node *extent : node->children)
    for (int64_t size : resolveExtent(extent, scope))
      sizes.push_back(size);
  if (const ScalarName *row = scalarNamed(node->text)) {
    if (row->scalar == Scalar::Spin)
      fail("E0702", node->span, "values of type `spin` are not there yet");
    Type type;
    type.scalar = row->scalar;
    type.shape = sizes;
    if (row->scalar == Scalar::Token) {
      if (sizes.empty())
        fail("E0303", node->span, "a `token` needs the number of its letters: `token[4]`");
      type.letters = sizes.back();
      type.shape.pop_back();
    }
    if ((row->scalar == Scalar::Simplex || row->scalar == Scalar::Onehot) && sizes.empty())
      fail("E0303", node->span, "`" + node->text + "` needs the number of its entries");
    int64_t count = 1;
    for (int64_t size : type.shape)
      if (size > 0 && (count *= size) >= (int64_t{1} << 31))
        fail("E0310", node->span, "an array of this type has more than 2^31 elements");
    return type;
  }
  Binding binding;
  if (findBinding(node->text, scope, binding) && binding.isType)
    return prepend(binding.type, sizes);
  if (findKind(node->text, scope))
    fail("E0303", node->span, "`" + node->text + "` is a kind of structures: no value of a program that runs");
  std::string near;
  for (const ScalarName &row : scalarNames)
    if (node->text.starts_with(row.name))
      near = row.name;
  fail("E0201", node->span, "there is no type `" + node->text + "`",
       near.empty() ? "" : "did you mean `" + near + "`?");
}

bool Elaborator::isParameter(const Node *node, const std::vector<std::string> &parameters) const {
  return node->kind == NodeKind::TypeName &&
         std::find(parameters.begin(), parameters.end(), node->text) != parameters.end();
}

void Elaborator::unifyExtent(const Node *node, const ScopePtr &scope, int64_t size,
                             const std::vector<std::string> &parameters, Bindings &bindings, Span span) {
  if (isParameter(node, parameters) && node->children.empty()) {
    auto found = bindings.find(node->text);
    if (found == bindings.end()) {
      bindings[node->text] = Binding{false, {}, {size}};
      return;
    }
    if (found->second.sizes.size() == 1 && found->second.sizes[0] != size)
      fail("E0304", span,
           "`" + node->text + "` is " + std::to_string(found->second.sizes[0]) + " elsewhere in this call, and " +
               std::to_string(size) + " here");
    return;
  }
  ScopePtr local = inner(scope);
  local->bindings = bindings;
  int64_t wanted;
  try {
    wanted = resolveExtent(node, local).at(0);
  } catch (const CheckFailure &failure) {
    if (failure.code == "E0310" || failure.code == "E0201")
      return; // a size made of parameters that a later argument settles: the result type is checked again
    throw;
  }
  auto length = [](int64_t n) { return n == kParticles ? std::string("as many as lineages") : std::to_string(n); };
  if (wanted != size)
    fail("E0304", span, "an axis of length " + length(size) + " stands where " + length(wanted) + " is needed");
}

void Elaborator::unify(const Node *node, const ScopePtr &typeScope, const Value &value,
                       const std::vector<std::string> &parameters, Bindings &bindings, std::vector<int64_t> &frame,
                       Span span) {
  auto bindType = [&](const std::string &name, const Type &type) {
    auto found = bindings.find(name);
    if (found == bindings.end())
      bindings[name] = Binding{true, type, {}};
    else if (found->second.isType && !(found->second.type == type))
      found->second.type = commonType(found->second.type, type, span);
  };
  if (node->kind == NodeKind::TypeFn) {
    if (value.kind != Value::Kind::Function)
      fail("E0301", span, "a function is needed here");
    const Node *result = node->children.back();
    if (!isParameter(result, parameters) || bindings.count(result->text))
      return;
    // What the function gives is seen by calling it on values of its types, in a function that is thrown away.
    ScopePtr scope = inner(typeScope);
    scope->bindings = bindings;
    probe([&] {
      std::vector<Argument> arguments;
      for (size_t i = 0; i + 1 < node->children.size(); ++i)
        arguments.push_back({"", span, Value::of(local(newSlot("p", resolveType(node->child(i), scope)), span))});
      bindType(result->text, asRun(call(value, std::move(arguments), span), span)->type);
    });
    return;
  }
  if (value.kind == Value::Kind::Array) {
    if (node->kind != NodeKind::TypeArray)
      fail("E0304", span, "an array of structures stands where one is needed");
    if (value.array->size == 0 || node->children.size() != 2)
      fail("E0304", span, "an array of structures has one axis, and is not empty");
    unifyExtent(node->child(1), typeScope, value.array->size, parameters, bindings, span);
    Value first = value.array->elements.empty()
                      ? detached([&] { return value.array->element(Value::of(number(0, intType(), span))); }, "element")
                      : value.array->elements[0];
    unify(node->child(0), typeScope, first, parameters, bindings, frame, span);
    frame.clear();
    return;
  }
  if (value.kind == Value::Kind::Structure || value.kind == Value::Kind::Target) {
    const Node *kind =
        node->kind == NodeKind::TypeName && !isParameter(node, parameters) ? findKind(node->text, typeScope) : nullptr;
    if (!kind)
      fail("E0301", span, "a structure stands where a value is needed");
    const StructurePtr &structure = value.structure;
    if (!structure)
      return;
    // A model stands for its law at a time, which a target knows.
    if (structure->kind != kind && !(kind->text == kinds::density && isModel(structure)))
      fail("E0301", span, "a `" + structure->kind->text + "` stands where a `" + kind->text + "` is needed");
    size_t count = kind->child(0)->present() ? kind->child(0)->children.size() : 0;
    for (size_t i = 0; i < std::min(count, node->children.size()); ++i) {
      Binding binding;
      const std::string &own = kind->child(0)->child(i)->text;
      if (!inferParameter(structure, own, binding))
        continue;
      Type type = binding.isType ? prepend(binding.type, structure->frame) : Type{};
      if (isParameter(node->child(i), parameters)) {
        if (binding.isType)
          bindType(node->child(i)->text, type);
        else
          bindings[node->child(i)->text] = binding;
      } else if (binding.isType && node->child(i)->kind == NodeKind::TypeName) {
        // `density[real[..s]]`: the structure's own type is matched with what is written.
        std::vector<int64_t> rest;
        unify(node->child(i), typeScope, Value::of(make(Op::Number, type, {}, span)), parameters, bindings, rest, span);
      }
    }
    return;
  }
  if (!value.isRun()) {
    if (value.kind == Value::Kind::Tuple && isParameter(node, parameters))
      return;
    fail("E0301", span, "a value that a program can hold is needed here");
  }
  const Type &type = value.type();
  if (node->kind == NodeKind::TypeTuple) {
    if (!type.isTuple || type.components.size() != node->children.size())
      fail("E0304", span,
           "a tuple of " + std::to_string(node->children.size()) + " components is needed, this is " + printType(type));
    for (size_t i = 0; i < node->children.size(); ++i) {
      std::vector<int64_t> own;
      unify(node->child(i)->child(0), typeScope, Value::of(make(Op::Number, type.components[i].type, {}, span)),
            parameters, bindings, own, span);
    }
    return;
  }
  if (node->kind != NodeKind::TypeName)
    fail("E0301", span, "this type cannot be matched");
  if (isParameter(node, parameters)) {
    // `T`, or `T[n, m]`: the written axes come first.
    Type rest = type;
    std::vector<int64_t> leading;
    if (!node->children.empty()) {
      if (rest.isTuple) { // an array of tuples is a tuple of arrays: their common axes come first
        for (Component &c : rest.components) {
          if (c.type.isTuple || c.type.shape.size() < node->children.size())
            fail("E0304", span,
                 "an array of " + std::to_string(node->children.size()) + " axes or more is needed, this is " +
                     printType(type));
          for (size_t i = 0; i < node->children.size(); ++i)
            unifyExtent(node->child(i), typeScope, c.type.shape[i], parameters, bindings, span);
          c.type.shape.erase(c.type.shape.begin(), c.type.shape.begin() + static_cast<long>(node->children.size()));
        }
        frame.clear();
        bindType(node->text, rest);
        return;
      }
      if (rest.shape.size() < node->children.size())
        fail("E0304", span,
             "an array of " + std::to_string(node->children.size()) + " axes or more is needed, this is " +
                 printType(type));
      for (size_t i = 0; i < node->children.size(); ++i)
        unifyExtent(node->child(i), typeScope, rest.shape[i], parameters, bindings, span);
      rest.shape.erase(rest.shape.begin(), rest.shape.begin() + static_cast<long>(node->children.size()));
    } else if (!rest.isTuple && !frame.empty() && rest.shape.size() >= frame.size() &&
               std::equal(frame.begin(), frame.end(), rest.shape.begin())) {
      rest.shape.erase(rest.shape.begin(), rest.shape.begin() + static_cast<long>(frame.size()));
      leading = frame;
    }
    frame = leading;
    bindType(node->text, rest);
    return;
  }
  frame.clear();
  if (node->text == "tangent" || !scalarNamed(node->text)) {
    ScopePtr local = inner(typeScope);
    local->bindings = bindings;
    Type wanted = resolveType(node, local);
    if (wanted.isTuple || type.isTuple) {
      if (wanted.components.size() != type.components.size())
        fail("E0304", span, printType(type) + " stands where " + printType(wanted) + " is needed");
      return;
    }
    size_t rank = wanted.shape.size();
    if (type.shape.size() < rank || !std::equal(wanted.shape.rbegin(), wanted.shape.rend(), type.shape.rbegin()))
      fail("E0304", span, printType(type) + " stands where " + printType(wanted) + " is needed");
    frame.assign(type.shape.begin(), type.shape.end() - static_cast<long>(rank));
    return;
  }
  if (type.isTuple)
    fail("E0304", span, "a tuple stands where `" + node->text + "` is needed");
  const ScalarName *row = scalarNamed(node->text);
  size_t extents = node->children.size();
  bool rest = false;
  for (const Node *extent : node->children)
    rest |= extent->kind == NodeKind::ExtentRest;
  size_t rank = extents - (row->scalar == Scalar::Token && extents ? 1 : 0);
  if (rest) {
    // `real[..s]` takes all axes; sizes written before it are matched first.
    size_t before = extents - 1;
    if (type.shape.size() < before)
      fail("E0304", span, printType(type) + " has too few axes");
    for (size_t i = 0; i < before; ++i)
      unifyExtent(node->child(i), typeScope, type.shape[i], parameters, bindings, span);
    std::vector<int64_t> others(type.shape.begin() + static_cast<long>(before), type.shape.end());
    const std::string &name = node->child(before)->text;
    auto found = bindings.find(name);
    if (found == bindings.end()) {
      Binding known;
      if (std::find(parameters.begin(), parameters.end(), name) == parameters.end() &&
          findBinding(name, typeScope, known))
        found = bindings.emplace(name, known).first;
      else
        bindings[name] = Binding{false, {}, others};
    }
    if (found != bindings.end() && found->second.sizes != others)
      fail("E0304", span, printType(type) + " stands where " + printType(realType(found->second.sizes)) + " is needed");
  } else {
    if (type.shape.size() < rank)
      fail("E0304", span,
           printType(type) + " stands where " + std::to_string(rank) + (rank == 1 ? " axis is" : " axes are") +
               " needed");
    frame.assign(type.shape.begin(), type.shape.end() - static_cast<long>(rank));
    for (size_t i = 0; i < rank; ++i)
      unifyExtent(node->child(i), typeScope, type.shape[frame.size() + i], parameters, bindings, span);
    if (row->scalar == Scalar::Token && extents) {
      const Node *letters = node->child(extents - 1);
      if (type.scalar == Scalar::Token)
        unifyExtent(letters, typeScope, type.letters, parameters, bindings, span);
      else if (std::vector<double> numbers; !type.isInteger() || !constants(*value.run, numbers))
        fail("E0301", span, printType(type) + " stands where a token is needed");
      else
        return; // whether the constants are below the number of letters is seen when that is known
    }
  }
  Type cell;
  cell.scalar = row->scalar;
  cell.shape = type.shape;
  cell.letters = type.letters;
  if (!widens(type, cell))
    coerce(value.run, cell, span, false); // a constant that fits, or a message
}

int64_t Elaborator::constantSize(const Value &value, Span span) {
  if (value.isRun() && value.run->op == Op::Particles)
    return kParticles;
  if (!value.isRun() || value.run->op != Op::Number || !value.type().isScalar() || !value.type().isInteger())
    fail("E0310", span, "a size must be a constant integer");
  if (value.run->number < 0 || value.run->number >= 2147483648.0)
    fail("E0310", span, "a size must lie between 0 and 2^31");
  return static_cast<int64_t>(value.run->number);
}

/// Components stand by their places; names that say otherwise were meant otherwise.
void Elaborator::sameNames(const Type &a, const Type &b, Span span) const {
  for (size_t i = 0; i < a.components.size() && i < b.components.size(); ++i) {
    const std::string &one = a.components[i].name, &other = b.components[i].name;
    if (one.empty() || other.empty() || one == other)
      continue;
    std::string text = printType(a);
    text.append(" stands where ").append(printType(b)).append(" is needed: `").append(one);
    text.append("` at the place of `").append(other).append("`");
    fail("E0304", span, text, "write the components in this order");
  }
}

ExprPtr Elaborator::coerce(ExprPtr e, const Type &to, Span span, bool promise) {
  const Type &from = e->type;
  if (from == to)
    return e;
  if (from.isTuple || to.isTuple) {
    if (from.components.size() != to.components.size())
      fail("E0304", span, printType(from) + " stands where " + printType(to) + " is needed");
    sameNames(from, to, span);
    e = hold(e);
    std::vector<ExprPtr> parts;
    for (size_t i = 0; i < from.components.size(); ++i)
      parts.push_back(coerce(part(e, i, span), to.components[i].type, span, promise));
    return make(Op::Tuple, to, std::move(parts), span);
  }
  Type target = to;
  target.shape = from.shape; // shapes are the caller's matter
  if (from.isBool() != target.isBool())
    fail("E0301", span, printType(from) + " stands where " + printType(target) + " is needed",
         from.isBool() ? "`indicator` makes a number of a bool" : "");
  if (from.isFloat() && target.isInteger())
    fail("E0301", span, printType(from) + " stands where " + printType(target) + " is needed",
         "`floor` makes an int of a real");
  std::vector<double> numbers;
  bool known = !widens(from, target) && constants(*e, numbers) && !numbers.empty();
  if (!widens(from, target) && (!promise || (known && target.scalar == Scalar::Token))) {
    bool fits = known;
    double total = 0;
    for (double v : numbers) {
      total += v;
      if (target.scalar == Scalar::Positive)
        fits &= v > 0;
      else if (target.scalar == Scalar::Token)
        fits &= v >= 0 && (!target.letters || v < static_cast<double>(target.letters));
      else
        fits &= v >= 0;
    }
    if (known && (target.scalar == Scalar::Simplex || target.scalar == Scalar::Onehot) && !target.shape.empty() &&
        target.shape.back() > 0) {
      double rows = static_cast<double>(numbers.size()) / static_cast<double>(target.shape.back());
      fits &= std::abs(total - rows) <= 1e-6 * std::max(1.0, rows);
    }
    if (known && !fits)
      fail("E0308", span, "this constant is no " + printType(target));
    if (!known)
      fail("E0301", span, printType(from) + " stands where " + printType(target) + " is needed");
  }
  if (from.isInteger() && target.isFloat()) {
    if (e->op == Op::Number)
      return number(e->number, target, e->span);
    return make(Op::Cast, target, {std::move(e)}, span);
  }
  auto copy = std::make_shared<Expr>(*e);
  copy->type = target;
  return copy;
}

ExprPtr Elaborator::repeatTo(ExprPtr e, const Type &to, Span span) {
  if (to.isTuple) {
    if (!e->type.isTuple || e->type.components.size() != to.components.size())
      fail("E0304", span, printType(e->type) + " stands where " + printType(to) + " is needed");
    sameNames(e->type, to, span);
    e = hold(e);
    std::vector<ExprPtr> parts;
    for (size_t i = 0; i < to.components.size(); ++i)
      parts.push_back(repeatTo(part(e, i, span), to.components[i].type, span));
    return make(Op::Tuple, to, std::move(parts), span);
  }
  const auto &have = e->type.shape;
  if (have == to.shape) {
    if (e->type == to)
      return e;
    auto copy = std::make_shared<Expr>(*e);
    copy->type = to;
    return copy;
  }
  if (have.size() > to.shape.size() || !std::equal(have.rbegin(), have.rend(), to.shape.rbegin()))
    fail("E0304", span, printType(e->type) + " stands where " + printType(to) + " is needed");
  return make(Op::Repeat, to, {std::move(e)}, span);
}

Type Elaborator::commonType(const Type &a, const Type &b, Span span) {
  if (a == b)
    return a;
  if (a.isTuple && b.isTuple && a.components.size() == b.components.size()) {
    sameNames(a, b, span);
    Type t = a;
    for (size_t i = 0; i < t.components.size(); ++i)
      t.components[i].type = commonType(a.components[i].type, b.components[i].type, span);
    return t;
  }
  if (a.isTuple || b.isTuple || a.shape != b.shape)
    fail("E0304", span, printType(a) + " and " + printType(b) + " have no common type");
  if (widens(a, b))
    return b;
  if (widens(b, a))
    return a;
  Type t = a;
  t.letters = 0;
  if (a.isBool() || b.isBool())
    fail("E0301", span, printType(a) + " and " + printType(b) + " have no common type");
  t.scalar = a.isInteger() && b.isInteger() ? Scalar::Int : Scalar::Real;
  return t;
}

} // namespace kac::checking
