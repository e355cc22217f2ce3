// A loop over arrays is made around the expansion of a function, compiled as kernels are.
#include "tests/lower/Loaded.h"

#include "compiler/emit/EmitLlvm.h"
#include "compiler/emit/Pack.h"
#include "compiler/passes/ExpandMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"

#include <dlfcn.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace mlir;

namespace kac::test {

static std::string compile(const std::string &name, bool f64, int64_t lanes, int operands, EmitKind kind) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<arith::ArithDialect, func::FuncDialect, LLVM::LLVMDialect, math::MathDialect, scf::SCFDialect>();
  OpBuilder b(&context);
  Location loc = b.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  b.setInsertionPointToEnd(module->getBody());
  Type pointer = LLVM::LLVMPointerType::get(&context), i64 = b.getI64Type();
  auto function = func::FuncOp::create(b, loc, "over", b.getFunctionType({pointer, pointer, pointer, i64}, {}));
  Block *block = function.addEntryBlock();
  b.setInsertionPointToStart(block);
  Type scalar = f64 ? Type(b.getF64Type()) : b.getF32Type();
  Type type = lanes == 1 ? scalar : VectorType::get(lanes, scalar);
  auto number = [&](int64_t value) {
    return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)).getResult();
  };
  auto loop = scf::ForOp::create(b, loc, number(0), block->getArgument(3), number(lanes));
  func::ReturnOp::create(b, loc);
  b.setInsertionPointToStart(loop.getBody());
  auto place = [&](unsigned k) {
    return LLVM::GEPOp::create(b, loc, pointer, scalar, block->getArgument(k), ValueRange{loop.getInductionVar()});
  };
  SmallVector<Value> values;
  for (int k = 0; k < operands; ++k)
    values.push_back(LLVM::LoadOp::create(b, loc, type, place(unsigned(k)), 4));
  LLVM::StoreOp::create(b, loc, expandMath(b, loc, name, values), place(2), 4);
  std::string error, bytes = emitLlvm(*module, "math", EmitOptions{}, kind, error);
  EXPECT_EQ(error, "");
  return bytes;
}

std::string Loaded::assembly(const std::string &name, bool f64, int64_t lanes, int operands) {
  return compile(name, f64, lanes, operands, EmitKind::Assembly);
}

Loaded::Loaded(const std::string &name, bool f64, int64_t lanes, int operands) {
  std::string error, object = compile(name, f64, lanes, operands, EmitKind::Object);
  static int count = 0;
  std::string path = std::filesystem::temp_directory_path() /
                     ("kac-math-" + std::to_string(getpid()) + "-" + std::to_string(count++) + ".so");
  EXPECT_TRUE(packLibrary(object, PackOptions{"", path}, error)) << error;
  handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  std::filesystem::remove(path);
  if (handle)
    function = reinterpret_cast<void (*)(const void *, const void *, void *, int64_t)>(dlsym(handle, "over"));
  EXPECT_NE(function, nullptr);
}

Loaded::~Loaded() {
  if (handle)
    dlclose(handle);
}

} // namespace kac::test
