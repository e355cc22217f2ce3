// Drift, noise, weight rate and start weight as derivation prints them, with one sign or coefficient changed: the
// residual of the weighted Fokker-Planck equation, or log Z at the start, shows each change. Targets are formulas typed
// here.
#include "tests/derive/Interpret.h"
#include "tests/derive/Module.h"

#include "compiler/Import.h"
#include "dsl/Check.h"
#include "mlir/IR/Matchers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

using namespace kac::interpret;
using namespace kac::test;

namespace {

using Real = long double; // differences of formulas leave about 1e-11
using Point = std::vector<Real>;

// --- the targets, by hand ---

const Real kPi = 3.14159265358979323846L;

struct Noised {
  Real alpha, sigma;
};

Noised preserving(Real t) {
  Real s = 1 - t, alpha = expl(-0.1L * s / 2 - 19.9L * s * s / 4);
  return {alpha, sqrtl(1 - alpha * alpha)};
}

Noised exploding(Real t) { return {1, 0.1L * powl(60, 1 - t)}; }

struct Part {
  Real weight;
  Point mean;
  Real deviation;
};

Real logMixture(const std::vector<Part> &parts, const Point &x, const Noised &at) {
  Real sum = 0;
  for (const Part &part : parts) {
    Real variance = at.alpha * at.alpha * part.deviation * part.deviation + at.sigma * at.sigma, distance = 0;
    for (size_t i = 0; i < x.size(); ++i)
      distance += (x[i] - at.alpha * part.mean[i]) * (x[i] - at.alpha * part.mean[i]);
    sum += part.weight * expl(-distance / (2 * variance)) / powl(2 * kPi * variance, Real(x.size()) / 2);
  }
  return logl(sum);
}

const std::vector<Part> kA = {{0.7L, {-2}, 0.5L}, {0.3L, {1.5L}, 0.8L}}, kB = {{0.4L, {-1}, 0.7L}, {0.6L, {2}, 0.6L}},
                        kP = {{1 / 3.0L, {0, 1}, 0.6L}, {1 / 3.0L, {1.5L, -0.5L}, 0.6L}, {1 / 3.0L, {-1, 0.3L}, 0.6L}};

Real a(const Point &x, Real t) { return logMixture(kA, x, preserving(t)); }
Real b(const Point &x, Real t) { return logMixture(kB, x, preserving(t)); }
Real c(const Point &x, Real t) { return logMixture(kB, x, exploding(t)); }
Real p(const Point &x, Real t) { return logMixture(kP, x, preserving(t)); }
Real reward(const Point &x) { return -(x[0] - 1) * (x[0] - 1) / 1.6L + sinl(x[0]); }

const char *const kModels = R"(
process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
process ve = variance_exploding(sigma_min = 0.1, sigma_max = 6)
model a = vp with data = mixture([normal(-2, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3])
model b = vp with data = mixture([normal(-1, 0.7), normal(2, 0.6)], weights = [0.4, 0.6])
model c = ve with data = mixture([normal(-1, 0.7), normal(2, 0.6)], weights = [0.4, 0.6])
const places : real[3, 2] = [[0.0, 1.0], [1.5, -0.5], [-1.0, 0.3]]
model p = vp with data = mixture(normal(m, 0.6) for m in places)
fn reward(x : real) -> real = -(x - 1)^2 / 1.6 + sin(x)
)";

struct Program {
  const char *name, *text;
  size_t dimension;
  Real (*target)(const Point &x, Real t);
};

void PrintTo(const Program &program, std::ostream *stream) { *stream << program.text; }

const Program kPrograms[] = {
    {"power", "target = c^3", 1, [](const Point &x, Real t) { return 3 * c(x, t); }},
    {"noisier", "target = a^3; diffusion(t) = sqrt(3) * vp.diffusion(t); drift = summed", 1,
     [](const Point &x, Real t) { return 3 * a(x, t); }},
    {"product", "target = a * b", 1, [](const Point &x, Real t) { return a(x, t) + b(x, t); }},
    {"guidance", "target = a^(-1.5) * b^2.5; diffusion(t) = 1.5 * vp.diffusion(t)", 1,
     [](const Point &x, Real t) { return 2.5L * b(x, t) - 1.5L * a(x, t); }},
    {"moving", "target(t) = a^(1 + 2 * t) * b^(2 - t)", 1,
     [](const Point &x, Real t) { return (1 + 2 * t) * a(x, t) + (2 - t) * b(x, t); }},
    {"two_processes", "target = a * c; diffusion(t) = vp.diffusion(t)", 1,
     [](const Point &x, Real t) { return a(x, t) + c(x, t); }},
    {"rewarded", "target(t) = a * exp(reward)^(t^2); drift(x, t) = summed(x, t) + 0.3 * x", 1,
     [](const Point &x, Real t) { return a(x, t) + t * t * reward(x); }},
    {"plane", "target = p^2.5; drift = reverse; diffusion(t) = 2 * vp.diffusion(t)", 2,
     [](const Point &x, Real t) { return 2.5L * p(x, t); }},
};

// --- what derivation leaves, as text ---

kac::ir::SamplerOp samplerOf(mlir::ModuleOp module) { return *module.getOps<kac::ir::SamplerOp>().begin(); }

std::string initOf(mlir::ModuleOp module) { return samplerOf(module).getInitAttr().getValue().str(); }

/// The functions that the fields of the sampler have become: drift and all that it is made of, diffusion, rate.
std::vector<std::string> fieldsOf(mlir::ModuleOp module) {
  std::vector<std::string> names;
  for (auto function : module.getOps<mlir::func::FuncOp>())
    if (auto owner = function->getAttrOfType<mlir::StringAttr>("kac.structure");
        owner && owner == samplerOf(module).getSymName())
      names.push_back(function.getName().str());
  return names;
}

std::unique_ptr<mlir::Pass> derive() { return kac::createDeriveSampler(); }
std::unique_ptr<mlir::Pass> canonicalize() { return mlir::createCanonicalizerPass(); }

/// As `kac-opt --kac-derive-sampler --canonicalize` prints it: nothing is computed that is not used.
std::string derived(const Program &program) {
  kac::CheckOptions options;
  options.preludeDirectory = std::string(KAC_ROOT) + "/dsl/prelude";
  kac::Diagnostics diagnostics;
  auto model =
      kac::checkText("mutation.dsl", std::string(kModels) + "sampler s {\n  steps = 100\n  " + program.text + "\n}\n",
                     options, diagnostics);
  EXPECT_TRUE(model) << diagnostics.render();
  if (!model)
    return "";
  mlir::MLIRContext context;
  auto imported = kac::importModel(*model, context);
  std::string text;
  llvm::raw_string_ostream stream(text);
  imported->print(stream);
  Module module(text);
  EXPECT_TRUE(module.run({derive, canonicalize})) << module.said;
  return module.text();
}

// --- mutations ---

bool isReal(mlir::Value value) { return mlir::isa<mlir::Float64Type>(kac::ir::elementOf(value.getType())); }

/// Turns the sign of an operand, or makes half as much again of it.
void scale(mlir::OpOperand &operand, double factor) {
  mlir::OpBuilder builder(operand.getOwner());
  mlir::Location loc = operand.getOwner()->getLoc();
  auto number = mlir::arith::ConstantOp::create(builder, loc, builder.getF64FloatAttr(factor));
  mlir::Type type = operand.get().getType();
  operand.set(kac::ir::MulOp::create(builder, loc, type, number, operand.get()).getResult());
}

struct Site {
  unsigned operation, operand;
  double factor;
};

/// Every sign and coefficient of the function: terms of sums, constants in products and quotients, what is negated,
/// weighed or returned.
std::vector<Site> sitesOf(mlir::func::FuncOp function) {
  std::vector<Site> sites;
  unsigned index = 0;
  function.walk([&](mlir::Operation *op) {
    bool sum = mlir::isa<kac::ir::AddOp, kac::ir::SubOp, kac::ir::NegOp, kac::ir::WeighOp, mlir::func::ReturnOp>(op);
    bool product = mlir::isa<kac::ir::MulOp, kac::ir::DivOp>(op);
    for (mlir::OpOperand &operand : op->getOpOperands()) {
      bool constant = mlir::matchPattern(operand.get(), mlir::m_Constant());
      if (isReal(operand.get()) && (sum || (product && constant)))
        for (double factor : {-1.0, 1.5})
          sites.push_back({index, operand.getOperandNumber(), factor});
    }
    ++index;
  });
  return sites;
}

std::unique_ptr<Module> mutant(const std::string &text, llvm::StringRef name, const Site &site) {
  auto module = std::make_unique<Module>(text);
  std::vector<mlir::Operation *> operations;
  (**module).lookupSymbol<mlir::func::FuncOp>(name).walk([&](mlir::Operation *op) { operations.push_back(op); });
  scale(operations[site.operation]->getOpOperand(site.operand), site.factor);
  EXPECT_TRUE(module->run({inlineCalls, differentiate})) << module->said;
  return module;
}

// --- the residual ---

struct At {
  Point x;
  Real t;
};

std::vector<At> points(size_t dimension) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<At> result;
  for (int k = 0; k < 6; ++k) {
    Point x;
    for (size_t i = 0; i < dimension; ++i)
      x.push_back(4 * uniform(random) - 2);
    result.push_back({x, 0.1L + 0.8L * uniform(random)});
  }
  return result;
}

