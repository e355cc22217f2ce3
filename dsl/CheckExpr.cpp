// Expressions of the tree to values.
#include "dsl/Elaborate.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace kac::checking {

struct DepthGuard {
  explicit DepthGuard(Elaborator &e, Span span) : elaborator(e) {
    if (++elaborator.depth > 3000) {
      --elaborator.depth;
      elaborator.fail("E0208", span, "definitions are nested too deeply: does one use itself?");
    }
  }
  ~DepthGuard() { --elaborator.depth; }
  Elaborator &elaborator;
};

static double literal(const std::string &text) {
  std::string digits;
  for (char c : text)
    if (c != '_')
      digits += c;
  return std::strtod(digits.c_str(), nullptr);
}

Value Elaborator::evaluate(const Node *node, const ScopePtr &scope) {
  DepthGuard guard(*this, node->span);
  switch (node->kind) {
  case NodeKind::Int: {
    double v = literal(node->text);
    return Value::of(number(v, v < 2147483648.0 ? intType() : realType(), node->span));
  }
  case NodeKind::Real:
    return Value::of(number(literal(node->text), realType(), node->span));
  case NodeKind::True:
  case NodeKind::False:
    return Value::of(number(node->kind == NodeKind::True, boolType(), node->span));
  case NodeKind::String: {
    Value v;
    v.kind = Value::Kind::Text;
    v.text = node->text;
    return v;
  }
  case NodeKind::Name:
    return lookup(node->text, scope, node->span);
  case NodeKind::Chain:
    return evaluateChain(node, scope);
  case NodeKind::Unary: {
    Value v = evaluate(node->child(0), scope);
    ExprPtr e = asRun(v, node->child(0)->span);
    if (node->op == "-")
      return Value::of(negate(e, node->span));
    if (!e->type.isBool())
      fail("E0301", node->span, "`!` needs a bool, this is " + printType(e->type));
    if (e->op == Op::Number)
      return Value::of(number(e->number == 0, boolType(), node->span));
    return Value::of(make(Op::Not, e->type, {e}, node->span));
  }
  case NodeKind::Power: {
    Value base = evaluate(node->child(0), scope);
    return operate("^", base, evaluate(node->child(1), scope), node->span);
  }
  case NodeKind::Postfix:
    return evaluatePostfix(node, scope);
  case NodeKind::Tuple:
    return evaluateTuple(node, scope);
  case NodeKind::Array:
    return evaluateArray(node, scope);
  case NodeKind::ArrayComprehension:
    return comprehension(node->child(0), node->child(1), scope, node->span);
  case NodeKind::If:
    return evaluateIf(node, scope);
  case NodeKind::With:
    return evaluateWith(node, scope);
  case NodeKind::Block:
    return evaluateBlock(node, inner(scope));
  case NodeKind::Range:
    fail("E0301", node->span, "a range stands only after `in` and between brackets");
  default:
    fail("E0301", node->span, "this is no expression");
  }
}

Value Elaborator::evaluateDetached(const Node *node, const ScopePtr &scope) {
  if (!frames.empty() && (!frame().global || frame().blocks.size() > 1 || isLocal(scope)))
    return evaluate(node, scope);
  return detached([&] { return evaluate(node, scope); }, "value", node->span);
}

Value Elaborator::evaluateTuple(const Node *node, const ScopePtr &scope) {
  const Node *first = node->child(0);
  if (node->children.size() == 1 && first->text.empty() && !first->child(0)->present() && !first->child(2)->present())
    return evaluate(first->child(1), scope);
  Value tuple;
  tuple.kind = Value::Kind::Tuple;
  bool run = true;
  for (const Argument &a : evaluateArguments(node, scope)) {
    for (const auto &[name, value] : tuple.parts)
      if (!name.empty() && name == a.name)
        fail("E0203", a.span, "the tuple has a component `" + name + "` already");
    run &= a.value.isRun();
    tuple.parts.push_back({a.name, a.value});
  }
  return run ? Value::of(asRun(tuple, node->span)) : tuple;
}

