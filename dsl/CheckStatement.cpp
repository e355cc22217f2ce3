// Blocks and statements: binding, carried names, loops, draws and weights.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

/// Names that a body rebinds under a loop or a condition, replaces elements of, or differentiates by: these live in
/// slots. One that may hold another value later stands there with an equals sign too.
static void collectMutable(const Node *node, bool under, std::set<std::string> &names) {
  auto assigned = [&](const std::string &name) { names.insert({name, name + "="}); };
  if ((node->kind == NodeKind::Assign || node->kind == NodeKind::Draw) && under)
    assigned(node->text);
  if (node->kind == NodeKind::AssignElement)
    assigned(node->text);
  if (node->kind == NodeKind::AssignTuple && under)
    for (const Node *name : node->child(0)->children)
      assigned(name->text);
  if (node->kind == NodeKind::Postfix && node->children.size() >= 2 && node->child(0)->kind == NodeKind::Name &&
      node->child(1)->kind == NodeKind::Call && node->child(1)->children.size() >= 2) {
    const std::string &name = node->child(0)->text;
    if (name == "grad" || name == "jvp" || name == "div" || name == "laplacian") {
      const Node *variable = node->child(1)->child(1)->child(1);
      if (variable->kind == NodeKind::Postfix)
        variable = variable->child(0);
      if (variable->kind == NodeKind::Name)
        names.insert(variable->text);
    }
  }
  bool nested = under || node->kind == NodeKind::For || node->kind == NodeKind::If;
  for (const Node *child : node->children)
    collectMutable(child, nested, names);
}

const std::set<std::string> &Elaborator::mutableNames(const Node *body) {
  auto [found, fresh] = mutables.try_emplace(body);
  if (fresh)
    collectMutable(body, false, found->second);
  return found->second;
}

/// What a name that is rebound may hold: the widest type of its family.
static Type decay(Type type) {
  for (Component &c : type.components)
    c.type = decay(c.type);
  if (!type.isTuple && type.isFloat())
    type.scalar = Scalar::Real;
  if (!type.isTuple && type.scalar == Scalar::Token) {
    type.scalar = Scalar::Int;
    type.letters = 0;
  }
  return type;
}

void Elaborator::bindNew(const std::string &name, Value value, const ScopePtr &scope) {
  if (value.isRun()) {
    bool rebound = currentMutables && currentMutables->count(name);
    if (rebound) {
      ExprPtr e = value.run;
      Type type = currentMutables->count(name + "=") ? decay(e->type) : e->type;
      int slot = newSlot(name, type);
      frame().rebound.insert(slot);
      set(slot, coerce(e, type, e->span, true), e->span);
      value = Value::of(local(slot, e->span));
    } else {
      value = Value::of(hold(value.run, name));
    }
  } else {
    value = hold(value, name);
  }
  scope->names[name] = value;
}

void Elaborator::assign(const std::string &name, const Value &value, const ScopePtr &scope, Span span) {
  int here = static_cast<int>(frame().blocks.size());
  for (ScopePtr s = scope; s && s->kind == Scope::Kind::Locals; s = s->parent) {
    auto found = s->names.find(name);
    if (found != s->names.end()) {
      if (s->block == here) {
        bindNew(name, value, s);
        return;
      }
      const Value &outer = found->second;
      if (!outer.isRun() || outer.run->op != Op::Local || !value.isRun())
        fail("E0314", span, "`" + name + "` is a structure outside of this block: only values are carried");
      const Type &type = outer.type();
      ExprPtr e = value.run;
      bool fits = type.isTuple == e->type.isTuple &&
                  (type.isTuple || (type.isBool() == e->type.isBool() && !(type.isInteger() && e->type.isFloat()) &&
                                    e->type.shape.size() <= type.shape.size()));
      if (!fits)
        fail("E0314", span, "`" + name + "` is carried as " + printType(type) + " and becomes " + printType(e->type));
      try {
        e = repeatTo(coerce(e, type, span, true), type, span);
      } catch (CheckFailure &) {
        fail("E0314", span, "`" + name + "` is carried as " + printType(type) + " and becomes " + printType(e->type));
      }
      set(outer.run->slot, e, span);
      return;
    }
    if (s->functionTop)
      break;
  }
  bindNew(name, value, scope);
}