/// The first and second derivative at 0, to the fourth order in h.
std::pair<Real, Real> derivatives(const std::function<Real(Real)> &f, Real h) {
  Real two = f(2 * h), one = f(h), zero = f(0), minusOne = f(-h), minusTwo = f(-2 * h);
  return {(minusTwo - 8 * minusOne + 8 * one - two) / (12 * h),
          (-minusTwo + 16 * minusOne - 30 * zero + 16 * one - two) / (12 * h * h)};
}

/// What a step makes of one point.
struct Values {
  std::vector<Real> drift, divergence; // and d drift[i] / d x[i]
  Real noise = 0, rate = 0;            // noise squared
};

/// Steps of length one, by a standard normal number that is given.
class Stepped {
public:
  explicit Stepped(mlir::ModuleOp module) : module(module), interpreter(module) {}

  Values at(const At &where) {
    Values values{moved(where, 0), {}, 0, Real(interpreter.logWeight)};
    Real deviation = moved(where, 1)[0] - values.drift[0];
    values.noise = deviation * deviation;
    for (size_t i = 0; i < where.x.size(); ++i) {
      auto along = [&](Real h) {
        At near = where;
        near.x[i] += h;
        return moved(near, 0)[i];
      };
      values.divergence.push_back(derivatives(along, 2e-3L).first);
    }
    return values;
  }

private:
  std::vector<Real> moved(const At &where, double z) {
    std::vector<double> x(where.x.begin(), where.x.end());
    Array state = x.size() == 1 ? Array(x[0]) : Array({int64_t(x.size())}, x);
    interpreter.random = [z](llvm::StringRef, int64_t, int64_t) { return z; };
    interpreter.logWeight = 0;
    Array result = interpreter.call(samplerOf(module).getStepAttr().getValue(),
                                    {state, Array(double(where.t)), Array(1), Array(0), Array(0)})[0];
    std::vector<Real> difference;
    for (size_t i = 0; i < x.size(); ++i)
      difference.push_back(Real(result.data[i]) - Real(x[i]));
    return difference;
  }
  mlir::ModuleOp module;
  Interpreter interpreter;
};