Value Elaborator::evaluateArray(const Node *node, const ScopePtr &scope) {
  if (node->children.empty())
    fail("E0304", node->span, "an array of nothing has no type");
  std::vector<Value> items;
  bool run = true;
  for (const Node *child : node->children) {
    items.push_back(evaluate(child, scope));
    run &= items.back().isRun();
  }
  if (!run) {
    auto array = std::make_shared<CompileArray>();
    array->size = static_cast<int64_t>(items.size());
    array->elements = items;
    return Value::of(array);
  }
  Type type = items[0].type();
  for (const Value &v : items)
    type = commonType(type, v.type(), v.run->span);
  std::vector<ExprPtr> args;
  args.reserve(items.size());
  for (const Value &v : items)
    args.push_back(coerce(v.run, type, v.run->span, true));
  if (type.isTuple) { // an array of tuples is a tuple of arrays
    for (ExprPtr &a : args)
      a = hold(a);
    std::vector<ExprPtr> columns;
    for (size_t c = 0; c < type.components.size(); ++c) {
      if (type.components[c].type.isTuple)
        fail("E0304", node->span, "an array of tuples of tuples is written as a tuple of arrays");
      std::vector<ExprPtr> column;
      column.reserve(args.size());
      for (const ExprPtr &a : args)
        column.push_back(part(a, c, node->span));
      Type &t = type.components[c].type;
      t.shape.insert(t.shape.begin(), static_cast<int64_t>(items.size()));
      columns.push_back(make(Op::Stack, t, std::move(column), node->span));
    }
    return Value::of(make(Op::Tuple, type, std::move(columns), node->span));
  }
  type.shape.insert(type.shape.begin(), static_cast<int64_t>(items.size()));
  if (type.scalar == Scalar::Simplex && type.shape.size() < 2)
    type.scalar = Scalar::Real;
  return Value::of(make(Op::Stack, type, std::move(args), node->span));
}

Value Elaborator::evaluateIf(const Node *node, const ScopePtr &scope, size_t from) {
  if (node->children.size() % 2 == 0)
    fail("E0305", node->span, "an `if` that gives a value needs an `else`");
  if (from + 1 == node->children.size())
    return evaluateBlock(node->child(from), inner(scope));
  ExprPtr condition = asRun(evaluate(node->child(from), scope), node->child(from)->span);
  if (!condition->type.isBool() || !condition->type.shape.empty())
    fail("E0301", node->child(from)->span, "a condition is one bool, this is " + printType(condition->type),
         condition->type.isBool() ? "`select` chooses element by element" : "");
  if (condition->op == Op::Number)
    return condition->number != 0 ? evaluateBlock(node->child(from + 1), inner(scope))
                                  : evaluateIf(node, scope, from + 2);
  std::shared_ptr<Block> branches[2];
  for (int i = 0; i < 2; ++i)
    branches[i] = block([&] {
      ScopePtr own = inner(scope);
      Value v = i == 0 ? evaluateBlock(node->child(from + 1), own) : evaluateIf(node, own, from + 2);
      if (v.kind == Value::Kind::Structure || v.kind == Value::Kind::Target || v.kind == Value::Kind::Array)
        fail("E0310", node->span, "which structure is used may depend only on constants");
      return asRun(v, node->span);
    });
  Type type = commonType(branches[0]->result->type, branches[1]->result->type, node->span);
  for (auto &b : branches)
    b->result = coerce(b->result, type, node->span, true);
  auto e = std::make_shared<Expr>(*make(Op::If, type, {condition}, node->span));
  e->body = branches[0];
  e->otherwise = branches[1];
  return Value::of(e);
}

Value Elaborator::evaluateWith(const Node *node, const ScopePtr &scope) {
  Scoped<Span> here(place, librarySources.count(node->span.source) ? place : node->span);
  const Node *fields = node->child(1);
  Value base = evaluate(node->child(0), scope);
  if (base.kind == Value::Kind::Structure) {
    auto changed = std::make_shared<Structure>(*base.structure);
    changed->settled = {};
    changed->element = nullptr;
    if (aliased.first == node)
      changed->name = aliased.second; // what breaks a `require` is said of the name declared
    if (!changed->frame.empty())
      fail("E0301", node->span, "a lifted density cannot be changed by `with`");
    for (const Node *field : fields->children) {
      if (field->kind != NodeKind::Field)
        continue;
      if (!hasField(*base.structure, field->text))
        fail("E0204", field->span, "`" + base.structure->kind->text + "` has no field `" + field->text + "`",
             nearest(field->text, fieldNames(*base.structure)));
      checkNotItself(field);
      if (available(base.structure, field->text))
        changed->replaced.insert(field->text);
      changed->parameters.erase(field->text);
    }
    changed->layers.push_back({fields, captured(scope), nullptr});
    changed->local = changed->local || isLocal(scope);
    checkRequires(changed);
    return Value::of(changed);
  }
  Value tuple;
  tuple.kind = Value::Kind::Tuple;
  if (base.isRun() && base.type().isTuple) {
    ExprPtr held = hold(base.run);
    for (size_t i = 0; i < held->type.components.size(); ++i)
      tuple.parts.push_back({held->type.components[i].name, Value::of(part(held, i, node->span))});
  } else if (base.kind == Value::Kind::Tuple) {
    tuple.parts = base.parts;
  } else {
    fail("E0301", node->span, "`with` changes a structure or a tuple");
  }
  bool run = true;
  for (const Node *field : fields->children) {
    auto at =
        std::find_if(tuple.parts.begin(), tuple.parts.end(), [&](const TuplePart &p) { return p.name == field->text; });
    if (field->kind != NodeKind::Field || at == tuple.parts.end())
      fail("E0204", field->span, "the tuple has no component `" + field->text + "`");
    Value v = evaluate(field->child(2), scope);
    if (v.isRun() && at->value.isRun())
      v = Value::of(repeatTo(coerce(v.run, at->value.type(), field->span, false), at->value.type(), field->span));
    at->value = v;
  }
  for (const auto &[name, v] : tuple.parts)
    run &= v.isRun();
  return run ? Value::of(asRun(tuple, node->span)) : tuple;
}

