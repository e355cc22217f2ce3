// Derived drifts and weights against their definitions: the residual of the weighted Fokker-Planck equation.
#include "tests/derive/Interpret.h"
#include "tests/derive/Module.h"
#include "tests/derive/Steered.h"

#include "compiler/Explain.h"
#include "compiler/Import.h"
#include "compiler/passes/Arithmetic.h"
#include "dsl/Check.h"
#include "mlir/IR/IRMapping.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace kac::interpret;
using namespace kac::test;

namespace {

struct Program {
  const char *name, *text;
  int dimension = 1;
  std::string after = {}; // a sampler that is asked about in place of `s`
};

void PrintTo(const Program &program, std::ostream *stream) { *stream << program.text; }

const char *const kModels = R"(
model   q  = ve with data = mixture(normal(m, 0.8) for m in places)
model   g  = vp with data = gaussian_vector([0.4, -0.7], [[0.9, 0.0], [0.3, 0.5]])
param   w    : real = 2.5
param   beta : real = 3
fn      pull(x : real[2]) -> real = sin(x[0]) - 0.3 * sq_norm(x)
fn      moving(x : real[2], t : real) -> real = exp(-t * sq_norm(x - 0.3))
)";

const Program kPrograms[] = {
    {"power", "target = c ^ beta"},
    {"power3", "target = c ^ 3"},
    {"product", "target = a * b"},
    {"guidance", "target = a^(1 - w) * b^w; diffusion(t) = sqrt(3) * vp.diffusion(t)"},
    {"quotient", "target = a / b; diffusion(t) = sqrt(2) * vp.diffusion(t)"},
    {"reward", "target(t) = a * exp(reward)^(t^2)"},
    {"moving", "target(t) = a ^ (1 + 2 * t)"},
    {"moving product", "target(t) = a ^ (1 + t) * b ^ (2 - t)"},
    {"two processes", "target = a * c; diffusion(t) = vp.diffusion(t)"},
    {"summed", "target = a ^ 2 * b; drift = summed"},
    {"reverse", "target = a ^ 2 * b; drift = reverse"},
    {"linear drift", "target = a ^ beta; drift(x, t) = centroid(x, t) + 0.3 * x"},
    {"own drift", "target = a ^ beta * exp(reward); drift(x, t) = summed(x, t) + sin(x)"},
    {"plane", "target = q ^ 3", 2},
    {"plane tilt", "target(t) = p ^ beta * exp(pull)^(t^2)", 2},
    {"plane moving tilt", "target(t) = p * exp(f(x) = moving(x, t))", 2},
    {"plane two", "target = p ^ 2 * q; diffusion(t) = vp.diffusion(t)", 2},
    {"plane normal", "target = g ^ beta", 2},
    {"plane own", "target = p ^ beta; drift(x, t) = summed(x, t) + [sin(x[1]), x[0] * x[1]]", 2},
};

std::string import(const Program &program) {
  kac::CheckOptions options;
  options.preludeDirectory = std::string(KAC_ROOT) + "/dsl/prelude";
  kac::Diagnostics diagnostics;
  std::string text = std::string(kSteeredModels) + kModels + "\nsampler s {\n  steps = 100\n  " + program.text +
                     (program.dimension == 2 ? "\n  init() = [0.0, 0.0]\n}\n" : "\n}\n") + program.after;
  auto model = kac::checkText("test.dsl", text, options, diagnostics);
  if (!model)
    return "// " + diagnostics.render();
  mlir::MLIRContext context;
  auto module = kac::importModel(*model, context);
  std::string result;
  llvm::raw_string_ostream stream(result);
  if (module)
    module->print(stream);
  return result;
}

std::unique_ptr<mlir::Pass> derive() { return kac::createDeriveSampler(); }

/// Of the last sampler.
mlir::func::FuncOp field(mlir::ModuleOp module, llvm::StringRef name) {
  mlir::FlatSymbolRefAttr symbol;
  for (auto sampler : module.getOps<kac::ir::SamplerOp>())
    symbol = name == "rate" ? sampler.getRateAttr() : sampler.getDriftAttr();
  return symbol ? module.lookupSymbol<mlir::func::FuncOp>(symbol) : mlir::func::FuncOp();
}

/// The drift as derivation has settled it, but as the text defines it.
void choose(mlir::ModuleOp module, llvm::StringRef choice) {
  auto drift = field(module, "drift");
  if (drift.getName() == choice)
    return;
  auto other = module.lookupSymbol<mlir::func::FuncOp>(choice);
  drift.getBody().getBlocks().clear();
  mlir::IRMapping mapping;
  other.getBody().cloneInto(&drift.getBody(), mapping);
}

