// The algebra of targets: products and powers of models, densities and tilts, and the fields that it offers.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

bool Elaborator::isModel(const StructurePtr &structure) const { return structure->kind->text == kinds::process; }

bool Elaborator::isTargetOperand(const Value &value) const {
  return value.kind == Value::Kind::Target ||
         (value.kind == Value::Kind::Structure &&
          (isModel(value.structure) || value.structure->kind->text == kinds::density));
}

std::shared_ptr<const Target> Elaborator::asTarget(const Value &value, const ExprPtr &time, Span span) {
  auto target = std::make_shared<Target>();
  if (value.kind == Value::Kind::Target)
    *target = *value.target;
  else if (isTargetOperand(value))
    target->factors.push_back({value.structure, nullptr, number(1, realType(), span), span});
  else
    fail("E0301", span, "a target is made of densities, models and `exp(f)`");
  if (time)
    target->time = time;
  return target;
}

Value Elaborator::targetOperate(const std::string &sign, const Value &a, const Value &b, Span span) {
  auto target = std::make_shared<Target>();
  if (sign == "^") {
    if (!isTargetOperand(a))
      fail("E0301", span, "a density stands in an exponent");
    ExprPtr power = asRun(b, span);
    if (power->type.isTuple || !power->type.shape.empty() || power->type.isBool())
      fail("E0301", span, "a power is one real, this is " + printType(power->type));
    power = hold(coerce(power, realType(), span, true), "power");
    *target = *asTarget(a, nullptr, span);
    for (Factor &f : target->factors)
      f.power = hold(arithmetic(Op::Mul, f.power, power, span), "power");
  } else {
    if (!isTargetOperand(a) || !isTargetOperand(b))
      fail("E0301", span, "`" + sign + "` of a density and a value", "a factor of the state is written `exp(f)`");
    *target = *asTarget(a, nullptr, span);
    auto other = asTarget(b, nullptr, span);
    for (Factor f : other->factors) {
      if (sign == "/")
        f.power = f.power->op == Op::Number ? number(-f.power->number, realType(), span)
                                            : hold(negate(f.power, span), "power");
      // Each factor stands once: equal ones are added.
      auto same = std::find_if(target->factors.begin(), target->factors.end(),
                               [&](const Factor &g) { return f.structure && g.structure == f.structure; });
      if (same == target->factors.end())
        target->factors.push_back(f);
      else
        same->power = hold(arithmetic(Op::Add, same->power, f.power, span), "power");
    }
  }
  std::erase_if(target->factors, [](const Factor &f) { return f.power->op == Op::Number && f.power->number == 0; });
  const Factor *first = nullptr;
  Binding space, other;
  for (const Factor &f : target->factors) {
    if (!f.structure || !isModel(f.structure) || !inferParameter(f.structure, kinds::kState, other))
      continue;
    if (!first)
      space = other;
    else if (!(space.type == other.type))
      fail("E0504", span,
           "`" + first->structure->name + "` is on " + printType(space.type) + ", `" + f.structure->name + "` on " +
               printType(other.type),
           "one target has one state");
    first = &f;
  }
  return Value::of(target);
}

/// Whether two models compute the same where they are asked for a field, whatever makes up the rest of them.
bool Elaborator::sameField(const StructurePtr &a, const StructurePtr &b, const std::string &field, Span span) {
  if (a == b)
    return true;
  const std::vector<Slot> outer = frames.empty() ? std::vector<Slot>{} : frame().function->slots;
  auto meaning = [&](const StructurePtr &structure) {
    std::string text;
    probe([&] {
      frame().function->slots = outer;
      Value value = fieldOf(structure, field, span);
      if (value.kind == Value::Kind::Function) {
        const Node *sign = signature(*structure, field);
        std::vector<FormalInfo> formals;
        if (value.closure->kind != Closure::Kind::Field) {
          formals = callableOf(*value.closure).formals;
        } else if (sign && sign->child(0)->present()) {
          formals = formalsOf(sign->child(0), layerScope(structure, 0));
        } else {
          auto complete = settle(structure, field);
          if (complete.empty())
            missingField(structure, field, span);
          formals = fieldCallable(structure, field, complete[0], definitions(*structure, field)[0].second).formals;
        }
        std::vector<Argument> arguments;
        arguments.reserve(formals.size());
        for (const FormalInfo &formal : formals)
          arguments.push_back({"", span, standIn(formal)});
        value = call(value, std::move(arguments), span);
      }
      text = identity.describe(*frame().blocks[0], value, outer.size());
    });
    return text;
  };
  return meaning(a) == meaning(b);
}

