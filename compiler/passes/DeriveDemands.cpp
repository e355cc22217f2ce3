// A drift that may be taken in; what must hold wherever a step begins out, as requirements of the run: the condition
// that it is taken under, and schedules that are finite.
#include "compiler/passes/DeriveSampler.h"

#include <set>

using namespace mlir;

namespace kac {

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
    b.setInsertionPointToEnd(module.getBody()); // behind what the program requires, which may be the cause
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
                     "` is not finite, and the drift or its weight is made of it"))
      function.erase();
  }
  return success();
}

} // namespace kac