void Elaborator::destructure(const std::vector<std::string> &names, const Value &value, const ScopePtr &scope,
                             Span span) {
  if (value.kind == Value::Kind::Tuple) {
    if (value.parts.size() != names.size())
      fail("E0304", span,
           "a tuple of " + std::to_string(value.parts.size()) + " is taken apart into " + std::to_string(names.size()));
    for (size_t i = 0; i < names.size(); ++i)
      assign(names[i], value.parts[i].value, scope, span);
    return;
  }
  ExprPtr e = hold(asRun(value, span));
  size_t count = e->type.isTuple         ? e->type.components.size()
                 : e->type.shape.empty() ? 0
                                         : static_cast<size_t>(std::max<int64_t>(0, e->type.shape[0]));
  if (count != names.size())
    fail("E0304", span, printType(e->type) + " is taken apart into " + std::to_string(names.size()) + " names");
  for (size_t i = 0; i < names.size(); ++i)
    assign(names[i],
           Value::of(e->type.isTuple ? part(e, i, span)
                                     : index(e, {number(static_cast<double>(i), intType(), span)}, span)),
           scope, span);
}

Value Elaborator::evaluateBody(const Node *node, const ScopePtr &scope) {
  return node->kind == NodeKind::Block ? evaluateBlock(node, scope) : evaluate(node, scope);
}

static bool isStatement(NodeKind kind) {
  return kind == NodeKind::Weigh || kind == NodeKind::For || kind == NodeKind::Param || kind == NodeKind::Draw ||
         kind == NodeKind::Assign || kind == NodeKind::AssignElement || kind == NodeKind::AssignTuple;
}

Value Elaborator::evaluateBlock(const Node *node, const ScopePtr &scope) {
  for (size_t i = 0; i + 1 < node->children.size(); ++i)
    evaluateStatement(node->child(i), scope);
  const Node *last = node->children.back();
  if (isStatement(last->kind))
    fail("E0305", last->span, "a block that gives a value must end in an expression");
  return evaluate(last, scope);
}

