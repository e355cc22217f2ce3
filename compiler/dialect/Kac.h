// The kac dialect as C++: its operations (KacOps.td), the traits they share, and questions about types of values.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace kac::ir {

/// The axes of a value: none for a scalar.
llvm::ArrayRef<int64_t> shapeOf(mlir::Type type);
/// f64, i32 or i1.
mlir::Type elementOf(mlir::Type type);
/// A scalar where the shape is empty, else a tensor.
mlir::Type typeOf(mlir::Type element, llvm::ArrayRef<int64_t> shape);
/// Where `shorter` are the last axes of `longer`.
bool isSuffix(llvm::ArrayRef<int64_t> shorter, llvm::ArrayRef<int64_t> longer);
/// What an operation on whole arrays does with the axes of its operands.
enum class WholeShape {
  Total, // all axes to one scalar; also a name of kac.reduce
  Scan,  // one axis to the same
  Pick,  // one axis to an index
  Search // one axis and values of any shape, to an index for each value
};

/// The names of kac.whole (and, if Total, of kac.reduce).
struct WholeRow {
  llvm::StringLiteral name;
  WholeShape shape;
  bool onBools; // else on numbers
};
/// Null for a name that is none.
const WholeRow *findWhole(llvm::StringRef name);

/// 1 for what gives the greatest element, -1 for the least, else 0. NaN is the greatest of kac.max and the least of
/// kac.min; kac.largest and kac.smallest pass over it.
int extremeOf(llvm::StringRef whole);

/// Bounds of an i32 that hold wherever it is defined: `low <= value <= high`.
struct Range {
  int64_t low, high;
};
/// The narrowest known, at worst all of i32.
Range rangeOf(mlir::Value value);

llvm::LogicalResult verifyElementwiseShapes(mlir::Operation *op);

/// Operations whose operands have shapes that are suffixes of the result's: what has it is elementwise.
template <typename ConcreteType>
class ElementwiseShapes : public mlir::OpTrait::TraitBase<ConcreteType, ElementwiseShapes> {
public:
  static llvm::LogicalResult verifyTrait(mlir::Operation *op) { return verifyElementwiseShapes(op); }
};

} // namespace kac::ir

#include "compiler/dialect/KacDialect.h.inc"

#define GET_OP_CLASSES
#include "compiler/dialect/KacOps.h.inc"
