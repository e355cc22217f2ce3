// The kac dialect: registration, constants, and the verifiers, whose messages begin with the label of what is broken.
#include "compiler/dialect/Kac.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace kac::ir;

#include "compiler/dialect/KacDialect.cpp.inc"

#define GET_OP_CLASSES
#include "compiler/dialect/KacOps.cpp.inc"

namespace {

/// Every function may be inlined wherever it is called: only entry functions have effects, and nobody calls those.
struct Inlining : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Operation *, bool) const final { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final { return true; }
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
};

} // namespace

void KacDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "compiler/dialect/KacOps.cpp.inc"
      >();
  addInterfaces<Inlining>();
}

Operation *KacDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

// --- types ---

ArrayRef<int64_t> kac::ir::shapeOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getShape() : ArrayRef<int64_t>();
}

Type kac::ir::elementOf(Type type) { return getElementTypeOrSelf(type); }

Type kac::ir::typeOf(Type element, ArrayRef<int64_t> shape) {
  return shape.empty() ? element : RankedTensorType::get(shape, element);
}

bool kac::ir::isSuffix(ArrayRef<int64_t> shorter, ArrayRef<int64_t> longer) {
  return shorter.size() <= longer.size() && longer.take_back(shorter.size()) == shorter;
}

int kac::ir::extremeOf(StringRef whole) {
  return whole == "kac.max" || whole == "kac.largest" ? 1 : whole == "kac.min" || whole == "kac.smallest" ? -1 : 0;
}

const WholeRow *kac::ir::findWhole(StringRef name) {
  static constexpr WholeRow rows[] = {
#define KAC_ELEMENTWISE(name, operands, result)
#define KAC_WHOLE(name, shape, onBools) {name, WholeShape::shape, onBools},
#define KAC_LAW(name)
#include "dsl/Operations.def"
#undef KAC_ELEMENTWISE
#undef KAC_WHOLE
#undef KAC_LAW
  };
  for (const WholeRow &row : rows)
    if (row.name == name)
      return &row;
  return nullptr;
}

// --- elementwise ---

LogicalResult kac::ir::verifyElementwiseShapes(Operation *op) {
  ArrayRef<int64_t> result = shapeOf(op->getResult(0).getType());
  bool reached = result.empty();
  for (Type type : op->getOperandTypes()) {
    if (!isSuffix(shapeOf(type), result))
      return op->emitOpError("elementwise_c1: the shape of ") << type << " is no suffix of the result's";
    reached |= shapeOf(type) == result;
  }
  if (!reached)
    return op->emitOpError("elementwise_c1: no operand has the shape of the result");
  return success();
}

LogicalResult CompareOp::verify() {
  if (!llvm::is_contained({"eq", "ne", "lt", "le"}, getPredicate()))
    return emitOpError("compare_c1: no predicate '") << getPredicate() << "'";
  return success();
}

LogicalResult PrimitiveOp::verify() {
  std::optional<ArrayAttr> derivatives = getDerivatives();
  if (!derivatives)
    return success();
  if (derivatives->size() != getOperands().size())
    return emitOpError("primitive_c1: one derivative for each operand");
  for (Attribute derivative : *derivatives)
    if (!isa<FlatSymbolRefAttr, UnitAttr>(derivative))
      return emitOpError("primitive_c2: a derivative is a symbol or unit");
  return success();
}

// --- inputs ---

LogicalResult DeclareInputOp::verify() {
  auto typed = dyn_cast<TypedAttr>(getValue());
  if (!typed || typed.getType() != getType())
    return emitOpError("declare_input_c1: the value has not the type of the input");
  return success();
}

LogicalResult InputOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto declaration = symbols.lookupNearestSymbolFrom<DeclareInputOp>(*this, getInputAttr());
  if (!declaration)
    return emitOpError("input_c1: no input ") << getInputAttr();
  if (declaration.getType() != getType())
    return emitOpError("input_c2: the input has type ") << declaration.getType();
  return success();
}

// --- arrays ---

