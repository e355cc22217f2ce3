// What all kernels share: their signatures, the fields of struct kac_run, the addresses of inputs, and the descriptor.
#include "compiler/passes/LowerKernels.h"
#include "compiler/passes/KindFields.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"

using namespace mlir;
using kac::ir::elementOf;

namespace kac {

KernelMaker::KernelMaker(ModuleOp module, const LowerOptions &options)
    : module(module), context(module.getContext()), b(context), loc(module.getLoc()), options(options),
      lanes(lanesOf(options)), real(options.f64 ? Type(b.getF64Type()) : Type(b.getF32Type())),
      pointer(LLVM::LLVMPointerType::get(context)) {}

Value KernelMaker::i64(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); }

Value KernelMaker::byteOffset(Value base, Value bytes) {
  return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base, ValueRange{bytes});
}

Value KernelMaker::byteOffset(Value base, int64_t bytes) { return bytes ? byteOffset(base, i64(bytes)) : base; }

Value KernelMaker::field(Kernel &kernel, unsigned index, Type type) {
  Value address = byteOffset(kernel.run, 8 * index);
  return LLVM::LoadOp::create(b, loc, type, address, 8, false, false, /*isInvariant=*/true);
}

func::FuncOp KernelMaker::find(FlatSymbolRefAttr name) {
  return name ? module.lookupSymbol<func::FuncOp>(name.getValue()) : func::FuncOp();
}

/// The function that gives the last arguments of `function` (see HoistUniform.cpp).
func::FuncOp KernelMaker::uniformOf(func::FuncOp function) {
  return find(function->getAttrOfType<FlatSymbolRefAttr>("kac.uniform"));
}

Kernel KernelMaker::begin(StringRef phase, StringRef what, ArrayRef<Type> arguments, Type result) {
  SmallVector<Type> types{pointer};
  llvm::append_range(types, arguments);
  std::string name = sampler + (phase.empty() ? "" : "." + phase.str()) + "." + what.str();
  b.setInsertionPointToEnd(module.getBody());
  auto function =
      func::FuncOp::create(b, loc, name, b.getFunctionType(types, result ? TypeRange(result) : TypeRange()));
  onKernel(function);
  Block *block = function.addEntryBlock();
  Kernel kernel{function, block->getArgument(0), KernelFrame(context, lanes, real)};
  b.setInsertionPointToStart(block);
  KernelFrame &frame = kernel.frame;
  Value seed = field(kernel, 0, b.getI64Type()), particles = field(kernel, 1, b.getI64Type());
  frame.seedLow = arith::TruncIOp::create(b, loc, b.getI32Type(), seed);
  frame.seedHigh = arith::TruncIOp::create(b, loc, b.getI32Type(), arith::ShRUIOp::create(b, loc, seed, i64(32)));
  frame.particles = arith::TruncIOp::create(b, loc, b.getI32Type(), particles);
  frame.step = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  Value table = field(kernel, 3, pointer);
  Operation *mark = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  frame.entry.setInsertionPoint(mark);
  auto addresses = std::make_shared<llvm::StringMap<Value>>();
  frame.input = [this, table, addresses, mark](StringRef name) {
    Value &address = (*addresses)[name];
    if (address)
      return address;
    int64_t index = 0;
    for (auto input : module.getOps<ir::DeclareInputOp>()) {
      if (input.getSymName() == name)
        break;
      ++index;
    }
    OpBuilder entry(mark);
    Value place = LLVM::GEPOp::create(entry, loc, pointer, pointer, table, ArrayRef<LLVM::GEPArg>{int32_t(index)});
    address = LLVM::LoadOp::create(entry, loc, pointer, place, 8, false, false, true);
    return address;
  };
  return kernel;
}

/// What differs between lineages lies on the stack of the thread that moves them; of what is too much for one, the
/// largest lies on the heap for the time of the call.
static void moveToHeap(ModuleOp module, func::FuncOp function) {
  constexpr int64_t most = 1 << 20, alignment = 64;
  SmallVector<std::pair<int64_t, LLVM::AllocaOp>> all;
  int64_t onStack = 0, onHeap = 0;
  function.walk([&](LLVM::AllocaOp op) {
    APInt count;
    if (!matchPattern(op.getArraySize(), m_ConstantInt(&count)))
      return;
    int64_t bytes = count.getSExtValue() * int64_t(DataLayout::closest(op).getTypeSize(op.getElemType()));
    all.push_back({llvm::alignTo(bytes, alignment), op});
    onStack += all.back().first;
  });
  if (onStack <= most)
    return;
  llvm::stable_sort(all, [](auto &a, auto &b) { return a.first > b.first; });
  OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
  Location loc = function.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(module.getContext()),
       nothing = LLVM::LLVMVoidType::get(module.getContext());
  auto call = [&](StringRef name, Type result, ValueRange arguments) {
    auto callee = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
    if (!callee) {
      OpBuilder end = OpBuilder::atBlockEnd(module.getBody());
      auto type = LLVM::LLVMFunctionType::get(result, llvm::to_vector(arguments.getTypes()));
      callee = LLVM::LLVMFuncOp::create(end, loc, name, type);
    }
    return LLVM::CallOp::create(b, loc, callee, arguments);
  };
  auto constant = [&](int64_t value) { return LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); };
  auto size = constant(0);
  Value heap = call("aligned_alloc", pointer, {constant(alignment), size}).getResult();
  for (auto [bytes, op] : all) {
    if (onStack <= most)
      break;
    Value buffer = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), heap, ValueRange{constant(onHeap)});
    op.replaceAllUsesWith(buffer);
    op.erase();
    onStack -= bytes;
    onHeap += bytes;
  }
  size.setValueAttr(b.getI64IntegerAttr(onHeap));
  b.setInsertionPoint(function.getBody().front().getTerminator());
  call("free", nothing, heap);
}