void Elaborator::evaluateStatement(const Node *node, const ScopePtr &scope) {
  switch (node->kind) {
  case NodeKind::Weigh: {
    if (unweighable || frame().comprehensions > 0)
      fail("E0315", node->span,
           unweighable ? "a weight stands in `init` and `step` alone" : "a weight does not stand in a comprehension",
           unweighable ? "" : "a `for` loop has a turn for each");
    Statement s{};
    s.kind = Statement::Kind::Weigh;
    s.span = node->span;
    ExprPtr e = asRun(evaluate(node->child(0), scope), node->child(0)->span);
    if (e->type.isTuple || !e->type.shape.empty() || e->type.isBool())
      fail("E0301", node->child(0)->span, "a weight is one real, this is " + printType(e->type));
    s.value = coerce(e, realType(), node->span, true);
    frame().effects = frame().weighs = true;
    emit(std::move(s));
    return;
  }
  case NodeKind::For:
    return evaluateFor(node, scope);
  case NodeKind::Draw: {
    Value density = evaluate(node->child(1), scope);
    if (node->child(0)->present()) {
      Type type = resolveType(node->child(0), scope);
      if (density.kind == Value::Kind::Structure && !type.isTuple) {
        Type own = valueType(density.structure, node->span);
        if (own.isTuple || own.shape.size() > type.shape.size() ||
            !std::equal(own.shape.rbegin(), own.shape.rend(), type.shape.rbegin()))
          fail("E0304", node->span, "a law on " + printType(own) + " is drawn as " + printType(type));
        if (own.shape.size() < type.shape.size()) {
          std::vector<int64_t> full(type.shape.begin(),
                                    type.shape.end() -
                                        static_cast<long>(own.shape.size() - density.structure->frame.size()));
          density.structure = lift(density.structure, full);
        }
      }
      Value v = draw(density, node->child(1)->span);
      ExprPtr e = repeatTo(coerce(asRun(v, node->span), type, node->span, true), type, node->span);
      assign(node->text, Value::of(e), scope, node->span);
      return;
    }
    assign(node->text, draw(density, node->child(1)->span), scope, node->span);
    return;
  }
  case NodeKind::Assign: {
    Value v = evaluate(node->child(1), scope);
    if (node->child(0)->present()) {
      if (isStructureType(node->child(0), scope)) {
        assign(node->text, v, scope, node->span);
        return;
      }
      Type type = resolveType(node->child(0), scope);
      v = Value::of(repeatTo(coerce(asRun(v, node->child(1)->span), type, node->child(1)->span, false), type,
                             node->child(1)->span));
    }
    assign(node->text, v, scope, node->span);
    return;
  }
  case NodeKind::AssignElement: {
    Value array = lookup(node->text, scope, node->span);
    if (!array.isRun() || array.run->op != Op::Local || array.type().isTuple || array.type().shape.empty())
      fail("E0301", node->span, "`" + node->text + "` is not an array of this function");
    Statement s{};
    s.kind = Statement::Kind::AssignElement;
    s.span = node->span;
    s.slot = array.run->slot;
    Type element = array.type();
    for (const Node *item : node->child(0)->children) {
      if (item->kind == NodeKind::Slice)
        fail("E0301", item->span, "one element is replaced at a time");
      if (element.shape.empty())
        fail("E0304", node->span, "`" + node->text + "` has fewer axes");
      ExprPtr at = hold(asRun(evaluate(item, scope), item->span));
      if (!at->type.isInteger() || !at->type.shape.empty())
        fail("E0301", item->span, "an index is an int, this is " + printType(at->type));
      if (at->op == Op::Number && element.shape[0] != kParticles &&
          (at->number < 0 || at->number >= static_cast<double>(element.shape[0])))
        fail("E0307", item->span,
             "index " + std::to_string(static_cast<int64_t>(at->number)) + " is outside of an axis of length " +
                 std::to_string(element.shape[0]));
      s.indices.push_back(at);
      element.shape.erase(element.shape.begin());
    }
    ExprPtr e = asRun(evaluate(node->child(1), scope), node->child(1)->span);
    s.value = repeatTo(coerce(e, element, node->child(1)->span, true), element, node->child(1)->span);
    emit(std::move(s));
    return;
  }
  case NodeKind::AssignTuple: {
    std::vector<std::string> names;
    for (const Node *name : node->child(0)->children)
      names.push_back(name->text);
    destructure(names, evaluate(node->child(1), scope), scope, node->span);
    return;
  }
  case NodeKind::Param:
    fail("E0703", node->span, "params in a body belong to networks, which are not there yet");
  case NodeKind::If: {
    for (size_t i = 0; i + 1 < node->children.size(); i += 2) {
      ExprPtr condition = asRun(evaluate(node->child(i), scope), node->child(i)->span);
      if (!condition->type.isBool() || !condition->type.shape.empty())
        fail("E0301", node->child(i)->span, "a condition is one bool, this is " + printType(condition->type));
      auto run = [&](const Node *b, const ScopePtr &own) {
        for (const Node *child : b->children)
          evaluateStatement(child, own);
      };
      if (condition->op == Op::Number) {
        if (condition->number != 0) {
          run(node->child(i + 1), inner(scope));
          return;
        }
        if (i + 3 == node->children.size()) {
          run(node->child(i + 2), inner(scope));
          return;
        }
        continue;
      }
      Statement s{};
      s.kind = Statement::Kind::If;
      s.span = node->span;
      s.condition = condition;
      s.body = block([&]() -> ExprPtr {
        run(node->child(i + 1), inner(scope));
        return nullptr;
      });
      s.otherwise = block([&]() -> ExprPtr {
        if (i + 2 < node->children.size()) {
          Node rest = *node;
          rest.children.erase(rest.children.begin(), rest.children.begin() + static_cast<long>(i) + 2);
          if (rest.children.size() == 1)
            run(rest.child(0), inner(scope));
          else
            evaluateStatement(&rest, inner(scope));
        }
        return nullptr;
      });
      emit(std::move(s));
      return;
    }
    return;
  }
  case NodeKind::Require: {
    ExprPtr c = asRun(evaluate(node->child(0), scope), node->span);
    Statement s{};
    s.kind = Statement::Kind::Require;
    s.span = node->span;
    s.condition = c;
    s.text = node->child(1)->text;
    emit(std::move(s));
    return;
  }
  default:
    evaluate(node, scope); // an expression whose value is not used
  }
}

