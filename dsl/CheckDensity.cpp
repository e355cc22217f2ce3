// Densities lifted over axes, arrays of structures indexed at run time, and the conditions of a structure.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

/// The law of one element of a lifted density, from its parameters at the indices.
void Elaborator::relift(const StructurePtr &structure) {
  structure->element = nullptr;
  if (structure->frame.empty())
    return;
  auto whole = std::make_shared<Structure>(*structure);
  structure->element = [this, whole](const std::vector<ExprPtr> &indices) {
    auto cell = std::make_shared<Structure>(*whole);
    cell->frame.clear();
    cell->settled = {};
    cell->local = true;
    for (auto &[name, rank] : cell->parameterFrames) {
      auto p = cell->parameters.find(name);
      if (rank == 0 || p == cell->parameters.end() || !p->second.isRun())
        continue;
      p->second = Value::of(hold(
          index(p->second.run, {indices.end() - static_cast<long>(rank), indices.end()}, p->second.run->span), name));
      rank = 0;
    }
    return cell;
  };
}

StructurePtr Elaborator::lift(const StructurePtr &structure, const std::vector<int64_t> &leading) {
  if (structure->frame == leading)
    return structure;
  auto lifted = std::make_shared<Structure>(*structure);
  lifted->settled = {};
  lifted->frame = leading;
  size_t own = structure->frame.size();
  lifted->element = [base = structure, own](const std::vector<ExprPtr> &indices) {
    return own == 0 ? base : base->element({indices.end() - static_cast<long>(own), indices.end()});
  };
  return lifted;
}

Value Elaborator::callLifted(const StructurePtr &structure, const std::string &field, std::vector<Value> values,
                             Span span) {
  for (Value &v : values)
    v = hold(v);
  const Node *sign = signature(*structure, field);
  bool function = sign && sign->child(0)->present();
  auto at = [&](const Value &v, const std::vector<ExprPtr> &is) { return Value::of(index(v.run, is, span)); };
  if (field == fields::logp || field == fields::score) {
    ExprPtr x = asRun(values.at(0), span);
    Type own = valueType(structure, span);
    if (x->type.isTuple || x->type.shape.size() < own.shape.size() ||
        !std::equal(own.shape.rbegin(), own.shape.rend(), x->type.shape.rbegin()))
      fail("E0304", span, "the law is one of " + printType(own) + ", it is asked at " + printType(x->type));
    std::vector<int64_t> full(x->type.shape.begin(),
                              x->type.shape.end() - static_cast<long>(own.shape.size() - structure->frame.size()));
    StructurePtr lifted = lift(structure, full);
    ExprPtr parts = build(full, span, [&](const std::vector<ExprPtr> &is) {
      return asRun(callField(lifted->element(is), field, {at(values[0], is)}, span), span);
    });
    if (field == fields::score)
      return Value::of(parts);
    auto total = std::make_shared<Expr>(*make(Op::Whole, realType(), {parts}, span));
    total->name = "kac.sum";
    return Value::of(total);
  }
  if (field == fields::draw) {
    return drawLifted(structure, span);
  }
  if (field == fields::noised || (sign && sign->child(1)->present() && sign->child(1)->text == kinds::density &&
                                  function && field != fields::from_natural)) {
    auto lifted = std::make_shared<Structure>(*structure);
    lifted->settled = {};
    lifted->name = structure->name + "." + field;
    lifted->local = true;
    lifted->parameterFrames.clear();
    lifted->element = [this, base = structure, field, held = values, span](const std::vector<ExprPtr> &is) {
      Value v = callField(base->element(is), field, held, span);
      return v.structure;
    };
    return Value::of(lifted);
  }
  if (function) { // from_natural: evaluated on arrays, its operators lift
    auto cell = std::make_shared<Structure>(*structure);
    cell->frame.clear();
    cell->settled = {};
    return callField(cell, field, std::move(values), span);
  }
  if (auto p = structure->parameters.find(field); p != structure->parameters.end())
    return p->second;
  return buildValue(structure->frame, span,
                    [&](const std::vector<ExprPtr> &is) { return fieldOf(structure->element(is), field, span); });
}

Value Elaborator::drawLifted(const StructurePtr &structure, Span span) {
  frame().effects = true;
  return Value::of(hold(build(structure->frame, span,
                              [&](const std::vector<ExprPtr> &is) {
                                return asRun(callField(structure->element(is), fields::draw, {}, span), span);
                              }),
                        "draw"));
}

