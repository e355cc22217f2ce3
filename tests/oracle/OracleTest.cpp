// The oracle judged by what is known apart from it: published vectors, closed forms, differences.
#include "tests/oracle/Builder.h"
#include "tests/oracle/Evaluate.h"
#include "tests/oracle/Primitives.h"

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include <cmath>

namespace kac::oracle {
namespace {

const Type real = realType(), integerType = intType();

/// exp and log with their derivatives, as the prelude would bring them.
struct Library {
  Model model;
  const Function *expSlope, *logSlope;
  Library() {
    FunctionWriter e(model, "exp.dx", real), l(model, "log.dx", real);
    Term x = e.parameter("x", real), y = l.parameter("x", real);
    Term inner = primitive("math.exp", x);
    inner.e->derivatives = {nullptr};
    expSlope = e.body({}, inner);
    inner.e->derivatives = {expSlope};
    logSlope = l.body({}, number(1) / y);
  }
  Term exp(Term a) const { return primitive("math.exp", a, expSlope); }
  Term log(Term a) const { return primitive("math.log", a, logSlope); }
};

double value(const Model &m, const Function *f, std::vector<Value> args) { return Evaluator(m).real(*f, args); }

TEST(Philox, PublishedVectors) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/// Moments of 2^18 numbers; tolerances of five standard errors.
TEST(Philox, MomentsOfTheLaws) {
  const int n = 1 << 18;
  double u1 = 0, u2 = 0, z1 = 0, z2 = 0, z4 = 0, cross = 0;
  for (int i = 0; i < n; ++i) {
    Address a{7, uint32_t(i % 512), uint32_t(i / 512 % 16)};
    double u = drawUniform(a, 3, i / 8192), z = drawNormal(a, 4, i / 8192), y = drawNormal(a, 4, (i / 8192) ^ 1);
    ASSERT_GT(u, 0);
    ASSERT_LT(u, 1);
    u1 += u / n, u2 += u * u / n, z1 += z / n, z2 += z * z / n, z4 += z * z * z * z / n, cross += z * y / n;
  }
  double se = 1 / std::sqrt(n);
  EXPECT_NEAR(u1, 0.5, 5 * se * std::sqrt(1 / 12.0));
  EXPECT_NEAR(u2, 1 / 3.0, 5 * se * std::sqrt(4 / 45.0));
  EXPECT_NEAR(z1, 0, 5 * se);
  EXPECT_NEAR(z2, 1, 5 * se * std::sqrt(2.0));
  EXPECT_NEAR(z4, 3, 5 * se * std::sqrt(96.0));
  EXPECT_NEAR(cross, 0, 5 * std::sqrt(2.0) * se); // each pair is seen twice
}

TEST(Primitives, KnownValues) {
  EXPECT_NEAR(digamma(1), -0.57721566490153286, 1e-15);
  EXPECT_NEAR(digamma(0.5), -1.96351002602142348, 1e-14);
  EXPECT_NEAR(digamma(-0.5), 0.03648997397857652, 1e-14);
  EXPECT_NEAR(trigamma(1), M_PI * M_PI / 6, 1e-14);
  EXPECT_NEAR(trigamma(0.25), 17.1973291545071113, 1e-12);
  EXPECT_NEAR(trigamma(-0.5), 8.93480220054467931, 1e-13);
  for (double x : {0.3, 2.2, 17.5, 400.0}) {
    EXPECT_NEAR(digamma(x), (std::lgamma(x + 1e-5) - std::lgamma(x - 1e-5)) / 2e-5,
                1e-6 * std::max(1.0, std::lgamma(x)));
    EXPECT_NEAR(trigamma(x), (digamma(x + 1e-5) - digamma(x - 1e-5)) / 2e-5, 1e-6);
  }
}

TEST(Evaluate, ElementwiseAndShapes) {
  Model m;
  m.inputs.push_back({Input::Kind::Data, "a", realType({2, 3}), {}, {1, 2, 3, 4, 5, 6}});
  FunctionWriter w(m, "f", realType({2, 3}));
  Term x = w.parameter("x", realType({3}));
  const Function *f = w.body(input(m, 0) * x - number(1));
  EXPECT_EQ(numbers(Evaluator(m).call(*f, {array({3}, {1, 10, 100})})), (std::vector<double>{0, 19, 299, 3, 49, 599}));
  EXPECT_THROW(Evaluator(m).call(*f, {array({2}, {1, 10})}), std::logic_error);
}

TEST(Evaluate, LoopsElementsAndReductions) {
  Model m;
  FunctionWriter w(m, "f", realType({4}));
  Term n = w.parameter("n", integerType), y = w.local("y", realType({4})), i = w.local("i", integerType),
       k = w.local("k", integerType);
  Term inner = reduce("kac.sum", k.e->slot, integer(0), i, term(Op::Cast, real, {k}), {k == k});
  const Function *f = w.body({assign(y, term(Op::Repeat, realType({4}), {number(-1)})),
                              loop(i, integer(0), integer(9), {assignElement(y, {i}, inner)}, i < n)},
                             y);
  Evaluator e(m);
  EXPECT_EQ(numbers(e.call(*f, {scalar(3)})), (std::vector<double>{0, 0, 1, -1}));
  EXPECT_FALSE(e.effects.broken);
  e.call(*f, {scalar(5)});
  EXPECT_TRUE(e.effects.broken);
}

TEST(Evaluate, IntegersRoundDown) {
  Model m;
  FunctionWriter w(m, "f", integerType);
  Term a = w.parameter("a", integerType), b = w.parameter("b", integerType);
  const Function *f = w.body(term(Op::Remainder, integerType, {a, b}));
  EXPECT_EQ(value(m, f, {scalar(-7), scalar(3)}), 2);
  EXPECT_EQ(value(m, f, {scalar(7), scalar(-3)}), -2);
  Evaluator e(m);
  e.call(*f, {scalar(1), scalar(0)});
  EXPECT_TRUE(e.effects.broken);
}

TEST(Evaluate, WholeArrays) {
  Model m;
  FunctionWriter w(m, "f", realType({8}));
  Term x = w.parameter("x", realType({4}));
  Term c = whole("kac.cumsum", realType({4}), {x}), s = whole("kac.sort", realType({4}), {x});
  const Function *f = w.body(term(Op::Concat, realType({8}), {c, s}));
  EXPECT_EQ(numbers(Evaluator(m).call(*f, {array({4}, {3, 1, 2, 1})})), (std::vector<double>{3, 4, 6, 7, 1, 1, 2, 3}));
  FunctionWriter v(m, "g", integerType);
  Term y = v.parameter("y", realType({3})), u = v.parameter("u", real);
  const Function *g = v.body(whole("kac.search", integerType, {y, u}));
  for (auto [at, place] : {std::pair{-1.0, 0.0}, {0.5, 1.0}, {0.7, 1.0}, {2.0, 2.0}})
    EXPECT_EQ(value(m, g, {array({3}, {0.5, 0.9, 1.0}), scalar(at)}), place);
}

TEST(Derivative, ThroughDefinitionsAndNotAroundThem) {
  Model m;
  FunctionWriter w(m, "f", real);
  Term a = w.parameter("a", real), x = w.local("x", real), y = w.local("y", real);
  // x = a; y = x^3 + a^2; grad(y, x) + 10 grad(stop(y) y, x)
  const Function *f = w.body({assign(x, a), assign(y, power(x, number(3)) + power(a, number(2)))},
                             grad(y, x) + 10 * grad(stop(y) * y, x));
  EXPECT_DOUBLE_EQ(value(m, f, {scalar(2)}), 12 + 10 * 12 * 12);
}

TEST(Derivative, NestsToAnyOrder) {
  Library l;
  FunctionWriter w(l.model, "f", real);
  Term x = w.parameter("x", real);
  Term y = l.exp(2 * x) * power(x, number(3));
  const Function *f = w.body(grad(grad(grad(y, x), x), x));
  double v = 0.7; // (x^3 e^2x)''' = e^2x (8 x^3 + 36 x^2 + 36 x + 6)
  EXPECT_NEAR(value(l.model, f, {scalar(v)}), std::exp(2 * v) * (8 * v * v * v + 36 * v * v + 36 * v + 6), 1e-11);
}

TEST(Derivative, PowersAtZeroAreFinite) {
  Model m;
  FunctionWriter w(m, "f", real);
  Term x = w.parameter("x", real);
  const Function *f = w.body(grad(grad(grad(power(x, number(2)), x), x), x) + grad(power(x, number(2)), x));
  EXPECT_EQ(value(m, f, {scalar(0)}), 0);
}

/// A mixture of Gaussians with moving means: score, divergence of the score and motion in time, against closed forms.
TEST(Derivative, MixtureOfGaussians) {
  Library l;
  Model &m = l.model;
  const double means[] = {-2, 1, 1.5, -0.5, 0.2, 2}, logWeights[] = {std::log(0.5), std::log(0.3), std::log(0.2)};
  m.inputs.push_back({Input::Kind::Data, "means", realType({3, 2}), {}, {std::begin(means), std::end(means)}});
  m.inputs.push_back({Input::Kind::Param, "w", realType({3}), {}, {std::begin(logWeights), std::end(logWeights)}});
  FunctionWriter p(m, "logp", real);
  Term x = p.parameter("x", realType({2})), t = p.parameter("t", real), k = p.local("k", integerType),
       v = p.local("v", realType({3})), top = p.local("top", real);
  Term d = (x - t * at(input(m, 0), {k})) / (number(2) - t);
  Term part = at(input(m, 1), {k}) - 0.5 * sum(d * d) - 2 * l.log(number(2) - t);
  const Function *logp =
      p.body({assign(v, build({k.e->slot}, {3}, part)), assign(top, stop(whole("kac.max", real, {v})))},
             top + l.log(sum(l.exp(v - top))));
  auto derived = [&](const std::string &name, auto make) {
    FunctionWriter w(m, name, real);
    Term y = w.parameter("x", realType({2})), s = w.parameter("t", real);
    Term result = make(y, s, call(logp, {y, s}));
    return w.body(result);
  };
  auto first = derived("first", [](Term y, Term, Term e) { return at(grad(e, y), {integer(0)}); });
  auto second = derived("second", [](Term y, Term, Term e) { return laplacian(e, y); });
  auto third = derived("third", [](Term y, Term, Term e) { return divergence(grad(e, y), y); });
  auto motion = derived("motion", [](Term, Term s, Term e) { return jvp(e, s, number(2)); });

  auto exact = [&](double a, double b, double time, Eigen::Vector2d &score, double &lap) {
    double h = 2 - time, total = 0;
    Eigen::Vector2d sum = Eigen::Vector2d::Zero();
    double squares = 0;
    for (int c = 0; c < 3; ++c) {
      Eigen::Vector2d diff(a - time * means[2 * c], b - time * means[2 * c + 1]);
      double weight = std::exp(logWeights[c] - diff.squaredNorm() / (2 * h * h)) / (h * h);
      total += weight, sum += -weight * diff / (h * h);
      squares += weight * (diff.squaredNorm() / (h * h * h * h) - 2 / (h * h));
    }
    score = sum / total;
    lap = squares / total - score.squaredNorm();
    return std::log(total);
  };
  for (auto [a, b, time] : {std::array{0.3, -0.2, 0.5}, {-1.5, 0.9, 0.9}, {4.0, 3.0, 0.1}}) {
    std::vector<Value> point = {array({2}, {a, b}), scalar(time)};
    Eigen::Vector2d score, ignored;
    double lap, ignoredToo;
    EXPECT_NEAR(value(m, logp, point), exact(a, b, time, score, lap), 1e-13);
    EXPECT_NEAR(value(m, first, point), score[0], 1e-12);
    EXPECT_NEAR(value(m, second, point), lap, 1e-12);
    EXPECT_NEAR(value(m, third, point), lap, 1e-12);
    double h = 1e-5;
    double difference = exact(a, b, time + h, ignored, ignoredToo) - exact(a, b, time - h, ignored, ignoredToo);
    EXPECT_NEAR(value(m, motion, point), difference / h, 1e-7 * std::max(1.0, std::fabs(difference / h)));
  }
}

/// Everything that can be differentiated, against differences of the fourth order.
TEST(Derivative, AgreesWithDifferences) {
  Library l;
  Model &m = l.model;
  FunctionWriter w(m, "f", real);
  Term x = w.parameter("x", realType({4})), y = w.local("y", realType({4})), i = w.local("i", integerType);
  Term previous = at(y, {i - integer(1)}), here = at(x, {i});
  const Function *f =
      w.body({assign(y, whole("kac.sort", realType({4}), {x})),
              loop(i, integer(1), integer(4),
                   {assignElement(y, {i}, choose(previous < here, previous * here, here / (previous + 3)))})},
             sum(power(y + 2, x)) + whole("kac.product", real, {x}) + whole("kac.mean", real, {x * x}) -
                 reduce("kac.max", i.e->slot, integer(0), integer(4), l.exp(at(x, {i}) * at(y, {i}))) +
                 sum(whole("kac.cumsum", realType({4}), {x}) * y));
  FunctionWriter g(m, "g", realType({4}));
  Term z = g.parameter("x", realType({4}));
  const Function *slope = g.body(grad(call(f, {z}), z));
  FunctionWriter d(m, "d", real);
  Term u = d.parameter("x", realType({4})), v = d.parameter("v", realType({4}));
  const Function *along = d.body(jvp(call(f, {u}), u, v));

  std::vector<double> point = {0.9, 0.35, 1.4, 0.6};
  std::vector<double> gradient = numbers(Evaluator(m).call(*slope, {array({4}, point)}));
  for (size_t k = 0; k < 4; ++k) {
    auto moved = [&](double step) {
      std::vector<double> p = point;
      p[k] += step;
      return value(m, f, {array({4}, p)});
    };
    double difference = (8 * (moved(1e-3) - moved(-1e-3)) - (moved(2e-3) - moved(-2e-3))) / 12e-3;
    EXPECT_NEAR(gradient[k], difference, 1e-8) << k;
    std::vector<double> direction(4);
    direction[k] = 1;
    EXPECT_NEAR(gradient[k], value(m, along, {array({4}, point), array({4}, direction)}), 1e-12);
  }
}

} // namespace
} // namespace kac::oracle
