// time, when, resample, weights and requires: functions over all lineages together in, f64 kernels out.
#include "compiler/passes/ExpandMath.h"
#include "compiler/passes/LowerKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

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

FlatSymbolRefAttr KernelMaker::resample(func::FuncOp function) {
  Type f64 = b.getF64Type();
  Kernel kernel = beginUniform("resample", {pointer, f64, f64, b.getI64Type(), pointer});
  kernel.frame.scratchBytes = &scratchBytes;
  Uniformity none = allUniform(function);
  Body body(b, kernel.frame, none);
  auto arguments = kernel.function.getArguments();
  Value n = arith::TruncIOp::create(b, loc, b.getI32Type(), arguments[4]);
  kernel.frame.step = arith::AddIOp::create(b, loc, n, body.integer(1));
  Thing w = body.view(arguments[1], ShapedType::kDynamic, f64);
  Thing out = body.view(arguments[5], ShapedType::kDynamic, b.getI32Type());
  auto chosen = body.lower(function, {w, Thing(arguments[2]), Thing(arguments[3]), Thing(n)});
  body.store(out, chosen[0], 64);
  end(kernel);
  return FlatSymbolRefAttr::get(kernel.function);
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
    LLVM::StoreOp::create(b, loc, reduced, byteOffset(sum, 8 * k));
  }
  func::ReturnOp::create(b, loc);
  return FlatSymbolRefAttr::get(function);
}

ArrayAttr KernelMaker::requires_() {
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