/// What goes wrong inside the library on behalf of a program is shown at the program's own call.
Value Elaborator::evaluatePostfix(const Node *node, const ScopePtr &scope) {
  Scoped<Span> here(place, librarySources.count(node->span.source) ? place : node->span);
  try {
    return evaluateSuffixes(node, scope);
  } catch (CheckFailure &failure) {
    if (librarySources.count(failure.span.source) && !librarySources.count(node->span.source)) {
      failure.remarks.insert(failure.remarks.begin(), {failure.span, "the place in the library"});
      failure.span = node->span;
    }
    throw;
  }
}

Value Elaborator::evaluateSuffixes(const Node *node, const ScopePtr &scope) {
  Value value;
  size_t i = 1;
  const Node *primary = node->child(0);
  if (primary->kind == NodeKind::Name && node->child(1)->kind == NodeKind::Call &&
      !tryLookup(primary->text, scope, value)) {
    Value callee;
    callee.kind = Value::Kind::Text;
    callee.text = primary->text;
    if (!builtin(callee, node->child(1), scope, value))
      lookup(primary->text, scope, primary->span);
    i = 2;
  } else if (primary->kind != NodeKind::Name || node->child(1)->kind != NodeKind::Call) {
    value = evaluate(primary, scope);
  }
  for (; i < node->children.size(); ++i) {
    const Node *suffix = node->child(i);
    if (suffix->kind == NodeKind::Member)
      value = evaluateMember(value, suffix);
    else if (suffix->kind == NodeKind::Index)
      value = evaluateIndex(value, suffix, scope);
    else
      value = evaluateCall(value, suffix, scope);
  }
  if (value.isRun() && value.run->span.source == nullptr) {
    auto copy = std::make_shared<Expr>(*value.run);
    copy->span = node->span;
    value.run = copy;
  }
  return value;
}

Value Elaborator::evaluateMember(const Value &value, const Node *node) {
  const std::string &name = node->text;
  const Span named = {node->span.source, node->span.end - static_cast<uint32_t>(name.size()), node->span.end};
  if (value.kind == Value::Kind::Structure) {
    if (value.structure->kind->text == kinds::sampler && name == "run" && !hasField(*value.structure, name))
      fail("E0710", node->span, "a sampler that runs another is not there yet");
    // A density may be a whole target, which is asked for what its models have.
    auto ofTarget = [&] {
      const Node *process = findKind(kinds::process, preludeScope);
      return name == fields::experts || name == fields::sole || name == fields::opening ||
             (process && std::any_of(process->child(1)->children.begin(), process->child(1)->children.end(),
                                     [&](const Node *field) { return field->text == name; }));
    };
    if (!hasField(*value.structure, name) && !(value.structure->kind->text == kinds::density && ofTarget()))
      fail("E0204", named, "`" + value.structure->name + "` has no field `" + name + "`",
           nearest(name, fieldNames(*value.structure)));
    return fieldOf(value.structure, name, node->span);
  }
  if (value.kind == Value::Kind::Target)
    return targetField(value.target, name, node->span);
  if (value.kind == Value::Kind::Tuple) {
    for (const auto &[part, v] : value.parts)
      if (part == name)
        return v;
    fail("E0204", named, "the tuple has no component `" + name + "`");
  }
  if (value.isRun() && value.type().isTuple)
    for (size_t i = 0; i < value.type().components.size(); ++i)
      if (value.type().components[i].name == name)
        return Value::of(part(value.run, i, node->span));
  if (value.kind == Value::Kind::Function)
    fail("E0204", named, "`" + value.closure->name + "` is a function and has no field `" + name + "`",
         value.closure->kind == Closure::Kind::Template ? "give it its parameters first" : "");
  fail("E0204", named,
       (value.isRun() ? printType(value.type()) : std::string("this value")) + " has no field `" + name + "`");
}