/// One of several compile-time values, by an index that may be known at run time only: then they must be instances of
/// one declaration, whose parameters are indexed.
Value Elaborator::structureArrayElement(const std::vector<Value> &elements, const Value &at, Span span) {
  if (at.run->op == Op::Number)
    return elements.at(static_cast<size_t>(at.run->number));
  const Value &first = elements.at(0);
  if (first.isRun()) {
    std::vector<ExprPtr> args;
    Type type = first.type();
    for (const Value &v : elements)
      type = commonType(type, asRun(v, span)->type, span);
    args.reserve(elements.size());
    for (const Value &v : elements)
      args.push_back(coerce(v.run, type, span, true));
    Type stacked = type;
    if (type.isTuple)
      fail("E0310", span, "an array of tuples is not indexed at run time");
    stacked.shape.insert(stacked.shape.begin(), static_cast<int64_t>(elements.size()));
    return Value::of(index(hold(make(Op::Stack, stacked, std::move(args), span)), {at.run}, span));
  }
  if (first.kind != Value::Kind::Structure)
    fail("E0310", span, "which value is used may depend only on constants");
  auto merged = std::make_shared<Structure>(*first.structure);
  merged->settled = {};
  merged->local = true;
  bool alike =
      merged->node && merged->node->kind == NodeKind::Structure && merged->node->child(3)->kind == NodeKind::Fields;
  for (const Value &v : elements) {
    if (v.kind != Value::Kind::Structure || v.structure->kind != merged->kind)
      fail("E0310", span,
           "the elements of this array are of different kinds: which of them is used may depend only on constants");
    alike &= v.structure->node == merged->node && v.structure->layers.size() == merged->layers.size() &&
             v.structure->frame == merged->frame && v.structure->choices.empty();
  }
  if (!alike) {
    for (const Value &v : elements)
      merged->choices.push_back(v.structure);
    merged->choice = at.run;
    return Value::of(merged);
  }
  for (auto &[name, value] : merged->parameters) {
    std::vector<Value> column;
    // One that is the same along an axis of the law in some of them, and not in others, is repeated there.
    size_t &rank = merged->parameterFrames[name];
    for (const Value &v : elements) {
      column.push_back(v.structure->parameters.at(name));
      rank = std::max(rank, v.structure->parameterFrames[name]);
    }
    for (size_t i = 0; i < column.size(); ++i)
      if (size_t own = elements[i].structure->parameterFrames[name]; own < rank && column[i].isRun()) {
        Type whole = column[i].type();
        whole.shape.insert(whole.shape.begin(), merged->frame.end() - static_cast<long>(rank),
                           merged->frame.end() - static_cast<long>(own));
        column[i] = Value::of(repeatTo(column[i].run, whole, span));
      }
    if (value.kind == Value::Kind::Array) {
      auto array = std::make_shared<CompileArray>();
      array->size = value.array->size;
      array->local = true;
      for (const Value &v : column)
        if (v.array->size != array->size)
          fail("E0310", span, "the elements of this array differ in size");
      array->element = [this, column, at, span](const Value &inside) {
        std::vector<Value> row;
        row.reserve(column.size());
        for (const Value &v : column)
          row.push_back(v.array->elements.empty() ? v.array->element(inside)
                                                  : structureArrayElement(v.array->elements, inside, span));
        return structureArrayElement(row, at, span);
      };
      value.array = array;
    } else if (value.kind != Value::Kind::Function || column[0].closure != value.closure) {
      value = structureArrayElement(column, at, span);
      value = hold(value, name);
    }
  }
  relift(merged);
  return Value::of(merged);
}

/// A field of one of several structures, chosen at run time: each is evaluated, in a branch of its own where it gives a
/// value.
Value Elaborator::callChoice(const StructurePtr &structure, const std::function<Value(const StructurePtr &)> &field,
                             Span span) {
  Value first;
  probe([&] { first = field(structure->choices[0]); });
  if (first.kind == Value::Kind::Structure) {
    std::vector<Value> each;
    for (const StructurePtr &one : structure->choices)
      each.push_back(field(one));
    return structureArrayElement(each, Value::of(structure->choice), span);
  }
  std::function<ExprPtr(size_t)> from = [&](size_t i) -> ExprPtr {
    if (i + 1 == structure->choices.size())
      return asRun(field(structure->choices[i]), span);
    auto chosen = block([&] { return asRun(field(structure->choices[i]), span); });
    auto others = block([&] { return from(i + 1); });
    Type type = commonType(chosen->result->type, others->result->type, span);
    chosen->result = coerce(chosen->result, type, span, true);
    others->result = coerce(others->result, type, span, true);
    ExprPtr condition = compare("==", structure->choice, number(static_cast<double>(i), intType(), span), span);
    auto e = std::make_shared<Expr>(*make(Op::If, type, {condition}, span));
    e->body = chosen;
    e->otherwise = others;
    return e;
  };
  return Value::of(from(0));
}

void Elaborator::require(const ExprPtr &condition, const std::string &code, const std::string &name,
                         const std::string &text, Span span) {
  Function check;
  check.name = uniqueName(name + ".require");
  check.span = span;
  check.result = boolType();
  check.body.result = condition;
  model.functions.push_back(std::move(check));
  model.requires_.push_back({&model.functions.back(), "", code, text, span});
}

/// A condition over inputs, checked when a run is created; or one over the values of a lineage, which then must hold
/// it.
void Elaborator::demand(const ExprPtr &condition, const std::string &code, const std::string &name,
                        const std::string &text, Span span) {
  if (!isLocal(Value::of(condition)) || (condition->op == Op::Call && condition->args.empty())) {
    if (frames.empty() || !frame().probe)
      require(condition, code, name, text, span);
  } else if (!frames.empty() && frame().entry && !frame().probe) {
    Statement s{};
    s.kind = Statement::Kind::Require;
    s.span = span;
    s.condition = condition;
    s.text = text;
    emit(std::move(s));
  }
}