struct Points {
  std::mt19937 random{7};
  std::pair<Array, Array> next(int dimension) {
    std::uniform_real_distribution<double> uniform(0, 1);
    Array x(dimension == 1 ? std::vector<int64_t>() : std::vector<int64_t>{dimension}, {});
    for (int i = 0; i < dimension; ++i)
      x.data.push_back(4 * uniform(random) - 2);
    return {x, Array(0.1 + 0.8 * uniform(random))};
  }
};

/// The largest difference, relative to the size of the terms.
double residual(mlir::ModuleOp definition, mlir::ModuleOp derived, llvm::StringRef name, int dimension) {
  Interpreter one(definition), other(derived);
  llvm::StringRef ofOne = field(definition, name).getName(), ofOther = field(derived, name).getName();
  Points points;
  double worst = 0;
  for (int k = 0; k < 6; ++k) {
    auto [x, t] = points.next(dimension);
    Array a = one.call(ofOne, {x, t})[0], b = other.call(ofOther, {x, t})[0];
    for (size_t i = 0; i < a.data.size(); ++i) {
      double difference = std::fabs(a.data[i] - b.data[i]) / (1 + std::fabs(a.data[i]));
      worst = std::isfinite(difference) ? std::max(worst, difference) : INFINITY;
    }
  }
  return worst;
}

class Derive : public testing::TestWithParam<Program> {};

TEST_P(Derive, FollowsFromTheDefinition) {
  std::string text = import(GetParam());
  Module derived(text), definition(text);
  ASSERT_TRUE(derived.run({derive})) << derived.said << text;
  auto sampler = *(*derived).getOps<kac::ir::SamplerOp>().begin();
  auto record = sampler->getAttrOfType<mlir::DictionaryAttr>("kac.derived");
  ASSERT_TRUE(record) << derived.text();
  auto choice = record.getAs<mlir::StringAttr>("choice");
  RecordProperty("weight", mlir::cast<mlir::StringAttr>(record.get("weight")).str());
  EXPECT_EQ(bool(choice), bool(field(*definition, "drift")));
  if (choice)
    choose(*definition, choice);

  std::string before = derived.text();
  ASSERT_TRUE(derived.run({inlineCalls, differentiate})) << derived.said;
  ASSERT_TRUE(definition.run({inlineCalls, differentiate})) << definition.said;
  if (choice) {
    EXPECT_LE(residual(*definition, *derived, "drift", GetParam().dimension), 1e-11);
  }
  EXPECT_LE(residual(*definition, *derived, "rate", GetParam().dimension), 1e-9) << before;

  // Each sign turned, one at a time, is noticed.
  int turned = 0;
  Module whole(before);
  int signs = 0;
  field(*whole, "rate").walk([&](mlir::Operation *op) { signs += mlir::isa<kac::ir::AddOp, kac::ir::SubOp>(op); });
  for (int k = 0; k < signs; ++k) {
    Module mutant(before);
    int seen = 0;
    field(*mutant, "rate").walk([&](mlir::Operation *op) {
      if (!mlir::isa<kac::ir::AddOp, kac::ir::SubOp>(op) || seen++ != k ||
          !mlir::isa<mlir::Float64Type>(kac::ir::elementOf(op->getResult(0).getType())))
        return;
      mlir::OpBuilder b(op);
      mlir::Type type = op->getResult(0).getType();
      mlir::Value x = op->getOperand(0), y = op->getOperand(1), other;
      if (mlir::isa<kac::ir::AddOp>(op))
        other = kac::ir::SubOp::create(b, op->getLoc(), type, x, y);
      else
        other = kac::ir::AddOp::create(b, op->getLoc(), type, x, y);
      op->getResult(0).replaceAllUsesWith(other);
    });
    ASSERT_TRUE(mutant.run({inlineCalls, differentiate}));
    EXPECT_GE(residual(*definition, *mutant, "rate", GetParam().dimension), 1e-7) << "sign " << k << "\n" << before;
    ++turned;
  }
  RecordProperty("signs", turned);
}

TEST(Derive, OneModelToTheFirstPowerNeedsNoWeight) {
  Module derived(import({"", "target = a"}));
  ASSERT_TRUE(derived.run({derive})) << derived.said;
  auto rate = field(*derived, "rate");
  EXPECT_EQ(kac::constantOf(rate.getBody().front().getTerminator()->getOperand(0)), 0.0) << derived.text();
}

