// Declarative samplers in; the same with a drift that is settled and a weight in which all that cancels is gone out.
#include "compiler/passes/DeriveSampler.h"
#include "compiler/passes/Passes.h"
#include "compiler/passes/StepCost.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <set>

using namespace mlir;

namespace kac {

#define GEN_PASS_DEF_DERIVESAMPLER
#include "compiler/passes/Passes.h.inc"

void report(Location at, const std::string &code, const std::string &text, ArrayRef<std::string> offers) {
  auto diagnostic = emitError(at, code + ": " + text);
  if (!offers.empty())
    diagnostic.attachNote(at) << "help: " << llvm::join(offers, "; or ");
}

/// Whether `function` of `arguments` is a comparison of constants, and how it comes out.
static std::optional<bool> decide(Expressions &expressions, func::FuncOp function, const Ids &arguments) {
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
  auto lacking = [&](Id id, const Coef &coef, bool alone) {
    Expressions::Field field = expressions.fieldOf(id);
    std::string model = field.structure.str();
    if (alone && field.kind == kinds::kProcess && field.name == kinds::kLogp)
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
  std::function<void(Id, const Coef &, bool)> visit = [&](Id id, const Coef &coef, bool alone) {
    if (id < 0 || !seen.insert(id).second)
      return;
    const Expression &node = expressions[id];
    if (node.missing)
      return lacking(id, coef, alone);
    if (node.external.empty()) {
      for (Id operand : node.operands)
        visit(operand, coef, false);
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
      visit(operand, coef, false);
  };
  for (const auto &[id, c] : candidate.u.vector)
    visit(id, c, true);
  for (const Scalar *form : {&candidate.u.scalar, &candidate.g.scalar})
    for (const auto &[atom, c] : *form) {
      visit(atom.a, c, true);
      visit(atom.b, c, true);
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
  warnOfJumps();
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
    SmallVector<std::pair<func::FuncOp, func::FuncOp>> before;
    for (func::FuncOp function : {rate, drift})
      if (function)
        before.push_back({function, function.clone()});
    bool settled = true;
    try {
      settle(*candidate);
    } catch (NoForm) { // its numbers have too many digits to be put together: the definition stands
      settled = false;
    }
    for (auto [function, text] : before) {
      if (!settled)
        function.getBody().takeBody(text.getBody());
      text.erase();
    }
    return demanded;
  }
  // Where nothing has a normal form the definition stands, and is differentiated as it is.
  if (!refused.empty())
    return refuse(refused);
  return refuseMissing();
}

/// Operations of a function with all that it calls written out, as the next pass does; the same call counts once.
static double sizeOf(func::FuncOp function, const SymbolTable &symbols, DenseMap<Operation *, double> &known) {
  if (auto found = known.find(function); found != known.end())
    return found->second;
  double size = 0;
  std::set<std::pair<void *, std::vector<void *>>> calls;
  function.walk([&](Operation *op) {
    ++size;
    auto call = dyn_cast<func::CallOp>(op);
    auto callee = call ? symbols.lookup<func::FuncOp>(call.getCallee()) : func::FuncOp();
    if (!callee)
      return;
    std::vector<void *> operands;
    for (Value operand : call.getOperands())
      operands.push_back(operand.getAsOpaquePointer());
    if (calls.insert({callee.getOperation(), std::move(operands)}).second)
      size += sizeOf(callee, symbols, known);
  });
  return known[function] = size;
}

constexpr double largestFunction = 1 << 20; // operations; compiled in about a minute

namespace {
struct DeriveSamplerPass : impl::DeriveSamplerBase<DeriveSamplerPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    DenseMap<Operation *, double> sizes;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (double size = sizeOf(function, symbols, sizes); size > largestFunction) {
        report(
            function.getLoc(), "E0602",
            llvm::formatv("with all that it calls written out this has {0:e1} operations; at most {1:e1} are compiled",
                          size, largestFunction)
                .str(),
            {"a loop, or a name for what is computed more than once"});
        return signalPassFailure();
      }
    for (auto sampler : getOperation().getOps<ir::SamplerOp>()) {
      if (failed(Derivation(getOperation(), sampler).run()))
        return signalPassFailure();
      auto step = symbols.lookup<func::FuncOp>(sampler.getStep().value_or(""));
      if (step && !sampler->hasAttr(kinds::kDerived)) {
        Builder b(&getContext());
        sampler->setAttr(kinds::kDerived,
                         b.getDictionaryAttr(b.getNamedAttr("cost", b.getStringAttr(calledFields(step)))));
      }
    }
  }
};
} // namespace

} // namespace kac
