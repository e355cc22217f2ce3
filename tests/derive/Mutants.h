// What derivation prints of a sampler in, and the places where a sign or a coefficient stands; modules with one of them
// changed out.
#pragma once

#include "tests/derive/Module.h"
#include "tests/derive/Steered.h"

#include <memory>
#include <string>
#include <vector>

namespace kac::test {

/// What `kacc --emit=kac` prints, through `kac-opt --kac-derive-sampler --canonicalize`: nothing is computed that is
/// not used. Empty where that fails, which fails the test.
std::string derivedText(const Steered &program);

ir::SamplerOp samplerOf(mlir::ModuleOp module);
std::string initOf(mlir::ModuleOp module);
std::string stepOf(mlir::ModuleOp module);

/// The step, and what the sampler's fields have become as far as the step calls them: drift and all that it is made of,
/// diffusion, rate.
std::vector<std::string> functionsOfStep(mlir::ModuleOp module);

struct MutationSite {
  std::string function;
  unsigned operation, operand;
  double factor;
};

void PrintTo(const MutationSite &site, std::ostream *stream);

/// Every sign and coefficient of the function: terms of sums, constants in products and quotients, what is negated,
/// weighed or returned.
std::vector<MutationSite> sitesOf(mlir::ModuleOp module, const std::string &function);

/// The module with the sign of an operand turned, or half as much again of it.
std::unique_ptr<Module> mutant(const std::string &text, const MutationSite &site);

} // namespace kac::test
