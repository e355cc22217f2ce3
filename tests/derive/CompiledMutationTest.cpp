// Mutants of the printed derived form, through kac-opt and the emitter to native code in double: the residual of the
// compiled drift, noise and rate, or log Z of the compiled start, shows each; what was not changed passes in the same
// way. The places are drawn with a fixed seed, the same number for drift, noise, rate and start of each program.
#include "compiler/Stages.h"
#include "compiler/emit/EmitLlvm.h"
#include "compiler/emit/Pack.h"
#include "tests/derive/Mutants.h"
#include "tests/oracle/Philox.h"
#include "tests/run/Compiled.h"
#include "tests/run/Kacc.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

using namespace kac::test;

namespace {

/// What is left of the way after kac-derive-sampler and canonicalize, as the table of stages has it.
std::string remainingPasses() {
  std::string passes;
  for (const char *product : {"derived", "tensor", "kernels"})
    passes += (passes.empty() ? "" : ",") + std::string(kac::stages()[size_t(kac::stageThatLeaves(product))].passes);
  const std::string first = "kac-derive-sampler,", open = "$f64";
  EXPECT_TRUE(passes.starts_with(first) && passes.find(open) != std::string::npos) << passes;
  passes.replace(passes.find(open), open.size(), "true");
  return "builtin.module(" + passes.substr(first.size()) + ")";
}

/// The sampler of a derived form: kernels by kac-opt, code by the emitter, a library by the packer.
class Native {
public:
  explicit Native(const std::string &derived) : sampler(load(derived)) {
    Module module(derived);
    (*module).lookupSymbol<mlir::func::FuncOp>(stepOf(*module)).walk([&](kac::ir::RandomOp random) {
      step = uint32_t(random.getSite());
    });
    (*module).lookupSymbol<mlir::func::FuncOp>(initOf(*module)).walk([&](kac::ir::RandomOp random) {
      init = uint32_t(random.getSite());
    });
  }

  /// From steps of lengths 1 and 4 with the same normal number: d1 = u + s z and d4 = 4 u + 2 s z.
  Motion at(const At &where) const {
    std::vector<double> noise;
    Motion motion{drift(where, &noise), {}, 0, Real(call(where, 1).logWeight[0])};
    double z = kac::oracle::drawNormal({kSeed, 0, 1}, step, 0);
    motion.noise = Real(noise[0] / z) * Real(noise[0] / z);
    motion.divergence = divergence([&](const At &near) { return drift(near, nullptr); }, where);
    return motion;
  }

  kac::CompiledSampler::Lineages starts(int64_t count) const { return sampler.init(kSeed, count); }
  double drawOfStart(uint32_t lineage, size_t k) const { return kac::oracle::drawNormal({kSeed, lineage, 0}, init, k); }

private:
  static constexpr uint64_t kSeed = 3;

  static kac::CompiledSampler load(const std::string &derived) {
    kac::Folder folder;
    kac::writeText(folder / "derived.mlir", derived);
    kac::KaccResult lowered =
        kac::runTool("kac-opt", {"--pass-pipeline=" + remainingPasses(), folder / "derived.mlir"});
    if (lowered.status != 0)
      throw std::runtime_error(lowered.err);
    mlir::DialectRegistry registry;
    registry.insert<kac::ir::KacDialect, mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect,
                    mlir::func::FuncDialect, mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                    mlir::memref::MemRefDialect, mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
    mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::parseSourceString<mlir::ModuleOp>(lowered.out, &context);
    if (!module)
      throw std::runtime_error("what kac-opt prints does not parse");
    std::string error, object = kac::emitLlvm(*module, "mutant", {}, kac::EmitKind::Object, error);
    if (object.empty() || !kac::packLibrary(object, {"", folder / "mutant.so"}, error))
      throw std::runtime_error(error);
    return {folder / "mutant.so", "mutant_s_descriptor"};
  }

  kac::CompiledSampler::Lineages call(const At &where, double length) const {
    return sampler.step(kSeed, 0, double(where.t), length, {{where.x.begin(), where.x.end()}});
  }

  std::vector<Real> drift(const At &where, std::vector<double> *noise) const {
    std::vector<double> one = call(where, 1).state[0], four = call(where, 4).state[0];
    std::vector<Real> result;
    for (size_t k = 0; k < where.x.size(); ++k) {
      double x = double(where.x[k]), d1 = one[k] - x, d4 = four[k] - x;
      result.push_back(Real(d4) / 2 - Real(d1));
      if (noise)
        noise->push_back(2 * d1 - d4 / 2);
    }
    return result;
  }

  kac::CompiledSampler sampler;
  uint32_t step = 0, init = 0;
};

class CompiledMutation : public testing::TestWithParam<Steered> {
protected:
  static constexpr int kOfEach = 1;

  void SetUp() override {
    text = derivedText(GetParam());
    ASSERT_FALSE(text.empty());
    module.emplace(text);
    whole.emplace(text);
  }

