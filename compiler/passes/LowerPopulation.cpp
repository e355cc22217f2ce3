// time, when, resample, weights and requires: functions over all lineages together in, f64 kernels out.
#include "compiler/passes/ExpandMath.h"
#include "compiler/passes/HoistUniform.h"
#include "compiler/passes/LowerKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace kac {

Kernel KernelMaker::beginUniform(StringRef what, ArrayRef<Type> arguments, Type result) {
  Kernel kernel = begin("", what, arguments, result);
  OpBuilder::InsertionGuard guard(b);
  b.restoreInsertionPoint(kernel.frame.entry.saveInsertionPoint());
  kernel.frame.scratch = byteOffset(field(kernel, 10, pointer), uniformBytes);
  return kernel;
}

static Uniformity allUniform(func::FuncOp function) {
  return Uniformity(function, SmallVector<bool>(function.getNumArguments(), false), false);
}

FlatSymbolRefAttr KernelMaker::time(func::FuncOp function) {
  Kernel kernel = begin("", "time", {pointer});
  Uniformity none = allUniform(function);
  Body body(b, kernel.frame, none);
  Value steps = field(kernel, 2, b.getI64Type());
  Value count = arith::AddIOp::create(b, loc, steps, i64(1));
  auto loop = scf::ForOp::create(b, loc, i64(0), count, i64(1));
  b.setInsertionPointToStart(loop.getBody());
  Value number = loop.getInductionVar();
  Type f64 = b.getF64Type();
  Value part = arith::DivFOp::create(b, loc, arith::SIToFPOp::create(b, loc, f64, number),
                                     arith::SIToFPOp::create(b, loc, f64, steps));
  Value start = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, number, i64(0));
  Value u = arith::SelectOp::create(b, loc, start, body.real(0), part);
  Value t = body.lower(function, {Thing(u)})[0].scalar;
  Value place = LLVM::GEPOp::create(b, loc, pointer, f64, kernel.function.getArgument(1), ValueRange{number});
  LLVM::StoreOp::create(b, loc, t, place);
  end(kernel);
  return FlatSymbolRefAttr::get(kernel.function);
}

FlatSymbolRefAttr KernelMaker::when(func::FuncOp function) {
  Type f64 = b.getF64Type();
  Kernel kernel = beginUniform("when", {f64, f64, b.getI64Type()}, b.getI32Type());
  Uniformity none = allUniform(function);
  Body body(b, kernel.frame, none);
  auto arguments = kernel.function.getArguments();
  Value n = arith::TruncIOp::create(b, loc, b.getI32Type(), arguments[3]);
  Value holds = body.lower(function, {Thing(arguments[1]), Thing(arguments[2]), Thing(n)})[0].scalar;
  end(kernel, arith::ExtUIOp::create(b, loc, b.getI32Type(), holds));
  return FlatSymbolRefAttr::get(kernel.function);
}

/// What comes with the lineage as a first argument, and with what all lineages share as last ones.
static Uniformity allButFirst(func::FuncOp function) {
  SmallVector<bool> varying(function.getNumArguments(), false);
  varying[0] = true;
  return Uniformity(function, varying, false);
}

/// A copy of `all`, which gives the ancestors of all lineages, that gives the one of the lineage that it takes first.
static func::FuncOp copyForOne(func::FuncOp all, IRRewriter &b) {
  b.setInsertionPointAfter(all);
  auto one = cast<func::FuncOp>(b.clone(*all));
  one.setName((all.getName() + ".one").str());
  (void)one.insertArgument(0, b.getI32Type(), {}, all.getLoc());
  Operation *end = one.getBody().front().getTerminator();
  b.setInsertionPoint(end);
  end->setOperand(0, ir::ExtractOp::create(b, end->getLoc(), b.getI32Type(), end->getOperand(0),
                                           ValueRange{one.getArgument(0)}, b.getUnitAttr()));
  one.setFunctionType(b.getFunctionType(one.getArgumentTypes(), b.getI32Type()));
  return one;
}

