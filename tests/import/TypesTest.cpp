// Types in, their text and their widening out; models in, their text out.
#include "ModelBuilder.h"

#include "gtest/gtest.h"

using namespace kac;
using namespace kac::test;

namespace {

Type of(Scalar scalar, std::vector<int64_t> shape = {}, int64_t letters = 0) {
  Type type;
  type.scalar = scalar;
  type.shape = std::move(shape);
  type.letters = letters;
  return type;
}

TEST(Types, text) {
  EXPECT_EQ(printType(realType({40, 2})), "real[40, 2]");
  EXPECT_EQ(printType(of(Scalar::Token, {3}, 4)), "token[3, 4]");
  EXPECT_EQ(printType(of(Scalar::Token, {}, 4)), "token[4]");
  EXPECT_EQ(printType(of(Scalar::Int, {kParticles})), "int[particles]");
  EXPECT_EQ(printType(tuple({{"x", realType()}, {"", of(Scalar::Spin, {2})}})), "(x : real, spin[2])");
}

TEST(Types, widening) {
  for (Scalar scalar : {Scalar::Onehot, Scalar::Simplex, Scalar::Positive, Scalar::Spin, Scalar::Int, Scalar::Real})
    EXPECT_TRUE(widens(of(scalar, {3}), realType({3})));
  EXPECT_TRUE(widens(of(Scalar::Token, {3}, 4), realType({3})));
  EXPECT_TRUE(widens(of(Scalar::Token, {3}, 4), of(Scalar::Int, {3})));
  EXPECT_TRUE(widens(of(Scalar::Onehot, {3}), of(Scalar::Simplex, {3})));
  EXPECT_FALSE(widens(of(Scalar::Simplex, {3}), of(Scalar::Onehot, {3})));
  EXPECT_FALSE(widens(of(Scalar::Token, {}, 4), of(Scalar::Token, {}, 5)));
  EXPECT_FALSE(widens(of(Scalar::Int), of(Scalar::Token, {}, 5)));
  EXPECT_FALSE(widens(boolType(), realType()));
  EXPECT_FALSE(widens(realType({2}), realType({3})));
  EXPECT_TRUE(widens(tuple({{"x", intType()}}), tuple({{"x", realType()}})));
  EXPECT_FALSE(widens(tuple({{"x", intType()}}), realType()));
}

TEST(PrintModel, statementsAndOperators) {
  Model model;
  FunctionBuilder f(model, "f", realType());
  int x = f.parameter("x", realType()), n = f.parameter("n", intType()), i = f.slot("i", intType());
  int hidden = f.slot("x", realType()), k = f.slot("k", intType());
  ExprPtr sum = make(Op::Add, realType(), {f.get(x), f.get(hidden)});
  f.add(assign(hidden, make(Op::Mul, realType(), {make(Op::Neg, realType(), {sum}), number(0.5)})));
  f.add(loop(
      i, number(0, intType()), f.get(n), make(Op::Less, boolType(), {f.get(x), number(1)}),
      block({assign(hidden, make(Op::Sub, realType(), {f.get(x), make(Op::Sub, realType(), {f.get(x), f.get(x)})}))})));
  f.add(when(number(0, boolType()), block({}), block({assign(x, number(1e300))})));
  auto reduce = std::const_pointer_cast<Expr>(
      withBody(Op::Reduce, realType(), {number(0, intType()), f.get(n)}, {k}, make(Op::Cast, realType(), {f.get(k)})));
  reduce->name = "kac.sum";
  f.result(reduce);
  EXPECT_EQ(printModel(model), R"(
fn f(x_0 : real, n : int) -> real {
  x_3 = -(x_0 + x_3) * 0.5
  for i in 0..n while x_0 < 1.0 {
    x_3 = x_0 - (x_0 - x_0)
  }
  if !(false) {
    x_0 = 1e+300
  }
  kac_sum(as_real(k) for k in 0..n)
}

fn kac_sum[..s](x : real[..s]) -> real = "kac.sum"

fn as_real(x : int) -> real = x
)");
}

} // namespace