Value Elaborator::evaluateIndex(const Value &value, const Node *node, const ScopePtr &scope) {
  if (value.kind == Value::Kind::Array) {
    if (node->children.size() != 1 || node->child(0)->kind == NodeKind::Slice)
      fail("E0304", node->span, "an array of structures takes one index");
    ExprPtr at = asRun(evaluate(node->child(0), scope), node->child(0)->span);
    if (!at->type.isInteger() || !at->type.shape.empty())
      fail("E0301", node->child(0)->span, "an index is an int, this is " + printType(at->type));
    if (at->op == Op::Number && (at->number < 0 || at->number >= static_cast<double>(value.array->size)))
      fail("E0307", node->child(0)->span,
           "index " + std::to_string(static_cast<int64_t>(at->number)) + " is outside of an array of length " +
               std::to_string(value.array->size));
    if (!value.array->elements.empty())
      return structureArrayElement(value.array->elements, Value::of(hold(at)), node->span);
    return value.array->element(Value::of(hold(at)));
  }
  ExprPtr array = asRun(value, node->span);
  size_t rank = array->type.isTuple ? (array->type.components.empty() ? 0 : array->type.components[0].type.shape.size())
                                    : array->type.shape.size();
  if (node->children.size() > rank)
    fail("E0304", node->span,
         printType(array->type) + " has " + std::to_string(rank) + (rank == 1 ? " axis" : " axes") + ", " +
             std::to_string(node->children.size()) + " are indexed");
  const std::vector<int64_t> shape = array->type.isTuple ? array->type.components[0].type.shape : array->type.shape;
  struct Item {
    ExprPtr at;   // an index
    ExprPtr from; // a slice
    int64_t size = 0;
  };
  std::vector<Item> items;
  std::vector<int64_t> slices, lifted;
  for (size_t i = 0; i < node->children.size(); ++i) {
    const Node *child = node->child(i);
    Item item;
    if (child->kind == NodeKind::Slice) {
      item.from = number(0, intType(), child->span);
      item.size = shape[i];
      if (child->child(0)->present() || child->child(1)->present()) {
        ExprPtr hi = child->child(1)->present() ? asRun(evaluate(child->child(1), scope), child->span) : nullptr;
        item.from = child->child(0)->present() ? asRun(evaluate(child->child(0), scope), child->span) : item.from;
        int64_t lo = constantSize(Value::of(item.from), child->span);
        int64_t end = hi ? constantSize(Value::of(hi), child->span) : shape[i];
        if (shape[i] == kParticles || lo > end || end > shape[i])
          fail("E0307", child->span, "the slice leaves the axis of length " + std::to_string(shape[i]));
        item.size = end - lo;
      }
      slices.push_back(item.size);
    } else {
      item.at = asRun(evaluate(child, scope), child->span);
      if (!item.at->type.isInteger())
        fail("E0301", child->span, "an index is an int, this is " + printType(item.at->type));
      item.at = hold(item.at);
      if (item.at->type.shape.size() > lifted.size())
        lifted = item.at->type.shape;
    }
    items.push_back(item);
  }
  if (slices.empty() && lifted.empty()) {
    std::vector<ExprPtr> at;
    at.reserve(items.size());
    for (const Item &item : items)
      at.push_back(item.at);
    if (array->op != Op::Stack && array->op != Op::Repeat)
      array = hold(array);
    return Value::of(index(array, at, node->span));
  }
  array = hold(array);
  std::vector<int64_t> extents = lifted;
  extents.insert(extents.end(), slices.begin(), slices.end());
  return Value::of(build(extents, node->span, [&](const std::vector<ExprPtr> &is) {
    std::vector<ExprPtr> at;
    size_t slice = lifted.size();
    for (const Item &item : items) {
      if (item.at) {
        size_t own = item.at->type.shape.size();
        at.push_back(
            index(item.at,
                  {is.begin() + static_cast<long>(lifted.size() - own), is.begin() + static_cast<long>(lifted.size())},
                  node->span));
      } else if (item.from->op == Op::Number && item.from->number == 0) {
        at.push_back(is[slice++]);
      } else {
        auto sum = std::make_shared<Expr>(*arithmetic(Op::Add, item.from, is[slice++], node->span));
        sum->type.scalar = Scalar::Token;
        sum->type.letters = static_cast<int64_t>(item.from->number) + item.size;
        at.push_back(sum);
      }
    }
    return index(array, at, node->span);
  }));
}

} // namespace kac::checking
