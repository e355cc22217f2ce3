// Formulas in, operations of arith and math out.
#include "compiler/passes/Formula.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace kac {

Formula::Formula(OpBuilder &b, Location loc, Type type)
    : wide(getElementTypeOrSelf(type).isF64()), b(b), loc(loc), type(type) {
  bitsType = b.getIntegerType(wide ? 64 : 32);
  if (auto vector = dyn_cast<VectorType>(type))
    bitsType = vector.clone(bitsType);
}

Type Formula::wideType() {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(b.getF64Type())) : b.getF64Type();
}

static Value constant(OpBuilder &b, Location loc, Type type, TypedAttr element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, Attribute(element)));
  return arith::ConstantOp::create(b, loc, element);
}

Term Formula::real(double value) {
  return of(constant(b, loc, type, b.getFloatAttr(getElementTypeOrSelf(type), value)));
}

Term Formula::bits(int64_t value) {
  Type element = getElementTypeOrSelf(bitsType);
  return of(constant(b, loc, bitsType, b.getIntegerAttr(element, APInt(wide ? 64 : 32, value, true, true))));
}

Term Formula::asBits(Term x) { return of(arith::BitcastOp::create(b, loc, bitsType, x.value)); }
Term Formula::asReal(Term x) { return of(arith::BitcastOp::create(b, loc, type, x.value)); }
Term Formula::fma(Term x, Term y, Term z) { return of(math::FmaOp::create(b, loc, x.value, y.value, z.value)); }

Term Formula::select(Term condition, Term x, Term y) {
  return of(arith::SelectOp::create(b, loc, condition.value, x.value, y.value));
}

Term Formula::compare(arith::CmpFPredicate predicate, Term x, Term y) {
  return of(arith::CmpFOp::create(b, loc, predicate, x.value, y.value));
}

Term Formula::equalBits(Term x, Term y) {
  return of(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x.value, y.value));
}

Term Formula::polynomial(Term x, ArrayRef<double> coefficients) {
  Term sum = real(coefficients.back());
  for (double c : llvm::reverse(coefficients.drop_back()))
    sum = fma(sum, x, real(c));
  return sum;
}

} // namespace kac
