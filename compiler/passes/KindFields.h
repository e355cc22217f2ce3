// The kinds and fields that derivation knows by name. All else of the prelude is read, not known.
#pragma once

#include "llvm/ADT/StringRef.h"

namespace kac::kinds {

constexpr llvm::StringLiteral kProcess = "process", kDensity = "density", kSampler = "sampler";
constexpr llvm::StringLiteral kLogp = "logp", kScore = "score", kVelocity = "velocity", kDiffusion = "diffusion";

/// Attributes of functions that are a field of a structure.
constexpr llvm::StringLiteral kKind = "kac.kind", kField = "kac.field", kStructure = "kac.structure";
constexpr llvm::StringLiteral kAlternatives = "kac.alternatives", kWhen = "kac.when";
/// What was derived, on the sampler: a dictionary of text.
constexpr llvm::StringLiteral kDerived = "kac.derived";

} // namespace kac::kinds
