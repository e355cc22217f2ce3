// Functions of the checked model in, func.func out: the statements. Expressions are in ImportExpression.cpp.
#include "compiler/ImportFunction.h"

using namespace mlir;

namespace kac {

Location locationOf(Span span, MLIRContext *context) {
  if (!span.source)
    return UnknownLoc::get(context);
  Position position = span.source->position(span.begin);
  return FileLineColLoc::get(context, span.source->name(), position.line, position.column);
}

mlir::Type valueType(const Type &type, MLIRContext *context) {
  mlir::Type element =
      type.isFloat() ? mlir::Type(Float64Type::get(context)) : IntegerType::get(context, type.isBool() ? 1 : 32);
  SmallVector<int64_t> shape;
  for (int64_t extent : type.shape)
    shape.push_back(extent == kParticles ? ShapedType::kDynamic : extent);
  return ir::typeOf(element, shape);
}

static void flattenInto(const Type &type, MLIRContext *context, SmallVector<mlir::Type> &types) {
  if (!type.isTuple)
    return types.push_back(valueType(type, context));
  for (const Component &component : type.components)
    flattenInto(component.type, context, types);
}

SmallVector<mlir::Type> flatten(const Type &type, MLIRContext *context) {
  SmallVector<mlir::Type> types;
  flattenInto(type, context, types);
  return types;
}

// --- what a piece of the model assigns, and what it derives by ---

namespace {

struct Uses {
  std::set<int> assigned, variables;
};

/// Walks without recursion: expressions may be thousands of terms deep.
void collect(std::vector<const Block *> blocks, std::vector<const Expr *> exprs, Uses &uses) {
  auto addBlock = [&](const std::shared_ptr<const Block> &block) {
    if (block)
      blocks.push_back(block.get());
  };
  auto addExpr = [&](const ExprPtr &expr) {
    if (expr)
      exprs.push_back(expr.get());
  };
  while (!blocks.empty() || !exprs.empty()) {
    if (!exprs.empty()) {
      const Expr *expr = exprs.back();
      exprs.pop_back();
      if (expr->op == Op::Grad || expr->op == Op::Jvp || expr->op == Op::Divergence || expr->op == Op::Laplacian)
        uses.variables.insert(expr->slot);
      llvm::for_each(expr->args, addExpr);
      addBlock(expr->body);
      addBlock(expr->otherwise);
      continue;
    }
    const Block *block = blocks.back();
    blocks.pop_back();
    addExpr(block->result);
    for (const Statement &statement : block->statements) {
      if (statement.kind == Statement::Kind::Assign || statement.kind == Statement::Kind::AssignElement)
        uses.assigned.insert(statement.slot);
      for (const ExprPtr *expr : {&statement.value, &statement.second, &statement.condition})
        addExpr(*expr);
      llvm::for_each(statement.indices, addExpr);
      addBlock(statement.body);
      addBlock(statement.otherwise);
    }
  }
}

} // namespace

FunctionImport::FunctionImport(const Model &model, const Function &function, ModuleOp module)
    : model(model), function(function), module(module), builder(module.getContext()),
      at(locationOf(function.span, module.getContext())), slots(function.slots.size()) {
  Uses uses;
  collect({&function.body}, {}, uses);
  variables = std::move(uses.variables);
}

LogicalResult FunctionImport::run() {
  MLIRContext *context = module.getContext();
  SmallVector<mlir::Type> parameters, results = flatten(function.result, context);
  SmallVector<Location> places;
  for (int slot : function.parameters) {
    flattenInto(function.slots[slot].type, context, parameters);
    places.resize(parameters.size(), NameLoc::get(builder.getStringAttr(function.slots[slot].name), at));
  }
  builder.setInsertionPointToEnd(module.getBody());
  auto op = func::FuncOp::create(builder, at, function.name, builder.getFunctionType(parameters, results));
  op.setPrivate();
  auto set = [&](StringRef name, const std::string &text) {
    if (!text.empty())
      op->setAttr(name, builder.getStringAttr(text));
  };
  set("kac.kind", function.kind);
  set("kac.field", function.field);
  set("kac.structure", function.structure);
  set("kac.text", function.text);
  if (function.when)
    op->setAttr("kac.when", FlatSymbolRefAttr::get(context, function.when->name));
  SmallVector<Attribute> alternatives;
  for (const Function *alternative : function.alternatives)
    alternatives.push_back(FlatSymbolRefAttr::get(context, alternative->name));
  if (!alternatives.empty())
    op->setAttr("kac.alternatives", builder.getArrayAttr(alternatives));

  mlir::Block *entry = &op.getBody().emplaceBlock();
  entry->addArguments(parameters, places);
  builder.setInsertionPointToStart(entry);
  hold(function.parameters, entry->getArguments());
  Values result = block(function.body);
  func::ReturnOp::create(builder, at, result);
  return success(!failed);
}

FunctionImport::Values FunctionImport::fail(Span span, const Twine &text, const Type &type) {
  if (!failed)
    emitError(locationOf(span, module.getContext())) << "import of '" << function.name << "': " << text;
  failed = true;
  Values values;
  for (mlir::Type part : flatten(type, module.getContext()))
    values.push_back(zero(part));
  return values;
}

mlir::Block *FunctionImport::openBlock(Region &region, TypeRange types) {
  mlir::Block *block = &region.emplaceBlock();
  block->addArguments(types, SmallVector<Location>(types.size(), at));
  builder.setInsertionPointToEnd(block);
  return block;
}

// --- slots ---

void FunctionImport::assign(int slot, ValueRange values) {
  Values held;
  for (Value value : values) {
    bool isVariable = variables.count(slot) && isa<FloatType>(ir::elementOf(value.getType()));
    held.push_back(isVariable ? Value(ir::VariableOp::create(builder, at, value)) : value);
  }
  slots[slot] = std::move(held);
}

std::vector<int> FunctionImport::carriedBy(std::initializer_list<const Block *> blocks, const Expr *expression) {
  Uses uses;
  std::vector<const Block *> present;
  llvm::copy_if(blocks, std::back_inserter(present), [](const Block *block) { return block; });
  std::vector<const Expr *> exprs;
  if (expression)
    exprs.push_back(expression);
  collect(std::move(present), std::move(exprs), uses);
  std::vector<int> carried;
  for (int slot : uses.assigned)
    if (slots[slot])
      carried.push_back(slot);
  return carried;
}

FunctionImport::Values FunctionImport::held(ArrayRef<int> carried) {
  Values values;
  for (int slot : carried)
    llvm::append_range(values, *slots[slot]);
  return values;
}

void FunctionImport::hold(ArrayRef<int> carried, ValueRange values) {
  for (int slot : carried) {
    size_t count = flatten(function.slots[slot].type, module.getContext()).size();
    assign(slot, values.take_front(count));
    values = values.drop_front(count);
  }
}

// --- statements ---

FunctionImport::Values FunctionImport::block(const Block &block) {
  for (const Statement &each : block.statements)
    statement(each);
  return block.result ? value(*block.result) : Values();
}

void FunctionImport::statement(const Statement &statement) {
  Location before = at;
  at = locationOf(statement.span, module.getContext());
  switch (statement.kind) {
  case Statement::Kind::Assign: {
    const Slot &slot = function.slots[statement.slot];
    Values parts = value(*statement.value);
    if (parts.size() != flatten(slot.type, module.getContext()).size())
      parts = fail(statement.span, "'" + slot.name + "' has type " + printType(slot.type), slot.type);
    assign(statement.slot, parts);
    break;
  }
  case Statement::Kind::AssignElement:
    assignElement(statement);
    break;
  case Statement::Kind::For:
    loop(statement);
    break;
  case Statement::Kind::If:
    branch(statement.span, *statement.condition, statement.body.get(), statement.otherwise.get(), {});
    break;
  case Statement::Kind::Weigh:
    ir::WeighOp::create(builder, at, scalar(*statement.value));
    break;
  case Statement::Kind::Require:
    ir::RequireOp::create(builder, at, scalar(*statement.condition), builder.getStringAttr(statement.text));
    break;
  }
  at = before;
}

void FunctionImport::assignElement(const Statement &statement) {
  Values indices;
  for (const ExprPtr &index : statement.indices)
    indices.push_back(scalar(*index));
  Values parts = value(*statement.value), replaced;
  if (!slots[statement.slot] || slots[statement.slot]->size() != parts.size()) {
    fail(statement.span, "an element of '" + function.slots[statement.slot].name + "' is assigned before the array",
         {});
    return;
  }
  for (auto [array, part] : llvm::zip(*slots[statement.slot], parts))
    replaced.push_back(ir::InsertOp::create(builder, at, part, array, indices));
  assign(statement.slot, replaced);
}

void FunctionImport::loop(const Statement &statement) {
  Value lower = scalar(*statement.value), upper = scalar(*statement.second);
  std::vector<int> carried = carriedBy({statement.body.get()}, statement.condition.get());
  std::erase(carried, statement.slot);
  Values inits = held(carried);
  auto op = ir::LoopOp::create(builder, at, TypeRange(ValueRange(inits)), lower, upper, inits);
  SmallVector<mlir::Type> types{builder.getI32Type()};
  llvm::append_range(types, ValueRange(inits).getTypes());

  Environment before = slots;
  OpBuilder::InsertionGuard guard(builder);
  auto enter = [&](Region &region) {
    slots = before;
    mlir::Block *block = openBlock(region, types);
    assign(statement.slot, block->getArgument(0));
    hold(carried, block->getArguments().drop_front());
  };
  if (statement.condition) {
    enter(op.getCondition());
    ir::YieldOp::create(builder, at, scalar(*statement.condition));
  }
  enter(op.getBody());
  block(*statement.body);
  ir::YieldOp::create(builder, at, held(carried));
  slots = std::move(before);
  builder.setInsertionPointAfter(op);
  hold(carried, op.getResults());
}

FunctionImport::Values FunctionImport::branch(Span span, const Expr &condition, const Block *onTrue,
                                              const Block *onFalse, ArrayRef<mlir::Type> types) {
  Value chosen = scalar(condition);
  at = locationOf(span, module.getContext());
  std::vector<int> carried = carriedBy({onTrue, onFalse});
  SmallVector<mlir::Type> results(types);
  llvm::append_range(results, ValueRange(held(carried)).getTypes());
  auto op = ir::IfOp::create(builder, at, results, chosen);

  Environment before = slots;
  {
    OpBuilder::InsertionGuard guard(builder);
    for (auto [region, body] : {std::pair(&op.getOnTrue(), onTrue), std::pair(&op.getOnFalse(), onFalse)}) {
      slots = before;
      openBlock(*region, {});
      Values yielded;
      if (body)
        yielded = block(*body);
      if (types.empty())
        yielded.clear();
      llvm::append_range(yielded, held(carried));
      ir::YieldOp::create(builder, at, yielded);
    }
  }
  slots = std::move(before);
  hold(carried, op.getResults().drop_front(types.size()));
  return Values(op.getResults().take_front(types.size()));
}

} // namespace kac
