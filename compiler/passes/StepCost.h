// What a step of a sampler takes for each lineage, as text for people.
#pragma once

#include "compiler/dialect/Kac.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace kac {

/// The fields of densities and processes that a step calls at what differs between lineages: "q.score, q.velocity".
std::string calledFields(mlir::func::FuncOp step);

/// What it draws: "2 normals".
std::string drawsOf(mlir::func::FuncOp step);

/// Of its kernel: how many operations of arithmetic, those of all turns of a loop whose count is known.
int64_t arithmeticOf(mlir::func::FuncOp tiles);

} // namespace kac
