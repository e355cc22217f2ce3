// Arithmetic on values of one real type (a scalar or a vector of f32 or f64) written as formulas.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace kac {

class Formula;

/// A value within a formula.
struct Term {
  Formula *formula;
  mlir::Value value;
};

/// Makes operations at the insertion point. No fast-math flags: what is compensated stays so.
class Formula {
public:
  Formula(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type);

  const bool wide; // f64

  mlir::OpBuilder &builder() { return b; }
  mlir::Location location() { return loc; }
  /// f64 in the shape of the type.
  mlir::Type wideType();

  Term of(mlir::Value value) { return {this, value}; }
  Term real(double value);
  /// An integer of the width of the reals: of their bits.
  Term bits(int64_t value);
  Term asBits(Term x);
  Term asReal(Term x);

  Term fma(Term x, Term y, Term z);
  Term sqrt(Term x) { return unary<mlir::math::SqrtOp>(x); }
  Term abs(Term x) { return unary<mlir::math::AbsFOp>(x); }
  Term floor(Term x) { return unary<mlir::math::FloorOp>(x); }
  Term withSign(Term x, Term sign) { return make<mlir::math::CopySignOp>(x, sign); }
  Term select(Term condition, Term x, Term y);
  Term compare(mlir::arith::CmpFPredicate predicate, Term x, Term y);
  Term equalBits(Term x, Term y);
  Term shiftLeft(Term x, int64_t n) { return make<mlir::arith::ShLIOp>(x, bits(n)); }
  Term shiftRight(Term x, int64_t n) { return make<mlir::arith::ShRSIOp>(x, bits(n)); }
  Term both(Term x, Term y) { return make<mlir::arith::AndIOp>(x, y); }
  Term either(Term x, Term y) { return make<mlir::arith::OrIOp>(x, y); }
  Term differ(Term x, Term y) { return make<mlir::arith::XOrIOp>(x, y); }
  Term addBits(Term x, Term y) { return make<mlir::arith::AddIOp>(x, y); }
  Term subBits(Term x, Term y) { return make<mlir::arith::SubIOp>(x, y); }
  /// sum c_k x^k
  Term polynomial(Term x, llvm::ArrayRef<double> coefficients);

  template <typename Op> Term make(Term x, Term y) { return of(Op::create(b, loc, x.value, y.value).getResult()); }
  template <typename Op> Term unary(Term x) { return of(Op::create(b, loc, x.value).getResult()); }

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type type, bitsType;
};

inline Term operator+(Term x, Term y) { return x.formula->make<mlir::arith::AddFOp>(x, y); }
inline Term operator-(Term x, Term y) { return x.formula->make<mlir::arith::SubFOp>(x, y); }
inline Term operator*(Term x, Term y) { return x.formula->make<mlir::arith::MulFOp>(x, y); }
inline Term operator/(Term x, Term y) { return x.formula->make<mlir::arith::DivFOp>(x, y); }
inline Term operator-(Term x) { return x.formula->unary<mlir::arith::NegFOp>(x); }
inline Term operator+(Term x, double y) { return x + x.formula->real(y); }
inline Term operator-(Term x, double y) { return x - x.formula->real(y); }
inline Term operator*(Term x, double y) { return x * x.formula->real(y); }
inline Term operator+(double x, Term y) { return y.formula->real(x) + y; }
inline Term operator-(double x, Term y) { return y.formula->real(x) - y; }
inline Term operator*(double x, Term y) { return y.formula->real(x) * y; }
inline Term operator/(double x, Term y) { return y.formula->real(x) / y; }
inline Term operator<(Term x, Term y) { return x.formula->compare(mlir::arith::CmpFPredicate::OLT, x, y); }
inline Term operator<=(Term x, Term y) { return x.formula->compare(mlir::arith::CmpFPredicate::OLE, x, y); }
inline Term operator==(Term x, Term y) { return x.formula->compare(mlir::arith::CmpFPredicate::OEQ, x, y); }
inline Term operator<(Term x, double y) { return x < x.formula->real(y); }
inline Term operator<=(Term x, double y) { return x <= x.formula->real(y); }
inline Term operator==(Term x, double y) { return x == x.formula->real(y); }
inline Term operator<(double x, Term y) { return y.formula->real(x) < y; }

} // namespace kac