void Elaborator::evaluateFor(const Node *node, const ScopePtr &scope) {
  Range range = evaluateRange(node->child(0), scope);
  if (range.compileTime) {
    if (node->child(1)->present())
      fail("E0301", node->child(1)->span, "a loop over structures has no `while`");
    for (int64_t i = 0; i < range.size; ++i) {
      ScopePtr own = inner(scope);
      own->names[node->text] = rangeItem(range, number(static_cast<double>(i), intType(), node->span), node->span);
      for (const Node *child : node->child(2)->children)
        evaluateStatement(child, own);
    }
    return;
  }
  Statement s{};
  s.kind = Statement::Kind::For;
  s.span = node->span;
  Type indexType = intType();
  if (range.size >= 0 && range.lower->op == Op::Number && range.lower->number == 0) {
    indexType.scalar = Scalar::Token;
    indexType.letters = range.size;
  }
  s.slot = newSlot(node->text, indexType);
  s.value = range.lower;
  s.second = range.upper;
  const Popped outer(frame().indices);
  frame().indices.push_back({s.slot, range.size >= 0 ? range.size : 65536});
  ExprPtr at = local(s.slot, node->span);
  if (node->child(1)->present())
    s.condition = nested([&] {
      ScopePtr own = inner(scope);
      own->names[node->text] = rangeItem(range, at, node->span);
      ExprPtr c = asRun(evaluate(node->child(1), own), node->child(1)->span);
      if (!c->type.isBool() || !c->type.shape.empty())
        fail("E0301", node->child(1)->span, "a condition is one bool, this is " + printType(c->type));
      return c;
    });
  s.body = block([&]() -> ExprPtr {
    ScopePtr own = inner(scope);
    own->names[node->text] = rangeItem(range, at, node->span);
    for (const Node *child : node->child(2)->children)
      evaluateStatement(child, own);
    return nullptr;
  });
  emit(std::move(s));
}

Value Elaborator::draw(const Value &density, Span span) {
  frame().effects = true;
  if (density.kind == Value::Kind::Structure) {
    if (density.structure->kind->text != kinds::density)
      fail("E0301", span, "a draw needs a density, this is a `" + density.structure->kind->text + "`");
    return callField(density.structure, fields::draw, {}, span);
  }
  if (density.kind == Value::Kind::Target) {
    std::vector<Argument> none;
    return targetField(density.target, fields::draw, span).closure->native(none, span);
  }
  if (density.kind == Value::Kind::Function && density.closure->kind == Closure::Kind::Template)
    fail("E0301", span, "`" + density.closure->name + "` needs its parameters: `" + density.closure->name + "(...)`");
  fail("E0301", span, "a draw needs a density");
}

} // namespace kac::checking