LogicalResult WholeOp::verify() {
  const WholeRow *row = findWhole(getName());
  if (!row)
    return emitOpError("whole_c1: no operation '") << getName() << "'";
  if (getOperands().size() != (row->shape == WholeShape::Search ? 2 : 1))
    return emitOpError("whole_c2: wrong number of operands");
  Type operand = getOperands().front().getType(), element = elementOf(operand),
       index = IntegerType::get(getContext(), 32);
  if (element.isInteger(1) != row->onBools)
    return emitOpError("whole_c3: not an operation on ") << operand;
  if (row->shape != WholeShape::Total && shapeOf(operand).size() != 1)
    return emitOpError("whole_c4: acts on one axis");
  Type result;
  switch (row->shape) {
  case WholeShape::Total:
    result = element;
    break;
  case WholeShape::Scan:
    result = operand;
    break;
  case WholeShape::Pick:
    result = index;
    break;
  case WholeShape::Search:
    result = typeOf(index, shapeOf(getOperands().back().getType()));
    break;
  }
  if (getType() != result)
    return emitOpError("whole_c5: the result is ") << result;
  return success();
}

LogicalResult StackOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || type.getDimSize(0) != int64_t(getOperands().size()))
    return emitOpError("stack_c1: the first axis has an element for each operand");
  Type element = typeOf(type.getElementType(), type.getShape().drop_front());
  for (Type operand : getOperandTypes())
    if (operand != element)
      return emitOpError("stack_c2: an operand has type ") << operand << ", not " << element;
  return success();
}

LogicalResult RepeatOp::verify() {
  Type operand = getOperand().getType();
  if (elementOf(operand) != elementOf(getType()) || !isSuffix(shapeOf(operand), shapeOf(getType())))
    return emitOpError("repeat_c1: the shape of the operand is no suffix of the result's");
  return success();
}

LogicalResult ConcatOp::verify() {
  ArrayRef<int64_t> lhs = shapeOf(getLhs().getType()), rhs = shapeOf(getRhs().getType()), shape = shapeOf(getType());
  if (lhs.empty() || lhs.size() != rhs.size() || shape.size() != lhs.size() || lhs.drop_back() != rhs.drop_back() ||
      shape.drop_back() != lhs.drop_back())
    return emitOpError("concat_c1: all axes but the last are the same");
  if (elementOf(getLhs().getType()) != elementOf(getType()) || elementOf(getRhs().getType()) != elementOf(getType()))
    return emitOpError("concat_c2: elements are of one type");
  if (shape.back() != lhs.back() + rhs.back())
    return emitOpError("concat_c3: the last axis is the sum of those of the operands");
  return success();
}

namespace {

/// What array[indices] is: its type, or null where there are more indices than axes.
Type elementAfter(Type array, size_t indices) {
  ArrayRef<int64_t> shape = shapeOf(array);
  return indices <= shape.size() ? typeOf(elementOf(array), shape.drop_front(indices)) : Type();
}

LogicalResult verifyAccess(Operation *op, StringRef name, Type array, size_t indices, Type element) {
  Type expected = elementAfter(array, indices);
  if (!expected)
    return op->emitOpError(name) << "_c1: more indices than axes";
  if (expected != element)
    return op->emitOpError(name) << "_c2: an element is " << expected;
  return success();
}

} // namespace

LogicalResult ExtractOp::verify() {
  return verifyAccess(*this, "extract", getArray().getType(), getIndices().size(), getType());
}

LogicalResult InsertOp::verify() {
  return verifyAccess(*this, "insert", getArray().getType(), getIndices().size(), getValue().getType());
}

// --- regions ---

namespace {

Operation *yieldOf(Region &region) { return region.front().getTerminator(); }

LogicalResult verifyArguments(Operation *op, StringRef label, Region &region, TypeRange types) {
  if (region.getArgumentTypes() != types)
    return op->emitOpError(label) << ": the arguments of the region have other types";
  return success();
}

LogicalResult verifyYield(Operation *op, StringRef label, Region &region, TypeRange types) {
  auto yield = region.front().empty() ? YieldOp() : dyn_cast<YieldOp>(region.front().back());
  if (!yield || yield.getOperandTypes() != types)
    return op->emitOpError(label) << ": what the region yields has other types";
  return success();
}

} // namespace