Value Elaborator::targetField(const std::shared_ptr<const Target> &target, const std::string &field, Span span) {
  auto native = [&](std::function<Value(std::vector<Argument> &, Span)> f) {
    auto closure = std::make_shared<Closure>();
    closure->name = field;
    closure->native = std::move(f);
    return Value::of(closure);
  };
  auto timeOf = [this, target, span]() {
    if (!target->time)
      fail("E0401", span, "a model stands for its law at a time, and here is none: only a sampler's `target` has one");
    return Value::of(target->time);
  };
  auto missing = [&](const std::string &why) -> Value {
    fail("E0401", span, "the target has no `" + field + "`: " + why);
  };
  if (field == fields::logp || field == fields::score || field == fields::opening) {
    return native([this, target, field, timeOf](std::vector<Argument> &arguments, Span at) {
      if (arguments.size() != 1)
        fail("E0206", at, "`" + field + "` takes one argument");
      ExprPtr x = hold(asRun(arguments[0].value, at), "x");
      ExprPtr total;
      for (const Factor &f : target->factors) {
        ExprPtr term;
        if (f.tilt) {
          const Value tilt = Value::of(f.tilt);
          if (field == fields::score) {
            // The gradient is taken by a variable of its own.
            if (x->type.isInteger())
              x = coerce(x, realType(x->type.shape), at, true);
            ExprPtr by = store("at", x, at);
            ExprPtr value = asRun(call(tilt, {{"", f.span, Value::of(by)}}, f.span), f.span);
            if (value->type.isTuple || !value->type.shape.empty())
              fail("E0312", at, "the function of a tilt gives one real, this is " + printType(value->type));
            auto g =
                std::make_shared<Expr>(*make(Op::Grad, tangentOf(x->type), {coerce(value, realType(), at, true)}, at));
            g->slot = by->slot;
            term = g;
          } else {
            term = coerce(asRun(call(tilt, {{"", f.span, Value::of(x)}}, f.span), f.span), realType(), at, true);
          }
        } else if (isModel(f.structure)) {
          if (field == fields::opening) {
            Value start = fieldOf(f.structure, fields::start, at);
            term = asRun(callField(start.structure, fields::logp, {Value::of(x)}, at), at);
          } else {
            term = asRun(callField(f.structure, field, {Value::of(x), timeOf()}, at), at);
          }
        } else {
          term = asRun(callField(f.structure, field == fields::opening ? fields::logp : field, {Value::of(x)}, at), at);
        }
        ExprPtr scaled = arithmetic(Op::Mul, f.power, term, at);
        total = total ? arithmetic(Op::Add, total, scaled, at) : scaled;
      }
      return Value::of(total ? total : number(0, realType(), at));
    });
  }
  if (field == fields::experts) {
    auto array = std::make_shared<CompileArray>();
    for (const Factor &f : target->factors) {
      if (!f.structure || !isModel(f.structure))
        continue;
      Value pair;
      pair.kind = Value::Kind::Tuple;
      pair.parts.push_back({"power", Value::of(f.power)});
      pair.parts.push_back({"model", Value::of(f.structure)});
      array->elements.push_back(pair);
    }
    array->size = static_cast<int64_t>(array->elements.size());
    array->local = true;
    return Value::of(array);
  }
  if (field == fields::sole) {
    if (target->factors.size() != 1 || !target->factors[0].structure || !isModel(target->factors[0].structure) ||
        target->factors[0].power->op != Op::Number || target->factors[0].power->number != 1)
      return missing("it is not one model to the first power");
    return Value::of(target->factors[0].structure);
  }
  if (field == fields::draw) {
    if (target->factors.size() != 1 || !target->factors[0].structure || isModel(target->factors[0].structure) ||
        target->factors[0].power->op != Op::Number || target->factors[0].power->number != 1)
      return missing("only one density to the first power can be drawn from");
    StructurePtr density = target->factors[0].structure;
    return native(
        [this, density](std::vector<Argument> &, Span at) { return callField(density, fields::draw, {}, at); });
  }
  // The rest is that of its models, which must agree on it.
  StructurePtr first;
  for (const Factor &f : target->factors)
    if (f.structure && isModel(f.structure)) {
      if (!first)
        first = f.structure;
      else if (!sameField(first, f.structure, field, span))
        fail("E0504", span,
             (first->name == f.structure->name ? "two `" + first->name
                                               : "`" + first->name + "` and `" + f.structure->name) +
                 "` have different `" + field + "`",
             "give `" + field + "` in the sampler");
    }
  if (first) {
    if (!hasField(*first, field))
      fail("E0204", span, "a target has no field `" + field + "`");
    return fieldOf(first, field, span);
  }
  const Node *process = findKind(kinds::process, preludeScope);
  if (field == fields::move && process) {
    auto empty = std::make_shared<Structure>();
    empty->kind = process;
    empty->name = "target";
    empty->layers.push_back({process->child(1), preludeScope, nullptr});
    StructurePtr density;
    for (const Factor &f : target->factors)
      if (f.structure)
        density = f.structure;
    if (density)
      empty->bindings[kinds::kState] = {true, valueType(density, span), {}};
    return fieldOf(empty, field, span);
  }
  if (target->factors.size() == 1 && target->factors[0].structure)
    fail("E0401", span, "`" + target->factors[0].structure->name + "` is no model and has no `" + field + "`");
  return missing("it has no models");
}

