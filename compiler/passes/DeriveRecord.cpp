// A drift that was taken in; what `explain` says of it, and warnings of what follows from it, out.
#include "compiler/passes/DeriveSampler.h"

using namespace mlir;

namespace kac {

/// Whether the drift reverses the noising with the score of the whole product, u = -f + (G2 + z) / 2 S: then weights
/// have a finite variance at the noise end only where z > (1 - 1/B) G2.
void Derivation::warnOfVariance(Candidate &candidate, const Coef &z) {
  auto experts = sampler->getAttrOfType<ArrayAttr>(kinds::kExperts);
  if (!experts)
    return;
  Expressions &expressions = *candidate.expressions;
  try {
    Form u = candidate.u;
    if (auto followed = lookup(sampler->getAttrOfType<FlatSymbolRefAttr>(kinds::kFollowed)))
      u = expressions[expressions.evaluate(followed, {expressions.state, expressions.time})[0]].form;
    Coef mass, g2;
    Vector scores, reversed;
    for (auto expert : experts.getAsRange<DictionaryAttr>()) {
      StringRef model = expert.getAs<StringAttr>("structure").getValue();
      auto score = expressions.fieldOf(model, kinds::kScore), velocity = expressions.fieldOf(model, kinds::kVelocity),
           diffusion = expressions.fieldOf(model, kinds::kDiffusion);
      func::FuncOp power = lookup(expert.getAs<FlatSymbolRefAttr>("power"));
      if (!score || !velocity || !diffusion || !power || diffusion->kind != Form::IsCoef)
        return;
      Form b = expressions[expressions.evaluate(power, {expressions.time})[0]].form;
      if (b.kind != Form::IsCoef)
        return;
      g2 = diffusion->coef * diffusion->coef;
      if (mass.isZero())
        reversed =
            plus(expressions.asField(*velocity), scaled(expressions.asField(*score), g2 * Coef(Rational(-1, 2))));
      mass = mass + b.coef;
      scores = plus(scores, scaled(expressions.asField(*score), b.coef));
    }
    reversed = plus(reversed, scaled(scores, (g2 + z) * Coef(Rational(1, 2))));
    auto b = mass.constant(), ratio = g2.terms.size() == 1 ? (z * expressions.reciprocal(g2)).constant() : std::nullopt;
    if (expressions.asField(u) != reversed || !b || !ratio || b->value() <= 1 || ratio->value() > 1 - 1 / b->value())
      return;
    std::string given = print(Coef(*ratio), {}), least = print(Coef(Rational(1) + Rational(-b->bottom, b->top)), {});
    auto warning = emitWarning(sampler.getLoc(), "W0403: the weights have no finite variance at the noise end: the "
                                                 "square of `diffusion` is " +
                                                     given + " of the models', it must be above " + least);
    warning.attachNote(sampler.getLoc()) << "help: `drift = centroid`, or more noise";
  } catch (NoForm) {
  }
}

void Derivation::warn(Candidate &candidate) {
  Namer name = [&](Id id) { return candidate.expressions->nameOf(id); };
  bool weighs = candidate.g.kind == Form::IsCoef ? !candidate.g.coef.isZero() : !candidate.g.scalar.empty();
  if (!rate || !weighs)
    return;
  if (Form z = noise(*candidate.expressions); z.kind == Form::IsCoef) {
    if (func::FuncOp resample = lookup(sampler.getResampleAttr()); resample && z.coef.isZero())
      emitWarning(CallSiteLoc::get(resample.getLoc(), sampler.getLoc()))
          << "W0402: copies of a lineage never part while `diffusion` is 0: noise towards the end, or no resampling";
    warnOfVariance(candidate, z.coef * z.coef);
  }
  if (sampler.getUnweighted())
    emitWarning(sampler.getLoc(), "W0404: samples do not follow the target; dropped rate: " +
                                      (candidate.g.kind == Form::IsCoef
                                           ? print(candidate.g.coef, name)
                                           : print(candidate.g.scalar, name, candidate.expressions->scalarState())));
}

std::string schemeOf(ModuleOp module, func::FuncOp drift) {
  auto result = drift.getBody().front().getTerminator()->getOperand(0).getDefiningOp<func::CallOp>();
  auto callee = result ? module.lookupSymbol<func::FuncOp>(result.getCallee()) : nullptr;
  auto field = callee ? callee->getAttrOfType<StringAttr>(kinds::kField) : nullptr;
  return field ? field.str() : "";
}

/// What a step evaluates for each lineage by its drift and its weight.
static std::string costOf(const Candidate &candidate) {
  const Expressions &expressions = *candidate.expressions;
  std::map<std::string, bool> evaluated; // and whether with its divergence
  std::function<void(Id, bool)> count = [&](Id id, bool withDivergence) {
    if (id < 0 || !expressions[id].usesState)
      return;
    if (auto field = expressions.fieldOf(id); !field.name.empty()) {
      evaluated[(field.structure + "." + field.name).str()] |= withDivergence;
      return;
    }
    if (expressions[id].kind == Expression::Gradient || expressions[id].op)
      if (id != expressions.state)
        evaluated[expressions.nameOf(id)] |= withDivergence;
  };
  for (const auto &[id, c] : candidate.u.vector)
    count(id, false);
  for (const Scalar *form : {&candidate.u.scalar, &candidate.g.scalar})
    for (const auto &[atom, c] : *form) {
      count(atom.a, atom.kind == ScalarAtom::Divergence);
      count(atom.b, false);
    }
  std::string text;
  for (const auto &[name, withDivergence] : evaluated)
    text += (text.empty() ? "" : ", ") + name + (withDivergence ? " with its divergence" : "");
  return text;
}

/// The sampler's own diffusion, if any.
func::FuncOp Derivation::noise() {
  func::FuncOp either = rate ? rate : drift;
  auto structure = either->getAttrOfType<StringAttr>(kinds::kStructure);
  for (auto function : module.getOps<func::FuncOp>()) {
    auto is = [&](StringRef key, StringRef value) {
      auto attribute = function->getAttrOfType<StringAttr>(key);
      return attribute && attribute == value;
    };
    if (structure && is(kinds::kKind, kinds::kSampler) && is(kinds::kStructure, structure) &&
        is(kinds::kField, kinds::kDiffusion) && function.getNumArguments() == 1 && !function.isExternal())
      return function;
  }
  return {};
}

/// None where it is not known.
Form Derivation::noise(Expressions &expressions) {
  try {
    if (func::FuncOp function = noise())
      return expressions[expressions.evaluate(function, {expressions.time})[0]].form;
  } catch (NoForm) {
  }
  return {};
}

void Derivation::record(Candidate &candidate) {
  Expressions &expressions = *candidate.expressions;
  Namer name = [&](Id id) { return expressions.nameOf(id); };
  auto text = [&](const Form &form) {
    return form.kind == Form::IsCoef     ? print(form.coef, name)
           : form.kind == Form::IsVector ? print(form.vector, name)
                                         : print(form.scalar, name, expressions.scalarState());
  };
  OpBuilder b(sampler);
  NamedAttrList entries;
  auto say = [&](StringRef key, const std::string &value) { entries.append(key, b.getStringAttr(value)); };
  if (candidate.drift) {
    say("choice", candidate.drift.getName().str());
    say("scheme", schemeOf(module, candidate.drift));
    say("drift", text(candidate.u));
  } else if (auto followed = lookup(sampler->getAttrOfType<FlatSymbolRefAttr>(kinds::kFollowed))) {
    say("scheme", schemeOf(module, followed));
    try {
      say("followed", text(expressions[expressions.evaluate(followed, {expressions.state, expressions.time})[0]].form));
    } catch (NoForm) {
    }
  }
  if (candidate.assumed)
    say("assumed", "checked at creation");
  if (rate) {
    say("weight", text(candidate.g));
    Scalar part;
    if (candidate.g.kind == Form::IsScalar)
      if (auto one = candidate.g.scalar.find({}); one != candidate.g.scalar.end())
        addTo(part, ScalarAtom(), one->second);
    if (!part.empty())
      say("evidence", print(part, name, expressions.scalarState()));
  }
  if (Form z = noise(expressions); z.kind != Form::None)
    say("noise", text(z));
  say("cost", costOf(candidate));
  std::string from;
  for (auto [what, function] : {std::pair("drift", candidate.drift), {"noise", noise()}, {"weight", rate}})
    if (auto place = function ? dyn_cast<FileLineColLoc>(function.getLoc()) : FileLineColLoc())
      from += (from.empty() ? "" : ", ") + std::string(what) + " " + place.getFilename().str() + ":" +
              std::to_string(place.getLine());
  say("from", from);
  sampler->setAttr(kinds::kDerived, entries.getDictionary(b.getContext()));
}

} // namespace kac