/// `all`, which gives the ancestors of all lineages, as what they share and the rest of each. An element of a build is
/// what its body yields there. Where each would have arrays over all lineages of its own, they share everything.
static func::FuncOp ofOneLineage(func::FuncOp all) {
  IRRewriter b(all.getContext());
  func::FuncOp one = copyForOne(all, b);
  Value lineage = one.getArgument(0);
  auto isOwn = [&](Operation *user) {
    auto extract = dyn_cast<ir::ExtractOp>(user);
    return extract && llvm::equal(extract.getIndices(), ValueRange{lineage});
  };
  auto inlineOne = [&](ir::BuildOp build) {
    if (build.getExtents() != ArrayRef<int64_t>{-1} || build.getNumResults() > 1 || build.use_empty() ||
        !llvm::all_of(build->getUsers(), isOwn))
      return WalkResult::advance();
    Operation *yield = build.getBody().front().getTerminator();
    b.inlineBlockBefore(&build.getBody().front(), build, {lineage});
    for (Operation *user : llvm::make_early_inc_range(build->getUsers()))
      b.replaceOp(user, yield->getOperands());
    b.eraseOp(yield);
    b.eraseOp(build);
    return WalkResult::interrupt();
  };
  while (one.walk(inlineOne).wasInterrupted())
    continue;
  SmallVector<bool> varying(one.getNumArguments(), false);
  varying[0] = true;
  hoistUniform(one, varying, false);
  Uniformity uniformity = allButFirst(one);
  bool apart = one.walk([&](Operation *op) {
                    bool own = llvm::any_of(op->getResults(), [&](Value value) {
                      return uniformity.varies(value) && !Cost::countOf(value.getType());
                    });
                    return own ? WalkResult::interrupt() : WalkResult::advance();
                  })
                   .wasInterrupted();
  if (!apart)
    return one;
  one.erase();
  one = copyForOne(all, b);
  Block &body = one.getBody().front();
  body.getTerminator()->getOperand(0).getDefiningOp()->setOperand(
      0, body.addArgument(all.getResultTypes()[0], all.getLoc()));
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (op.use_empty() && !op.hasTrait<OpTrait::IsTerminator>())
      op.erase();
  one.setFunctionType(b.getFunctionType(body.getArgumentTypes(), b.getI32Type()));
  one->setAttr("kac.uniform", FlatSymbolRefAttr::get(all));
  return one;
}

/// Ancestors are computed in double precision, whatever the lineages are, side by side.
DictionaryAttr KernelMaker::resample(func::FuncOp function) {
  Type f64 = b.getF64Type(), index = b.getI64Type();
  llvm::SaveAndRestore wide(real, f64);
  func::FuncOp one = ofOneLineage(function);
  Uniformity uniformity = allButFirst(one);
  int64_t before = uniformBytes;
  uniformBytes = 64;
  slots.clear();
  layOut(one, uniformity);
  uniformBytes = (std::max(uniformBytes, before) + 63) / 64 * 64;

  auto start = [&](StringRef what, ArrayRef<Type> more) {
    SmallVector<Type> types{pointer, f64, f64, index};
    llvm::append_range(types, more);
    Kernel kernel = beginUniform(what, types);
    OpBuilder::InsertionGuard guard(b);
    b.restoreInsertionPoint(kernel.frame.entry.saveInsertionPoint());
    Value n = arith::TruncIOp::create(b, loc, b.getI32Type(), kernel.function.getArgument(4));
    kernel.frame.step = arith::AddIOp::create(b, loc, n, arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(1)));
    return std::pair(std::move(kernel), n);
  };
  auto given = [&](Kernel &kernel, Body &body, Value n) {
    auto arguments = kernel.function.getArguments();
    return SmallVector<Thing>{body.view(arguments[1], ShapedType::kDynamic, f64), Thing(arguments[2]),
                              Thing(arguments[3]), Thing(n)};
  };
  SmallVector<NamedAttribute> made;
  if (func::FuncOp uniform = uniformOf(one)) {
    auto [kernel, n] = start("resample.prepare", {});
    kernel.frame.scratchBytes = &scratchBytes;
    Uniformity none = allUniform(uniform);
    Body body(b, kernel.frame, none);
    share(kernel, body, one, given(kernel, body, n));
    end(kernel);
    made.push_back(b.getNamedAttr("prepare", FlatSymbolRefAttr::get(kernel.function)));
  }
  auto [kernel, n] = start("resample.tiles", {index, index, pointer});
  Body body(b, kernel.frame, uniformity);
  Value begin = kernel.function.getArgument(5), stop = kernel.function.getArgument(6);
  auto tiles = scf::ForOp::create(b, loc, begin, stop, i64(1));
  b.setInsertionPointToStart(tiles.getBody());
  openTile(kernel, tiles.getInductionVar());
  // The draws are everyone's: they have no lineage. Those past the last lineage repeat it.
  Value lineage = std::exchange(kernel.frame.lineage, Value());
  Value last = body.vary(arith::SubIOp::create(b, loc, kernel.frame.particles, body.integer(1)));
  SmallVector<Thing> things{Thing(arith::MinSIOp::create(b, loc, lineage, last).getResult())};
  llvm::append_range(things, given(kernel, body, n));
  addShared(things, one, body, kernel);
  Value chosen = body.vary(body.lower(one, things)[0].scalar);
  Value place = arith::MulIOp::create(b, loc, tiles.getInductionVar(), i64(4 * lanes));
  LLVM::StoreOp::create(b, loc, chosen, byteOffset(kernel.function.getArgument(7), place), 4);
  end(kernel);
  made.push_back(b.getNamedAttr("tiles", FlatSymbolRefAttr::get(kernel.function)));
  return b.getDictionaryAttr(made);
}

