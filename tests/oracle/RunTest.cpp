// The run loop of the oracle, on samplers whose answers are known: a particle filter and importance sampling.
#include "tests/oracle/Run.h"
#include "tests/oracle/Builder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kac::oracle {
namespace {

const Type real = realType(), whole32 = intType();

Term square(Term a) { return a * a; }

/// Log density of N(mean, sd) at x, its constant included.
Term normalLogp(Term x, Term mean, double sd) {
  return -0.5 * square((x - mean) / number(sd)) - number(std::log(sd) + 0.5 * std::log(2 * M_PI));
}

/// Systematic resampling as the prelude writes it.
const Function *systematic(Model &m) {
  FunctionWriter w(m, "systematic", Type(intType()));
  Type ancestors = intType();
  ancestors.shape = {kParticles};
  Term p = w.parameter("w", realType({kParticles})), u = w.local("u", real), c = w.local("c", realType({kParticles})),
       i = w.local("i", whole32);
  w.parameter("ess", real), w.parameter("t", real), w.parameter("n", whole32);
  Term at = (term(Op::Cast, real, {i}) + u) / term(Op::Cast, real, {term(Op::Particles, whole32)});
  const Function *f =
      w.body({assign(u, random("kac.uniform", 0)), assign(c, whole("kac.cumsum", realType({kParticles}), {p}))},
             build({i.e->slot}, {kParticles}, whole("kac.search", whole32, {c, at})));
  m.functions.back().result = ancestors;
  return f;
}

const Function *whenBelowHalf(Model &m) {
  FunctionWriter w(m, "when", boolType());
  Term ess = w.parameter("ess", real);
  w.parameter("t", real), w.parameter("n", whole32);
  return w.body(ess < number(0.5));
}

/// x' = 0.9 x + 0.5 z, y = x + 0.3 e: evidence and filtering mean by Kalman's recursion, in four standard errors.
TEST(Run, ParticleFilterAgainstKalman) {
  const int steps = 30;
  Model m;
  std::vector<double> ys;
  double x = drawNormal({11, 0, 0}, 0, 0);
  for (int n = 0; n < steps; ++n) {
    x = 0.9 * x + 0.5 * drawNormal({11, 0, uint32_t(n + 1)}, 0, 0);
    ys.push_back(x + 0.3 * drawNormal({11, 0, uint32_t(n + 1)}, 1, 0));
  }
  m.inputs.push_back({Input::Kind::Data, "ys", realType({steps}), {}, ys});
  FunctionWriter i(m, "init", real);
  i.parameter("i", whole32);
  const Function *init = i.body(random("kac.normal", 0));
  FunctionWriter s(m, "step", real);
  Term at0 = s.parameter("x", real);
  s.parameter("t", real), s.parameter("dt", real);
  Term n = s.parameter("n", whole32);
  s.parameter("i", whole32);
  Term y = s.local("y", real);
  const Function *step = s.body(
      {assign(y, 0.9 * at0 + 0.5 * random("kac.normal", 1)), weigh(normalLogp(y, at(input(m, 0), {n}), 0.3))}, y);
  FunctionWriter g(m, "time", real);
  const Function *time = g.body(g.parameter("u", real));
  Sampler filter;
  filter.init = init, filter.step = step, filter.time = time;
  filter.resample = systematic(m), filter.when = whenBelowHalf(m);

  double mean = 0, variance = 1, evidence = 0;
  for (double seen : ys) {
    mean *= 0.9, variance = 0.81 * variance + 0.25;
    double spread = variance + 0.09;
    evidence += -0.5 * (seen - mean) * (seen - mean) / spread - 0.5 * std::log(2 * M_PI * spread);
    mean += variance / spread * (seen - mean), variance *= 0.09 / spread;
  }
  Evaluator evaluator(m, 1000);
  RunResult run = runSampler(evaluator, filter, steps, 5);
  auto [found, error] = run.mean([](const Value &v) { return v.scalar(); });
  EXPECT_GT(run.resamplings, 5);
  EXPECT_EQ(run.nonFinite, 0);
  EXPECT_LT(run.logZError, 0.3);
  EXPECT_NEAR(run.logZ, evidence, 4 * run.logZError);
  EXPECT_NEAR(found, mean, 4 * error);
}

/// Without steps: z = N(0, 1) weighed by e^(x/2) has log Z = 1/8 and mean 1/2; a lineage that is not finite counts as
/// 0.
TEST(Run, ImportanceSamplingAndLineagesThatFail) {
  Model m;
  FunctionWriter w(m, "init", real);
  Term i = w.parameter("i", whole32), z = w.local("z", real);
  Term broken = number(0) / number(0);
  const Function *init =
      w.body({assign(z, random("kac.normal", 0)), weigh(0.5 * z)}, choose(i == integer(7), broken, z));
  Sampler s;
  s.init = init;
  s.stepsFixed = true;
  Evaluator evaluator(m, 20000);
  RunResult run = runSampler(evaluator, s, 50, 1);
  auto [mean, error] = run.mean([](const Value &v) { return v.scalar(); });
  EXPECT_EQ(run.nonFinite, 1);
  EXPECT_NEAR(run.logZ, 0.125, 4 * run.logZError);
  EXPECT_NEAR(run.logZError, std::sqrt((std::exp(0.25) - 1) / 20000), 1e-4);
  EXPECT_NEAR(mean, 0.5, 4 * error);
  // By the delta method: var log(ess) = (4 (e^.25 - 1) + (e - 1) - 4 (e^.5 - 1)) / 20000 = .0036^2.
  EXPECT_NEAR(run.ess.back(), std::exp(-0.25), 4 * 0.0036 * std::exp(-0.25));
}

TEST(Run, NoLineageLeft) {
  Model m;
  FunctionWriter w(m, "init", real);
  w.parameter("i", whole32);
  const Function *init = w.body({weigh(number(-1) / number(0))}, number(1));
  Sampler s;
  s.init = init;
  s.stepsFixed = true;
  Evaluator evaluator(m, 3);
  RunResult run = runSampler(evaluator, s, 0, 1);
  EXPECT_TRUE(run.failed);
  EXPECT_EQ(run.nonFinite, 0);
}

} // namespace
} // namespace kac::oracle