  /// The sites of these functions, in an order that the seed gives.
  std::vector<MutationSite> shuffled(const std::vector<std::string> &functions) {
    std::vector<MutationSite> sites;
    for (const std::string &function : functions) {
      std::vector<MutationSite> more = sitesOf(**module, function);
      sites.insert(sites.end(), more.begin(), more.end());
    }
    std::mt19937 random(17);
    for (size_t k = sites.size(); k > 1; --k)
      std::swap(sites[k - 1], sites[random() % k]);
    return sites;
  }

  std::string text;
  std::optional<Module> module;
  std::optional<Native> whole;
};

TEST_P(CompiledMutation, OfDriftNoiseOrRateBreaksTheResidual) {
  const Steered &program = GetParam();
  std::vector<At> where = pointsOf(program);
  std::vector<Motion> wholes;
  for (const At &at : where) {
    wholes.push_back(whole->at(at));
    ASSERT_LT(residual(program, at, wholes.back()), kIntact) << text;
  }
  std::map<std::string, std::vector<std::string>> of; // the step itself holds the noise of a model
  for (const std::string &function : functionsOfStep(**module)) {
    bool noise = function == "s.diffusion" || function == stepOf(**module);
    bool rate = function == "s.rate" || function == "s.continuous" || function == "s.weights";
    of[noise ? "noise" : rate ? "rate" : "drift"].push_back(function);
  }
  ASSERT_EQ(of.size(), 3u);
  for (const auto &[quantity, functions] : of) {
    int caught = 0;
    for (const MutationSite &site : shuffled(functions)) {
      Native mutated(mutant(text, site)->text());
      const Effect effect = effectOf(program, where, wholes, mutated);
      if (effect.isRight)
        continue;
      EXPECT_GT(effect.worst, kBroken) << testing::PrintToString(site) << "\n" << text;
      if (++caught == kOfEach)
        break;
    }
    EXPECT_EQ(caught, kOfEach) << quantity;
  }
}

/// Log Z of one set of draws, by the weights that the compiled code gives them, and by the definition of the weight:
/// target over the density that the draws have. No error of sampling is between the two.
TEST_P(CompiledMutation, OfTheStartWeightChangesLogZ) {
  const Steered &program = GetParam();
  constexpr int64_t kLineages = 1000;
  auto right = whole->starts(kLineages);

  // Each coordinate is mean + deviation * z: two lineages tell both.
  std::vector<Real> mean, deviation;
  for (size_t k = 0; k < program.dimension; ++k) {
    Real z0 = whole->drawOfStart(0, k), z1 = whole->drawOfStart(1, k);
    deviation.push_back((Real(right.state[0][k]) - Real(right.state[1][k])) / (z0 - z1));
    mean.push_back(Real(right.state[0][k]) - deviation[k] * z0);
  }
  std::vector<double> defined;
  for (int64_t i = 0; i < kLineages; ++i) {
    Point x(right.state[size_t(i)].begin(), right.state[size_t(i)].end());
    Real density = 0;
    for (size_t k = 0; k < program.dimension; ++k) {
      Real z = (x[k] - mean[k]) / deviation[k];
      ASSERT_NEAR(double(z), whole->drawOfStart(uint32_t(i), k), 1e-9);
      density -= z * z / 2 + logl(deviation[k]) + logl(2 * acosl(-1)) / 2;
    }
    defined.push_back(double(program.target(x, 0) - density));
  }
  auto logZ = [](const std::vector<double> &logWeights) {
    double sum = 0;
    for (double weight : logWeights)
      sum += std::exp(weight);
    return std::log(sum / double(logWeights.size()));
  };
  const double truth = logZ(defined);
  ASSERT_NEAR(logZ(right.logWeight), truth, double(kIntact)) << text;
  double square = 0;
  for (double weight : defined)
    square += std::pow(std::exp(weight - truth) - 1, 2);
  ASSERT_NEAR(truth, double(logZAtStart(program)), 4 * std::sqrt(square) / kLineages);

  int caught = 0;
  for (const MutationSite &site : shuffled({initOf(**module)})) {
    auto mutated = Native(mutant(text, site)->text()).starts(kLineages);
    double moved = 0, weighed = 0;
    for (size_t i = 0; i < size_t(kLineages); ++i) {
      for (size_t k = 0; k < program.dimension; ++k)
        moved = std::max(moved, std::fabs(mutated.state[i][k] - right.state[i][k]));
      double change = std::fabs(mutated.logWeight[i] - right.logWeight[i]);
      weighed = std::isnan(change) ? INFINITY : std::max(weighed, change);
    }
    if (!(moved <= 1e-12) || weighed < 1e-10)
      continue; // not of the weight, or of a term that is zero
    EXPECT_FALSE(std::fabs(logZ(mutated.logWeight) - truth) <= double(kBroken)) // nor is it where it is no number
        << testing::PrintToString(site) << "\n"
        << text;
    if (++caught == kOfEach)
      break;
  }
  EXPECT_EQ(caught, kOfEach);
}

INSTANTIATE_TEST_SUITE_P(Programs, CompiledMutation, testing::ValuesIn(steeredPrograms()),
                         [](const testing::TestParamInfo<Steered> &info) { return std::string(info.param.name); });

} // namespace
