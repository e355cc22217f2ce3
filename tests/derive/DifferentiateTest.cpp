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

} // namespace
