// Operations on scalars in, the same on scalars or on vectors of lanes out.
#include "compiler/passes/Arithmetic.h"
#include "compiler/passes/ExpandMath.h"
#include "compiler/passes/LowerBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace kac {

Value Body::integer(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value))); }
Value Body::real(double value) { return arith::ConstantOp::create(b, loc, b.getF64FloatAttr(value)); }

Type Body::laneType(Type kacElement) {
  return VectorType::get(frame.lanes, isa<FloatType>(kacElement) ? frame.real : kacElement);
}

Value Body::vary(Value value) {
  if (isVector(value))
    return value;
  if (value.getType().isF64() && frame.real.isF32())
    value = b.createOrFold<arith::TruncFOp>(loc, frame.real, value);
  if (value.getType().isF32() && frame.real.isF64())
    value = b.createOrFold<arith::ExtFOp>(loc, frame.real, value);
  return b.createOrFold<vector::BroadcastOp>(loc, VectorType::get(frame.lanes, value.getType()), value);
}

void Body::unify(MutableArrayRef<Value> values) {
  bool lanes = llvm::any_of(values, [&](Value value) { return isVector(value); });
  bool wide = llvm::any_of(values, [&](Value value) { return value.getType().isF64(); });
  for (Value &value : values)
    if (lanes)
      value = vary(value);
    else if (wide && value.getType().isF32())
      value = b.createOrFold<arith::ExtFOp>(loc, b.getF64Type(), value);
}

Value Body::select(Value condition, Value x, Value y) {
  Value pair[] = {x, y};
  if (isVector(condition)) {
    pair[0] = vary(x);
    pair[1] = vary(y);
  } else {
    unify(pair);
  }
  return b.createOrFold<arith::SelectOp>(loc, condition, pair[0], pair[1]);
}

Value Body::both(Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  Value pair[] = {x, y};
  unify(pair);
  return b.createOrFold<arith::AndIOp>(loc, pair[0], pair[1]);
}

static Value trueLike(OpBuilder &b, Location loc, Type type) {
  return arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getOneAttr(type)));
}

Value Body::negate(Value condition) {
  return b.createOrFold<arith::XOrIOp>(loc, condition, trueLike(b, loc, condition.getType()));
}

