// Derivatives of generated functions against central differences.
#include "tests/derive/Generate.h"
#include "tests/derive/Interpret.h"
#include "tests/derive/Module.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace kac::interpret;
using namespace kac::test;

namespace {

/// First and second derivatives of @f, each a function of its own.
const char *const kAsked = R"(
func.func @grad(%x0 : tensor<3xf64>) -> tensor<3xf64> {
  %x = kac.variable %x0 : tensor<3xf64>
  %y = func.call @f(%x) : (tensor<3xf64>) -> f64
  %g = kac.grad %y by %x : tensor<3xf64>
  return %g : tensor<3xf64>
}
func.func @jvp(%x0 : tensor<3xf64>, %d : tensor<3xf64>) -> f64 {
  %x = kac.variable %x0 : tensor<3xf64>
  %y = func.call @f(%x) : (tensor<3xf64>) -> f64
  %g = kac.jvp %y by %x along %d : f64 by tensor<3xf64>
  return %g : f64
}
func.func @hvp(%x0 : tensor<3xf64>, %d : tensor<3xf64>) -> tensor<3xf64> {
  %x = kac.variable %x0 : tensor<3xf64>
  %y = func.call @grad(%x) : (tensor<3xf64>) -> tensor<3xf64>
  %g = kac.jvp %y by %x along %d : tensor<3xf64> by tensor<3xf64>
  return %g : tensor<3xf64>
}
func.func @gradjvp(%x0 : tensor<3xf64>, %d : tensor<3xf64>) -> tensor<3xf64> {
  %x = kac.variable %x0 : tensor<3xf64>
  %y = func.call @jvp(%x, %d) : (tensor<3xf64>, tensor<3xf64>) -> f64
  %g = kac.grad %y by %x : tensor<3xf64>
  return %g : tensor<3xf64>
}
func.func @div(%x0 : tensor<3xf64>) -> f64 {
  %x = kac.variable %x0 : tensor<3xf64>
  %y = func.call @grad(%x) : (tensor<3xf64>) -> tensor<3xf64>
  %g = kac.divergence %y by %x : tensor<3xf64>
  return %g : f64
}
func.func @laplacian(%x0 : tensor<3xf64>) -> f64 {
  %x = kac.variable %x0 : tensor<3xf64>
  %y = func.call @f(%x) : (tensor<3xf64>) -> f64
  %g = kac.laplacian %y by %x : tensor<3xf64>
  return %g : f64
}
)";

Array moved(const Array &x, const Array &d, double h) {
  Array y = x;
  for (size_t i = 0; i < y.data.size(); ++i)
    y.data[i] += h * d.data[i];
  return y;
}

bool finite(const Array &x) {
  for (double v : x.data)
    if (!std::isfinite(v) || std::fabs(v) > 1e4)
      return false;
  return true;
}

/// Central differences with two steps: where they disagree there is a kink or too much curvature nearby.
bool differences(Interpreter &run, const char *name, const Array &x, const Array &d, Array &result) {
  std::vector<Array> slopes;
  for (double h : {1e-5, 0.5e-5}) {
    Array up = run.call(name, {moved(x, d, h)})[0], down = run.call(name, {moved(x, d, -h)})[0];
    if (!finite(up) || !finite(down))
      return false;
    Array slope = up;
    for (size_t i = 0; i < up.data.size(); ++i)
      slope.data[i] = (up.data[i] - down.data[i]) / (2 * h);
    slopes.push_back(slope);
  }
  result = slopes[1];
  for (size_t i = 0; i < result.data.size(); ++i)
    if (std::fabs(slopes[0].data[i] - slopes[1].data[i]) > 1e-5 * (1 + std::fabs(result.data[i])))
      return false;
  return true;
}

void expectNear(const Array &a, const Array &b, double tolerance, const std::string &what) {
  ASSERT_EQ(a.shape, b.shape) << what;
  for (size_t i = 0; i < a.data.size(); ++i)
    EXPECT_LE(std::fabs(a.data[i] - b.data[i]), tolerance * (1 + std::fabs(b.data[i])))
        << what << ": " << a.data[i] << " for " << b.data[i];
}

