// Lowers the body of one function of the kac dialect at the insertion point of a kernel: kac values in, scalars (the
// same for all lineages, reals as f64) and vectors of lanes (one lineage each, reals in the precision of the build)
// out.
#pragma once

#include "compiler/passes/LowerCost.h"
#include "compiler/passes/LowerValue.h"
#include "compiler/passes/Uniformity.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace kac {

/// The kernel that a body stands in.
struct KernelFrame {
  KernelFrame(mlir::MLIRContext *context, int64_t lanes, mlir::Type real) : entry(context), lanes(lanes), real(real) {}

  mlir::OpBuilder entry; // where buffers and addresses of inputs go: before the loop over tiles
  int64_t lanes;
  mlir::Type real;                 // of a lineage: f32 or f64
  mlir::Value particles;           // i32
  mlir::Value seedLow, seedHigh;   // i32
  mlir::Value step;                // i32: of the address of a draw
  mlir::Value lineage;             // lanes x i32; null in a kernel that is uniform
  mlir::Value weight;              // address of lanes x f64: what the step weighed; null where nothing may
  mlir::Value dead;                // address of lanes x i8: broken lineages; null in a kernel that is uniform
  mlir::Value fault;               // address of an i32 that counts indices out of range; null: they are clamped
  mlir::Value scratch;             // address of room for arrays over all lineages; null where there are none
  int64_t *scratchBytes = nullptr; // what is taken of it, for each lineage
  llvm::DenseMap<mlir::Value, int64_t> scratchOf;    // what was taken of it before the array at this address
  std::function<mlir::Value(mlir::StringRef)> input; // the address of an input
};

class Body {
public:
  Body(mlir::OpBuilder &b, KernelFrame &frame, const Uniformity &uniformity);
  Body(const Body &) = delete;
  Body &operator=(const Body &) = delete;
  ~Body();

  /// The values that `function` returns.
  llvm::SmallVector<Thing> lower(mlir::func::FuncOp function, llvm::ArrayRef<Thing> arguments);

  // --- scalars (LowerScalars.cpp) ---
  mlir::Value integer(int64_t value);
  mlir::Value real(double value);
  bool isVector(mlir::Value value) const { return mlir::isa<mlir::VectorType>(value.getType()); }
  /// One lane for each lineage, rounded to their precision.
  mlir::Value vary(mlir::Value value);
  mlir::Type laneType(mlir::Type kacElement);
  mlir::Value elementwise(mlir::Operation *op, llvm::SmallVector<mlir::Value> operands);
  void unify(llvm::MutableArrayRef<mlir::Value> values);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value negate(mlir::Value condition);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value multiply(mlir::Value x, mlir::Value y);
  mlir::Value compare(llvm::StringRef predicate, mlir::Value x, mlir::Value y);
  /// Lineages in which `condition` does not hold are broken.
  void require(mlir::Value condition);