/// Sums of e^(log weight - shift) and its square, eight lineages at a time.
FlatSymbolRefAttr KernelMaker::weights() {
  constexpr int64_t width = 8;
  Type index = b.getI64Type(), f64 = b.getF64Type();
  auto vector = VectorType::get(width, f64), counts = VectorType::get(width, index);
  b.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(b, loc, sampler + ".weights",
                                       b.getFunctionType({pointer, index, index, f64, pointer, pointer}, {}));
  onKernel(function);
  Block *block = function.addEntryBlock();
  b.setInsertionPointToStart(block);
  Value in = block->getArgument(0), begin = block->getArgument(1), end = block->getArgument(2);
  Value shift = vector::BroadcastOp::create(b, loc, vector, block->getArgument(3));
  Value sum = block->getArgument(4), out = block->getArgument(5);
  Value wanted = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, out, LLVM::ZeroOp::create(b, loc, pointer));
  Value zero = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, 0.0));
  Value own =
      arith::ConstantOp::create(b, loc, DenseElementsAttr::get(counts, ArrayRef<int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  auto loop = scf::ForOp::create(b, loc, begin, end, i64(width), ValueRange{zero, zero});
  b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  Value left = arith::SubIOp::create(b, loc, end, first);
  Value inside =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, own, vector::BroadcastOp::create(b, loc, counts, left));
  auto place = [&](Value base) { return LLVM::GEPOp::create(b, loc, pointer, f64, base, ValueRange{first}); };
  Value low = LLVM::MaskedLoadOp::create(b, loc, vector, place(in), inside, zero, 8u);
  Value e = expandMath(b, loc, "math.exp", ValueRange{arith::SubFOp::create(b, loc, low, shift)});
  e = arith::SelectOp::create(b, loc, inside, e, zero);
  auto branch = scf::IfOp::create(b, loc, wanted, false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    LLVM::MaskedStoreOp::create(b, loc, e, place(out), inside, 8u);
  }
  Value total = arith::AddFOp::create(b, loc, loop.getRegionIterArg(0), e);
  Value squares = arith::AddFOp::create(b, loc, loop.getRegionIterArg(1), arith::MulFOp::create(b, loc, e, e));
  scf::YieldOp::create(b, loc, ValueRange{total, squares});
  b.setInsertionPointAfter(loop);
  for (unsigned k : {0u, 1u}) {
    Value reduced = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, loop.getResult(k));
    LLVM::StoreOp::create(b, loc, reduced, byteOffset(sum, int64_t(8) * k));
  }
  func::ReturnOp::create(b, loc);
  return FlatSymbolRefAttr::get(function);
}

ArrayAttr KernelMaker::requirements() {
  SmallVector<Attribute> all;
  for (auto op : llvm::to_vector(module.getOps<ir::RequireInputsOp>())) {
    if (op.getSampler() && *op.getSampler() != sampler)
      continue;
    func::FuncOp function = find(op.getFunctionAttr());
    Kernel kernel = begin("require", std::to_string(all.size()), {b.getF64Type(), b.getI64Type()}, b.getI32Type());
    Uniformity none = allUniform(function);
    Body body(b, kernel.frame, none);
    bool atSteps = function.getNumArguments() > 0;
    Value step = arith::TruncIOp::create(b, loc, b.getI32Type(), kernel.function.getArgument(2));
    SmallVector<Thing> known{Thing(kernel.function.getArgument(1)), Thing(step)};
    known.truncate(function.getNumArguments());
    Value holds = body.lower(function, known)[0].scalar;
    end(kernel, arith::ExtUIOp::create(b, loc, b.getI32Type(), holds));
    all.push_back(b.getDictionaryAttr({b.getNamedAttr("holds", FlatSymbolRefAttr::get(kernel.function)),
                                       b.getNamedAttr("at_steps", b.getBoolAttr(atSteps)),
                                       b.getNamedAttr("text", b.getStringAttr(op.getText()))}));
  }
  return b.getArrayAttr(all);
}

} // namespace kac