Value Elaborator::fused(std::vector<Argument> &arguments, Span span) {
  if (arguments.size() != 1 || arguments[0].value.kind != Value::Kind::Array)
    fail("E0301", span, "`fused` takes the experts of a target");
  std::vector<std::pair<ExprPtr, StructurePtr>> starts;
  for (const Value &pair : arguments[0].value.array->elements) {
    Value start = fieldOf(pair.parts[1].value.structure, fields::start, span);
    if (start.kind != Value::Kind::Structure)
      fail("E0401", span, "a start of the target is no density");
    starts.push_back({pair.parts[0].value.run, start.structure});
  }
  if (starts.empty())
    fail("E0401", span, "a target without models has no fused start");
  if (starts.size() == 1 && starts[0].first->op == Op::Number && starts[0].first->number == 1)
    return Value::of(starts[0].second);
  for (const auto &[power, start] : starts)
    if (!definitionsAlike(starts, start))
      fail("E0401", span, "the starts of the models are not of one density with natural parameters");
  Caught asked = {{}, {}, frames.size(), frames.empty() ? 0 : frame().blocks.size()};
  Value v;
  {
    Scoped<Caught *> asking(caught, &asked);
    v = combined(starts, span);
  }
  for (const ExprPtr &condition : asked.conditions) {
    const std::string text = "the product of the models' starts is not normalisable";
    if (condition->op == Op::Number && condition->number == 0)
      fail("E0404", span, text, "a wider denominator, or a smaller negative power; or give `start`");
    if (condition->op != Op::Number)
      demand(condition, "E0404", "start", text, span);
  }
  return v;
}

/// Whether the law has natural parameters, and is of the one density that the others are of.
bool Elaborator::definitionsAlike(const std::vector<std::pair<ExprPtr, StructurePtr>> &laws, const StructurePtr &law) {
  return !definitions(*law, fields::natural).empty() && !definitions(*law, fields::from_natural).empty() &&
         (laws.empty() || (law->node == laws[0].second->node && law->frame == laws[0].second->frame));
}

/// The law of these powers of laws, which are all of one density: its natural parameters are sums.
Value Elaborator::combined(const std::vector<std::pair<ExprPtr, StructurePtr>> &laws, Span span) {
  ExprPtr total;
  for (const auto &[power, law] : laws) {
    ExprPtr natural = asRun(hold(fieldOf(law, fields::natural, span), "natural"), span);
    ExprPtr scaled = arithmetic(Op::Mul, power, natural, span);
    total = total ? arithmetic(Op::Add, total, scaled, span) : scaled;
  }
  return callField(laws[0].second, fields::from_natural, {Value::of(hold(total, "natural"))}, span);
}

} // namespace kac::checking
