// Drift, noise, weight rate and start weight as derivation prints them, with one sign or coefficient changed: the
// residual of the weighted Fokker-Planck equation, or log Z at the start, shows each change, judged in this process.
#include "tests/derive/Interpret.h"
#include "tests/derive/Mutants.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace kac::interpret;
using namespace kac::test;

namespace {

// --- a step ---

/// Steps of length one, by standard normal numbers that are given.
class Stepped {
public:
  explicit Stepped(mlir::ModuleOp module) : step(stepOf(module)), interpreter(module) {}

  Motion at(const At &where) {
    Motion motion{moved(where, 0), {}, 0, Real(interpreter.logWeight)};
    Real deviation = moved(where, 1)[0] - motion.drift[0];
    motion.noise = deviation * deviation;
    motion.divergence = divergence([&](const At &near) { return moved(near, 0); }, where);
    return motion;
  }

private:
  std::vector<Real> moved(const At &where, double z) {
    std::vector<double> x(where.x.begin(), where.x.end());
    Array state = x.size() == 1 ? Array(x[0]) : Array({int64_t(x.size())}, x);
    interpreter.random = [z](llvm::StringRef, int64_t, int64_t) { return z; };
    interpreter.logWeight = 0;
    Array result = interpreter.call(step, {state, Array(double(where.t)), Array(1), Array(0), Array(0)})[0];
    std::vector<Real> difference;
    for (size_t i = 0; i < x.size(); ++i)
      difference.push_back(Real(result.data[i]) - Real(x[i]));
    return difference;
  }
  std::string step;
  Interpreter interpreter;
};

class Mutation : public testing::TestWithParam<Steered> {};

TEST_P(Mutation, OfDriftNoiseOrRateBreaksTheResidual) {
  const Steered &program = GetParam();
  std::string text = derivedText(program);
  std::vector<At> where = pointsOf(program);
  std::vector<Motion> wholes;
  Module whole(text), plain(text);
  ASSERT_TRUE(plain.run({inlineCalls, differentiate})) << plain.said;
  Stepped intact(*plain);
  for (const At &at : where) {
    wholes.push_back(intact.at(at));
    ASSERT_LT(residual(program, at, wholes.back()), kIntact) << text;
  }
  int caught = 0;
  for (const std::string &function : functionsOfStep(*whole))
    for (const MutationSite &site : sitesOf(*whole, function)) {
      std::unique_ptr<Module> module = mutant(text, site);
      ASSERT_TRUE(module->run({inlineCalls, differentiate})) << module->said;
      Stepped mutated(**module);
      const Effect effect = effectOf(program, where, wholes, mutated);
      if (effect.isRight)
        continue;
      EXPECT_GT(effect.worst, kBroken) << testing::PrintToString(site) << "\n" << text;
      ++caught;
    }
  EXPECT_GE(caught, 12);
  RecordProperty("mutations", caught);
}

// --- the start ---

struct Started {
  std::vector<double> x;
  double logWeight;
};

/// The draw and the weight of `init` for standard normal numbers, one for each coordinate.
Started start(mlir::ModuleOp module, const std::vector<double> &z) {
  Interpreter interpreter(module);
  interpreter.random = [&z](llvm::StringRef, int64_t, int64_t index) { return z[size_t(index)]; };
  std::vector<double> x = interpreter.call(initOf(module), {Array(0)})[0].data;
  return {x, interpreter.logWeight};
}

/// log Z at the start as the sampler has it: the mean of the weights over all draws, by the trapezoidal rule. Weights
/// that fall like a normal law of deviation .5 or more make it exact to 1e-9 with this step and reach.
double logZOfStart(mlir::ModuleOp module, size_t dimension) {
  const double reach = 9, step = 0.5;
  std::vector<double> z(dimension);
  std::function<double(size_t)> integral = [&](size_t k) {
    if (k == dimension)
      return std::exp(start(module, z).logWeight);
    double sum = 0;
    for (z[k] = -reach; z[k] <= reach; z[k] += step)
      sum += step * std::exp(-z[k] * z[k] / 2) / std::sqrt(2 * M_PI) * integral(k + 1);
    return sum;
  };
  return std::log(integral(0));
}

class StartMutation : public testing::TestWithParam<Steered> {};

TEST_P(StartMutation, ChangesLogZ) {
  const Steered &program = GetParam();
  const auto truth = double(logZAtStart(program));
  std::string text = derivedText(program);
  Module whole(text), plain(text);
  ASSERT_TRUE(plain.run({inlineCalls, differentiate})) << plain.said;
  ASSERT_NEAR(logZOfStart(*plain, program.dimension), truth, double(kIntact));

  int caught = 0;
  for (const MutationSite &site : sitesOf(*whole, initOf(*whole))) {
    std::unique_ptr<Module> module = mutant(text, site);
    ASSERT_TRUE(module->run({inlineCalls, differentiate})) << module->said;
    bool weighsElse = false, drawsElse = false;
    for (double z : {-1.3, 0.2, 2.1}) {
      std::vector<double> numbers = {z, 0.7 - z / 2};
      Started mutated = start(**module, numbers), right = start(*plain, numbers);
      for (size_t k = 0; k < program.dimension; ++k)
        drawsElse = drawsElse || !(std::fabs(mutated.x[k] - right.x[k]) <= 1e-12);
      weighsElse = weighsElse || !(std::fabs(mutated.logWeight - right.logWeight) < 1e-10);
    }
    if (drawsElse || !weighsElse)
      continue; // not of the weight, or of a term that is zero
    EXPECT_FALSE(std::fabs(logZOfStart(**module, program.dimension) - truth) <= double(kBroken)) // nor is it where it
        << testing::PrintToString(site) << "\n"                                                  // is no number
        << text;
    ++caught;
  }
  EXPECT_GE(caught, 4);
  RecordProperty("mutations", caught);
}

std::string nameOf(const testing::TestParamInfo<Steered> &info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Programs, Mutation, testing::ValuesIn(steeredPrograms()), nameOf);
INSTANTIATE_TEST_SUITE_P(Programs, StartMutation, testing::ValuesIn(steeredPrograms()), nameOf);

} // namespace
