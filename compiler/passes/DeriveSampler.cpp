// Declarative samplers in; the same with a drift that is settled and a weight in which all that cancels is gone out.
#include "compiler/passes/Expressions.h"
#include "compiler/passes/Passes.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

#include <set>

using namespace mlir;

namespace kac {

#define GEN_PASS_DEF_DERIVESAMPLER
#include "compiler/passes/Passes.h.inc"

namespace {

/// What cannot be had, and what would help.
struct Missing {
  std::string code, text;
  std::vector<std::string> offers;
  Location at;
};

std::string schemeOf(ModuleOp module, func::FuncOp drift);

/// One drift that may be taken, with the weight that follows from it.
struct Candidate {
  func::FuncOp drift;
  std::unique_ptr<Expressions> expressions;
  Form u, g;
  std::vector<Missing> missing;
  bool assumed = false; // its `when` is left to be checked at creation
};

class Derivation {
public:
  Derivation(ModuleOp module, ir::SamplerOp sampler) : module(module), sampler(sampler) {}
  LogicalResult run();

private:
  func::FuncOp lookup(FlatSymbolRefAttr symbol) {
    return symbol ? module.lookupSymbol<func::FuncOp>(symbol) : func::FuncOp();
  }
  std::optional<Candidate> derive(func::FuncOp choice);
  void look(Candidate &candidate);
  LogicalResult refuse(ArrayRef<Candidate> candidates);
  LogicalResult refuseMissing();
  Location placeOf(StringRef model);
  void settle(Candidate &candidate);
  LogicalResult demand(Candidate &candidate);
  func::FuncOp noise();
  Form noise(Expressions &expressions);
  void warn(Candidate &candidate);
  void warnOfVariance(Candidate &candidate, const Coef &z);
  void record(Candidate &candidate);

