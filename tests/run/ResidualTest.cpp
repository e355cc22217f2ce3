// Two hundred random programs: drift, noise and weight of the compiled double code against the definitions that the
// checked model states, evaluated by the oracle.
#include "dsl/Check.h"
#include "tests/oracle/Evaluate.h"
#include "tests/run/Compiled.h"
#include "tests/run/Generate.h"
#include "tests/run/Kacc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

namespace kac {
namespace {

constexpr int kGroups = 20, kPrograms = 10, kPoints = 6, kLineages = 2;
constexpr double kTolerance = 1e-9; // derivation.md 16, R

using oracle::Value;

struct Step {
  std::vector<double> state;
  double logWeight;
};

Step stepOf(oracle::Evaluator &evaluator, const Sampler &sampler, const oracle::Address &address, const Value &x,
            double t, double dt, int64_t n) {
  evaluator.address = address;
  evaluator.effects = {};
  Value y = evaluator.call(*sampler.step, {x, oracle::scalar(t), oracle::scalar(dt), oracle::scalar(double(n)),
                                           oracle::scalar(double(address.lineage))});
  EXPECT_FALSE(evaluator.effects.broken) << evaluator.effects.why;
  return {oracle::numbers(y), evaluator.effects.logWeight};
}

bool near(const std::vector<double> &a, const std::vector<double> &b) {
  if (a.empty() || a.size() != b.size())
    return false;
  for (size_t k = 0; k < a.size(); ++k)
    if (!(std::fabs(a[k] - b[k]) <= kTolerance * (1 + std::fabs(a[k])))) // false with a NaN
      return false;
  return true;
}

/// Points of one program, the same for every run.
class Points {
public:
  explicit Points(uint64_t seed) : address{seed, 1u << 30, 0} {}
  double coordinate() { return 1.5 * oracle::drawNormal(address, 0, count++); }
  double time() { return 0.05 + 0.9 * oracle::drawUniform(address, 1, count++); }

private:
  oracle::Address address;
  uint64_t count = 0;
};

/// The same program with another drift.
std::string withDrift(std::string text, const std::string &drift) {
  if (size_t at = text.find("  drift"); at != std::string::npos)
    text.erase(at, text.find('\n', at) + 1 - at);
  return text.insert(text.rfind('}'), "  drift = " + drift + "\n");
}

void judge(uint64_t seed, const Folder &folder) {
  Generated program = generateProgram(seed);
  std::string stem = "g" + std::to_string(seed), path = folder / (stem + ".dsl");
  std::unique_ptr<Model> model;
  KaccResult built;
  auto build = [&] {
    writeText(path, program.text);
    Diagnostics diagnostics;
    model = checkText(path, program.text, {}, diagnostics);
    ASSERT_TRUE(model && !diagnostics.hasErrors()) << diagnostics.render();
    built = kacc({"build", path, "--f64", "-o", folder.path});
  };
  SCOPED_TRACE("program " + std::to_string(seed) + "\n" + program.text);
  build();
  if (built.err.find("error[E0506]") !=
      std::string::npos) { // centroid divides by a mass that these exponents take to 0
    program.text = withDrift(program.text, "summed");
    build();
  }
  ASSERT_EQ(built.status, 0) << built.err;
  CompiledSampler compiled(folder / ("lib" + stem + ".so"), stem + "_s_descriptor");
  const Sampler &sampler = model->samplers.at(0);

  std::vector<const Function *> drifts = {sampler.drift};
  if (sampler.drift)
    drifts.insert(drifts.end(), sampler.drift->alternatives.begin(), sampler.drift->alternatives.end());
  oracle::Evaluator evaluator(*model, kLineages);
  Points points(seed);
  for (int p = 0; p < kPoints; ++p) {
    double t = points.time(), dt = 0.125;
    std::vector<std::vector<double>> state;
    for (int i = 0; i < kLineages; ++i) {
      state.emplace_back();
      for (int k = 0; k < program.dimension; ++k)
        state.back().push_back(points.coordinate());
    }
    CompiledSampler::Lineages after = compiled.step(seed, p, t, dt, state);
    for (uint32_t i = 0; i < kLineages; ++i) {
      Value x = program.dimension == 1 ? oracle::scalar(state[i][0]) : oracle::array({program.dimension}, state[i]);
      oracle::Address address{seed, i, uint32_t(p + 1)};
      // Of several complete drifts derive takes one; its weight must be that of the definition for the same drift.
      bool found = false;
      Step wanted;
      for (size_t k = 0; k < drifts.size() && !found; ++k) {
        if (drifts[k])
          evaluator.substitute(sampler.drift, drifts[k]);
        wanted = stepOf(evaluator, sampler, address, x, t, dt, p);
        found = near(wanted.state, after.state[i]);
      }
      ASSERT_TRUE(found) << "no drift of the model leads from " << state[i][0] << " at time " << t << " to "
                         << after.state[i][0] << "; the last leads to " << wanted.state[0];
      double g = after.logWeight[i] / dt, definition = wanted.logWeight / dt;
      EXPECT_LE(std::fabs(g - definition) / (1 + std::fabs(g)), kTolerance)
          << "rate " << g << ", by definition " << definition << ", at time " << t;
    }
  }
}

class Residual : public testing::TestWithParam<int> {};

TEST_P(Residual, OfDriftAndRate) {
  Folder folder;
  for (int k = 0; k < kPrograms; ++k)
    judge(uint64_t(GetParam() * kPrograms + k), folder);
}

INSTANTIATE_TEST_SUITE_P(Generated, Residual, testing::Range(0, kGroups));

} // namespace
} // namespace kac
