// The walk over the operations of a function: each in, what it is bound to out.
#include "compiler/passes/LowerBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf;

namespace kac {

Body::Body(OpBuilder &b, KernelFrame &frame, const Uniformity &uniformity)
    : b(b), loc(UnknownLoc::get(b.getContext())), frame(frame), uniformity(uniformity) {}

/// What is made on demand holds the scope that holds it.
Body::~Body() {
  for (const std::weak_ptr<Known> &each : scopes)
    if (KnownPtr scope = each.lock())
      auto released = std::move(scope->things);
}

SmallVector<Thing> Body::lower(func::FuncOp function, ArrayRef<Thing> arguments) {
  loc = function.getLoc();
  return evaluate(function.getBody().front(), nullptr, arguments);
}

/// What is known in `block` before its first operation.
KnownPtr Body::open(Block &block, KnownPtr parent, ArrayRef<Thing> arguments) {
  auto scope = std::make_shared<Known>();
  scopes.push_back(scope);
  scope->parent = std::move(parent);
  for (auto [argument, thing] : llvm::zip(block.getArguments(), arguments))
    scope->things[argument] = thing;
  return scope;
}

SmallVector<Thing> Body::evaluate(Block &block, KnownPtr parent, ArrayRef<Thing> arguments) {
  KnownPtr scope = open(block, std::move(parent), arguments);
  for (Operation &op : block.without_terminator())
    visit(&op, scope);
  SmallVector<Thing> yielded;
  for (Value operand : block.getTerminator()->getOperands())
    yielded.push_back(look(operand, scope));
  return yielded;
}

Thing Body::look(Value value, const KnownPtr &scope) {
  for (const Known *at = scope.get(); at; at = at->parent.get())
    if (auto found = at->things.find(value); found != at->things.end())
      return found->second;
  llvm_unreachable("a value that no scope knows");
}

void Body::bind(Value value, Thing thing, const KnownPtr &scope) {
  if (thing.scalar && uniformity.varies(value))
    thing.scalar = vary(thing.scalar);
  else if (thing.array && thing.array->at && (cost.isSmall(value) || cost.isStored(value)))
    thing = cost.isSmall(value) || Cost::hasEffects(value.getDefiningOp()) || !cost.isWalked(value)
                ? keep(thing, value)
                : defer(thing, value);
  scope->things[value] = std::move(thing);
}

/// A value that changes nothing and can be moved is seen again by the clean-up passes; here each is made where it
/// stands.
void Body::visit(Operation *op, const KnownPtr &scope) {
  Location outside = loc;
  loc = op->getLoc();
  if (op->hasTrait<ir::ElementwiseShapes>() || isa<ir::StopOp>(op)) {
    SmallVector<Thing> operands;
    for (Value operand : op->getOperands())
      operands.push_back(look(operand, scope));
    Value result = op->getResult(0);
    bind(result, elementwiseArray(op, operands, shapeOf(result.getType())), scope);
    loc = outside;
    return;
  }
  TypeSwitch<Operation *>(op)
      .Case([&](arith::ConstantOp constant) {
        scope->things[constant] = Thing(arith::ConstantOp::create(b, loc, constant.getValue()).getResult());
      })
      .Case([&](ir::ParticlesOp particles) { scope->things[particles] = Thing(frame.particles); })
      .Case([&](ir::InputOp input) {
        Type type = elementOf(input.getType());
        Thing memory =
            view(frame.input(input.getInput()), shapeOf(input.getType()), type.isInteger(1) ? b.getI8Type() : type);
        bind(input, memory.array->shape.empty() ? Thing(load(*memory.array)) : memory, scope);
      })
      .Case([&](ir::ParticlesOp particles) { scope->things[particles] = Thing(frame.particles); })
      .Case([&](ir::ExtractOp extractOp) { bind(extractOp, extract(extractOp, scope), scope); })
      .Case([&](ir::InsertOp insertOp) { bind(insertOp, insert(insertOp, scope), scope); })
      .Case([&](ir::StackOp stackOp) {
        std::vector<Thing> parts;
        bool varies = uniformity.varies(stackOp.getResult());
        for (Value operand : stackOp.getOperands()) {
          parts.push_back(look(operand, scope));
          if (parts.back().scalar && varies)
            parts.back().scalar = vary(parts.back().scalar);
        }
        bind(stackOp, list(std::move(parts), shapeOf(stackOp.getType())), scope);
      })
      .Case([&](ir::RepeatOp repeatOp) {
        Thing operand = look(repeatOp.getOperand(), scope);
        bind(repeatOp, repeat(operand, shapeOf(repeatOp.getOperand().getType()).size(), shapeOf(repeatOp.getType())),
             scope);
      })
      .Case([&](ir::ConcatOp concatOp) {
        int64_t split = shapeOf(concatOp.getLhs().getType()).back();
        bind(concatOp,
             concat(look(concatOp.getLhs(), scope), look(concatOp.getRhs(), scope), split, shapeOf(concatOp.getType())),
             scope);
      })
      .Case([&](ir::WholeOp wholeOp) { bind(wholeOp, whole(wholeOp, scope), scope); })
      .Case([&](ir::BuildOp buildOp) { buildAll(buildOp, scope); })
      .Case([&](ir::ReduceOp reduceOp) {
        if (!scope->things.contains(reduceOp))
          reduce(reduceOp, scope);
      })
      .Case([&](ir::IfOp ifOp) { branch(ifOp, scope); })
      .Case([&](ir::LoopOp loopOp) { loop(loopOp, scope); })
      .Case([&](ir::RandomOp randomOp) {
        SmallVector<Value> indices;
        for (Value index : randomOp.getIndices())
          indices.push_back(scalar(index, scope));
        bind(randomOp, random(randomOp, indices), scope);
      })
      .Case([&](ir::RequireOp requireOp) { require(scalar(requireOp.getCondition(), scope)); })
      .Case([&](ir::WeighOp weighOp) {
        Value value = vary(scalar(weighOp.getValue(), scope));
        Type type = VectorType::get(frame.lanes, b.getF64Type());
        if (value.getType() != type)
          value = arith::ExtFOp::create(b, loc, type, value);
        Value old = LLVM::LoadOp::create(b, loc, type, frame.weight);
        Value sum = arith::AddFOp::create(b, loc, old, value);
        LLVM::StoreOp::create(b, loc, mask ? select(mask, sum, old) : sum, frame.weight);
      })
      .Default([&](Operation *other) {
        other->emitError("lower: no way to lower ") << other->getName();
        for (Value result : other->getResults()) { // the pass goes on to its end, where it fails
          Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(elementOf(result.getType())));
          scope->things[result] = repeat(zero, 0, shapeOf(result.getType()));
        }
      });
  loc = outside;
}

} // namespace kac
