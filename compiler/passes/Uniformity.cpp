// A function in, the set of its values that differ between lineages out: the least fixed point.
#include "compiler/passes/Uniformity.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace kac {

Uniformity::Uniformity(func::FuncOp function, ArrayRef<bool> varyingArguments, bool drawsVary) : drawsVary(drawsVary) {
  for (auto [argument, varies] : llvm::zip(function.getArguments(), varyingArguments))
    mark(argument, varies);
  while (visit(function.getBody().front()))
    continue;
}

bool Uniformity::turnsVary(ir::LoopOp loop) const {
  if (varies(loop.getLower()) || varies(loop.getUpper()))
    return true;
  return !loop.getCondition().empty() && varies(loop.getCondition().front().getTerminator()->getOperand(0));
}

bool Uniformity::visit(Block &block) {
  bool changed = false;
  auto yielded = [](Region &region) { return region.front().getTerminator()->getOperands(); };
  for (Operation &op : block) {
    for (Region &region : op.getRegions())
      if (!region.empty())
        changed |= visit(region.front());
    TypeSwitch<Operation *>(&op)
        .Case([&](ir::RandomOp random) {
          bool varies = drawsVary;
          for (Value index : random.getIndices())
            varies |= this->varies(index);
          changed |= mark(random.getResult(), varies);
        })
        .Case([&](ir::BuildOp build) {
          for (auto [result, value] : llvm::zip(build.getResults(), yielded(build.getBody())))
            changed |= mark(result, varies(value));
        })
        .Case([&](ir::ReduceOp reduce) {
          bool bounds = varies(reduce.getLower()) || varies(reduce.getUpper());
          changed |= mark(reduce.getBody().getArgument(0), bounds);
          for (Value value : yielded(reduce.getBody()))
            changed |= mark(reduce.getResult(), bounds || varies(value));
        })
        .Case([&](ir::IfOp branch) {
          for (auto [result, x, y] :
               llvm::zip(branch.getResults(), yielded(branch.getOnTrue()), yielded(branch.getOnFalse())))
            changed |= mark(result, varies(branch.getCondition()) || varies(x) || varies(y));
        })
        .Case([&](ir::LoopOp loop) {
          bool turns = turnsVary(loop);
          bool bounds = varies(loop.getLower()) || varies(loop.getUpper());
          SmallVector<Region *> regions{&loop.getBody()};
          if (!loop.getCondition().empty())
            regions.push_back(&loop.getCondition());
          for (Region *region : regions)
            changed |= mark(region->getArgument(0), bounds);
          for (auto [k, result] : llvm::enumerate(loop.getResults())) {
            bool carried = turns || varies(loop.getInits()[k]) || varies(yielded(loop.getBody())[k]);
            changed |= mark(result, carried);
            for (Region *region : regions)
              changed |= mark(region->getArgument(k + 1), carried);
          }
        })
        .Default([&](Operation *other) {
          bool any = llvm::any_of(other->getOperands(), [&](Value operand) { return varies(operand); });
          for (Value result : other->getResults())
            changed |= mark(result, any);
        });
  }
  return changed;
}

} // namespace kac
