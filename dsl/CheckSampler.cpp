// Samplers and tests: their entry functions, and the sites of their draws.
#include "dsl/Elaborate.h"

#include <algorithm>
#include <cmath>

namespace kac::checking {

const Function *Elaborator::enter(const std::string &name, Span span, const std::vector<Type> &types,
                                  const std::vector<std::string> &names, bool effects,
                                  const std::function<Value(std::vector<Value>)> &body) {
  auto function = std::make_unique<Function>();
  function->span = span;
  Frame own(*function);
  own.entry = true;
  {
    const Within inside(*this, own);
    std::vector<Value> values;
    for (size_t i = 0; i < types.size(); ++i) {
      int slot = newSlot(names[i], types[i]);
      function->parameters.push_back(slot);
      values.push_back(Value::of(local(slot, span)));
    }
    own.blocks[0]->result = asRun(body(std::move(values)), span);
  }
  entryWeighs = own.weighs;
  if (own.effects && !effects)
    fail("E0315", span, "a draw or a weight may not stand in `" + name.substr(0, name.rfind(".entry")) + "`");
  function->name = uniqueName(name);
  function->result = own.blocks[0]->result->type;
  function->body = std::move(*own.blocks[0]);
  model.functions.push_back(std::move(*function));
  return &model.functions.back();
}

const Function *Elaborator::entry(const StructurePtr &structure, const std::string &field,
                                  const std::vector<Type> &types, const std::vector<std::string> &names) {
  auto list = definitions(*structure, field);
  Span span = list.empty() ? structure->node->span : list[0].first->span;
  const fields::May may = fields::mayDo(structure->kind->text, field);
  Scoped<bool> own(unweighable, may < fields::May::Weigh);
  return enter(
      structure->name + "." + field + ".entry", span, types, names, may > fields::May::Nothing,
      [&](std::vector<Value> values) { return callField(structure, field, std::move(values), structure->node->span); });
}

static Type plain(Type type) {
  for (Component &c : type.components)
    c.type = plain(c.type);
  if (!type.isTuple && type.isFloat())
    type.scalar = Scalar::Real;
  return type;
}

static int64_t wholeNumber(const Value &value) {
  return value.isRun() && value.run->op == Op::Number && value.run->number >= 0 && value.run->number < 2147483648.0
             ? static_cast<int64_t>(value.run->number)
             : -1;
}

/// What goes wrong in the library's own fields on behalf of a sampler is shown at the sampler.
void Elaborator::elaborateSampler(const Node *node, const StructurePtr &structure) {
  try {
    elaborateEntries(node, structure);
  } catch (CheckFailure &failure) {
    if (librarySources.count(failure.span.source) || !failure.span.source) {
      if (failure.span.source)
        failure.remarks.insert(failure.remarks.begin(), {failure.span, "the place in the library"});
      failure.span = node->span;
    }
    throw;
  }
}

/// What a sampler requires of its run.
void Elaborator::demandRequires(const StructurePtr &structure) {
  for (size_t layer = 0; layer < structure->layers.size(); ++layer)
    for (const Node *node : structure->layers[layer].fields->children) {
      if (node->kind != NodeKind::Require)
        continue;
      const Function *holds =
          enter(structure->name + ".require", node->span, {}, {}, false, [&](const std::vector<Value> &) {
            Value v = evaluate(node->child(0), functionScope(layerScope(structure, layer)));
            ExprPtr c = asRun(v, node->child(0)->span);
            if (!c->type.isBool() || !c->type.shape.empty())
              fail("E0301", node->child(0)->span, "a condition is one bool, this is " + printType(c->type));
            return Value::of(c);
          });
      const Expr &condition = *holds->body.result;
      if (condition.op == Op::Number && condition.number == 0)
        fail("E0405", node->span, node->child(1)->text);
      if (condition.op != Op::Number)
        model.requires_.push_back({holds, structure->name, "E0405", node->child(1)->text, node->span});
    }
}

void Elaborator::elaborateEntries(const Node *node, const StructurePtr &structure) {
  Sampler sampler;
  sampler.name = structure->name;
  sampler.span = node->span;
  const size_t before = model.requires_.size();
  const Scoped<const Structure *> own(entered, structure.get());
  for (auto [field, target] : {std::pair{fields::steps, &sampler.steps}, {fields::particles, &sampler.particles}}) {
    *target = wholeNumber(fieldOf(structure, field, node->span));
    if (*target < 0 || (field == fields::particles && *target == 0)) {
      auto list = definitions(*structure, field);
      fail("E0310", list.empty() ? node->span : list[0].first->span,
           "`" + field + "` must be a constant integer, " + (field == fields::steps ? "0 or more" : "1 or more"));
    }
  }
  sampler.stepsFixed = sampler.steps == 0;
  demandRequires(structure);
  if (auto list = definitions(*structure, fields::probes); list[0].second > 0)
    fail("E0712", list[0].first->span, "divergences by probes are not there yet; those of closed forms are exact");
  sampler.init = entry(structure, fields::init, {intType()}, {"i"});
  sampler.state = plain(sampler.init->result);
  if (!structure->settled.inferred.count(kinds::kState) && !structure->bindings.count(kinds::kState))
    structure->settled.inferred[kinds::kState] = {true, sampler.state, {}};
  bool stepWeighs = false;
  if (sampler.steps > 0) {
    sampler.step = entry(structure, fields::step, {sampler.state, realType(), realType(), intType(), intType()},
                         {"x", "t", "dt", "n", "i"});
    stepWeighs = entryWeighs;
    if (!(plain(sampler.step->result) == sampler.state)) {
      auto list = definitions(*structure, fields::step);
      const Type given = sampler.step->result;
      // A step may give whole numbers for reals, and repeats nothing.
      auto &last = const_cast<Function &>(*sampler.step);
      bool fits = !given.isTuple && !sampler.state.isTuple && given.shape == sampler.state.shape &&
                  widens(given, sampler.state);
      if (!fits &&
          !(given.isTuple && sampler.state.isTuple && given.components.size() == sampler.state.components.size()))
        fail("E0304", list.empty() ? node->span : list[0].first->span,
             "`step` gives " + printType(given) + ", the state is " + printType(sampler.state));
      Frame own(last);
      *own.blocks[0] = std::move(last.body);
      try {
        const Within inside(*this, own);
        own.blocks[0]->result =
            repeatTo(coerce(own.blocks[0]->result, sampler.state, last.span, true), sampler.state, last.span);
      } catch (CheckFailure &failure) {
        failure.text = "`step` gives " + printType(given) + ", the state is " + printType(sampler.state);
        throw;
      }
      last.result = sampler.state;
      last.body = std::move(*own.blocks[0]);
    }
  }
  sampler.time = entry(structure, fields::time, {realType()}, {"u"});
  if (auto list = definitions(*structure, fields::resample); !list.empty()) {
    Type weights;
    weights.scalar = Scalar::Simplex;
    weights.shape = {kParticles};
    std::vector<Type> types{weights, realType(), realType(), intType()};
    sampler.resample = entry(structure, fields::resample, types, {"w", "ess", "t", "n"});
    if (!sampler.resample->result.isInteger() || sampler.resample->result.shape != std::vector<int64_t>{kParticles})
      fail("E0304", list[0].first->span,
           "`resample` gives " + printType(sampler.resample->result) + ", one ancestor for each lineage is needed");
    // Where the conditions of all definitions fail, nobody is resampled.
    if (std::all_of(list.begin(), list.end(), [](const auto &each) { return each.first->child(3)->present(); })) {
      const Node *offered = signature(*structure, fields::resample)->child(0)->child(1);
      sampler.when =
          enter(structure->name + ".when", list[0].first->child(3)->span, {realType(), realType(), intType()},
                {"ess", "t", "n"}, false, [&](const std::vector<Value> &arguments) {
                  ExprPtr any;
                  for (const auto &[definition, layer] : list) {
                    const Node *when = definition->child(3);
                    ScopePtr scope = functionScope(layerScope(structure, layer));
                    for (size_t i = 0; i < arguments.size(); ++i)
                      scope->names[offered->child(i)->text] = arguments[i];
                    Value v = evaluate(when, scope);
                    if (!v.isRun() || !v.type().isBool() || !v.type().shape.empty())
                      fail("E0301", when->span, "the condition after `when` is one bool");
                    any = any ? make(Op::Or, boolType(), {any, hold(v.run)}, when->span) : hold(v.run);
                  }
                  return Value::of(any);
                });
    }
  }
  sampler.output = entry(structure, fields::output, {sampler.state}, {"x"});
  if (sampler.steps > 0)
    if (auto list = definitions(*structure, fields::monitor); !list.empty()) {
      std::vector<Type> types{sampler.state, realType(), intType()};
      std::vector<std::string> names{"x", "t", "n"};
      const Function *whole = entry(structure, fields::monitor, types, names);
      Type result = whole->result;
      size_t count = result.isTuple ? result.components.size() : 1;
      for (size_t c = 0; c < count; ++c) {
        auto field = enter(
            structure->name + ".monitor", list[0].first->span, types, names, false, [&](std::vector<Value> arguments) {
              ExprPtr e = asRun(callField(structure, fields::monitor, std::move(arguments), list[0].first->span),
                                list[0].first->span);
              if (result.isTuple)
                e = part(hold(e), c, e->span);
              if (e->type.isTuple || e->type.isBool())
                fail("E0301", list[0].first->span, "a monitor is an array of reals, or a tuple of such",
                     e->type.isTuple ? "" : "`indicator` makes a number of a bool");
              return Value::of(coerce(e, realType(e->type.shape), e->span, true));
            });
        std::string name = result.isTuple && !result.components[c].name.empty() ? result.components[c].name
                           : count == 1                                         ? fields::monitor
                                                                                : "monitor." + std::to_string(c);
        sampler.monitors.push_back({name, field});
      }
    }
  // The drift and the rate, for derive: instances of this structure's fields.
  for (size_t i = 0; i < model.functions.size(); ++i) { // alternatives are functions more
    Function &f = model.functions[i];
    if (f.structure != identity.nameOf(structure) || f.kind != structure->kind->text)
      continue;
    if (f.field == fields::rate && !sampler.rate)
      sampler.rate = &f;
    if (f.field == fields::drift && !sampler.drift) {
      sampler.drift = &f;
      alternatives(structure, f, sampler.state);
    }
  }
  auto doubts = describeTarget(structure, sampler);
  for (size_t i = before; i < model.requires_.size(); ++i)
    if (Span &span = model.requires_[i].span; librarySources.count(span.source) || !span.source)
      span = node->span;
  // A step whose weights are 0 takes the samples as they come: the default one, or one that leaves it at that.
  auto steps = definitions(*structure, fields::step), weightsGiven = definitions(*structure, fields::weights);
  const bool ownStep = steps.empty() || steps[0].second > 0;
  sampler.weighted = sampler.steps == 0 || sampler.rate ||
                     (ownStep && (weightsGiven.empty() || weightsGiven[0].second == 0 || stepWeighs));
  const bool conditional =
      !ownStep && !weightsGiven.empty() && weightsGiven[0].second > 0 && weightsGiven[0].first->child(3)->present();
  bool sometimes = false;
  if (!sampler.weighted || conditional)
    probe([&] {
      std::vector<Value> v;
      for (const Type &type : {sampler.state, sampler.state, realType(), realType()})
        v.push_back(Value::of(local(newSlot("v", type), node->span)));
      Value weight = callField(structure, fields::weights, v, node->span);
      auto isZero = [](const ExprPtr &e) { return e && e->op == Op::Number && e->number == 0; };
      sampler.weighted |= !weight.isRun() || !isZero(weight.run);
      sometimes = conditional && weight.isRun() && weight.run->op == Op::If &&
                  (isZero(weight.run->body->result) || isZero(weight.run->otherwise->result));
    });
  if (!sampler.weighted || sometimes)
    diagnostics.report("W0404", sometimes ? weightsGiven[0].first->span : node->span,
                       "`" + sampler.name + "` takes its samples unweighted" + (sometimes ? " at times" : "") +
                           ": they need not follow the target");
  if (sampler.weighted && sampler.rate)
    for (const Doubt &doubt : doubts)
      diagnostics.report(doubt.code, doubt.span, doubt.text);
  checkStart(structure, sampler);
  auto kernels = definitions(*structure, fields::kernel), weights = definitions(*structure, fields::weights);
  if (sampler.rate && !kernels.empty() && kernels[0].second > 0 && !weights.empty() && weights[0].second == 0)
    diagnostics.report("W0405", kernels[0].first->span,
                       "`" + sampler.name + "` has its own `kernel`, and weights that are those of the default one");
  sampler.stepsFixed |= stepsRead.count(structure.get()) != 0;
  model.samplers.push_back(std::move(sampler));
}

/// The library's `init` may draw without a weight where no other equation completes. That is right of a target that is
/// one law, which the start follows from; else the samples would silently be those of another target.
void Elaborator::checkStart(const StructurePtr &structure, const Sampler &sampler) {
  auto inits = definitions(*structure, fields::init), starts = definitions(*structure, fields::start);
  auto targets = definitions(*structure, fields::target);
  auto chosen = settle(structure, fields::init);
  if (!sampler.weighted || targets.empty() || chosen.empty() || inits[0].second > 0 ||
      chosen[0]->contains(NodeKind::Weigh))
    return;
  const bool own = !starts.empty() && starts[0].second > 0;
  const Span target = targets[0].first->span;
  bool alone = false;
  probe([&] {
    Value time = Value::of(local(newSlot("t", realType()), target));
    auto factors = asTarget(callField(structure, fields::target, {time}, target), time.run, target)->factors;
    alone = factors.size() == 1 && factors[0].structure && factors[0].power->op == Op::Number &&
            factors[0].power->number == 1;
  });
  if (!own && alone)
    return;
  CheckFailure failure = whyMissing(structure, fields::init, own ? starts[0].first->span : target);
  failure.text = "`" + structure->name + "` cannot weigh what its `" + fields::start + "` draws";
  failure.help = "give what is missing, or the sampler an `" + fields::init + "` of its own";
  throw failure;
}

/// The models that the target is made of, and where their laws are of one family, that their product is a law too.
/// Gives what to say of models that the weights take for what they may not be.
std::vector<Elaborator::Doubt> Elaborator::describeTarget(const StructurePtr &structure, Sampler &sampler) {
  std::vector<Doubt> doubts;
  auto list = definitions(*structure, fields::target);
  if (list.empty())
    return doubts;
  const Span place = list[0].first->child(2)->span;
  auto factorsAt = [&](const Value &time) {
    return asTarget(callField(structure, fields::target, {time}, place), time.run, place)->factors;
  };
  auto enterAt = [&](const std::string &name,
                     const std::function<ExprPtr(const std::vector<Factor> &, const Value &)> &f) {
    return enter(structure->name + "." + name, place, {realType()}, {"t"}, false,
                 [&](std::vector<Value> v) { return Value::of(f(factorsAt(v[0]), v[0])); });
  };
  if (!sampler.drift && sampler.rate && !definitions(*structure, fields::drift).empty())
    sampler.followed =
        enter(structure->name + ".followed", place, {sampler.state, realType()}, {"x", "t"}, false,
              [&](const std::vector<Value> &v) { return callField(structure, fields::drift, v, place); });
  std::vector<Factor> factors;
  probe([&] { factors = factorsAt(Value::of(local(newSlot("t", realType()), place))); });
  for (size_t i = 0; i < factors.size(); ++i)
    if (factors[i].structure && isModel(factors[i].structure)) {
      // Derivation compares the sampler's noise with the models' own, which else nobody may ask for.
      if (available(factors[i].structure, fields::diffusion))
        probe([&] {
          Value time = Value::of(local(newSlot("t", realType()), place));
          callField(factors[i].structure, fields::diffusion, {time}, place);
        });
      sampler.experts.push_back(
          {identity.nameOf(factors[i].structure),
           enterAt("power", [&](const std::vector<Factor> &all, const Value &) { return all[i].power; }),
           librarySources.count(factors[i].span.source) ? place : factors[i].span});
    }
  for (const Factor &factor : factors) {
    if (!factor.structure)
      continue;
    const Span at = librarySources.count(factor.span.source) ? place : factor.span;
    for (const std::string &field : {fields::velocity, fields::score})
      if (factor.structure->replaced.count(field))
        doubts.push_back({"W0401",
                          "`" + factor.structure->name + "` has a `" + field +
                              "` of its own, which its density does not follow: the weights take it as if it did",
                          at});
    if (auto moves = definitions(*factor.structure, fields::move); !moves.empty() && moves[0].second > 0)
      doubts.push_back(
          {"W0405", "`" + factor.structure->name + "` has its own `move`, and the weights are those of the default one",
           at});
  }
  bool alone = factors.size() == 1 && factors[0].power->op == Op::Number && factors[0].power->number == 1;
  if (alone || std::any_of(factors.begin(), factors.end(), [](const Factor &f) { return !f.structure; }))
    return doubts;
  // Steps begin at every time of the grid but the last, where nothing else would meet a power that is infinite.
  auto moves = [](const Factor &f) { return f.power->op != Op::Number; };
  if (sampler.steps > 0 && std::any_of(factors.begin(), factors.end(), moves)) {
    const Function *finite =
        enter(structure->name + ".last_powers", place, {}, {}, false, [&](const std::vector<Value> &) {
          Value last = callField(structure, fields::time, {Value::of(number(1, realType(), place))}, place);
          ExprPtr all;
          for (const Factor &f : factorsAt(hold(last))) {
            ExprPtr power = hold(coerce(f.power, realType(), place, false));
            ExprPtr one = make(Op::And, boolType(),
                               {compare("<", number(-1e300, realType(), place), power, place),
                                compare("<", power, number(1e300, realType(), place), place)},
                               place);
            all = all ? make(Op::And, boolType(), {all, one}, place) : one;
          }
          return Value::of(all);
        });
    model.requires_.push_back(
        {finite, structure->name, "E0406", "a power of the target is not finite at the last time", place});
  }
  // Where no power is above 0 the integral is infinite, whatever the densities: below 1 they are on an infinite volume.
  auto isAbove = [](const Factor &f) { return f.power->op == Op::Number && f.power->number > 0; };
  if (std::none_of(factors.begin(), factors.end(), isAbove)) {
    const Function *some = enterAt("some_power", [&](const std::vector<Factor> &all, const Value &) {
      ExprPtr any;
      for (const Factor &f : all) {
        ExprPtr above = compare(">", f.power, number(0, realType(), place), place);
        any = any ? make(Op::Or, boolType(), {any, above}, place) : above;
      }
      return any;
    });
    model.requires_.push_back(
        {some, structure->name, "E0404", "the target is not normalisable: no power is above 0", place});
  }
  try {
    const Function *holds = enterAt("normalisable", [&](const std::vector<Factor> &all, const Value &time) {
      std::vector<std::pair<ExprPtr, StructurePtr>> laws;
      for (const Factor &f : all) {
        Value law;
        law.structure = f.structure;
        if (isModel(f.structure))
          law = callField(f.structure, fields::law, {time}, place);
        if (!law.structure || !definitionsAlike(laws, law.structure))
          fail("E0401", place, "the laws of the target are of several densities");
        laws.push_back({f.power, law.structure});
      }
      Caught asked = {{}, {}, frames.size(), frame().blocks.size()};
      {
        Scoped<Caught *> asking(caught, &asked);
        combined(laws, place);
      }
      ExprPtr every;
      for (const ExprPtr &condition : asked.conditions)
        every = every ? make(Op::And, boolType(), {every, condition}, place) : condition;
      return every ? every : number(1, boolType(), place);
    });
    model.requires_.push_back({holds, structure->name, "E0404", "the target is not normalisable", place});
  } catch (CheckFailure &failure) {
    if (!failure.missing())
      throw;
  }
  return doubts;
}

/// The further complete definitions of a field of (x, t), and the condition on the first.
void Elaborator::alternatives(const StructurePtr &structure, Function &first, const Type &state) {
  auto list = definitions(*structure, first.field);
  if (list[0].second > 0)
    return; // the conditions of a drift of one's own are in it
  const Node *chosen = settle(structure, first.field).at(0);
  bool after = false;
  for (const auto &[node, layer] : list) {
    if (node == chosen) {
      after = true;
      if (node->child(3)->present()) {
        ScopePtr outer = layerScope(structure, layer);
        const Node *when = node->child(3), *own = node->child(0);
        const Function *made = enter(first.name + ".when", when->span, {state, realType()}, {"x", "t"}, false,
                                     [&](const std::vector<Value> &arguments) {
                                       ScopePtr scope = functionScope(outer);
                                       const Node *formals =
                                           own->present() ? own : signature(*structure, first.field)->child(0);
                                       size_t i = 0;
                                       for (const Node *group : formals->children)
                                         for (const Node *formal : group->children)
                                           if (i < arguments.size())
                                             scope->names[formal->text] = arguments[i++];
                                       return evaluate(when, scope);
                                     });
        model.functions.back().text =
            std::string(when->span.source->text().substr(when->span.begin, when->span.end - when->span.begin));
        first.when = made;
      }
      continue;
    }
    if (!after || !completes(structure, first.field, node, layer))
      continue;
    const Node *definition = node;
    size_t at = layer;
    first.alternatives.push_back(enter(first.name + ".alternative", node->span, {state, realType()}, {"x", "t"}, false,
                                       [&](std::vector<Value> arguments) {
                                         if (!definition->child(0)->present()) // given as a function
                                           return callUnconditionally(structure, first.field, definition, at,
                                                                      std::move(arguments), definition->span);
                                         Callable c = fieldCallable(structure, first.field, definition, at);
                                         c.key.clear();
                                         return apply(c, std::move(arguments), definition->span);
                                       }));
  }
}

void Elaborator::elaborateTest(const Node *node, const ScopePtr &scope) {
  std::string name = "test_" + std::to_string(model.tests.size());
  const Node *expr = node->child(1);
  const Function *init = enter(name + ".init", expr->span, {intType()}, {"i"}, true, [&](const std::vector<Value> &) {
    ExprPtr e = asRun(evaluate(expr, functionScope(scope)), expr->span);
    if (!e->type.isBool() || e->type.isTuple || !e->type.shape.empty())
      fail("E0301", expr->span, "a test is one bool, this is " + printType(e->type));
    return Value::of(make(Op::Select, realType(),
                          {e, number(1, realType(), expr->span), number(0, realType(), expr->span)}, expr->span));
  });
  Sampler sampler;
  sampler.name = name;
  sampler.span = node->span;
  sampler.particles = 1;
  sampler.steps = 0;
  sampler.stepsFixed = true;
  sampler.init = init;
  sampler.state = realType();
  sampler.output =
      enter(name + ".output", expr->span, {realType()}, {"x"}, false, [](std::vector<Value> v) { return v[0]; });
  sampler.time =
      enter(name + ".time", expr->span, {realType()}, {"u"}, false, [](std::vector<Value> v) { return v[0]; });
  model.samplers.push_back(std::move(sampler));
  model.tests.push_back({node->child(0)->text, node->span, init});
}

namespace {

/// Numbers the draws of a function in the order of its text.
struct Sites {
  int64_t next = 0;
  std::set<const Expr *> seen;
  void visit(const ExprPtr &e) {
    if (!e || !seen.insert(e.get()).second)
      return;
    if (e->op == Op::Random)
      const_cast<Expr &>(*e).index = next++;
    for (const ExprPtr &a : e->args)
      visit(a);
    visit(e->body);
    visit(e->otherwise);
  }
  void visit(const std::shared_ptr<const Block> &block) {
    if (block)
      visit(*block);
  }
  void visit(const Block &block) {
    for (const Statement &s : block.statements) {
      visit(s.value);
      visit(s.second);
      visit(s.condition);
      for (const ExprPtr &i : s.indices)
        visit(i);
      visit(s.body);
      visit(s.otherwise);
    }
    visit(block.result);
  }
};

} // namespace

void Elaborator::numberSites() {
  for (Sampler &s : model.samplers) {
    Sites sites;
    for (const Function *f : {s.init, s.step, s.resample, s.when, s.output})
      if (f)
        sites.visit(f->body);
  }
}

} // namespace kac::checking