LogicalResult BuildOp::verify() {
  SmallVector<Type> indices(getExtents().size(), IntegerType::get(getContext(), 32)), elements;
  if (failed(verifyArguments(*this, "build_c1", getBody(), indices)))
    return failure();
  SmallVector<int64_t> extents;
  for (int64_t extent : getExtents())
    extents.push_back(extent < 0 ? ShapedType::kDynamic : extent);
  for (Type type : getResultTypes()) {
    ArrayRef<int64_t> shape = shapeOf(type);
    if (shape.size() < extents.size() || shape.take_front(extents.size()) != ArrayRef<int64_t>(extents))
      return emitOpError("build_c2: the leading axes of ") << type << " are not the extents";
    elements.push_back(elementAfter(type, extents.size()));
  }
  return verifyYield(*this, "build_c3", getBody(), elements);
}

LogicalResult ReduceOp::verify() {
  const WholeRow *row = findWhole(getName());
  if (!row || row->shape != WholeShape::Total)
    return emitOpError("reduce_c1: no reduction '") << getName() << "'";
  if (elementOf(getType()).isInteger(1) != row->onBools)
    return emitOpError("reduce_c2: not a reduction of ") << getType();
  if (failed(verifyArguments(*this, "reduce_c3", getBody(), IntegerType::get(getContext(), 32))))
    return failure();
  SmallVector<Type> yielded{getType()};
  if (!getBody().front().empty() && yieldOf(getBody())->getNumOperands() == 2)
    yielded.push_back(IntegerType::get(getContext(), 1));
  return verifyYield(*this, "reduce_c4", getBody(), yielded);
}

LogicalResult IfOp::verify() {
  for (Region *region : getRegions())
    if (failed(verifyArguments(*this, "if_c1", *region, TypeRange())) ||
        failed(verifyYield(*this, "if_c2", *region, getResultTypes())))
      return failure();
  return success();
}

LogicalResult LoopOp::verify() {
  if (getInits().getTypes() != getResultTypes())
    return emitOpError("loop_c1: results have the types of the carried values");
  SmallVector<Type> arguments{IntegerType::get(getContext(), 32)};
  llvm::append_range(arguments, getResultTypes());
  if (!getCondition().empty() &&
      (failed(verifyArguments(*this, "loop_c2", getCondition(), arguments)) ||
       failed(verifyYield(*this, "loop_c3", getCondition(), IntegerType::get(getContext(), 1)))))
    return failure();
  if (failed(verifyArguments(*this, "loop_c4", getBody(), arguments)))
    return failure();
  return verifyYield(*this, "loop_c5", getBody(), getResultTypes());
}

// --- effects and samplers ---

LogicalResult RandomOp::verify() {
  if (!llvm::is_contained({"kac.uniform", "kac.normal"}, getName()))
    return emitOpError("random_c1: no primitive law '") << getName() << "'";
  if (getIndices().size() != getExtents().size())
    return emitOpError("random_c2: one extent for each index");
  return success();
}

LogicalResult SamplerOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto check = [&](FlatSymbolRefAttr name) -> LogicalResult {
    if (name && !symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, name))
      return emitOpError("sampler_c1: no function ") << name;
    return success();
  };
  for (FlatSymbolRefAttr name : {getInitAttr(), getStepAttr(), getTimeAttr(), getResampleAttr(), getWhenAttr(),
                                 getOutputAttr(), getDriftAttr(), getRateAttr()})
    if (failed(check(name)))
      return failure();
  if (getMonitors().size() != getMonitorNames().size())
    return emitOpError("sampler_c2: one name for each monitor");
  for (Attribute monitor : getMonitors())
    if (!isa<FlatSymbolRefAttr>(monitor) || failed(check(cast<FlatSymbolRefAttr>(monitor))))
      return failure();
  return success();
}