  // --- arrays (LowerArrays.cpp) ---
  Thing at(const Thing &array, mlir::Value index);
  Thing placeAt(const Thing &memory, mlir::Value index);
  Thing lazy(llvm::ArrayRef<int64_t> shape, std::function<Thing(mlir::Value)> at);
  Thing list(std::vector<Thing> parts, llvm::ArrayRef<int64_t> shape);
  /// Memory for an array whose elements are of type `element`.
  Thing buffer(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  mlir::Value scratchAt(int64_t bytes);
  Thing view(mlir::Value address, llvm::ArrayRef<int64_t> shape, mlir::Type element);
  mlir::Value loadScalar(const Thing &memory) { return load(*memory.array); }
  void store(const Thing &memory, const Thing &values, int64_t cost);
  /// `thing` as values of their own where `small`, else in memory; lanes if `varies`.
  Thing keep(const Thing &thing, mlir::Type kacType, bool varies, bool small, int64_t cost);
  Thing keep(const Thing &thing, mlir::Value of);
  /// In memory, once the first loop asks for it: that loop makes the elements and stores them on its way.
  Thing defer(const Thing &thing, mlir::Value of);
  bool isBehind(mlir::Operation *op);
  mlir::Value extent(int64_t size);
  void flatten(const Thing &thing, llvm::SmallVectorImpl<mlir::Value> &values);
  Thing unflatten(llvm::ArrayRef<int64_t> shape, mlir::ValueRange &values);

  // --- loops (LowerRegions.cpp) ---
  using Turn = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  /// for index in lower..upper: carried values. Unrolled where that is little code.
  llvm::SmallVector<mlir::Value> loop(mlir::Value lower, mlir::Value upper, mlir::ValueRange inits, int64_t cost,
                                      Turn turn);
  /// All elements of an array in order.
  llvm::SmallVector<mlir::Value>
  walk(const Thing &array, mlir::ValueRange inits, int64_t cost,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> turn);
  mlir::OpBuilder &b;
  mlir::Location loc;
  KernelFrame &frame;

private:
  KnownPtr open(mlir::Block &block, KnownPtr parent, llvm::ArrayRef<Thing> arguments);
  llvm::SmallVector<Thing> evaluate(mlir::Block &block, KnownPtr parent, llvm::ArrayRef<Thing> arguments);
  void visit(mlir::Operation *op, const KnownPtr &scope);
  Thing look(mlir::Value value, const KnownPtr &scope);
  mlir::Value scalar(mlir::Value value, const KnownPtr &scope) { return look(value, scope).scalar; }
  void bind(mlir::Value value, Thing thing, const KnownPtr &scope);

  // LowerArrays.cpp
  Thing elementwiseArray(mlir::Operation *op, const llvm::SmallVector<Thing> &operands, llvm::ArrayRef<int64_t> shape);
  Thing extract(ir::ExtractOp op, const KnownPtr &scope);
  Thing insert(ir::InsertOp op, const KnownPtr &scope);
  Thing replaced(const Thing &array, const Thing &value, const llvm::SmallVector<mlir::Value> &indices,
                 llvm::ArrayRef<int64_t> shape, mlir::Value condition);
  bool mayOverwrite(ir::InsertOp op);
  Thing concat(const Thing &x, const Thing &y, int64_t split, llvm::ArrayRef<int64_t> shape);
  Thing repeat(const Thing &x, size_t rank, llvm::ArrayRef<int64_t> shape);
  Thing stack(std::vector<Thing> parts, llvm::ArrayRef<int64_t> shape);
  mlir::Value inRange(mlir::Value index, int64_t extent);
  mlir::Value load(const Array &memory);
  void storeLeaf(const Array &memory, mlir::Value value);
  Thing spill(const Array &list);

  // LowerRegions.cpp
  Thing build(ir::BuildOp op, unsigned result, llvm::SmallVector<mlir::Value> indices, const KnownPtr &scope);
  void buildAll(ir::BuildOp op, const KnownPtr &scope);
  void reduce(ir::ReduceOp leader, const KnownPtr &scope);
  std::pair<Thing, mlir::Value> elementOfTurn(ir::ReduceOp op, mlir::Value index, const KnownPtr &around);
  void branch(ir::IfOp op, const KnownPtr &scope);
  void branchUniform(ir::IfOp op, const KnownPtr &scope);
  void loop(ir::LoopOp op, const KnownPtr &scope);
  Thing selectThing(mlir::Value condition, const Thing &x, const Thing &y, llvm::ArrayRef<int64_t> shape);
  mlir::Value any(mlir::Value lanes);

  // LowerWhole.cpp
  Thing whole(ir::WholeOp op, const KnownPtr &scope);
  Thing scan(const Thing &array, mlir::Value of, int64_t cost);
  Thing sort(const Thing &array, mlir::Value of);
  Thing searchAll(const Thing &array, const Thing &u, llvm::ArrayRef<int64_t> shape, bool varies);
  mlir::Value count(const Thing &array, mlir::Value u, bool varies);
  mlir::Value bisect(const Thing &array, mlir::Value u, bool varies);
  std::pair<mlir::Value, mlir::Value> near(const Thing &array, mlir::Value u, mlir::Value last, mlir::Value ended);
  llvm::SmallVector<mlir::Value> whileLoop(llvm::ArrayRef<mlir::Value> inits,
                                           llvm::function_ref<mlir::Value(mlir::ValueRange)> goes,
                                           llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange)> turn);

  // LowerRandom.cpp
  mlir::Value random(ir::RandomOp op, llvm::ArrayRef<mlir::Value> indices);

  const Uniformity &uniformity;
  Cost cost;
  std::vector<std::weak_ptr<Known>> scopes;
  mlir::Value mask; // lanes in which a condition around holds; null: all
};

} // namespace kac
