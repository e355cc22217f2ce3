// The kernels of one sampler (runtime/kac_abi.h): its entry functions in, functions over tiles of lineages out, and the
// facts that its descriptor states.
#pragma once

#include "compiler/passes/LowerBody.h"
#include "compiler/passes/LowerOptions.h"

#include "mlir/IR/BuiltinOps.h"

namespace kac {

/// One kernel while it is made.
struct Kernel {
  mlir::func::FuncOp function;
  mlir::Value run;
  KernelFrame frame;
};

class KernelMaker {
public:
  KernelMaker(mlir::ModuleOp module, const LowerOptions &options);

  /// The attribute that emit makes a descriptor from.
  mlir::DictionaryAttr make(ir::SamplerOp sampler);
  mlir::ArrayAttr inputs();

  std::function<void(mlir::Operation *)> onKernel; // told of each function made

private:
  struct Slot {
    int64_t offset;
    mlir::Type element;
  };
  struct Component {
    mlir::Type type;
    int64_t offset;
  };

  // LowerKernels.cpp: frames
  Kernel begin(llvm::StringRef phase, llvm::StringRef what, llvm::ArrayRef<mlir::Type> arguments,
               mlir::Type result = {});
  void end(Kernel &kernel, mlir::Value result = {});
  mlir::Value field(Kernel &kernel, unsigned index, mlir::Type type);
  mlir::Value byteOffset(mlir::Value base, mlir::Value bytes);
  mlir::Value byteOffset(mlir::Value base, int64_t bytes);
  mlir::Value i64(int64_t value);
  mlir::func::FuncOp find(mlir::FlatSymbolRefAttr name);
  mlir::func::FuncOp uniformOf(mlir::func::FuncOp function);

  // LowerPhases.cpp: init, step, monitor, output
  enum class Phase { Init, Step, Output, Monitor };
  mlir::DictionaryAttr phase(Phase phase, llvm::StringRef name, llvm::ArrayRef<mlir::func::FuncOp> functions);
  mlir::FlatSymbolRefAttr prepare(Phase phase, llvm::StringRef name, llvm::ArrayRef<mlir::func::FuncOp> functions);
  mlir::FlatSymbolRefAttr tiles(Phase phase, llvm::StringRef name, mlir::func::FuncOp function);
  mlir::FlatSymbolRefAttr values(Phase phase, llvm::StringRef name, llvm::ArrayRef<mlir::func::FuncOp> functions);
  llvm::SmallVector<Thing> known(Phase phase, Kernel &kernel, Body &body, mlir::Value n);
  void layOut(mlir::func::FuncOp function, const Uniformity &uniformity);
  void share(Kernel &kernel, Body &body, mlir::func::FuncOp function, llvm::ArrayRef<Thing> given);
  void addShared(llvm::SmallVector<Thing> &things, mlir::func::FuncOp function, Body &body, Kernel &kernel);
  void openTile(Kernel &kernel, mlir::Value tile);
  llvm::SmallVector<Thing> loadState(Kernel &kernel, Body &body, mlir::Value tile, bool gathered);
  Thing gatheredArray(Body &body, mlir::Value start, mlir::Value lanesAt, int64_t stride, mlir::Type lane,
                      llvm::ArrayRef<int64_t> shape, mlir::Value flat);
  mlir::Value storeState(Kernel &kernel, Body &body, mlir::Value tile, llvm::ArrayRef<Thing> values);
  void settle(Phase phase, Kernel &kernel, mlir::Value tile, mlir::Value finite, bool weighed);
  llvm::SmallVector<Thing> arguments(Phase phase, mlir::func::FuncOp function, llvm::ArrayRef<Thing> state,
                                     llvm::ArrayRef<Thing> context, const Thing &lineage, Body &body, Kernel &kernel);
  void allAlive(Kernel &kernel, Body &body, mlir::Value fault);
  void storeValue(Kernel &kernel, Body &body, const Thing &value, mlir::Type type, mlir::Value out, bool mayFail);
  llvm::SmallVector<bool> varyingArguments(Phase phase, mlir::func::FuncOp function) const;
  Uniformity uniformity(Phase phase, mlir::func::FuncOp function);
  std::pair<unsigned, unsigned> argumentRanges(Phase phase) const;

  // LowerPopulation.cpp: time, when, resample, weights, requires
  mlir::FlatSymbolRefAttr time(mlir::func::FuncOp function);
  mlir::FlatSymbolRefAttr when(mlir::func::FuncOp function);
  mlir::DictionaryAttr resample(mlir::func::FuncOp function);
  mlir::FlatSymbolRefAttr weights();
  mlir::ArrayAttr requirements();
  Kernel beginUniform(llvm::StringRef what, llvm::ArrayRef<mlir::Type> arguments, mlir::Type result = {});

  mlir::ModuleOp module;
  mlir::MLIRContext *context;
  mlir::OpBuilder b;
  mlir::Location loc;
  LowerOptions options;
  int64_t lanes;
  mlir::Type real, pointer;

  std::string sampler;
  llvm::SmallVector<Component> state;
  int64_t tileBytes = 0, uniformBytes = 0, scratchBytes = 0;
  llvm::DenseMap<mlir::Value, Slot> slots; // of the uniform values that a function is given
};

} // namespace kac