TEST(Differentiate, GeneratedFunctions) {
  int checked = 0, second = 0, all = 0;
  for (unsigned seed = 0; seed < 400 && !HasFailure(); ++seed) {
    std::string text = std::string(kPrimitives) + Generator(seed).function() + kAsked;
    Module module(text);
    ASSERT_TRUE(module.run({inlineCalls, differentiate})) << module.said << text;
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform(-1, 1);
    Interpreter run(*module);
    for (int point = 0; point < 2; ++point) {
      auto draw = [&] { return Array({3}, {uniform(random), uniform(random), uniform(random)}); };
      Array x = draw(), d = draw(), wanted;
      ++all;
      if (!differences(run, "f", x, d, wanted))
        continue;
      ++checked;
      std::string what = "seed " + std::to_string(seed);
      Array g = run.call("grad", {x})[0];
      double along = 0;
      for (int i = 0; i < 3; ++i)
        along += g.data[i] * d.data[i];
      expectNear(run.call("jvp", {x, d})[0], wanted, 2e-5, what + " jvp");
      expectNear(Array(along), wanted, 2e-5, what + " grad");
      if (!differences(run, "grad", x, d, wanted))
        continue;
      ++second;
      expectNear(run.call("hvp", {x, d})[0], wanted, 1e-4, what + " hvp");
      expectNear(run.call("gradjvp", {x, d})[0], wanted, 1e-4, what + " gradjvp");
      Array trace(0.0);
      for (int i = 0; i < 3; ++i) {
        Array axis({3}, {0, 0, 0});
        axis.data[i] = 1;
        trace.data[0] += run.call("hvp", {x, axis})[0].data[i];
      }
      expectNear(run.call("div", {x})[0], trace, 1e-9, what + " div");
      expectNear(run.call("laplacian", {x})[0], trace, 1e-9, what + " laplacian");
    }
    if (HasFailure())
      ADD_FAILURE() << text;
  }
  // The rest are not finite, too large, or lie at a kink.
  EXPECT_GT(checked, all * 2 / 3) << checked << " of " << all;
  EXPECT_GT(second, all / 2) << second << " of " << all;
}

/// A mixture of 5 in 50 dimensions, as the prelude writes it: a sum of parts, and logsumexp.
const char *const kMixture = R"(
kac.declare_input data @c : tensor<5x50xf64> = dense<0.0> : tensor<5x50xf64>
func.func @f(%x : tensor<50xf64>) -> f64 {
  %c = kac.input @c : tensor<5x50xf64>
  %half = arith.constant -0.5 : f64
  %a = kac.build [5] {
  ^bb0(%k : i32):
    %parts = kac.build [50] {
    ^bb0(%i : i32):
      %xi = kac.extract %x[%i] in_range : tensor<50xf64> -> f64
      %ci = kac.extract %c[%k, %i] in_range : tensor<5x50xf64> -> f64
      %d = kac.sub %xi, %ci : (f64, f64) -> f64
      %q = kac.mul %d, %d : (f64, f64) -> f64
      %h = kac.mul %half, %q : (f64, f64) -> f64
      kac.yield %h : f64
    } : tensor<50xf64>
    %sum = kac.whole "kac.sum"(%parts) : (tensor<50xf64>) -> f64
    kac.yield %sum : f64
  } : tensor<5xf64>
  %m0 = kac.whole "kac.max"(%a) : (tensor<5xf64>) -> f64
  %m = kac.stop %m0 : f64
  %b = kac.sub %a, %m : (tensor<5xf64>, f64) -> tensor<5xf64>
  %e = kac.primitive "math.exp"(%b) by [@exp.dx] : (tensor<5xf64>) -> tensor<5xf64>
  %s = kac.whole "kac.sum"(%e) : (tensor<5xf64>) -> f64
  %l = kac.primitive "math.log"(%s) by [@log.dx] : (f64) -> f64
  %r = kac.add %l, %m : (f64, f64) -> f64
  return %r : f64
}
func.func @score(%x0 : tensor<50xf64>) -> tensor<50xf64> {
  %x = kac.variable %x0 : tensor<50xf64>
  %y = func.call @f(%x) : (tensor<50xf64>) -> f64
  %g = kac.grad %y by %x : tensor<50xf64>
  return %g : tensor<50xf64>
}
func.func @divergence(%x0 : tensor<50xf64>) -> f64 {
  %x = kac.variable %x0 : tensor<50xf64>
  %y = func.call @score(%x) : (tensor<50xf64>) -> tensor<50xf64>
  %g = kac.divergence %y by %x : tensor<50xf64>
  return %g : f64
}
)";

TEST(Differentiate, DivergenceOfAScoreIsOneSweep) {
  Module module(std::string(kPrimitives) + kMixture);
  ASSERT_TRUE(module.run({inlineCalls, differentiate})) << module.said;
  Interpreter run(*module);
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  Array x({50}, {}), c({5, 50}, {});
  for (int i = 0; i < 50; ++i)
    x.data.push_back(0.3 * normal(random));
  for (int i = 0; i < 250; ++i)
    c.data.push_back(0.3 * normal(random));
  run.inputs["c"] = c;
  auto workOf = [&](const char *name) {
    run.work = 0;
    run.call(name, {x});
    return run.work;
  };
  EXPECT_LT(workOf("score"), 4 * workOf("f"));
  EXPECT_LT(workOf("divergence"), 6 * workOf("f"));
  Array trace(0.0);
  for (int i = 0; i < 50; ++i) {
    Array axis({50}, std::vector<double>(50)), slope;
    axis.data[i] = 1;
    ASSERT_TRUE(differences(run, "score", x, axis, slope));
    trace.data[0] += slope.data[i];
  }
  expectNear(run.call("divergence", {x})[0], trace, 1e-6, "divergence");
  Array d({50}, {}), slope;
  for (int i = 0; i < 50; ++i)
    d.data.push_back(normal(random));
  ASSERT_TRUE(differences(run, "f", x, d, slope));
  Array score = run.call("score", {x})[0], along(0.0);
  for (int i = 0; i < 50; ++i)
    along.data[0] += score.data[i] * d.data[i];
  expectNear(along, slope, 1e-7, "score");
}

} // namespace
