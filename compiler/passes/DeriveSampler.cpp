// Declarative samplers in; the same with a drift that is settled and a weight in which all that cancels is gone out.
#include "compiler/passes/Expressions.h"
#include "compiler/passes/Passes.h"

#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace kac {

#define GEN_PASS_DEF_DERIVESAMPLER
#include "compiler/passes/Passes.h.inc"

namespace {

/// What cannot be had, and what would help.
struct Missing {
  std::string code, text;
  std::vector<std::string> offers;
};

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
  void settle(Candidate &candidate);
  void warn(Candidate &candidate);
  void record(Candidate &candidate);

  ModuleOp module;
  ir::SamplerOp sampler;
  func::FuncOp drift, rate;
};

/// Whether `function` of `arguments` is a comparison of constants, and how it comes out.
std::optional<bool> decide(Expressions &expressions, func::FuncOp function, const Ids &arguments) {
  Ids result = expressions.evaluate(function, Ids(arguments.begin(), arguments.begin() + function.getNumArguments()));
  const Expression &node = expressions[result[0]];
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
  auto add = [&](Missing missing) {
    if (llvm::none_of(candidate.missing, [&](const Missing &other) { return other.text == missing.text; }))
      candidate.missing.push_back(std::move(missing));
  };
  std::function<void(Id)> visit = [&](Id id) {
    if (id < 0)
      return;
    const Expression &node = expressions[id];
    if (node.external.empty())
      return;
    if (node.kind == Expression::Gradient)
      add({"E0503",
           "'" + node.external + "' has no gradient",
           {"leave it out of the target and weigh the difference of its values in `step`", "give it a body"}});
    else if (node.kind == Expression::TimeDerivative)
      add({"E0501",
           "the target moves with '" + node.external + "', which has no derivative in t",
           {"a constant power"}});
    for (Id operand : node.operands)
      visit(operand);
  };
  for (const auto &[id, c] : candidate.u.vector)
    visit(id);
  for (const Scalar *form : {&candidate.u.scalar, &candidate.g.scalar})
    for (const auto &[atom, c] : *form) {
      visit(atom.a);
      visit(atom.b);
      if (atom.kind == ScalarAtom::Divergence && !expressions[atom.a].external.empty()) {
        Namer name = [&](Id id) { return expressions.nameOf(id); };
        add({"E0502",
             "div " + expressions.nameOf(atom.a) + " is left with coefficient " + print(c, name) + ", and '" +
                 expressions[atom.a].external + "' has no derivative",
             {"drift = summed"}});
      }
    }
}

LogicalResult Derivation::refuse(ArrayRef<Candidate> candidates) {
  for (const Missing &missing : candidates.back().missing) {
    auto diagnostic = sampler.emitError(missing.code + ": " + missing.text);
    for (const std::string &offer : missing.offers)
      diagnostic.attachNote(sampler.getLoc()) << offer;
  }
  return failure();
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

void Derivation::warn(Candidate &candidate) {
  Namer name = [&](Id id) { return candidate.expressions->nameOf(id); };
  bool weighs = candidate.g.kind == Form::IsCoef ? !candidate.g.coef.isZero() : !candidate.g.scalar.empty();
  if (!rate || !weighs)
    return;
  if (sampler.getUnweighted())
    sampler.emitWarning("W0404: samples do not follow the target; dropped rate: " +
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
  func::FuncOp either = rate ? rate : drift;
  auto structure = either->getAttrOfType<StringAttr>(kinds::kStructure);
  for (auto function : module.getOps<func::FuncOp>()) {
    auto is = [&](StringRef key, StringRef value) {
      auto attribute = function->getAttrOfType<StringAttr>(key);
      return attribute && attribute == value;
    };
    if (structure && is(kinds::kKind, kinds::kSampler) && is(kinds::kStructure, structure) &&
        is(kinds::kField, kinds::kDiffusion) && function.getNumArguments() == 1 && !function.isExternal())
      try {
        say("noise", text(expressions[expressions.evaluate(function, {expressions.time})[0]].form));
      } catch (NoForm) {
      }
  }
  int64_t size = 1;
  for (int64_t extent : ir::shapeOf(either.getArgumentTypes()[0]))
    size *= extent;
  say("cost", costOf(candidate, size));
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
    settle(*candidate);
    return success();
  }
  // Where nothing has a normal form the definition stands, and is differentiated as it is.
  return refused.empty() || sampler.getUnweighted() ? success() : refuse(refused);
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