  ModuleOp module;
  ir::SamplerOp sampler;
  func::FuncOp drift, rate;
};

/// Whether `function` of `arguments` is a comparison of constants, and how it comes out.
std::optional<bool> decide(Expressions &expressions, func::FuncOp function, const Ids &arguments) {
  Ids result = expressions.evaluate(function, Ids(arguments.begin(), arguments.begin() + function.getNumArguments()));
  const Expression &node = expressions[result[0]];
  BoolAttr constant;
  if (node.op && node.op->getNumResults() == 1 && matchPattern(node.op->getResult(0), m_Constant(&constant)))
    return constant.getValue();
  auto compare = dyn_cast_or_null<ir::CompareOp>(node.op);
  if (!compare || node.kind != Expression::Operation)
    return std::nullopt;
  auto side = [&](size_t k) {
    const Form &form = expressions[node.operands[k]].form;
    return form.kind == Form::IsCoef ? form.coef.constant() : std::nullopt;
  };
  auto a = side(0), b = side(1);
  if (!a || !b)
    return std::nullopt;
  double x = a->value(), y = b->value();
  StringRef predicate = compare.getPredicate();
  return predicate == "eq" ? x == y : predicate == "ne" ? x != y : predicate == "lt" ? x < y : x <= y;
}

std::optional<Candidate> Derivation::derive(func::FuncOp choice) {
  Candidate candidate;
  candidate.drift = choice;
  try {
    func::FuncOp either = rate ? rate : drift;
    candidate.expressions = std::make_unique<Expressions>(module, either.getArgumentTypes()[0]);
    Expressions &expressions = *candidate.expressions;
    Ids arguments{expressions.state, expressions.time};
    for (Type type : either.getArgumentTypes().drop_front(2))
      arguments.push_back(expressions.argument(type));
    if (auto when = choice ? lookup(choice->getAttrOfType<FlatSymbolRefAttr>(kinds::kWhen)) : func::FuncOp()) {
      std::optional<bool> holds = decide(expressions, when, arguments);
      if (holds == false)
        return std::nullopt;
      candidate.assumed = !holds;
    }
    if (choice) {
      expressions.chosen[drift.getName()] = choice;
      candidate.u = expressions[expressions.evaluate(choice, arguments)[0]].form;
    }
    if (rate)
      candidate.g = expressions[expressions.evaluate(rate, arguments)[0]].form;
  } catch (NoForm) {
    return std::nullopt;
  }
  look(candidate);
  return candidate;
}

/// Finds the atoms that cannot be had.
void Derivation::look(Candidate &candidate) {
  Expressions &expressions = *candidate.expressions;
  Namer name = [&](Id id) { return expressions.nameOf(id); };
  auto add = [&](Missing missing) {
    if (llvm::none_of(candidate.missing, [&](const Missing &other) { return other.text == missing.text; }))
      candidate.missing.push_back(std::move(missing));
  };
  auto blame = [&](const Expression &node) {
    return node.blamed ? Location(CallSiteLoc::get(node.blamed->getLoc(), sampler.getLoc())) : sampler.getLoc();
  };
  // A field that a model does not have: its log density is asked for where its power moves.
  auto lacking = [&](Id id, const Coef &coef) {
    Expressions::Field field = expressions.fieldOf(id);
    std::string model = field.structure.str();
    if (field.kind == kinds::kProcess && field.name == kinds::kLogp)
      add({"E0501",
           "the power of `" + model + "` moves, by " + print(coef, name) + " in t, and `" + model +
               "` has no log density",
           {"a constant power: its value at the end alone settles what is sampled", "`logp` of `" + model + "`"},
           placeOf(field.structure)});
    else
      add({"E0401",
           ir::MissingOp(expressions[id].missing).getText().str() + "; the drift or its weight needs it, by " +
               print(coef, name),
           {},
           placeOf(field.structure)});
  };
  std::set<Id> seen;
  std::function<void(Id, const Coef &)> visit = [&](Id id, const Coef &coef) {
    if (id < 0 || !seen.insert(id).second)
      return;
    const Expression &node = expressions[id];
    if (node.missing)
      return lacking(id, coef);
    if (node.external.empty()) {
      for (Id operand : node.operands)
        visit(operand, coef);
      return;
    }
    if (node.kind == Expression::Gradient)
      add({"E0503",
           "`" + node.external + "` has no gradient",
           {"leave it out of the target and weigh the difference of its values in `step`",
            "give it a derivative: `with dx = ...`"},
           blame(node)});
    else if (node.kind == Expression::TimeDerivative)
      add({"E0503", "the target moves with `" + node.external + "`, which has no derivative", {}, blame(node)});
    for (Id operand : node.operands)
      visit(operand, coef);
  };
  for (const auto &[id, c] : candidate.u.vector)
    visit(id, c);
  for (const Scalar *form : {&candidate.u.scalar, &candidate.g.scalar})
    for (const auto &[atom, c] : *form) {
      visit(atom.a, c);
      visit(atom.b, c);
      if (atom.kind == ScalarAtom::Divergence && !expressions[atom.a].external.empty())
        add({"E0502",
             "div(" + expressions.nameOf(atom.a) + ", x) is left in the weight, times " + print(c, name) + ", and `" +
                 expressions[atom.a].external + "` has no derivative",
             {"a drift whose divergence cancels", "a derivative: `with dx = ...`", "`weights = unweighted`"},
             blame(expressions[atom.a])});
    }
}

/// Where the target names the model.
Location Derivation::placeOf(StringRef model) {
  if (auto experts = sampler->getAttrOfType<ArrayAttr>(kinds::kExperts))
    for (auto expert : experts.getAsRange<DictionaryAttr>())
      if (expert.getAs<StringAttr>("structure") == model)
        return cast<LocationAttr>(expert.get("place"));
  return sampler.getLoc();
}

static void report(Location at, const std::string &code, const std::string &text, ArrayRef<std::string> offers) {
  auto diagnostic = emitError(at, code + ": " + text);
  if (!offers.empty())
    diagnostic.attachNote(at) << "help: " << llvm::join(offers, "; or ");
}

LogicalResult Derivation::refuse(ArrayRef<Candidate> candidates) {
  // A divergence that is left may be left of what has no gradient either: that is said alone.
  ArrayRef<Missing> all = candidates.back().missing;
  bool others = llvm::any_of(all, [](const Missing &missing) { return missing.code != "E0502"; });
  for (const Missing &missing : all)
    if (!others || missing.code != "E0502")
      report(missing.at, missing.code, missing.text, missing.offers);
  return failure();
}

/// Where nothing has a normal form the definition stands: what it asks for must be there.
LogicalResult Derivation::refuseMissing() {
  llvm::SetVector<func::FuncOp> reached;
  for (func::FuncOp function : {rate, drift})
    if (function)
      reached.insert(function);
  for (size_t k = 0; k < reached.size(); ++k) {
    func::FuncOp function = reached[k];
    ir::MissingOp missing;
    function.walk([&](Operation *op) {
      if (auto found = dyn_cast<ir::MissingOp>(op))
        missing = found;
      if (auto call = dyn_cast<func::CallOp>(op))
        if (auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee()))
          reached.insert(callee);
    });
    if (!missing)
      continue;
    auto structure = function->getAttrOfType<StringAttr>(kinds::kStructure);
    report(placeOf(structure ? structure.getValue() : StringRef()), "E0401",
           missing.getText().str() + "; the weight needs it", {});
    return failure();
  }
  return success();
}

/// Writes the drift and the weight that were chosen.
void Derivation::settle(Candidate &candidate) {
  const Form &u = candidate.u;
  bool written = u.kind == Form::IsVector || (u.kind == Form::IsScalar && candidate.expressions->scalarState());
  // Both are emitted while the bodies that they were read from still stand.
  std::optional<Emitter> forRate, forDrift;
  if (rate) {
    forRate.emplace(*candidate.expressions, rate);
    forRate->finish(candidate.g);
  }
  if (!drift)
    return;
  if (written) {
    forDrift.emplace(*candidate.expressions, drift);
    forDrift->finish(u);
  } else if (candidate.drift != drift) {
    drift.getBody().getBlocks().clear();
    IRMapping mapping;
    candidate.drift.getBody().cloneInto(&drift.getBody(), mapping);
  }
  drift->removeAttr(kinds::kAlternatives);
  if (candidate.assumed)
    drift->setAttr(kinds::kWhen, candidate.drift->getAttr(kinds::kWhen));
  else
    drift->removeAttr(kinds::kWhen);
}

/// What must hold wherever a step begins: the condition of the drift, and that its schedules are finite.
LogicalResult Derivation::demand(Candidate &candidate) {
  Expressions &expressions = *candidate.expressions;
  OpBuilder b(sampler);
  // Makes `function`, of the state and the time, one of the time alone.
  auto require = [&](func::FuncOp function, Location at, const std::string &text) {
    Block &body = function.getBody().front();
    for (Operation *user : llvm::make_early_inc_range(body.getArgument(0).getUsers()))
      if (isa<ir::VariableOp>(user) && user->use_empty())
        user->erase();
    for (BlockArgument argument : body.getArguments())
      if (argument.getArgNumber() != 1 && !argument.use_empty())
        return false;
    while (body.getNumArguments() > 2)
      body.eraseArgument(2);
    body.eraseArgument(0);
    function.setFunctionType(b.getFunctionType({b.getF64Type()}, {b.getI1Type()}));
    for (StringRef name : {kinds::kKind, kinds::kField, kinds::kStructure})
      function->removeAttr(name);
    b.setInsertionPointAfter(sampler);
    ir::RequireInputsOp::create(b, at, FlatSymbolRefAttr::get(function),
                                FlatSymbolRefAttr::get(sampler.getSymNameAttr()), b.getStringAttr(text));
    return true;
  };
  SymbolTable symbols(module);
  if (candidate.assumed) {
    auto when = lookup(candidate.drift->getAttrOfType<FlatSymbolRefAttr>(kinds::kWhen));
    auto copy = when.clone();
    symbols.insert(copy);
    auto text = when->getAttrOfType<StringAttr>(kinds::kText);
    std::string words = text ? text.str() : "its condition";
    std::string which = schemeOf(module, candidate.drift);
    Location at = CallSiteLoc::get(when.getLoc(), sampler.getLoc());
    if (!require(copy, at,
                 "E0506: `drift" + (which.empty() ? "" : " = " + which) + "` is taken where `" + words +
                     "`, which does not hold; choose a drift that is there at all times")) {
      report(at, "E0506", "whether `" + words + "` holds depends on the state, and the drift is chosen once", {});
      return failure();
    }
  }
  // Each schedule once, with the signs of its powers.
  std::set<std::pair<Id, bool>> schedules;
  auto gather = [&](const Coef &coef) {
    for (const auto &[monomial, c] : coef.terms)
      for (auto [id, power] : monomial)
        if (expressions[id].usesTime && id != expressions.time)
          schedules.insert({id, power < 0});
        else if (id == expressions.time && power < 0)
          schedules.insert({id, true});
  };
  for (const Form &form : {candidate.u, candidate.g, noise(expressions)}) {
    gather(form.coef);
    for (const auto &[id, c] : form.vector)
      gather(c);
    for (const auto &[atom, c] : form.scalar)
      gather(c);
  }
  func::FuncOp either = rate ? rate : drift;
  for (auto [id, below] : schedules) {
    auto type = b.getFunctionType(either.getArgumentTypes(), {b.getI1Type()});
    auto function = func::FuncOp::create(either.getLoc(), sampler.getName().str() + ".finite", type);
    function.setPrivate();
    function.addEntryBlock();
    symbols.insert(function);
    {
      Emitter emitter(expressions, function);
      emitter.finishFinite(id, below ? -1 : 1);
    }
    Location at = expressions[id].op ? Location(CallSiteLoc::get(expressions[id].op->getLoc(), sampler.getLoc()))
                                     : sampler.getLoc();
    if (!require(function, at,
                 "E0406: `" + std::string(below ? "1 / " : "") + expressions.nameOf(id) +
                     "` is not finite, and the drift or its weight is made of it; let `time` avoid this time"))
      function.erase();
  }
  return success();
}

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

/// The field that a drift passes on to, if it does nothing else: "centroid".
std::string schemeOf(ModuleOp module, func::FuncOp drift) {
  auto result = drift.getBody().front().getTerminator()->getOperand(0).getDefiningOp<func::CallOp>();
  auto callee = result ? module.lookupSymbol<func::FuncOp>(result.getCallee()) : nullptr;
  auto field = callee ? callee->getAttrOfType<StringAttr>(kinds::kField) : nullptr;
  return field ? field.str() : "";
}

/// What a step evaluates for each lineage.
std::string costOf(const Candidate &candidate, int64_t size) {
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
  return text + (text.empty() ? "" : "; ") + std::to_string(size) + (size == 1 ? " normal" : " normals") + "; " +
         std::to_string(4 * size + 12) + " bytes a lineage";
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
  func::FuncOp either = rate ? rate : drift;
  int64_t size = 1;
  for (int64_t extent : ir::shapeOf(either.getArgumentTypes()[0]))
    size *= extent;
  say("cost", costOf(candidate, size));
  std::string from;
  for (auto [what, function] : {std::pair("drift", candidate.drift), {"noise", noise()}, {"weight", rate}})
    if (auto place = function ? dyn_cast<FileLineColLoc>(function.getLoc()) : FileLineColLoc())
      from += (from.empty() ? "" : ", ") + std::string(what) + " " + place.getFilename().str() + ":" +
              std::to_string(place.getLine());
  say("from", from);
  sampler->setAttr(kinds::kDerived, entries.getDictionary(b.getContext()));
}

LogicalResult Derivation::run() {
  drift = lookup(sampler.getDriftAttr());
  rate = lookup(sampler.getRateAttr());
  auto isState = [](Type type) { return ir::elementOf(type).isF64(); };
  // One state of reals, and the time; parts of a tuple and letters are not derived here.
  func::FuncOp either = rate ? rate : drift;
  if (!either)
    return success();
  for (func::FuncOp function : {rate, drift})
    if (function && (function.isExternal() || function.getArgumentTypes() != either.getArgumentTypes() ||
                     function.getNumArguments() < 2 || !isState(function.getArgumentTypes()[0]) ||
                     !function.getArgumentTypes()[1].isF64() || function.getNumResults() != 1))
      return success();
  // A drift that is given by name is no function of its own: the weight calls it by that name.
  SmallVector<func::FuncOp> choices{drift};
  if (auto further = drift ? drift->getAttrOfType<ArrayAttr>(kinds::kAlternatives) : ArrayAttr())
    for (auto symbol : further.getAsRange<FlatSymbolRefAttr>())
      if (auto function = lookup(symbol); function && !llvm::is_contained(choices, function))
        choices.push_back(function);
  std::vector<Candidate> refused;
  for (func::FuncOp choice : choices) {
    std::optional<Candidate> candidate = derive(choice);
    if (!candidate)
      continue;
    if (!candidate->missing.empty()) {
      refused.push_back(std::move(*candidate));
      continue;
    }
    record(*candidate);
    warn(*candidate);
    LogicalResult demanded = demand(*candidate);
    settle(*candidate);
    return demanded;
  }
  // Where nothing has a normal form the definition stands, and is differentiated as it is.
  if (!refused.empty())
    return refuse(refused);
  return refuseMissing();
}

struct DeriveSamplerPass : impl::DeriveSamplerBase<DeriveSamplerPass> {
  void runOnOperation() override {
    for (auto sampler : getOperation().getOps<ir::SamplerOp>())
      if (failed(Derivation(getOperation(), sampler).run()))
        return signalPassFailure();
  }
};

} // namespace

} // namespace kac
