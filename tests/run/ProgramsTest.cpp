// The programs of the language: the oracle against what is known of them, and their compiled double code against the
// oracle, number by number.
#include "dsl/Check.h"
#include "tests/oracle/Run.h"
#include "tests/run/Compiled.h"
#include "tests/run/Kacc.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kac {
namespace {

using oracle::Value;

std::unique_ptr<Model> check(const std::string &path) {
  Diagnostics diagnostics;
  std::unique_ptr<Model> model = checkProgram(path, {}, diagnostics);
  EXPECT_TRUE(model && !diagnostics.hasErrors()) << diagnostics.render();
  return model;
}

const Sampler *find(const Model &model, const std::string &name) {
  for (const Sampler &s : model.samplers)
    if (s.name == name)
      return &s;
  ADD_FAILURE() << "no sampler is called " << name;
  return nullptr;
}

/// Numbers as a value of the type.
Value valueOf(const Type &type, const double *&next) {
  if (type.isTuple) {
    std::vector<Value> parts;
    for (const Component &c : type.components)
      parts.push_back(valueOf(c.type, next));
    return oracle::tuple(parts);
  }
  int64_t count = oracle::volume(type.shape);
  next += count;
  return oracle::array(type.shape, {next - count, next});
}

struct Row {
  const char *program, *sampler;
  int lineages, steps;
};

void PrintTo(const Row &row, std::ostream *out) { *out << row.program << " " << row.sampler; }

class Programs : public testing::TestWithParam<Row> {};

void expectSame(const std::vector<double> &wanted, const std::vector<double> &seen, const std::string &what) {
  ASSERT_EQ(wanted.size(), seen.size()) << what;
  for (size_t k = 0; k < wanted.size(); ++k)
    if (!std::isfinite(wanted[k])) // a weight of zero: no tolerance is an infinite one
      EXPECT_EQ(seen[k], wanted[k]) << what << ", number " << k;
    else
      EXPECT_NEAR(seen[k], wanted[k], 1e-9 * (1 + std::fabs(wanted[k]))) << what << ", number " << k;
}

/// `init` and the first steps of some lineages. Each step starts from the states that the compiled code has reached.
TEST_P(Programs, CompiledCodeDoesWhatTheModelSays) {
  const Row &row = GetParam();
  const uint64_t seed = 0x123456789ABCDEF;
  Folder folder;
  makePrograms(folder);
  std::string stem = row.program, path = folder / (stem + "/" + stem + ".dsl");
  std::unique_ptr<Model> model = check(path);
  ASSERT_TRUE(model);
  const Sampler *sampler = find(*model, row.sampler);
  ASSERT_TRUE(sampler);
  KaccResult built = kacc({"build", path, "--f64", "-o", folder.path});
  ASSERT_EQ(built.status, 0) << built.err;
  std::string symbol = "_" + stem + "_" + row.sampler + "_descriptor"; // the stem begins with a digit
  std::replace(symbol.begin(), symbol.end(), '-', '_');
  CompiledSampler compiled(folder / ("lib" + stem + ".so"), symbol);

  oracle::Evaluator evaluator(*model, row.lineages);
  auto call = [&](const Function &f, int lineage, int step, const std::vector<Value> &args) {
    evaluator.address = {seed, uint32_t(lineage), uint32_t(step)};
    evaluator.effects = {};
    return oracle::numbers(evaluator.call(f, args));
  };
  CompiledSampler::Lineages now = compiled.init(seed, row.lineages);
  for (int i = 0; i < row.lineages; ++i) {
    std::string what = "init, lineage " + std::to_string(i);
    expectSame(call(*sampler->init, i, 0, {oracle::scalar(i)}), now.state[i], what);
    expectSame({evaluator.effects.logWeight}, {now.logWeight[i]}, "log weight, " + what);
    EXPECT_EQ(evaluator.effects.broken, now.dead[i]) << what;
  }
  auto time = [&](int n) {
    return evaluator.real(*sampler->time, {oracle::scalar(double(n) / double(sampler->steps))});
  };
  for (int n = 0; n < row.steps; ++n) {
    double t = time(n), dt = time(n + 1) - t;
    CompiledSampler::Lineages after = compiled.step(seed, n, t, dt, now.state);
    for (int i = 0; i < row.lineages; ++i) {
      const double *next = now.state[i].data();
      std::string what = "step " + std::to_string(n) + ", lineage " + std::to_string(i);
      expectSame(call(*sampler->step, i, n + 1,
                      {valueOf(sampler->state, next), oracle::scalar(t), oracle::scalar(dt), oracle::scalar(n),
                       oracle::scalar(i)}),
                 after.state[i], what);
      expectSame({evaluator.effects.logWeight}, {after.logWeight[i]}, "log weight, " + what);
      EXPECT_EQ(evaluator.effects.broken, after.dead[i]) << what;
    }
    now = after;
  }
}

INSTANTIATE_TEST_SUITE_P(Slice1, Programs,
                         testing::Values(Row{"01-annealing", "annealed", 3, 2}, Row{"02-product", "both", 8, 4},
                                         Row{"03-guidance", "corrected", 8, 4}, Row{"03-guidance", "heuristic", 8, 4},
                                         Row{"04-reward", "tilted", 8, 4}, Row{"08-particle-filter", "filter", 19, 5},
                                         Row{"19-infedit", "edit", 8, 5},
                                         Row{"23-kernel-density", "participation", 1, 0},
                                         Row{"33-scale-mixture", "posterior", 8, 0}));

/// A run of the oracle alone: evidence and moments of a reward-tilted mixture (quadrature), in four standard errors.
TEST(Oracle, RunsADeclarativeSampler) {
  std::unique_ptr<Model> model = check(KAC_ROOT "/tests/programs/04-reward.dsl");
  ASSERT_TRUE(model);
  const Sampler *sampler = find(*model, "tilted");
  ASSERT_TRUE(sampler);
  oracle::Evaluator evaluator(*model, 250);
  oracle::RunResult run = runSampler(evaluator, *sampler, 60, 3);
  auto [mean, error] = run.mean([](const Value &x) { return x.scalar(); });
  EXPECT_EQ(run.nonFinite, 0);
  EXPECT_NEAR(run.logZ, -1.5445, 4 * run.logZError + 0.05); // and the bias of so few steps
  EXPECT_NEAR(mean, 1.1768, 4 * error + 0.02);
}

/// The same seed, the same resampling: the whole loop of the runtime against that of the oracle.
TEST(Oracle, RunsAsTheRuntimeDoes) {
  std::string path = KAC_ROOT "/tests/programs/08-particle-filter.dsl";
  std::unique_ptr<Model> model = check(path);
  ASSERT_TRUE(model);
  const Sampler *sampler = find(*model, "filter");
  ASSERT_TRUE(sampler);
  for (int steps : {20, 100}) {
    oracle::Evaluator evaluator(*model, 200);
    oracle::RunResult run = runSampler(evaluator, *sampler, steps, 17);
    nlohmann::json report = runReport({path, "-n", "200", "--seed", "17", "--f64", "--steps", std::to_string(steps)});
    ASSERT_TRUE(report.contains("log_z"));
    EXPECT_EQ(report["resamplings"].get<int>(), run.resamplings);
    EXPECT_NEAR(report["log_z"].get<double>(), run.logZ, 1e-8);
    EXPECT_NEAR(report["ess_final"].get<double>(), run.ess.back(), 1e-8);
    if (steps == 20) {
      EXPECT_NEAR(report["log_z_se"].get<double>(), run.logZError, 1e-8);
    } else { // by now all descend from one, and the error is that of a sum of one square
      EXPECT_TRUE(report["log_z_se"].is_null() && run.logZError > 0.99);
    }
  }
}

} // namespace
} // namespace kac
