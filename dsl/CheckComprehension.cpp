// Ranges, comprehensions, and generators as arguments.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

Elaborator::Range Elaborator::evaluateRange(const Node *node, const ScopePtr &scope) {
  Range range;
  auto bound = [&](const Node *n) {
    ExprPtr e = asRun(evaluate(n, scope), n->span);
    if (!e->type.isInteger() || !e->type.shape.empty())
      fail("E0301", n->span, "the end of a range is an int, this is " + printType(e->type));
    return hold(e);
  };
  if (node->kind == NodeKind::Range) {
    range.lower = bound(node->child(0));
    range.upper = bound(node->child(1));
    if (range.lower->op == Op::Number && range.upper->op == Op::Number)
      range.size = std::max<int64_t>(0, static_cast<int64_t>(range.upper->number - range.lower->number));
    return range;
  }
  // A type parameter such as n stands for a size here.
  Binding binding;
  Value v;
  if (node->kind == NodeKind::Name && !tryLookup(node->text, scope, v) && findBinding(node->text, scope, binding) &&
      !binding.isType && binding.sizes.size() == 1)
    v = Value::of(sizeValue(binding.sizes[0], node->span));
  else
    v = evaluate(node, scope);
  if (v.kind == Value::Kind::Array) {
    range.compileTime = true;
    range.items = v;
    range.size = v.array->size;
    return range;
  }
  ExprPtr e = asRun(v, node->span);
  range.lower = number(0, intType(), node->span);
  if (!e->type.isTuple && e->type.shape.empty()) {
    if (!e->type.isInteger())
      fail("E0301", node->span, "a range is an int, two ints or an array, this is " + printType(e->type));
    range.upper = hold(e);
    if (e->op == Op::Number)
      range.size = std::max<int64_t>(0, static_cast<int64_t>(e->number));
    if (e->op == Op::Particles)
      range.size = kParticles;
    return range;
  }
  range.array = hold(e);
  range.size = e->type.isTuple ? e->type.components.at(0).type.shape.at(0) : e->type.shape[0];
  range.upper = sizeValue(range.size, node->span);
  return range;
}

Value Elaborator::rangeItem(const Range &range, const ExprPtr &at, Span span) {
  if (range.compileTime) {
    if (!range.items.array->elements.empty())
      return structureArrayElement(range.items.array->elements, Value::of(at), span);
    return range.items.array->element(Value::of(at));
  }
  if (range.array)
    return Value::of(index(range.array, {at}, span));
  return Value::of(at);
}

static size_t generatorCount(const Node *generators) {
  size_t count = 0;
  for (const Node *child : generators->children)
    count += child->kind == NodeKind::Generator;
  return count;
}

static const Node *filterOf(const Node *generators) {
  const Node *last = generators->children.back();
  return last->kind == NodeKind::Filter ? last->child(0) : nullptr;
}