void KernelMaker::end(Kernel &kernel, Value result) {
  b.setInsertionPointToEnd(&kernel.function.getBody().front());
  func::ReturnOp::create(b, loc, result ? ValueRange(result) : ValueRange());
  moveToHeap(module, kernel.function);
}

ArrayAttr KernelMaker::inputs() {
  SmallVector<Attribute> all;
  for (auto input : module.getOps<ir::DeclareInputOp>())
    all.push_back(b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(input.getSymName())),
                                       b.getNamedAttr("data", b.getBoolAttr(input.getIsData())),
                                       b.getNamedAttr("type", TypeAttr::get(input.getType())),
                                       b.getNamedAttr("value", input.getValue())}));
  return b.getArrayAttr(all);
}

DictionaryAttr KernelMaker::make(ir::SamplerOp op) {
  sampler = op.getSymName().str();
  loc = op.getLoc();
  func::FuncOp init = find(op.getInitAttr()), step = find(op.getStepAttr()), output = find(op.getOutputAttr());
  state.clear();
  tileBytes = uniformBytes = scratchBytes = 0;
  for (Type type : init.getResultTypes()) {
    int64_t bytes = isa<FloatType>(elementOf(type)) ? real.getIntOrFloatBitWidth() / 8
                    : elementOf(type).isInteger(1)  ? 1
                                                    : 4;
    state.push_back({type, tileBytes});
    tileBytes += (Cost::countOf(type).value_or(1) * lanes * bytes + 63) / 64 * 64;
  }
  tileBytes = std::max<int64_t>(tileBytes, 64);
  SmallVector<func::FuncOp> monitors;
  for (Attribute monitor : op.getMonitors())
    monitors.push_back(find(cast<FlatSymbolRefAttr>(monitor)));

  auto values = [&](SmallVector<func::FuncOp> functions, ArrayAttr names, bool join) {
    SmallVector<Attribute> all;
    for (auto [k, function] : llvm::enumerate(functions))
      for (auto [c, type] : llvm::enumerate(function.getResultTypes())) {
        StringRef name = cast<StringAttr>(names[join ? k : c]).getValue();
        std::string full = name.str();
        if (join && function.getNumResults() > 1)
          full += "." + std::to_string(c);
        all.push_back(b.getDictionaryAttr(
            {b.getNamedAttr("name", b.getStringAttr(full)), b.getNamedAttr("type", TypeAttr::get(type))}));
      }
    return b.getArrayAttr(all);
  };
  SmallVector<NamedAttribute> facts;
  auto fact = [&](StringRef name, Attribute value) {
    if (value)
      facts.push_back(b.getNamedAttr(name, value));
  };
  fact("name", b.getStringAttr(sampler));
  fact("particles", b.getI64IntegerAttr(op.getParticles()));
  fact("steps", b.getI64IntegerAttr(step ? op.getSteps() : 0));
  fact("steps_fixed", b.getBoolAttr(op.getStepsFixed() || !step));
  fact("init", phase(Phase::Init, "init", init));
  if (step)
    fact("step", phase(Phase::Step, "step", step));
  fact("output", phase(Phase::Output, "output", output));
  if (!monitors.empty())
    fact("monitor", phase(Phase::Monitor, "monitor", monitors));
  fact("outputs", values({output}, op.getOutputNames(), false));
  fact("monitors", values(monitors, op.getMonitorNames(), true));
  fact("time", time(find(op.getTimeAttr())));
  auto place = op->getAttrOfType<StringAttr>(kinds::kTimePlace);
  fact("time_place", place ? place : b.getStringAttr(""));
  fact("weights", weights());
  uniformBytes = (uniformBytes + 63) / 64 * 64;
  if (op.getResampleAttr())
    fact("resample", resample(find(op.getResampleAttr())));
  if (op.getWhenAttr())
    fact("when", when(find(op.getWhenAttr())));
  fact("requires", requirements());
  fact("lanes", b.getI64IntegerAttr(lanes));
  fact("tile_bytes", b.getI64IntegerAttr(tileBytes));
  fact("uniform_bytes", b.getI64IntegerAttr(uniformBytes));
  fact("scratch_bytes", b.getI64IntegerAttr(scratchBytes));
  return b.getDictionaryAttr(facts);
}

} // namespace kac
