// Derivatives of values of the kac dialect: what lies between a variable and a value, and its three sweeps.
#pragma once

#include "compiler/passes/Arithmetic.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace kac {

using Operations = llvm::SmallVector<mlir::Operation *>;
/// Derivatives of values; one that is missing is zero. Of a shape that is a suffix of the value's, then repeated.
using Derivatives = llvm::DenseMap<mlir::Value, mlir::Value>;

/// The values that depend on a variable by real numbers.
class Activity {
public:
  bool operator()(mlir::Value value) const { return active.contains(value); }
  void mark(mlir::Value value) { active.insert(value); }
  void drop(mlir::Value value) { active.erase(value); }
  /// Marks the results of `op`, and what is in its regions.
  void visit(mlir::Operation *op);
  bool any(mlir::ValueRange values) const;
  /// Active values of around `op` that its regions use.
  llvm::SetVector<mlir::Value> captured(mlir::Operation *op) const;

private:
  void visitBlock(mlir::Block &block);
  bool markYielded(mlir::Region &region, mlir::ValueRange targets);
  llvm::DenseSet<mlir::Value> active;
};

/// The operations from a variable to a value, in order, through the blocks between; all are in scope at the value.
struct Path {
  Operations operations;
  Activity active;
};
/// Emits an error and fails where a loop around the value carries what depends on the variable.
llvm::FailureOr<Path> pathBetween(mlir::Value variable, mlir::Value value, mlir::Operation *asker);

/// What the sweeps share: copies of bodies in scope, and partial derivatives of primitives.
class Sweep {
public:
  Sweep(mlir::OpBuilder &b, mlir::Location loc, Activity active) : e(b, loc), b(b), active(std::move(active)) {}
  bool failed = false;

protected:
  struct Copy {
    Operations operations;
    llvm::SmallVector<mlir::Value> yields;
  };
  /// Copies the body with its arguments replaced, and finds what is active in the copy.
  Copy copyBody(mlir::Block &body, mlir::ValueRange arguments);
  /// The partial derivative by operand `k`; null where zero.
  mlir::Value partial(ir::PrimitiveOp op, unsigned k);
  /// The same at scalars.
  mlir::Value partialAt(ir::PrimitiveOp op, unsigned k, mlir::ValueRange scalars);
  /// d pow / d base and d pow / d exponent.
  mlir::Value powByBase(ir::PowOp op);
  mlir::Value powByExponent(ir::PowOp op);
  /// The index of the first greatest (least) element along every axis.
  llvm::SmallVector<mlir::Value> firstExtreme(mlir::Value array, bool greatest);
  /// The place of element `i` in the sorted array.
  mlir::Value rankOf(mlir::Value array, mlir::Value i);
  /// Product of all elements of `array` but the one at `indices`.
  mlir::Value productOfOthers(mlir::Value array, mlir::ValueRange indices);
  /// A mean as a quotient of sums, any other reduction but a sum as a loop; the last operation has the result.
  Operations simplerReduction(ir::ReduceOp op);
  void fail(mlir::Operation *op, const llvm::Twine &text);

  Arithmetic e;
  mlir::OpBuilder &b;
  Activity active;
};

/// Reverse mode. Operations are emitted at the builder's insertion point, behind all primal ones.
class Reverse : public Sweep {
public:
  using Sweep::Sweep;
  void run(llvm::ArrayRef<mlir::Operation *> operations, Derivatives &adjoints);

private:
  void visit(mlir::Operation *op, Derivatives &adjoints);
  void visitElementwise(mlir::Operation *op, mlir::Value g, Derivatives &adjoints);
  void visitWhole(ir::WholeOp op, mlir::Value g, Derivatives &adjoints);
  void visitArray(mlir::Operation *op, mlir::Value g, Derivatives &adjoints);
  void visitRepeated(mlir::Operation *op, Derivatives &adjoints);
  void visitIf(ir::IfOp op, Derivatives &adjoints);
  void visitLoop(ir::LoopOp op, Derivatives &adjoints);
  /// Adds `g`, of an array of shape `shape`, to the adjoint of an operand that may be repeated along leading axes.
  void add(Derivatives &adjoints, mlir::Value operand, mlir::Value g, llvm::ArrayRef<int64_t> shape);
  void add(Derivatives &adjoints, mlir::Value operand, mlir::Value g);
  void addAt(Derivatives &adjoints, mlir::Value array, mlir::Value g, mlir::ValueRange indices);
};