void Elaborator::checkRequires(const StructurePtr &structure) {
  if (structure->kind->text == kinds::sampler)
    return; // by the numbers of a run, where it is entered
  for (size_t layer = 0; layer < structure->layers.size(); ++layer)
    for (const Node *node : structure->layers[layer].fields->children)
      if (node->kind == NodeKind::Require)
        checkRequire(structure, node, layer);
}

void Elaborator::checkRequire(const StructurePtr &structure, const Node *node, size_t layer) {
  const Span span = place.source ? place : node->span;
  ExprPtr condition;
  auto evaluateIn = [&](const StructurePtr &one) {
    Value v = evaluate(node->child(0), functionScope(layerScope(one, layer)));
    ExprPtr c = asRun(v, node->child(0)->span);
    if (!c->type.isBool() || !c->type.shape.empty())
      fail("E0301", node->child(0)->span, "a condition is one bool, this is " + printType(c->type));
    return c;
  };
  // A lifted law holds to it in each of its elements: where these are known and few, the compiler looks.
  auto whole = [&] {
    if (structure->frame.empty())
      return evaluateIn(structure);
    ExprPtr each = build(structure->frame, span,
                         [&](const std::vector<ExprPtr> &is) { return evaluateIn(structure->element(is)); });
    return everyOf(each);
  };
  int64_t count = 1;
  for (int64_t extent : structure->frame)
    count *= extent;
  try {
    if (caught && !structure->frame.empty()) {
      condition = whole();
    } else if (structure->local && !frames.empty()) {
      condition = nested(whole);
    } else if (!structure->frame.empty() && count <= 64) {
      for (int64_t k = 0; k < count; ++k) {
        std::vector<ExprPtr> is;
        int64_t rest = k, size = count;
        for (int64_t extent : structure->frame) {
          size /= extent;
          const int64_t at = rest / size;
          is.push_back(number(static_cast<double>(at), intType(), span));
          rest %= size;
        }
        ExprPtr one =
            asRun(detached([&] { return Value::of(evaluateIn(structure->element(is))); }, structure->name + ".require"),
                  span);
        if (!condition || (one->op == Op::Number && one->number == 0))
          condition = one;
        else if (condition->op == Op::Number && condition->number != 0)
          condition = one;
        else if (one->op != Op::Number)
          condition = make(Op::And, boolType(), {condition, one}, span);
        if (condition->op == Op::Number && condition->number == 0)
          break;
      }
      if (!condition)
        return;
    } else {
      condition =
          asRun(detached([&] { return Value::of(whole()); }, structure->name + ".require"), node->child(0)->span);
    }
  } catch (CheckFailure &failure) {
    if (failure.missing())
      return;
    throw;
  }
  demandOf(condition, structure->name, node->child(1)->text + ": `" + structure->name + "` does not hold to it", span);
}

/// A condition of a structure, or of those of an array.
void Elaborator::demandOf(const ExprPtr &condition, const std::string &name, const std::string &text, Span span) {
  if (caught) {
    if (caught->frames == frames.size() && (frames.empty() || caught->blocks == frame().blocks.size())) {
      caught->conditions.push_back(condition);
      caught->texts.push_back(text);
    }
  } else if (condition->op != Op::Number) {
    demand(condition, "E0405", name, text, span);
  } else if (condition->number == 0) {
    fail("E0405", span, text);
  }
}

ExprPtr Elaborator::everyOf(const ExprPtr &array) {
  auto all = std::make_shared<Expr>(*make(Op::Whole, boolType(), {array}, array->span));
  all->name = "kac.all";
  return all;
}

/// What the structures of a comprehension demand, demanded of all of them at once: each by itself is made where it is
/// used, by an index that only its use knows.
void Elaborator::demandOfEach(int64_t size, bool local, const std::function<void(const ExprPtr &)> &element,
                              Span span) {
  std::string text;
  auto every = [&] {
    return everyOf(build({size}, span, [&](const std::vector<ExprPtr> &is) {
      Caught asked = {{}, {}, frames.size(), frame().blocks.size()};
      Scoped<Caught *> asking(caught, &asked);
      element(is[0]);
      ExprPtr all = number(1, boolType(), span);
      for (size_t i = 0; i < asked.conditions.size(); ++i) {
        if (asked.conditions[i]->op == Op::Number && asked.conditions[i]->number != 0)
          continue;
        all = make(Op::And, boolType(), {all, asked.conditions[i]}, span);
        if (text.find(asked.texts[i]) == std::string::npos)
          text += (text.empty() ? "" : "; or ") + asked.texts[i];
      }
      return all;
    }));
  };
  ExprPtr condition = local ? nested(every) : asRun(detached([&] { return Value::of(every()); }, "require"), span);
  if (!text.empty())
    demandOf(condition, "array", text, place.source ? place : span);
}

} // namespace kac::checking
