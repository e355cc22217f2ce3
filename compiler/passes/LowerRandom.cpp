// Random numbers: the address of a draw in, Philox4x32-10 and Box-Muller as plain arithmetic out (language.md 11).
#include "compiler/passes/LowerRandom.h"
#include "compiler/passes/ExpandMath.h"
#include "compiler/passes/LowerBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace kac {

static Value constantLike(OpBuilder &b, Location loc, Type type, uint64_t value) {
  Type element = getElementTypeOrSelf(type);
  auto number = b.getIntegerAttr(element, APInt(element.getIntOrFloatBitWidth(), value));
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, Attribute(number)));
  return arith::ConstantOp::create(b, loc, number);
}

using Words = SmallVector<Value, 2>;

/// Lanes of words as 64 bit lanes, those at even places and those at odd ones, each word in the low half: the product
/// of two such lanes is one instruction where that of 32 bit lanes, with its upper half, is many. What stands in the
/// upper halves does not matter. One word is a lane of its own.
static Words spread(OpBuilder &b, Location loc, Value word) {
  auto vector = dyn_cast<VectorType>(word.getType());
  if (!vector)
    return {arith::ExtUIOp::create(b, loc, b.getI64Type(), word)};
  auto type = VectorType::get(vector.getNumElements() / 2, b.getI64Type());
  Value both = vector::BitCastOp::create(b, loc, type, word);
  return {both, arith::ShRUIOp::create(b, loc, both, constantLike(b, loc, type, 32))};
}

static Value gather(OpBuilder &b, Location loc, const Words &words, Type type) {
  if (words.size() == 1)
    return arith::TruncIOp::create(b, loc, type, words[0]);
  Type wide = words[0].getType();
  Value even = arith::AndIOp::create(b, loc, words[0], constantLike(b, loc, wide, 0xFFFFFFFF));
  Value odd = arith::ShLIOp::create(b, loc, words[1], constantLike(b, loc, wide, 32));
  return vector::BitCastOp::create(b, loc, type, arith::OrIOp::create(b, loc, even, odd));
}

std::array<Value, 4> philox(OpBuilder &b, Location loc, std::array<Value, 4> counter, std::array<Value, 2> key) {
  Type type = counter[0].getType();
  std::array<Words, 4> c;
  std::array<Words, 2> k;
  for (auto [words, word] : llvm::zip(c, counter))
    words = spread(b, loc, word);
  for (auto [words, word] : llvm::zip(k, key))
    words = spread(b, loc, word);
  Type wide = c[0][0].getType();
  auto constant = [&](uint64_t value) { return constantLike(b, loc, wide, value); };
  auto differ = [&](Value x, Value y) { return arith::XOrIOp::create(b, loc, x, y).getResult(); };
  auto product = [&](Value x, uint32_t multiplier) {
    Value low = arith::AndIOp::create(b, loc, x, constant(0xFFFFFFFF));
    return arith::MulIOp::create(b, loc, low, constant(multiplier)).getResult();
  };
  auto high = [&](Value x) { return arith::ShRUIOp::create(b, loc, x, constant(32)).getResult(); };
  for (int round = 0; round < 10; ++round)
    for (size_t part = 0; part < c[0].size(); ++part) {
      Value p = product(c[0][part], 0xD2511F53), q = product(c[2][part], 0xCD9E8D57);
      c[0][part] = differ(differ(high(q), c[1][part]), k[0][part]);
      c[2][part] = differ(differ(high(p), c[3][part]), k[1][part]);
      c[1][part] = q, c[3][part] = p;
      k[0][part] = arith::AddIOp::create(b, loc, k[0][part], constant(0x9E3779B9));
      k[1][part] = arith::AddIOp::create(b, loc, k[1][part], constant(0xBB67AE85));
    }
  return {gather(b, loc, c[0], type), gather(b, loc, c[1], type), gather(b, loc, c[2], type),
          gather(b, loc, c[3], type)};
}