Value Elaborator::comprehension(const Node *expr, const Node *generators, const ScopePtr &scope, Span span) {
  if (const Node *filter = filterOf(generators))
    fail("E0301", filter->span, "a filter stands only under a reduction, such as `sum(e for i in n if c)`");
  size_t count = generatorCount(generators);
  const Node *generator = generators->child(0);
  Range range = evaluateRange(generator->child(0), scope);
  if (range.size == -2)
    fail("E0310", generator->child(0)->span, "the size of an array must be a constant");
  auto rest = [&](const ScopePtr &own) -> Value {
    if (count == 1)
      return evaluate(expr, own);
    Node tail = *generators;
    tail.children.erase(tail.children.begin());
    return comprehension(expr, &tail, own, span);
  };
  auto scopeAt = [&](const ExprPtr &at) {
    ScopePtr own = inner(scope);
    own->names[generator->text] = rangeItem(range, at, span);
    return own;
  };
  if (range.compileTime) {
    std::vector<Value> items;
    bool run = true;
    for (int64_t i = 0; i < range.size; ++i) {
      items.push_back(rest(scopeAt(number(static_cast<double>(i), intType(), span))));
      run &= items.back().isRun();
    }
    if (run && !items.empty()) {
      Type type = items[0].type();
      for (const Value &v : items)
        type = commonType(type, v.type(), span);
      std::vector<ExprPtr> args;
      args.reserve(items.size());
      for (const Value &v : items)
        args.push_back(coerce(v.run, type, span, true));
      type.shape.insert(type.shape.begin(), range.size);
      return Value::of(make(Op::Stack, type, std::move(args), span));
    }
    auto array = std::make_shared<CompileArray>();
    array->size = range.size;
    array->elements = items;
    return Value::of(array);
  }
  if (range.size == 0)
    fail("E0304", span, "an array of nothing has no type");
  // What the elements are decides: compile-time values are made anew for each index that is asked for.
  bool compileTime = false;
  bool elementLocal = false;
  ExprPtr built;
  {
    size_t slots = frame().function->slots.size();
    size_t statements = frame().blocks.back()->statements.size();
    bool effects = frame().effects;
    struct CompileTime {};
    try {
      built = build({range.size}, span, [&](const std::vector<ExprPtr> &is) {
        ExprPtr at = is[0];
        if (range.lower->op != Op::Number || range.lower->number != 0)
          at = arithmetic(Op::Add, range.lower, at, span);
        Value v = rest(scopeAt(at));
        if (!v.isRun() && v.kind != Value::Kind::Tuple)
          throw CompileTime{};
        return asRun(v, span);
      });
    } catch (CompileTime &) {
      compileTime = true;
      frame().function->slots.resize(slots);
      frame().blocks.back()->statements.resize(statements);
      frame().effects = effects;
    }
  }
  if (!compileTime)
    return Value::of(built);
  elementLocal = isLocal(scope) || (range.array && isLocal(Value::of(range.array)));
  auto array = std::make_shared<CompileArray>();
  array->size = range.size;
  array->local = elementLocal;
  std::string name = generator->text;
  auto tail = std::make_shared<Node>(*generators);
  tail->children.erase(tail->children.begin());
  // Each element is made when it is asked for, of the values of now.
  ScopePtr outer = captured(scope);
  for (ExprPtr *bound : {&range.array, &range.lower})
    if (*bound)
      *bound = hold(*bound);
  array->element = [this, range, name, outer, expr, tail, count, span](const Value &i) {
    ScopePtr own = inner(outer);
    ExprPtr at = i.run;
    if (range.lower->op != Op::Number || range.lower->number != 0)
      at = arithmetic(Op::Add, range.lower, at, span);
    own->names[name] = rangeItem(range, at, span);
    if (count == 1)
      return evaluate(expr, own);
    return comprehension(expr, tail.get(), own, span);
  };
  demandOfEach(
      range.size, elementLocal, [&](const ExprPtr &at) { array->element(Value::of(at)); }, span);
  return Value::of(array);
}

