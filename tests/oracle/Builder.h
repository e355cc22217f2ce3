// A few words to write models by hand in tests: expressions with operators, statements, functions.
#pragma once

#include "dsl/Model.h"

namespace kac::oracle {

struct Term {
  std::shared_ptr<Expr> e;
  operator ExprPtr() const { return e; }
};

inline Term term(Op op, Type type, std::vector<Term> args = {}) {
  Term t{std::make_shared<Expr>()};
  t.e->op = op;
  t.e->type = std::move(type);
  for (const Term &a : args)
    t.e->args.push_back(a);
  return t;
}

inline Term number(double v, Type type = realType()) {
  Term t = term(Op::Number, std::move(type));
  t.e->number = v;
  return t;
}
inline Term integer(double v) { return number(v, intType()); }

/// The type of an elementwise result: that of the operand with most axes, of another scalar where said.
inline Type longer(const Term &a, const Term &b) {
  return a.e->type.shape.size() >= b.e->type.shape.size() ? a.e->type : b.e->type;
}
inline Term operator+(Term a, Term b) { return term(Op::Add, longer(a, b), {a, b}); }
inline Term operator-(Term a, Term b) { return term(Op::Sub, longer(a, b), {a, b}); }
inline Term operator*(Term a, Term b) { return term(Op::Mul, longer(a, b), {a, b}); }
inline Term operator/(Term a, Term b) { return term(Op::Div, longer(a, b), {a, b}); }
inline Term operator-(Term a) { return term(Op::Neg, a.e->type, {a}); }
inline Term operator+(Term a, double b) { return a + number(b); }
inline Term operator*(double a, Term b) { return number(a) * b; }
inline Term power(Term a, Term b) { return term(Op::Pow, longer(a, b), {a, b}); }
inline Term comparison(Op op, Term a, Term b) {
  Type type = longer(a, b);
  type.scalar = Scalar::Bool;
  return term(op, type, {a, b});
}
inline Term operator<(Term a, Term b) { return comparison(Op::Less, a, b); }
inline Term operator==(Term a, Term b) { return comparison(Op::Equal, a, b); }

inline Term primitive(const std::string &name, Term a, const Function *derivative = nullptr) {
  Term t = term(Op::Primitive, a.e->type, {a});
  t.e->name = name;
  t.e->derivatives = {derivative};
  return t;
}
inline Term whole(const std::string &name, Type type, std::vector<Term> args) {
  Term t = term(Op::Whole, std::move(type), std::move(args));
  t.e->name = name;
  return t;
}
inline Term sum(Term a) { return whole("kac.sum", realType(), {a}); }
inline Term input(const Model &m, int64_t index) {
  Term t = term(Op::Input, m.inputs[index].type);
  t.e->index = index;
  return t;
}
inline Term at(Term array, std::vector<Term> indices) {
  Type type = array.e->type;
  type.shape.erase(type.shape.begin(), type.shape.begin() + indices.size());
  indices.insert(indices.begin(), array);
  return term(Op::Index, type, indices);
}
inline Term random(const std::string &law, int64_t site, std::vector<Term> indices = {},
                   std::vector<int64_t> extents = {}) {
  Term t = term(Op::Random, realType(), std::move(indices));
  t.e->name = law;
  t.e->index = site;
  t.e->extents = std::move(extents);
  return t;
}
inline std::shared_ptr<Block> block(std::vector<Statement> statements, Term result = {}) {
  auto b = std::make_shared<Block>();
  b->statements = std::move(statements);
  b->result = result.e;
  return b;
}
inline Term build(std::vector<int> slots, std::vector<int64_t> extents, Term body) {
  Type type = body.e->type;
  type.shape.insert(type.shape.begin(), extents.begin(), extents.end());
  Term t = term(Op::Build, type);
  t.e->slots = std::move(slots);
  t.e->extents = std::move(extents);
  t.e->body = block({}, body);
  return t;
}
inline Term reduce(const std::string &name, int slot, Term from, Term to, Term body, std::vector<Term> filter = {}) {
  filter.insert(filter.begin(), {from, to});
  Term t = term(Op::Reduce, body.e->type, filter);
  t.e->name = name;
  t.e->slots = {slot};
  t.e->body = block({}, body);
  return t;
}
inline Term choose(Term condition, Term a, Term b) {
  Term t = term(Op::If, a.e->type, {condition});
  t.e->body = block({}, a);
  t.e->otherwise = block({}, b);
  return t;
}
inline Term derivative(Op op, Term value, Term local, Type type, std::vector<Term> direction = {}) {
  direction.insert(direction.begin(), value);
  Term t = term(op, std::move(type), direction);
  t.e->slot = local.e->slot;
  return t;
}
inline Term grad(Term value, Term local) { return derivative(Op::Grad, value, local, local.e->type); }
inline Term jvp(Term value, Term local, Term v) { return derivative(Op::Jvp, value, local, value.e->type, {v}); }
inline Term divergence(Term value, Term local) { return derivative(Op::Divergence, value, local, realType()); }
inline Term laplacian(Term value, Term local) { return derivative(Op::Laplacian, value, local, realType()); }
inline Term stop(Term value) { return term(Op::Stop, value.e->type, {value}); }

/// A function of the model that is being written.
class FunctionWriter {
public:
  FunctionWriter(Model &model, std::string name, Type result) : f(model.functions.emplace_back()) {
    f.name = std::move(name);
    f.result = std::move(result);
  }
  Term local(const std::string &name, Type type) {
    f.slots.push_back({name, type});
    Term t = term(Op::Local, std::move(type));
    t.e->slot = int(f.slots.size()) - 1;
    return t;
  }
  Term parameter(const std::string &name, Type type) {
    Term t = local(name, std::move(type));
    f.parameters.push_back(t.e->slot);
    return t;
  }
  const Function *body(std::vector<Statement> statements, Term result) {
    f.body = *block(std::move(statements), result);
    return &f;
  }
  const Function *body(Term result) { return body({}, result); }

private:
  Function &f;
};

inline Statement statement(Statement::Kind kind, Term value, int slot = -1) {
  Statement s;
  s.kind = kind;
  s.value = value.e;
  s.slot = slot;
  return s;
}
inline Statement assign(Term local, Term value) { return statement(Statement::Kind::Assign, value, local.e->slot); }
inline Statement assignElement(Term local, std::vector<Term> indices, Term value) {
  Statement s = statement(Statement::Kind::AssignElement, value, local.e->slot);
  for (const Term &i : indices)
    s.indices.push_back(i);
  return s;
}
inline Statement weigh(Term value) { return statement(Statement::Kind::Weigh, value); }
inline Statement loop(Term index, Term from, Term to, std::vector<Statement> body, Term condition = {}) {
  Statement s = statement(Statement::Kind::For, from, index.e->slot);
  s.second = to;
  s.condition = condition.e;
  s.body = block(std::move(body));
  return s;
}
inline Term call(const Function *f, std::vector<Term> args) {
  Term t = term(Op::Call, f->result, std::move(args));
  t.e->function = f;
  return t;
}

} // namespace kac::oracle
