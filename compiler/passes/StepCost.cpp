// The step of a sampler in; what differs between lineages of all that it calls, draws and computes, out.
#include "compiler/passes/StepCost.h"

#include "compiler/passes/KindFields.h"
#include "compiler/passes/Uniformity.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <set>

using namespace mlir;

namespace kac {

/// `varying`: which arguments differ between lineages.
static void callsOf(func::FuncOp function, ArrayRef<bool> varying, std::set<std::string> &fields,
                    std::set<std::pair<Operation *, std::vector<bool>>> &seen) {
  if (function.isExternal() || !seen.insert({function, std::vector<bool>(varying.begin(), varying.end())}).second)
    return;
  Uniformity uniformity(function, varying, true);
  function.walk([&](func::CallOp call) {
    SmallVector<bool> differ =
        llvm::map_to_vector(call.getOperands(), [&](Value operand) { return uniformity.varies(operand); });
    auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
    if (!callee || !llvm::is_contained(differ, true))
      return;
    auto kind = callee->getAttrOfType<StringAttr>(kinds::kKind);
    auto structure = callee->getAttrOfType<StringAttr>(kinds::kStructure);
    auto field = callee->getAttrOfType<StringAttr>(kinds::kField);
    if (kind && structure && field && kind != kinds::kSampler)
      fields.insert((structure.getValue() + "." + field.getValue()).str());
    else
      callsOf(callee, differ, fields, seen);
  });
}

/// The state and the index differ; the time, its step and the number of the step, which are between them, do not.
static SmallVector<bool> argumentsOf(func::FuncOp step) {
  SmallVector<bool> varying(step.getNumArguments(), true);
  for (size_t k = 2; k <= 4 && k <= varying.size(); ++k)
    varying[varying.size() - k] = false;
  return varying;
}

std::string calledFields(func::FuncOp step) {
  std::set<std::string> fields;
  std::set<std::pair<Operation *, std::vector<bool>>> seen;
  callsOf(step, argumentsOf(step), fields, seen);
  return llvm::join(fields, ", ");
}

std::string drawsOf(func::FuncOp step) {
  std::map<std::string, int64_t> draws;
  step.walk([&](ir::RandomOp random) {
    int64_t &count = draws[random.getName().rsplit('.').second.str()], product = 1;
    for (int64_t extent : random.getExtents())
      product *= extent;
    count = count < 0 || product < 0 ? -1 : count + product;
  });
  std::string text;
  for (const auto &[law, count] : draws)
    text += (text.empty() ? "" : ", ") + (count < 0 ? "any number of" : std::to_string(count)) + " " + law +
            (count == 1 ? "" : "s");
  return text.empty() ? "no draws" : text;
}

int64_t arithmeticOf(func::FuncOp tiles) {
  int64_t sum = 0;
  tiles.walk([&](Operation *op) {
    bool counts =
        isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) && !op->hasTrait<OpTrait::ConstantLike>();
    if (!counts || !isa<VectorType>(op->getResult(0).getType()))
      return;
    int64_t times = 1;
    for (auto loop = op->getParentOfType<scf::ForOp>(); loop; loop = loop->getParentOfType<scf::ForOp>()) {
      auto from = getConstantIntValue(loop.getLowerBound()), to = getConstantIntValue(loop.getUpperBound());
      times *= from && to ? *to - *from : 1;
    }
    sum += times;
  });
  return sum;
}

} // namespace kac