Value Elaborator::reduce(const std::string &operation, const Node *expr, const Node *generators, size_t from,
                         const ScopePtr &scope, Span span) {
  const Node *generator = generators->child(from);
  bool last = from + 1 == generatorCount(generators);
  const Node *filter = last ? filterOf(generators) : nullptr;
  bool logical = operation == "kac.any" || operation == "kac.all";
  Range range = evaluateRange(generator->child(0), scope);
  auto item = [&](const ScopePtr &own) {
    Value v = last ? evaluate(expr, own) : reduce(operation, expr, generators, from + 1, own, span);
    ExprPtr e = asRun(v, expr->span);
    if (e->type.isTuple || e->type.isBool() != logical)
      fail("E0301", expr->span, printType(e->type) + " cannot be reduced so");
    return logical ? e : coerce(e, realType(e->type.shape), expr->span, true);
  };
  auto condition = [&](const ScopePtr &own) {
    ExprPtr c = asRun(evaluate(filter, own), filter->span);
    if (!c->type.isBool() || !c->type.shape.empty())
      fail("E0301", filter->span, "a filter is one bool, this is " + printType(c->type));
    return c;
  };
  if (operation == "kac.mean" && !last)
    fail("E0301", span, "a mean takes one generator");
  if (range.compileTime) {
    // Few and known: added up one by one. A sum of nothing is the literal 0.
    bool additive = operation == "kac.sum" || operation == "kac.mean";
    if (!additive && operation != "kac.product")
      fail("E0310", span, "only sums, products and means run over structures");
    ExprPtr total = number(additive ? 0 : 1, intType(), span);
    for (int64_t i = 0; i < range.size; ++i) {
      ScopePtr own = inner(scope);
      own->names[generator->text] = rangeItem(range, number(static_cast<double>(i), intType(), span), span);
      if (filter) {
        ExprPtr c = condition(own);
        if (c->op != Op::Number)
          fail("E0310", filter->span, "which structure is used may depend only on constants");
        if (c->number == 0)
          continue;
      }
      Value v = last ? evaluate(expr, own) : reduce(operation, expr, generators, from + 1, own, span);
      total =
          i == 0 && additive ? asRun(v, span) : arithmetic(additive ? Op::Add : Op::Mul, total, asRun(v, span), span);
    }
    if (operation == "kac.mean")
      total = arithmetic(Op::Div, total, number(static_cast<double>(range.size), intType(), span), span);
    return Value::of(total);
  }
  auto e = std::make_shared<Expr>();
  e->op = Op::Reduce;
  e->name = operation;
  e->span = span;
  Type indexType = intType();
  bool zero = range.lower->op == Op::Number && range.lower->number == 0;
  if (zero && range.size >= 0) {
    indexType.scalar = Scalar::Token;
    indexType.letters = range.size;
  }
  int slot = newSlot(generator->text, indexType);
  e->slots = {slot};
  e->args = {range.lower, range.upper};
  Scoped<int> inside(frame().comprehensions, frame().comprehensions + 1);
  const Popped outer(frame().indices);
  frame().indices.push_back({slot, range.size >= 0 ? range.size : 65536});
  ExprPtr at = local(slot, span);
  if (filter)
    e->args.push_back(nested([&] {
      ScopePtr own = inner(scope);
      own->names[generator->text] = rangeItem(range, at, span);
      return condition(own);
    }));
  e->body = block([&] {
    ScopePtr own = inner(scope);
    own->names[generator->text] = rangeItem(range, at, span);
    return item(own);
  });
  e->type = e->body->result->type;
  return Value::of(e);
}

Value Elaborator::generatorArgument(const Node *expr, const Node *generators, const ScopePtr &scope,
                                    const Callable *reduction, const Value &callee, std::vector<Argument> rest,
                                    Span span) {
  if (reduction)
    return reduce(reduction->operation, expr, generators, 0, scope, span);
  Value items = comprehension(expr, generators, scope, span);
  auto pass = [&](const Value &array) {
    std::vector<Argument> arguments{{"", expr->span, array}};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    return call(callee, arguments, span);
  };
  size_t axes = generatorCount(generators);
  bool isTemplate = callee.kind == Value::Kind::Function && callee.closure->kind == Closure::Kind::Template;
  if (!items.isRun() || items.type().isTuple || isTemplate || items.type().shape.size() <= axes)
    return pass(items);
  // Elementwise over the axes of the elements.
  ExprPtr array = hold(items.run);
  std::vector<int64_t> outer(array->type.shape.begin(), array->type.shape.begin() + static_cast<long>(axes));
  std::vector<int64_t> own(array->type.shape.begin() + static_cast<long>(axes), array->type.shape.end());
  return buildValue(own, span, [&](const std::vector<ExprPtr> &js) {
    ExprPtr column = build(outer, span, [&](const std::vector<ExprPtr> &is) {
      std::vector<ExprPtr> at = is;
      at.insert(at.end(), js.begin(), js.end());
      return index(array, at, span);
    });
    return pass(Value::of(column));
  });
}

} // namespace kac::checking
