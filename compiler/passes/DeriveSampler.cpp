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
  func::FuncOp lookup(std::optional<FlatSymbolRefAttr> symbol) {
    return symbol ? module.lookupSymbol<func::FuncOp>(*symbol) : func::FuncOp();
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
  const Node &node = expressions[result[0]];
  auto compare = dyn_cast_or_null<ir::CompareOp>(node.op);
  if (!compare || node.kind != Node::Operation)
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
    candidate.expressions = std::make_unique<Expressions>(module, rate.getArgumentTypes()[0]);
    Expressions &expressions = *candidate.expressions;
    Ids arguments{expressions.state, expressions.time};
    for (Type type : rate.getArgumentTypes().drop_front(2))
      arguments.push_back(expressions.argument(type));
    if (auto when = lookup(choice->getAttrOfType<FlatSymbolRefAttr>(kinds::kWhen) ? std::optional(choice->getAttrOfType<FlatSymbolRefAttr>(kinds::kWhen)) : std::nullopt)) {
      std::optional<bool> holds = decide(expressions, when, arguments);
      if (holds == false)
        return std::nullopt;
      candidate.assumed = !holds;
    }
    expressions.chosen[drift.getName()] = choice;
    candidate.u = expressions[expressions.evaluate(choice, arguments)[0]].form;
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
    const Node &node = expressions[id];
    if (node.external.empty())
      return;
    if (node.kind == Node::Gradient)
      add({"E0503", "'" + node.external + "' has no gradient",
           {"leave it out of the target and weigh the difference of its values in `step`", "give it a body"}});
    else if (node.kind == Node::TimeDerivative)
      add({"E0501", "the target moves with '" + node.external + "', which has no derivative in t", {"a constant power"}});
    for (Id operand : node.operands)
      visit(operand);
  };
  for (const auto &[id, c] : candidate.u.vector)
    visit(id);
  for (const Scalar *form : {&candidate.u.scalar, &candidate.g.scalar})
    for (const auto &[atom, c] : *form) {
      visit(atom.a);
      visit(atom.b);
      if (atom.kind == Atom::Divergence && !expressions[atom.a].external.empty()) {
        Namer name = [&](Id id) { return expressions.nameOf(id); };
        add({"E0502", "div " + expressions.nameOf(atom.a) + " is left with coefficient " + print(c, name) + ", and '" +
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
  Form u = candidate.u, g = candidate.g;
  bool written = u.kind == Form::IsVector || (u.kind == Form::IsScalar && candidate.expressions->scalarState());
  if (written) {
    // Both are emitted while the bodies that they were read from still stand.
    Emitter forDrift(*candidate.expressions, drift), forRate(*candidate.expressions, rate);
    forDrift.finish(u);
    forRate.finish(g);
  } else {
    Emitter forRate(*candidate.expressions, rate);
    forRate.finish(g);
    if (candidate.drift != drift) {
      drift.getBody().getBlocks().clear();
      IRMapping mapping;
      candidate.drift.getBody().cloneInto(&drift.getBody(), mapping);
    }
  }
  drift->removeAttr(kinds::kAlternatives);
  if (!candidate.assumed)
    drift->removeAttr(kinds::kWhen);
  else
    drift->setAttr(kinds::kWhen, candidate.drift->getAttr(kinds::kWhen));
}

void Derivation::warn(Candidate &candidate) {
  Namer name = [&](Id id) { return candidate.expressions->nameOf(id); };
  bool weighs = candidate.g.kind == Form::IsCoef ? !candidate.g.coef.isZero() : !candidate.g.scalar.empty();
  if (!weighs)
    return;
  if (sampler.getUnweighted())
    sampler.emitWarning("W0404: samples do not follow the target; dropped rate: " +
                        (candidate.g.kind == Form::IsCoef
                             ? print(candidate.g.coef, name)
                             : print(candidate.g.scalar, name, candidate.expressions->scalarState())));
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
  entries.append("choice", b.getStringAttr(candidate.drift.getName()));
  entries.append("drift", b.getStringAttr(text(candidate.u)));
  entries.append("weight", b.getStringAttr(text(candidate.g)));
  sampler->setAttr(kinds::kDerived, entries.getDictionary(b.getContext()));
}

LogicalResult Derivation::run() {
  drift = lookup(sampler.getDrift() ? std::optional(sampler.getDriftAttr()) : std::nullopt);
  rate = lookup(sampler.getRate() ? std::optional(sampler.getRateAttr()) : std::nullopt);
  auto isState = [](Type type) { return ir::elementOf(type).isF64(); };
  if (!drift || !rate || drift.isExternal() || rate.isExternal() || rate.getNumArguments() < 2 ||
      !isState(rate.getArgumentTypes()[0]) || !rate.getArgumentTypes()[1].isF64() ||
      drift.getArgumentTypes() != rate.getArgumentTypes() || rate.getNumResults() != 1)
    return success();
  SmallVector<func::FuncOp> choices{drift};
  if (auto further = drift->getAttrOfType<ArrayAttr>(kinds::kAlternatives))
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