/// R of the specification: |d_t l + div u + <u, grad l> - z/2 (lap l + |grad l|^2) - g| relative to its terms.
Real residual(const Program &program, const At &where, const Values &values) {
  Real motion = derivatives([&](Real h) { return program.target(where.x, where.t + h); }, 1e-3L).first;
  Real divergence = 0, along = 0, laplacian = 0, square = 0;
  for (size_t i = 0; i < where.x.size(); ++i) {
    auto [slope, curvature] = derivatives(
        [&](Real h) {
          Point x = where.x;
          x[i] += h;
          return program.target(x, where.t);
        },
        1e-3L);
    divergence += values.divergence[i];
    along += values.drift[i] * slope;
    laplacian += curvature;
    square += slope * slope;
  }
  Real noise = values.noise / 2 * (laplacian + square), sum = motion + divergence + along - noise - values.rate,
       size = 1;
  for (Real term : {motion, divergence, along, values.noise / 2 * laplacian, values.noise / 2 * square})
    size = std::max(size, fabsl(term));
  return fabsl(sum) / (1 + size + fabsl(values.rate));
}

bool near(Real x, Real y) { return fabsl(x - y) <= 1e-10L * (1 + fabsl(x)); }

bool near(const std::vector<Real> &x, const std::vector<Real> &y) {
  return std::equal(x.begin(), x.end(), y.begin(), [](Real a, Real b) { return near(a, b); });
}

/// Whether a mutant is as right as what it was made of: nothing has changed (a sign under a square, say), or noise and
/// drift have together, since any noise is free of weights with its share of the target's score in the drift.
bool isRight(const Values &whole, const Values &mutant, bool ofNoise) {
  if (ofNoise && !near(whole.noise, mutant.noise) && !near(whole.drift, mutant.drift))
    return near(whole.rate, mutant.rate);
  return near(whole.drift, mutant.drift) && near(whole.noise, mutant.noise) && near(whole.rate, mutant.rate);
}