TEST(Derive, WithoutAWeightTheDriftIsSettledAlone) {
  Module derived(import({"", "target = a ^ 2; weights = unweighted"}));
  ASSERT_TRUE(derived.run({derive})) << derived.said;
  EXPECT_FALSE(field(*derived, "drift")->hasAttr("kac.alternatives")) << derived.text();
}

TEST(Derive, EqualModelsAreOne) {
  Module one(import({"", "target = a ^ 3"})), two(import({"", "target = a ^ beta * a ^ (3 - beta)"}));
  ASSERT_TRUE(one.run({derive}) && two.run({derive})) << one.said << two.said;
  auto weight = [](Module &module) {
    auto sampler = *(*module).getOps<kac::ir::SamplerOp>().begin();
    return mlir::cast<mlir::StringAttr>(sampler->getAttrOfType<mlir::DictionaryAttr>("kac.derived").get("weight"))
        .str();
  };
  EXPECT_EQ(weight(one), weight(two));
}

/// The text with `function` declared alone, as one that the application supplies.
std::string withoutBody(std::string text, const std::string &function) {
  size_t begin = text.find("  func.func private @" + function + "("), end = text.find("\n  }\n", begin);
  return text.replace(begin, end + 5 - begin, "  func.func private @" + function + "(f64) -> f64\n");
}

struct Refusal {
  const char *name, *text, *message;
};

class Refuse : public testing::TestWithParam<Refusal> {};

TEST_P(Refuse, Says) {
  Module derived(withoutBody(import({"", GetParam().text}), "reward"));
  EXPECT_FALSE(derived.run({derive})) << derived.text();
  EXPECT_NE(derived.said.find(GetParam().message), std::string::npos) << derived.said;
}

const Refusal kRefusals[] = {
    {"gradient", "target = a * exp(reward)", "E0503: `reward` has no gradient"},
    {"divergence", "target = a ^ 2; drift(x, t) = summed(x, t) + reward(x)", "E0502: div(reward(x), x) is left"},
};

INSTANTIATE_TEST_SUITE_P(Programs, Refuse, testing::ValuesIn(kRefusals),
                         [](const testing::TestParamInfo<Refusal> &info) { return std::string(info.param.name); });

TEST(Derive, ExplainsWhatItFound) {
  Module derived(import({"", "target = a * b"}));
  ASSERT_TRUE(derived.run({derive})) << derived.said;
  std::string text = kac::explain(*derived);
  for (const char *line :
       {"sampler s ", "\n  drift     centroid: a.slope(t) * x + 3 * a.diffusion(t)^2 / 4 * a.score(x, t) + ",
        "\n  noise     a.diffusion(t)\n", "\n  evidence  -a.slope(t): the same for all lineages\n",
        "\n  cost      a.score with its divergence, b.score with its divergence; 1 normal\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
}

/// The fields that `explain` prints are a program, and the same sampler.
TEST_P(Derive, ExplainsInTheWordsOfTheLanguage) {
  std::string text = import(GetParam());
  Module derived(text);
  ASSERT_TRUE(derived.run({derive}));
  std::string explained = kac::explain(*derived);
  Program program = GetParam();
  program.after = explained.substr(explained.find("\nsampler s_explained"));
  Module again(import(program));
  ASSERT_TRUE(again.run({inlineCalls, differentiate})) << explained << again.said;
  ASSERT_TRUE(derived.run({inlineCalls, differentiate}));
  EXPECT_LE(residual(*again, *derived, "rate", program.dimension), 1e-9) << explained;
  if (field(*derived, "drift")) { // none where the step calls a field of the library
    ASSERT_TRUE(field(*again, "drift"));
    EXPECT_LE(residual(*again, *derived, "drift", program.dimension), 1e-11) << explained;
  }
}

TEST(Derive, UnweightedIsWarnedOf) {
  std::string text = import({"", "target = a ^ 2"}), sampler = "kac.sampler @s {";
  Module derived(text.replace(text.find(sampler), sampler.size(), sampler + "unweighted, "));
  ASSERT_TRUE(derived.run({derive})) << derived.said;
  EXPECT_NE(derived.said.find("W0404"), std::string::npos) << derived.said << derived.text().substr(0, 2000);
}

INSTANTIATE_TEST_SUITE_P(Programs, Derive, testing::ValuesIn(kPrograms),
                         [](const testing::TestParamInfo<Program> &info) {
                           std::string name;
                           for (const char *c = info.param.name; *c; ++c)
                             name += *c == ' ' ? '_' : *c;
                           return name;
                         });

} // namespace
