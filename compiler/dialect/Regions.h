// Operations with regions in, the same with fewer results out; and what canonicalization does with them.
#pragma once

#include "mlir/IR/PatternMatch.h"

namespace kac::ir {

/// Only the operands that `keep` lists are handed on.
void keepOperands(mlir::RewriterBase &rewriter, mlir::Operation *terminator, llvm::ArrayRef<unsigned> keep);

/// The same operation with the results that `keep` lists; the regions go over to it.
mlir::Operation *withResults(mlir::RewriterBase &rewriter, mlir::Operation *op, llvm::ArrayRef<unsigned> keep,
                             mlir::ValueRange operands);

/// Patterns on build, reduce, if and loop.
void addRegionPatterns(mlir::RewritePatternSet &patterns);

} // namespace kac::ir
