// Templates with their parameters to structures, and the calls that the compiler itself supplies: derivatives, `stop`,
// `fused`.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

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
    fail("E0312", at->span,
         "`" + head->text + "` is no variable here: a derivative is taken by a parameter or a local name");
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
  Op op = name == "grad" ? Op::Grad : name == "jvp" ? Op::Jvp : name == "div" ? Op::Divergence : Op::Laplacian;
  const Span place = node->child(0)->span;
  ExprPtr e = asRun(evaluate(node->child(0)->child(1), scope), place);
  if (op == Op::Divergence && e->type.isTuple != type.isTuple)
    fail("E0312", place, "`div` needs a field in the shape of `" + head->text + "`, this is " + printType(e->type));
  ExprPtr v = op == Op::Jvp ? asRun(evaluate(node->child(2)->child(1), scope), node->child(2)->span) : nullptr;
  return Value::of(derivativeBy(op, e, variable.run->slot, path, type, v, node));
}

/// A derivative of `e` by a variable or a part of it. That by a tuple is one by each component: a gradient has these as
/// its own, of the others it is the sum.
ExprPtr Elaborator::derivativeBy(Op op, ExprPtr e, int slot, const std::vector<int> &path, const Type &type,
                                 const ExprPtr &direction, const Node *node) {
  const Node *at = node->child(1)->child(1);
  const Span place = node->child(0)->span;
  if (type.isTuple) {
    if (op == Op::Divergence && e->type.components.size() != type.components.size())
      fail("E0312", place,
           "`div` needs a field in the shape of " + printType(type) + ", this is " + printType(e->type));
    e = hold(e);
    const ExprPtr along = direction ? hold(direction) : nullptr;
    if (along && (!along->type.isTuple || along->type.components.size() != type.components.size()))
      fail("E0304", node->child(2)->span, printType(along->type) + " stands where " + printType(type) + " is needed");
    std::vector<ExprPtr> parts;
    ExprPtr total;
    for (size_t c = 0; c < type.components.size(); ++c) {
      std::vector<int> inner = path;
      inner.push_back(static_cast<int>(c));
      parts.push_back(derivativeBy(op, op == Op::Divergence ? part(e, c, place) : e, slot, inner,
                                   type.components[c].type, along ? part(along, c, place) : nullptr, node));
      if (op != Op::Grad)
        total = total ? arithmetic(Op::Add, total, parts.back(), node->span) : parts.back();
    }
    return op == Op::Grad ? make(Op::Tuple, tangentOf(type), std::move(parts), node->span) : total;
  }
  if (type.isInteger())
    fail("E0701", node->span, "differences by tokens are not there yet");
  if (type.isBool())
    fail("E0312", at->span, "a derivative is taken by reals, this is " + printType(type));
  if (e->type.isTuple || e->type.isBool())
    fail("E0312", place, printType(e->type) + " has no derivative");
  e = coerce(e, realType(e->type.shape), place, true);
  if ((op == Op::Grad || op == Op::Laplacian) && !e->type.shape.empty())
    fail("E0312", place,
         std::string(op == Op::Grad ? "`grad`" : "`laplacian`") + " needs one number, this is " + printType(e->type));
  if (op == Op::Divergence && e->type.shape != type.shape)
    fail("E0312", place,
         "`div` needs a field in the shape of its variable: " + printType(realType(type.shape)) + ", this is " +
             printType(e->type));
  Type result = op == Op::Grad ? realType(type.shape) : op == Op::Jvp ? realType(e->type.shape) : realType();
  std::vector<ExprPtr> args{e};
  if (direction) {
    const Span from = node->child(2)->span;
    args.push_back(
        repeatTo(coerce(direction, realType(direction->type.shape), from, false), realType(type.shape), from));
  }
  auto d = std::make_shared<Expr>(*make(op, result, std::move(args), node->span));
  d->slot = slot;
  d->path = path;
  return d;
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
      if (values[i].kind == Value::Kind::Default &&
          (pass == 1 || !formal.type || !isParameter(formal.type, parameters)))
        values[i] = defaultOf(formal, bindings);
      if (!formal.type)
        continue;
      if ((formal.type->kind == NodeKind::TypeName && isParameter(formal.type, parameters)) != (pass == 1))
        continue;
      std::vector<int64_t> own = pass == 1 ? longest : std::vector<int64_t>{};
      annotate(values[i], formal);
      Span at = values[i].isRun() && values[i].run->span.source ? values[i].run->span : span;
      // `weights : simplex[n] = 1 / n`: a default repeats along the axes of its type.
      if (values[i].isRun() && values[i].run->op == Op::Number && formal.type->kind == NodeKind::TypeName &&
          !formal.type->children.empty() && formal.type->text != "token") {
        ScopePtr typeScope = inner(formal.typeScope);
        typeScope->bindings = bindings;
        try {
          Type type = resolveType(formal.type, typeScope);
          values[i] = Value::of(
              coerce(make(Op::Repeat, realType(type.shape), {coerce(values[i].run, realType(), at, false)}, at), type,
                     at, true));
        } catch (CheckFailure &) {
        }
      }
      unify(formal.type, formal.typeScope, values[i], parameters, bindings, own, at);
      if (values[i].isRun() && values[i].run->op == Op::Number && values[i].type().isInteger() &&
          values[i].run->number >= 0)
        bindings.emplace(formal.name, Binding{false, {}, {static_cast<int64_t>(values[i].run->number)}});
      if (values[i].isRun()) {
        ranks[formal.name] = own.size();
        if (own.size() > longest.size())
          longest = own;
      }
    }
  if (!longest.empty() && kind->text != kinds::density)
    fail("E0304", span,
         "a `" + kind->text + "` is not lifted over axes: an argument of `" + node->text + "` has too many");
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
    if (expansions >= 400)
      fail("E0208", span, "`" + node->text + "` uses itself");
    Scoped<int> nested(expansions, expansions + 1);
    const Scoped<std::pair<const Node *, std::string>> naming(aliased, {body, node->text});
    Value v = evaluate(body, scope);
    if (v.kind == Value::Kind::Target && kind->text == kinds::density)
      return v;
    if (v.kind != Value::Kind::Structure)
      fail("E0301", body->span, "`" + node->text + "` must be a `" + kind->text + "`");
    if (v.structure->kind != kind)
      fail("E0301", body->span,
           "`" + node->text + "` is declared as a `" + kind->text + "` and is a `" + v.structure->kind->text + "`");
    auto copy = std::make_shared<Structure>(*v.structure);
    copy->name = node->text;
    copy->settled = {};
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
  if (!structure->local) // one for all that are made of the same: its functions are then made once
    structure = unique.try_emplace(identity.describe(structure), structure).first->second;
  return Value::of(structure);
}

} // namespace kac::checking
