// Operations in, the same without those whose results nothing uses: single results of regions and carried values too.
#include "compiler/dialect/Regions.h"
#include "compiler/passes/Derivatives.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace kac {

/// The carried values of a loop that its used results, its condition or its effects depend on.
static SmallVector<unsigned> liveCarried(ir::LoopOp loop) {
  Block &body = loop.getBody().front();
  size_t n = loop.getNumResults();
  llvm::DenseSet<Value> needed;
  auto need = [&](Operation *op) {
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        needed.insert(operand);
    });
  };
  auto slice = [&](Block &block) {
    for (Operation &op : llvm::reverse(block.without_terminator()))
      if (!isMemoryEffectFree(&op) || llvm::any_of(op.getResults(), [&](Value v) { return needed.contains(v); }))
        need(&op);
  };
  std::vector<bool> live(n);
  if (!loop.getCondition().empty()) {
    Block &condition = loop.getCondition().front();
    need(condition.getTerminator());
    slice(condition);
    for (size_t k = 0; k < n; ++k)
      live[k] = needed.contains(condition.getArgument(1 + k));
  }
  for (size_t k = 0; k < n; ++k)
    live[k] = live[k] || !loop.getResult(k).use_empty();
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t k = 0; k < n; ++k)
      if (live[k])
        needed.insert(body.getTerminator()->getOperand(k));
    slice(body);
    for (size_t k = 0; k < n; ++k)
      if (!live[k] && needed.contains(body.getArgument(1 + k)))
        live[k] = changed = true;
  }
  SmallVector<unsigned> kept;
  for (size_t k = 0; k < n; ++k)
    if (live[k])
      kept.push_back(unsigned(k));
  return kept;
}

static void pruneBlock(Block &block);

static void pruneLoop(ir::LoopOp loop) {
  SmallVector<unsigned> kept = liveCarried(loop);
  size_t n = loop.getNumResults();
  if (kept.size() == n)
    return;
  IRRewriter rewriter(loop);
  Block &body = loop.getBody().front();
  ir::keepOperands(rewriter, body.getTerminator(), kept);
  // What still uses a dropped argument feeds nothing that is kept.
  pruneBlock(body);
  for (Region &region : loop->getRegions())
    for (size_t k = n; k-- > 0 && !region.empty();)
      if (!llvm::is_contained(kept, k)) {
        BlockArgument argument = region.front().getArgument(1 + k);
        if (!argument.use_empty()) // only from dead regions inside
          argument.replaceAllUsesWith(loop.getInits()[k]);
        region.front().eraseArgument(1 + k);
      }
  SmallVector<Value> operands{loop.getLower(), loop.getUpper()};
  for (unsigned k : kept)
    operands.push_back(loop.getInits()[k]);
  ir::withResults(rewriter, loop, kept, operands);
}

static void pruneBlock(Block &block) {
  for (Operation *op = block.empty() ? nullptr : &block.back(), *next; op; op = next) {
    next = op->getPrevNode();
    if (isOpTriviallyDead(op)) {
      op->erase();
      continue;
    }
    if (auto loop = dyn_cast<ir::LoopOp>(op)) {
      pruneLoop(loop);
    } else if (isa<ir::BuildOp, ir::IfOp>(op)) {
      SmallVector<unsigned> kept;
      for (auto [k, result] : llvm::enumerate(op->getResults()))
        if (!result.use_empty())
          kept.push_back(unsigned(k));
      if (kept.size() < op->getNumResults()) {
        IRRewriter rewriter(op);
        for (Region &region : op->getRegions())
          ir::keepOperands(rewriter, region.front().getTerminator(), kept);
        ir::withResults(rewriter, op, kept, op->getOperands());
      }
    }
    op = next ? next->getNextNode() : &block.front();
    for (Region &region : op->getRegions())
      for (Block &inner : region)
        pruneBlock(inner);
  }
}

void prune(Operation *root) {
  for (Region &region : root->getRegions())
    for (Block &block : region)
      pruneBlock(block);
}

} // namespace kac
