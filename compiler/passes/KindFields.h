// The kinds and fields that derivation knows by name. All else of the prelude is read, not known.
#pragma once

#include "llvm/ADT/StringRef.h"

namespace kac::kinds {

constexpr llvm::StringLiteral kProcess = "process", kDensity = "density", kSampler = "sampler";
constexpr llvm::StringLiteral kLogp = "logp", kScore = "score", kVelocity = "velocity", kDiffusion = "diffusion";

/// Attributes of functions that are a field of a structure.
constexpr llvm::StringLiteral kKind = "kac.kind", kField = "kac.field", kStructure = "kac.structure";
constexpr llvm::StringLiteral kAlternatives = "kac.alternatives", kWhen = "kac.when";
/// On a condition: how the text writes it.
constexpr llvm::StringLiteral kText = "kac.text";
/// On a sampler: the models of its target, each with its structure, its power and the place where it is named.
constexpr llvm::StringLiteral kExperts = "kac.experts";
/// On a sampler: its drift, where that is another field given by name.
constexpr llvm::StringLiteral kFollowed = "kac.followed";
/// On a sampler: where the program writes its times, as a message begins with it.
constexpr llvm::StringLiteral kTimePlace = "kac.time_place";
/// What was derived, on the sampler: a dictionary of text.
constexpr llvm::StringLiteral kDerived = "kac.derived";

} // namespace kac::kinds
