// A test in; the laws and processes that it builds out, with samplers that show whether what their kinds promise holds.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

namespace {

/// Away from both ends, where noise or data may be without bound.
constexpr double early = 0.2, late = 0.8;

/// Names that are bound in a tree are no values outside of it.
void hideBound(const Node *node, Scope &scope) {
  static const std::set<NodeKind> binding = {NodeKind::Generator, NodeKind::For, NodeKind::Draw, NodeKind::Assign,
                                             NodeKind::Formal};
  auto hide = [&](const std::string &name) { scope.names[name].kind = Value::Kind::Text; };
  if (binding.count(node->kind))
    hide(node->text);
  for (const Node *child : node->children) {
    if (node->kind == NodeKind::Names)
      hide(child->text);
    hideBound(child, scope);
  }
}

std::string_view textOf(const Span &span) { return span.source->text().substr(span.begin, span.end - span.begin); }

} // namespace

/// Each name, each field and call of one, and each `with` may be a value of a kind.
void Elaborator::elaborateLaws(const Node *test, const ScopePtr &file) {
  ScopePtr scope = functionScope(file);
  hideBound(test->child(1), *scope);
  std::function<void(const Node *)> visit = [&](const Node *node) {
    const bool postfix = node->kind == NodeKind::Postfix;
    for (size_t end = 2; postfix && end < node->children.size(); ++end)
      if (node->child(end)->kind != NodeKind::Call) { // what stands before it is whole: it is asked for a field
        auto before = std::make_shared<Node>(*node);
        before->children.resize(end);
        before->span.end = node->child(end - 1)->span.end;
        keptNodes.push_back(before);
        elaborateLaw(before.get(), scope);
      }
    if (postfix || node->kind == NodeKind::With || node->kind == NodeKind::Name)
      elaborateLaw(node, scope);
    // The name before a call is no value of its own.
    const bool called = postfix && node->child(0)->kind == NodeKind::Name && node->child(1)->kind == NodeKind::Call;
    for (size_t i = called ? 1 : 0; i < node->children.size(); ++i)
      visit(node->child(i));
  };
  visit(test->child(1));
}

void Elaborator::elaborateLaw(const Node *node, const ScopePtr &scope) {
  const Span span = node->span;
  auto isSame = [&](const LawCase &other) {
    return other.span.source == span.source && textOf(other.span) == textOf(span);
  };
  if (std::any_of(model.laws.begin(), model.laws.end(), isSame))
    return;
  auto value = [&] { return evaluate(node, functionScope(scope)); }; // made anew in each function that asks for it
  Value first;
  try {
    probe([&] { first = value(); });
  } catch (CheckFailure &) {
    return;
  }
  if (!isTargetOperand(first))
    return;
  model.laws.push_back({span, {}});
  if (first.kind == Value::Kind::Target || !isModel(first.structure)) {
    if (!addPromise({"", true, true}, value, nullptr, value))
      addPromise({"", true, false}, value, nullptr, value); // it has no score
    return;
  }
  // What is given its data, and nothing after that changes what moves it, is to carry its law from one time to another.
  auto isChanged = [&](const std::string &field) {
    auto list = definitions(*first.structure, field);
    return !list.empty() && list[0].second > 1;
  };
  if (definitions(*first.structure, fields::data).empty() || isChanged(fields::velocity) || isChanged(fields::score))
    return;
  auto real = [&](double x) { return Value::of(number(x, realType(), span)); };
  auto ask = [&](const std::string &field, const std::vector<Value> &arguments) {
    return callField(value().structure, field, arguments, span);
  };
  auto lawAt = [&](double time) { return [&, time] { return ask(fields::law, {real(time)}); }; };
  auto step = [&](const std::vector<Value> &v) { return ask(fields::step, {v[0], v[1], v[2]}); };
  auto noise = [&](const std::vector<Value> &v) {
    const Value t = hold(operate("-", real(1), v[1], span));
    return ask(fields::move, {v[0], operate("*", ask(fields::noising, {v[0], t}), v[2], span),
                              operate("*", ask(fields::diffusion, {t}), operate("^", v[2], real(0.5), span), span)});
  };
  addPromise({"its law at 0.8, simulated by its steps from its law at 0.2: ", false, false}, lawAt(early), step,
             lawAt(late));
  addPromise({"its law at 0.2, simulated by its noise from its law at 0.8: ", false, false}, lawAt(late), noise,
             lawAt(early));
}

/// A sampler that draws from one law, takes steps, if any, and gives the density of another; none where that cannot be.
bool Elaborator::addPromise(const LawCase::Promise &promise, const std::function<Value()> &from,
                            const std::function<Value(const std::vector<Value> &)> &step,
                            const std::function<Value()> &to) {
  LawCase &made = model.laws.back();
  const Span span = made.span;
  Sampler sampler;
  sampler.name = "law_" + std::to_string(model.laws.size()) + "_" + std::to_string(made.promises.size());
  sampler.span = span;
  sampler.particles = step ? 8192 : 40000;
  sampler.steps = step ? 1000 : 0;
  sampler.stepsFixed = !step;
  try {
    sampler.init = enter(sampler.name + ".init", span, {intType()}, {"i"}, true,
                         [&](const std::vector<Value> &) { return draw(from(), span); });
    sampler.state = sampler.init->result;
    if (sampler.state.isTuple)
      return false;
    if (sampler.state.isFloat())
      sampler.state.scalar = Scalar::Real;
    if (step)
      sampler.step = enter(sampler.name + ".step", span, {sampler.state, realType(), realType(), intType(), intType()},
                           {"x", "t", "dt", "n", "i"}, true, [&](const std::vector<Value> &v) {
                             ExprPtr e = coerce(asRun(draw(step(v), span), span), sampler.state, span, true);
                             return Value::of(repeatTo(e, sampler.state, span));
                           });
    sampler.time = enter(sampler.name + ".time", span, {realType()}, {"u"}, false, [&](const std::vector<Value> &v) {
      auto real = [&](double x) { return Value::of(number(x, realType(), span)); };
      return step ? operate("+", real(early), operate("*", real(late - early), v[0], span), span) : v[0];
    });
    sampler.output =
        enter(sampler.name + ".output", span, {sampler.state}, {"x"}, false, [&](const std::vector<Value> &v) {
          const auto law = asTarget(to(), nullptr, span);
          const Value x = Value::of(coerce(v[0].run, sampler.init->result, span, true)); // positive, say
          auto ask = [&](const std::string &field) {
            return TuplePart{field, call(targetField(law, field, span), {{"", span, x}}, span)};
          };
          Value all;
          all.kind = Value::Kind::Tuple;
          all.parts = {{fields::output, v[0]}, ask(fields::logp)};
          if (promise.score)
            all.parts.push_back(ask(fields::score));
          return all;
        });
  } catch (CheckFailure &) {
    return false;
  }
  made.promises.push_back(promise);
  model.samplers.push_back(std::move(sampler));
  return true;
}

} // namespace kac::checking