/// Forward mode: tangents of values, emitted at the insertion point.
class Forward : public Sweep {
public:
  using Sweep::Sweep;
  void run(llvm::ArrayRef<mlir::Operation *> operations, Derivatives &tangents);

private:
  void visit(mlir::Operation *op, Derivatives &tangents);
  mlir::Value elementwise(mlir::Operation *op, Derivatives &tangents);
  mlir::Value whole(ir::WholeOp op, Derivatives &tangents);
  mlir::Value array(mlir::Operation *op, Derivatives &tangents);
  void visitBuild(ir::BuildOp op, Derivatives &tangents);
  void visitReduce(ir::ReduceOp op, Derivatives &tangents);
  void visitIf(ir::IfOp op, Derivatives &tangents);
  void visitLoop(ir::LoopOp op, Derivatives &tangents);
};

/// What one value has besides itself in a sweep of second order: the derivative by each coordinate of the variable, and
/// the sum of the second derivatives.
struct Jet {
  enum Kind {
    Zero,
    Dense,    // axes of the variable behind those of the value
    Diagonal, // element i of a value shaped like the variable depends on coordinate i alone: the derivative there
    Single    // a scalar that depends on the coordinate `at` alone
  };
  Kind kind = Zero;
  mlir::Value slope, curve; // a curve that is null is zero
  llvm::SmallVector<mlir::Value> at;
};

/// One sweep forward for a scalar's gradient and Laplacian: the cost of a few values for each coordinate, not of a
/// gradient for each.
class SecondOrder : public Sweep {
public:
  SecondOrder(mlir::OpBuilder &b, mlir::Location loc, Activity active, mlir::Value variable);
  /// False where an operation has no rule here; what was emitted is then unused.
  bool run(llvm::ArrayRef<mlir::Operation *> operations);
  Jet jetOf(mlir::Value value) const { return jets.lookup(value); }
  mlir::Value dense(Jet jet, llvm::ArrayRef<int64_t> shape);

private:
  bool visit(mlir::Operation *op);
  bool elementwise(mlir::Operation *op);
  std::optional<Jet> scalarRule(mlir::Operation *op, mlir::Value result, llvm::ArrayRef<mlir::Value> operands,
                                llvm::ArrayRef<Jet> of);
  bool whole(ir::WholeOp op);
  bool array(mlir::Operation *op);
  bool build(ir::BuildOp op);
  bool reduce(ir::ReduceOp op);
  bool branch(ir::IfOp op);
  Jet element(mlir::Value value, mlir::ValueRange indices);
  Jet add(const Jet &x, const Jet &y);
  Jet scale(mlir::Value factor, const Jet &x);
  mlir::Value dot(const Jet &x, const Jet &y);
  llvm::SmallVector<int64_t> with(llvm::ArrayRef<int64_t> shape) const;

  llvm::SmallVector<int64_t> axes;
  llvm::DenseMap<mlir::Value, Jet> jets;
};

/// The gradient and the Laplacian in one sweep; nothing where that does not go.
struct GradientAndLaplacian {
  mlir::Value gradient, laplacian;
};
std::optional<GradientAndLaplacian> secondOrder(mlir::OpBuilder &b, mlir::Operation *asker, mlir::Value value,
                                                mlir::Value variable);

/// Makes one variable of those that stand for one value, where no derivative tells them apart.
void mergeVariables(mlir::Operation *root);

/// d value / d variable for a scalar value; filled to the variable's type. Null on failure.
mlir::Value gradient(mlir::OpBuilder &b, mlir::Operation *asker, mlir::Value value, mlir::Value variable);
/// The derivative of value as variable moves along direction; null also where it is zero.
mlir::FailureOr<mlir::Value> directional(mlir::OpBuilder &b, mlir::Operation *asker, mlir::Value value,
                                         mlir::Value variable, mlir::Value direction);

/// Removes operations, results and carried values below `root` that nothing uses.
void prune(mlir::Operation *root);

} // namespace kac