class Mutation : public testing::TestWithParam<Program> {};

TEST_P(Mutation, OfDriftNoiseOrRateBreaksTheResidual) {
  const Program &program = GetParam();
  std::string text = derived(program);
  std::vector<At> where = points(program.dimension);
  std::vector<Values> wholes;
  Module whole(text), plain(text);
  ASSERT_TRUE(plain.run({inlineCalls, differentiate})) << plain.said;
  Stepped intact(*plain);
  for (const At &at : where) {
    wholes.push_back(intact.at(at));
    ASSERT_LT(residual(program, at, wholes.back()), 1e-8L) << text; // what differences leave
  }
  int caught = 0;
  for (const std::string &name : fieldsOf(*whole))
    for (const Site &site : sitesOf((*whole).lookupSymbol<mlir::func::FuncOp>(name))) {
      std::unique_ptr<Module> module = mutant(text, name, site);
      Stepped mutated(**module);
      Real worst = 0;
      bool right = true;
      for (size_t k = 0; k < where.size(); ++k) {
        Values values = mutated.at(where[k]);
        Real here = residual(program, where[k], values);
        worst = std::isnan(here) ? INFINITY : std::max(worst, here);
        right = right && isRight(wholes[k], values, name == "s.diffusion");
      }
      if (right)
        continue;
      EXPECT_GT(worst, 1e-6L) << name << ", operation " << site.operation << ", operand " << site.operand << " times "
                              << site.factor << "\n"
                              << text;
      ++caught;
    }
  EXPECT_GE(caught, 12);
  RecordProperty("mutations", caught);
}

// --- the start ---

/// Draws and weights of `init` for a standard normal number z.
std::pair<double, double> start(mlir::ModuleOp module, double z) {
  Interpreter interpreter(module);
  interpreter.random = [z](llvm::StringRef, int64_t, int64_t) { return z; };
  double x = interpreter.call(initOf(module), {Array(0)})[0].scalar();
  return {x, interpreter.logWeight};
}

const double kReach = 9, kStep = 0.05;

/// log Z at the start as the sampler has it: the mean of the weights over all draws.
double logZOfStart(mlir::ModuleOp module) {
  double sum = 0;
  for (double z = -kReach; z < kReach; z += kStep)
    sum += kStep * std::exp(start(module, z).second - z * z / 2) / std::sqrt(2 * M_PI);
  return std::log(sum);
}

/// Judged by quadrature over one number.
class StartMutation : public testing::TestWithParam<Program> {};

TEST_P(StartMutation, ChangesLogZ) {
  const Program &program = GetParam();
  Real integral = 0;
  for (Real x = -80; x < 80; x += 0.01L)
    integral += 0.01L * expl(program.target({x}, 0));
  std::string text = derived(program);
  Module whole(text), plain(text);
  ASSERT_TRUE(plain.run({inlineCalls, differentiate})) << plain.said;
  ASSERT_NEAR(logZOfStart(*plain), double(logl(integral)), 1e-9);

  int caught = 0;
  for (const Site &site : sitesOf((*whole).lookupSymbol<mlir::func::FuncOp>(initOf(*whole)))) {
    std::unique_ptr<Module> module = mutant(text, initOf(*whole), site);
    bool weighsElse = false, drawsElse = false;
    for (double z : {-1.3, 0.2, 2.1}) {
      auto [x, weight] = start(**module, z);
      auto [rightX, rightWeight] = start(*plain, z);
      drawsElse = drawsElse || std::fabs(x - rightX) > 1e-12;
      weighsElse = weighsElse || !(std::fabs(weight - rightWeight) < 1e-10);
    }
    if (drawsElse || !weighsElse)
      continue; // not of the weight, or of a term that is zero
    EXPECT_FALSE(std::fabs(logZOfStart(**module) - double(logl(integral))) <= 1e-6) // nor is it where it is no number
        << "operation " << site.operation << ", operand " << site.operand << " times " << site.factor << "\n"
        << text;
    ++caught;
  }
  EXPECT_GE(caught, 4);
  RecordProperty("mutations", caught);
}

std::vector<Program> programsOver(size_t most) {
  std::vector<Program> list;
  for (const Program &program : kPrograms)
    if (program.dimension <= most)
      list.push_back(program);
  return list;
}

std::string nameOf(const testing::TestParamInfo<Program> &info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Programs, Mutation, testing::ValuesIn(programsOver(2)), nameOf);
INSTANTIATE_TEST_SUITE_P(Programs, StartMutation, testing::ValuesIn(programsOver(1)), nameOf);

} // namespace