/// The midpoint of the cell of [0, 1) that the bits of `word` (from the top) name: 2^23 cells in f32, in f64 the 2^32
/// of the word, divided further by those of `low`, if any, to 2^52.
static Value midpoint(OpBuilder &b, Location loc, Value word, Value low, Type real) {
  Type type = real, bits = word.getType();
  bool wide = real.isF64();
  if (auto vector = dyn_cast<VectorType>(word.getType())) {
    type = vector.clone(real);
    bits = vector.clone(b.getIntegerType(wide ? 64 : 32));
  } else {
    bits = b.getIntegerType(wide ? 64 : 32);
  }
  double half = 0x1p-24;
  Value mantissa = word;
  if (wide) {
    mantissa =
        arith::ShLIOp::create(b, loc, arith::ExtUIOp::create(b, loc, bits, word), constantLike(b, loc, bits, 20));
    half = 0x1p-33;
    if (low) {
      Value rest =
          arith::ShRUIOp::create(b, loc, arith::ExtUIOp::create(b, loc, bits, low), constantLike(b, loc, bits, 12));
      mantissa = arith::OrIOp::create(b, loc, mantissa, rest);
      half = 0x1p-53;
    }
  } else {
    mantissa = arith::ShRUIOp::create(b, loc, word, constantLike(b, loc, bits, 9));
  }
  Value one = constantLike(b, loc, bits, wide ? 0x3ff0000000000000 : 0x3f800000);
  Value between = arith::BitcastOp::create(b, loc, type, arith::OrIOp::create(b, loc, mantissa, one));
  auto shift = b.getFloatAttr(real, 1.0 - half);
  Value down = isa<VectorType>(type)
                   ? arith::ConstantOp::create(b, loc, DenseElementsAttr::get(cast<VectorType>(type), Attribute(shift)))
                   : arith::ConstantOp::create(b, loc, shift);
  return arith::SubFOp::create(b, loc, between, down);
}

Value Body::random(ir::RandomOp op, ArrayRef<Value> indices) {
  bool wide = frame.real.isF64() || !frame.lineage;
  Type real = wide ? b.getF64Type() : frame.real;
  Value number = integer(0);
  for (auto [index, size] : llvm::zip(indices, op.getExtents()))
    number = add(multiply(number, extent(size < 0 ? ShapedType::kDynamic : size)), index);

  bool lanes = frame.lineage || isVector(number);
  auto spread = [&](Value value) { return lanes ? vary(value) : value; };
  Value block = b.createOrFold<arith::ShRUIOp>(loc, number, isVector(number) ? vary(integer(2)) : integer(2));
  Value within = b.createOrFold<arith::AndIOp>(loc, number, isVector(number) ? vary(integer(3)) : integer(3));
  auto words = [&](int64_t site) {
    Value lineage = frame.lineage ? frame.lineage : spread(integer(0));
    return philox(b, loc, {lineage, spread(frame.step), spread(integer(site)), spread(block)},
                  {spread(frame.seedLow), spread(frame.seedHigh)});
  };
  /// Word `place` of four, or of the two that stand at `stride` 2.
  auto pick = [&](ArrayRef<Value> of, Value place) {
    if (auto constant = Cost::constantOf(place))
      return of[*constant];
    Value chosen = of.back();
    for (int64_t k = int64_t(of.size()) - 2; k >= 0; --k)
      chosen = select(compare("eq", place, integer(k)), of[k], chosen);
    return chosen;
  };
  std::array<Value, 4> word = words(op.getSite());
  if (op.getName() == "kac.uniform") {
    Value low;
    if (wide)
      low = pick(words(int64_t(op.getSite()) | 0x80000000), within);
    return midpoint(b, loc, pick(word, within), low, real);
  }
  auto shifted = [&](Value x, int64_t by) {
    return b.createOrFold<arith::ShRUIOp>(loc, x, isVector(x) ? vary(integer(by)) : integer(by));
  };
  Value pair = shifted(within, 1);
  Value odd = b.createOrFold<arith::AndIOp>(loc, within, isVector(within) ? vary(integer(1)) : integer(1));
  Value radius = expandRadius(b, loc, midpoint(b, loc, pick({word[0], word[2]}, pair), Value(), real));
  Value turn = midpoint(b, loc, pick({word[1], word[3]}, pair), Value(), real);
  if (auto constant = Cost::constantOf(odd))
    return multiply(radius, expandTurn(b, loc, turn, *constant == 1));
  Value sine = compare("eq", odd, integer(1));
  return multiply(radius, select(sine, expandTurn(b, loc, turn, true), expandTurn(b, loc, turn, false)));
}

} // namespace kac
