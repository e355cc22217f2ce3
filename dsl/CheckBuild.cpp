// Builds expressions and statements of the function under construction.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

void Elaborator::fail(const std::string &code, Span span, const std::string &text, const std::string &help) const {
  throw CheckFailure{code, span, text, {}, help};
}

ExprPtr Elaborator::make(Op op, Type type, std::vector<ExprPtr> args, Span span) const {
  if (++made > 500'000)
    fail("E0602", span,
         "written out without structures and templates, the program has more than half a million operations");
  auto e = std::make_shared<Expr>();
  e->op = op;
  e->type = std::move(type);
  e->args = std::move(args);
  e->span = span;
  return e;
}

ExprPtr Elaborator::number(double value, Type type, Span span) const {
  auto e = std::make_shared<Expr>();
  e->op = Op::Number;
  e->type = std::move(type);
  e->number = value;
  e->span = span;
  return e;
}

ExprPtr Elaborator::sizeValue(int64_t size, Span span) const {
  if (size == kParticles)
    return make(Op::Particles, intType(), {}, span);
  return number(static_cast<double>(size), intType(), span);
}

ExprPtr Elaborator::local(int slot, Span span) const {
  auto e = std::make_shared<Expr>();
  e->op = Op::Local;
  e->type = frames.back()->function->slots[static_cast<size_t>(slot)].type;
  e->slot = slot;
  e->span = span;
  return e;
}

int Elaborator::newSlot(const std::string &name, const Type &type) {
  frame().function->slots.push_back({name, type});
  return static_cast<int>(frame().function->slots.size()) - 1;
}

void Elaborator::emit(Statement statement) { frame().blocks.back()->statements.push_back(std::move(statement)); }

namespace {

/// Slots that an expression reads, and those that it sets itself (indices, assignments in its blocks).
struct SlotUse {
  std::set<int> read, own;
  bool random = false;
  void visit(const Expr &e) {
    if (e.op == Op::Local || !e.path.empty() || (e.slot >= 0 && e.op != Op::Local))
      read.insert(e.slot);
    random |= e.op == Op::Random;
    own.insert(e.slots.begin(), e.slots.end());
    for (const ExprPtr &a : e.args)
      visit(*a);
    visit(e.body);
    visit(e.otherwise);
  }
  void visit(const std::shared_ptr<const Block> &b) {
    if (!b)
      return;
    for (const Statement &s : b->statements) {
      if (s.kind == Statement::Kind::Assign || s.kind == Statement::Kind::For)
        own.insert(s.slot);
      for (const ExprPtr *part : {&s.value, &s.second, &s.condition})
        if (*part)
          visit(**part);
      for (const ExprPtr &i : s.indices)
        visit(*i);
      visit(s.body);
      visit(s.otherwise);
    }
    if (b->result)
      visit(*b->result);
  }
  bool closed() const {
    return !random && std::all_of(read.begin(), read.end(), [&](int slot) { return own.count(slot) > 0; });
  }
};

} // namespace

/// A value that captures nothing as a function of its own, computed once.
ExprPtr Elaborator::constantFunction(const ExprPtr &e, const std::string &name) {
  Function function;
  function.name = uniqueName(name.empty() ? "value" : name);
  function.span = e->span;
  function.result = e->type;
  function.slots = frame().function->slots;
  function.body.result = e;
  model.functions.push_back(std::move(function));
  auto call = std::make_shared<Expr>(*make(Op::Call, e->type, {}, e->span));
  call->function = &model.functions.back();
  return call;
}

void Elaborator::set(int slot, const ExprPtr &value, Span span) {
  Statement s{};
  s.kind = Statement::Kind::Assign;
  s.span = span;
  s.slot = slot;
  s.value = value;
  emit(std::move(s));
}

/// Computes a value now, and gives the slot that holds it.
ExprPtr Elaborator::store(const std::string &name, const ExprPtr &value, Span span) {
  const int slot = newSlot(name, value->type);
  set(slot, value, span);
  return local(slot, span);
}

ExprPtr Elaborator::hold(ExprPtr e, const std::string &name) {
  if (e->op == Op::Number || e->op == Op::Input || e->op == Op::Particles)
    return e;
  if (frame().global && !isLocal(Value::of(e)))
    return e;
  if (e->op == Op::Local && !frame().rebound.count(e->slot))
    return e;
  if (frame().global && frame().blocks.size() == 1 && e->op != Op::Local) {
    // A structure that outlives this frame may capture the value.
    SlotUse use;
    use.visit(*e);
    if (use.closed())
      return constantFunction(e, name);
  }
  return store(name.empty() ? "v" : name, e, e->span);
}

Value Elaborator::hold(const Value &value, const std::string &name) {
  if (value.isRun())
    return Value::of(hold(value.run, name));
  if (value.kind == Value::Kind::Tuple) {
    Value copy = value;
    for (auto &[n, v] : copy.parts)
      v = hold(v, name.empty() ? n : name + "." + n);
    return copy;
  }
  return value;
}

ExprPtr Elaborator::asRun(const Value &value, Span span) {
  switch (value.kind) {
  case Value::Kind::Run:
    return value.run;
  case Value::Kind::Tuple: {
    Type type;
    type.isTuple = true;
    std::vector<ExprPtr> parts;
    for (const auto &[name, v] : value.parts) {
      parts.push_back(asRun(v, span));
      type.components.push_back({name, parts.back()->type});
    }
    return make(Op::Tuple, type, std::move(parts), span);
  }
  case Value::Kind::Function:
    fail("E0301", span, "`" + value.closure->name + "` is a function: call it to have a value");
  case Value::Kind::Text:
    fail("E0301", span, "a text is no value of a program that runs");
  default:
    fail("E0301", span, "a structure is no value of a program that runs", "read one of its fields");
  }
}

std::shared_ptr<Block> Elaborator::block(const std::function<ExprPtr()> &body) {
  auto b = std::make_shared<Block>();
  const Popped outer(frame().blocks);
  frame().blocks.push_back(b);
  b->result = body();
  return b;
}

ExprPtr Elaborator::nested(const std::function<ExprPtr()> &body) {
  auto b = block(body);
  if (b->statements.empty() || !b->result)
    return b->result;
  auto e = std::make_shared<Expr>();
  e->op = Op::Do;
  e->type = b->result->type;
  e->span = b->result->span;
  e->body = b;
  return e;
}

static Type withLeading(Type type, const std::vector<int64_t> &extents) {
  if (type.isTuple)
    for (Component &c : type.components)
      c.type = withLeading(c.type, extents);
  else
    type.shape.insert(type.shape.begin(), extents.begin(), extents.end());
  return type;
}

ExprPtr Elaborator::build(const std::vector<int64_t> &extents, Span span,
                          const std::function<ExprPtr(const std::vector<ExprPtr> &)> &body) {
  auto e = std::make_shared<Expr>();
  e->op = Op::Build;
  e->span = span;
  std::vector<ExprPtr> indices;
  const Popped outer(frame().indices);
  for (int64_t extent : extents) {
    Type type = intType();
    if (extent != kParticles) {
      type.scalar = Scalar::Token;
      type.letters = extent;
    }
    int slot = newSlot("i", type);
    e->slots.push_back(slot);
    e->extents.push_back(extent);
    indices.push_back(local(slot, span));
    frame().indices.push_back({slot, extent});
  }
  Scoped<int> inside(frame().comprehensions, frame().comprehensions + 1);
  std::shared_ptr<Block> b = block([&] { return body(indices); });
  e->type = withLeading(b->result->type, extents);
  e->body = b;
  return e;
}

Value Elaborator::buildValue(const std::vector<int64_t> &extents, Span span,
                             const std::function<Value(const std::vector<ExprPtr> &)> &body) {
  return Value::of(build(extents, span, [&](const std::vector<ExprPtr> &i) { return asRun(body(i), span); }));
}

ExprPtr Elaborator::index(ExprPtr array, const std::vector<ExprPtr> &indices, Span span) {
  if (indices.empty())
    return array;
  if (array->type.isTuple) {
    array = hold(array);
    Type type = array->type;
    std::vector<ExprPtr> parts;
    for (size_t i = 0; i < type.components.size(); ++i) {
      parts.push_back(index(part(array, i, span), indices, span));
      type.components[i].type = parts.back()->type;
    }
    return make(Op::Tuple, type, std::move(parts), span);
  }
  if (array->op == Op::Number)
    return array;
  std::vector<ExprPtr> args{array};
  Type type = array->type;
  bool inRange = true;
  for (size_t i = 0; i < indices.size(); ++i) {
    int64_t extent = type.shape[i];
    const Expr &at = *indices[i];
    if (at.op == Op::Number && extent != kParticles && (at.number < 0 || at.number >= static_cast<double>(extent)))
      fail("E0307", at.span.source ? at.span : span,
           "index " + std::to_string(static_cast<int64_t>(at.number)) + " is outside of an axis of length " +
               std::to_string(extent));
    inRange &= at.op == Op::Number ||
               (at.type.scalar == Scalar::Token && at.type.letters > 0 && at.type.letters <= extent) ||
               (extent == kParticles && at.op == Op::Local);
    args.push_back(indices[i]);
  }
  type.shape.erase(type.shape.begin(), type.shape.begin() + static_cast<long>(indices.size()));
  // What is known at compile time is taken at once: elements of a written array, a repeated value.
  if (indices.size() == 1 && array->op == Op::Stack && indices[0]->op == Op::Number)
    return array->args[static_cast<size_t>(indices[0]->number)];
  if (array->op == Op::Repeat && array->type.shape.size() - array->args[0]->type.shape.size() >= indices.size() &&
      array->args[0]->type.shape == type.shape)
    return array->args[0];
  auto e = std::make_shared<Expr>(*make(Op::Index, type, std::move(args), span));
  if (type.isFloat() && type.shape.empty() && (type.scalar == Scalar::Simplex || type.scalar == Scalar::Onehot))
    e->type.scalar = Scalar::Real;
  e->inRange = inRange;
  return e;
}

ExprPtr Elaborator::part(ExprPtr tuple, size_t component, Span span) {
  if (tuple->op == Op::Tuple)
    return tuple->args[component];
  auto e = std::make_shared<Expr>(*make(Op::Part, tuple->type.components[component].type, {tuple}, span));
  e->index = static_cast<int64_t>(component);
  return e;
}

std::string Elaborator::uniqueName(const std::string &name) {
  std::string candidate = name;
  for (int i = 2; !functionNames.insert(candidate).second; ++i)
    candidate = name + "." + std::to_string(i);
  return candidate;
}

} // namespace kac::checking