static bool isReal(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

Value Body::add(Value x, Value y) {
  Value pair[] = {x, y};
  unify(pair);
  if (isReal(x))
    return b.createOrFold<arith::AddFOp>(loc, pair[0], pair[1], arith::FastMathFlags::contract);
  return b.createOrFold<arith::AddIOp>(loc, pair[0], pair[1]);
}

Value Body::multiply(Value x, Value y) {
  Value pair[] = {x, y};
  unify(pair);
  if (isReal(x))
    return b.createOrFold<arith::MulFOp>(loc, pair[0], pair[1], arith::FastMathFlags::contract);
  return b.createOrFold<arith::MulIOp>(loc, pair[0], pair[1]);
}

Value Body::compare(StringRef predicate, Value x, Value y) {
  Value pair[] = {x, y};
  unify(pair);
  if (isReal(x)) {
    auto code = llvm::StringSwitch<arith::CmpFPredicate>(predicate)
                    .Case("eq", arith::CmpFPredicate::OEQ)
                    .Case("ne", arith::CmpFPredicate::UNE)
                    .Case("lt", arith::CmpFPredicate::OLT)
                    .Default(arith::CmpFPredicate::OLE);
    return b.createOrFold<arith::CmpFOp>(loc, code, pair[0], pair[1]);
  }
  bool isBool = getElementTypeOrSelf(x.getType()).isInteger(1);
  auto code = llvm::StringSwitch<arith::CmpIPredicate>(predicate)
                  .Case("eq", arith::CmpIPredicate::eq)
                  .Case("ne", arith::CmpIPredicate::ne)
                  .Case("lt", isBool ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt)
                  .Default(isBool ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle);
  return b.createOrFold<arith::CmpIOp>(loc, code, pair[0], pair[1]);
}

void Body::require(Value condition) {
  Value broken = both(negate(condition), mask);
  if (frame.dead) {
    broken = vary(broken);
    Type type = VectorType::get(frame.lanes, b.getI8Type());
    Value old = LLVM::LoadOp::create(b, loc, type, frame.dead);
    Value now = arith::ExtUIOp::create(b, loc, type, broken);
    LLVM::StoreOp::create(b, loc, arith::OrIOp::create(b, loc, old, now), frame.dead);
  } else if (frame.fault) {
    Value old = LLVM::LoadOp::create(b, loc, b.getI32Type(), frame.fault);
    Value now = arith::ExtUIOp::create(b, loc, b.getI32Type(), broken);
    LLVM::StoreOp::create(b, loc, arith::OrIOp::create(b, loc, old, now), frame.fault);
  }
}

// --- whole numbers ---

/// a / b rounded down, or what is left of it. A lineage that divides by 0 is not finite.
static Value divide(Body &body, Value x, Value y, bool remainder) {
  OpBuilder &b = body.b;
  Location loc = body.loc;
  auto constant = [&](int64_t value) {
    Value scalar = body.integer(value);
    return body.isVector(x) ? body.vary(scalar) : scalar;
  };
  Value zero = constant(0), one = constant(1);
  APInt number;
  if (!matchPattern(y, m_ConstantInt(&number)) || number.isZero()) {
    Value none = body.compare("eq", y, zero);
    body.require(body.negate(none));
    y = body.select(none, one, y);
  }
  // the least int by -1 is the only other that does not fit
  if (!matchPattern(y, m_ConstantInt(&number)) || number.isAllOnes())
    x = body.select(body.both(body.compare("eq", y, constant(-1)), body.compare("eq", x, constant(INT32_MIN))),
                    constant(-INT32_MAX), x);
  Value rest = b.createOrFold<arith::RemSIOp>(loc, x, y);
  Value other = body.compare("lt", b.createOrFold<arith::XOrIOp>(loc, rest, y), zero);
  Value wraps = body.both(body.compare("ne", rest, zero), other);
  if (remainder)
    return body.select(wraps, b.createOrFold<arith::AddIOp>(loc, rest, y), rest);
  Value quotient = b.createOrFold<arith::DivSIOp>(loc, x, y);
  return body.select(wraps, b.createOrFold<arith::SubIOp>(loc, quotient, one), quotient);
}

/// The whole number below x; a lineage where that is no int is broken.
static Value floorOf(Body &body, Value x) {
  OpBuilder &b = body.b;
  Location loc = body.loc;
  Value limit = body.real(2147483520.0), below = body.real(-2147483648.0), zero = body.real(0);
  Value fits = body.both(body.compare("le", below, x), body.compare("le", x, limit));
  body.require(fits);
  Value whole = math::FloorOp::create(b, loc, body.select(fits, x, zero));
  Type type = b.getI32Type();
  if (body.isVector(whole))
    type = VectorType::get(body.frame.lanes, type);
  return b.createOrFold<arith::FPToSIOp>(loc, type, whole);
}

// --- the table of elementwise operations ---

static Value power(Body &body, ir::PowOp op, Value x, Value y) {
  std::optional<double> exponent = constantOf(op.getRhs());
  if (exponent && *exponent == std::floor(*exponent) && std::abs(*exponent) <= 8)
    return expandPower(body.b, body.loc, x, int64_t(*exponent));
  if (exponent && *exponent == 0.5)
    return expandMath(body.b, body.loc, "math.sqrt", x);
  Value pair[] = {x, y};
  body.unify(pair);
  return expandMath(body.b, body.loc, "kac.pow", pair);
}

static Value primitive(Body &body, ir::PrimitiveOp op, ArrayRef<Value> operands) {
  if (op.getName() == "kac.quotient")
    return divide(body, operands[0], operands[1], false);
  if (op.getName() == "math.floor")
    return floorOf(body, operands[0]);
  Value value = expandMath(body.b, body.loc, op.getName(), operands);
  if (value)
    return value;
  op.emitError("lower: no operation '") << op.getName() << "'";
  return operands[0];
}

Value Body::elementwise(Operation *op, SmallVector<Value> operands) {
  auto constant = dyn_cast<ir::PowOp>(op);
  if (!isa<ir::SelectOp>(op) && !constant)
    unify(operands);
  bool reals = isReal(operands.back());
  auto contract = arith::FastMathFlags::contract;
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](ir::AddOp) { return add(operands[0], operands[1]); })
      .Case([&](ir::SubOp) {
        return reals ? b.createOrFold<arith::SubFOp>(loc, operands[0], operands[1], contract)
                     : b.createOrFold<arith::SubIOp>(loc, operands[0], operands[1]);
      })
      .Case([&](ir::MulOp) { return multiply(operands[0], operands[1]); })
      .Case([&](ir::DivOp) { return b.createOrFold<arith::DivFOp>(loc, operands[0], operands[1]); })
      .Case([&](ir::PowOp pow) { return power(*this, pow, operands[0], operands[1]); })
      .Case([&](ir::RemainderOp) { return divide(*this, operands[0], operands[1], true); })
      .Case([&](ir::AndOp) { return both(operands[0], operands[1]); })
      .Case([&](ir::OrOp) { return b.createOrFold<arith::OrIOp>(loc, operands[0], operands[1]); })
      .Case([&](ir::NotOp) { return negate(operands[0]); })
      .Case([&](ir::NegOp) {
        if (reals)
          return b.createOrFold<arith::NegFOp>(loc, operands[0]);
        Value zero = arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(operands[0].getType())));
        return b.createOrFold<arith::SubIOp>(loc, zero, operands[0]);
      })
      .Case([&](ir::CompareOp compareOp) { return compare(compareOp.getPredicate(), operands[0], operands[1]); })
      .Case([&](ir::SelectOp) { return select(operands[0], operands[1], operands[2]); })
      .Case([&](ir::CastOp) {
        Type type = isVector(operands[0]) ? laneType(b.getF64Type()) : b.getF64Type();
        return b.createOrFold<arith::SIToFPOp>(loc, type, operands[0]);
      })
      .Case([&](ir::PrimitiveOp primitiveOp) { return primitive(*this, primitiveOp, operands); })
      .Case([&](ir::StopOp) { return operands[0]; })
      .Default([&](Operation *other) {
        other->emitError("lower: not an elementwise operation");
        return operands[0];
      });
}

} // namespace kac
