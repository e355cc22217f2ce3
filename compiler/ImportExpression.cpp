// Expressions of the checked model in, operations out, part by part of a tuple.
#include "compiler/ImportFunction.h"

using namespace mlir;

namespace kac {

FunctionImport::Values FunctionImport::value(const Expr &expr) {
  Location before = at;
  at = locationOf(expr.span, module.getContext());
  if (isa<UnknownLoc>(at))
    at = before;
  auto dispatch = [&]() -> Values {
    switch (expr.op) {
    case Op::Number:
      return number(expr);
    case Op::Local:
      return local(expr);
    case Op::Input:
      return input(expr);
    case Op::Particles:
      return {ir::ParticlesOp::create(builder, at, builder.getI32Type())};
    case Op::Call:
      return call(expr);
    case Op::Whole:
      return whole(expr);
    case Op::Random:
      return random(expr);
    case Op::Stack:
      return stack(expr);
    case Op::Concat:
      return concat(expr);
    case Op::Index:
      return index(expr);
    case Op::Build:
      return build(expr);
    case Op::Reduce:
      return reduce(expr);
    case Op::If:
      return branch(expr.span, *expr.args[0], expr.body.get(), expr.otherwise.get(),
                    flatten(expr.type, module.getContext()));
    case Op::Do:
      return block(*expr.body);
    case Op::Missing: {
      Values parts;
      for (mlir::Type type : flatten(expr.type, module.getContext()))
        parts.push_back(ir::MissingOp::create(builder, at, type, expr.name));
      return parts;
    }
    case Op::Tuple: {
      Values parts;
      for (const ExprPtr &arg : expr.args)
        llvm::append_range(parts, value(*arg));
      return parts;
    }
    case Op::Part: {
      Values whole = value(*expr.args[0]);
      size_t first = 0, count = flatten(expr.type, module.getContext()).size();
      for (int64_t i = 0; i < expr.index; ++i)
        first += flatten(expr.args[0]->type.components[i].type, module.getContext()).size();
      return Values(ArrayRef<Value>(whole).slice(first, count));
    }
    case Op::Grad:
    case Op::Jvp:
    case Op::Divergence:
    case Op::Laplacian:
      return derivative(expr);
    default:
      return elementwise(expr);
    }
  };
  Values values = dispatch();
  at = before;
  if (values.size() != flatten(expr.type, module.getContext()).size())
    return fail(expr.span, "a value of type " + printType(expr.type) + " has the wrong number of parts", expr.type);
  return values;
}

Value FunctionImport::scalar(const Expr &expr) {
  Values values = value(expr);
  if (values.size() == 1 && ir::shapeOf(values[0].getType()).empty())
    return values[0];
  return fail(expr.span, "a scalar is needed, not " + printType(expr.type), realType())[0];
}

FunctionImport::Values FunctionImport::local(const Expr &expr) {
  if (!slots[expr.slot])
    return fail(expr.span, "'" + function.slots[expr.slot].name + "' is read before it is assigned", expr.type);
  return *slots[expr.slot];
}

Value FunctionImport::repeat(Value value, mlir::Type type) {
  return value.getType() == type ? value : Value(ir::RepeatOp::create(builder, at, type, value));
}

Value FunctionImport::zero(mlir::Type type) {
  return repeat(arith::ConstantOp::create(builder, at, builder.getZeroAttr(ir::elementOf(type))), type);
}

FunctionImport::Values FunctionImport::number(const Expr &expr) {
  mlir::Type type = valueType(expr.type, module.getContext()), element = ir::elementOf(type);
  TypedAttr literal = isa<FloatType>(element)
                          ? TypedAttr(builder.getFloatAttr(element, expr.number))
                          : TypedAttr(builder.getIntegerAttr(element, static_cast<int64_t>(expr.number)));
  return {repeat(arith::ConstantOp::create(builder, at, literal), type)};
}

FunctionImport::Values FunctionImport::input(const Expr &expr) {
  const Input &input = model.inputs[expr.index];
  return {ir::InputOp::create(builder, at, valueType(input.type, module.getContext()), input.name)};
}

FunctionImport::Values FunctionImport::call(const Expr &expr) {
  Values operands;
  for (const ExprPtr &arg : expr.args)
    llvm::append_range(operands, value(*arg));
  auto op = func::CallOp::create(builder, at, expr.function->name, flatten(expr.function->result, module.getContext()),
                                 operands);
  return Values(op.getResults());
}

// --- elementwise ---

/// The operation of an elementwise expression; null for what is none of these.
static const char *elementwiseName(Op op) {
  switch (op) {
  case Op::Add:
    return "kac.add";
  case Op::Sub:
    return "kac.sub";
  case Op::Mul:
    return "kac.mul";
  case Op::Div:
    return "kac.div";
  case Op::Pow:
    return "kac.pow";
  case Op::Neg:
    return "kac.neg";
  case Op::Remainder:
    return "kac.remainder";
  case Op::And:
    return "kac.and";
  case Op::Or:
    return "kac.or";
  case Op::Not:
    return "kac.not";
  case Op::Select:
    return "kac.select";
  case Op::Cast:
    return "kac.cast";
  default:
    return nullptr;
  }
}

ArrayAttr FunctionImport::derivativesOf(const Expr &expr) {
  if (expr.derivatives.empty())
    return {};
  SmallVector<Attribute> symbols;
  for (const Function *derivative : expr.derivatives)
    symbols.push_back(derivative ? Attribute(FlatSymbolRefAttr::get(module.getContext(), derivative->name))
                                 : builder.getUnitAttr());
  return builder.getArrayAttr(symbols);
}

/// The operation of `expr` on one part of its operands, to `type`.
Value FunctionImport::operation(const Expr &expr, mlir::Type type, ValueRange operands) {
  switch (expr.op) {
  case Op::Equal:
    return ir::CompareOp::create(builder, at, type, "eq", operands[0], operands[1]);
  case Op::NotEqual:
    return ir::CompareOp::create(builder, at, type, "ne", operands[0], operands[1]);
  case Op::Less:
    return ir::CompareOp::create(builder, at, type, "lt", operands[0], operands[1]);
  case Op::LessEqual:
    return ir::CompareOp::create(builder, at, type, "le", operands[0], operands[1]);
  case Op::Primitive:
    return ir::PrimitiveOp::create(builder, at, type, expr.name, operands, derivativesOf(expr));
  default: {
    OperationState state(at, elementwiseName(expr.op), operands, type);
    return builder.create(state)->getResult(0);
  }
  }
}

/// Repeat, stop and whatever else acts on each part of a tuple alone. Chains of binary operations, which may be
/// thousands of terms long, are walked from their leftmost operand.
FunctionImport::Values FunctionImport::elementwise(const Expr &last) {
  auto isBinary = [](const Expr &expr) {
    return expr.args.size() == 2 && expr.op != Op::Primitive && elementwiseName(expr.op);
  };
  std::vector<const Expr *> chain{&last};
  while (isBinary(*chain.back()) && isBinary(*chain.back()->args[0]))
    chain.push_back(chain.back()->args[0].get());
  Values result;
  for (const Expr *expr : llvm::reverse(chain)) {
    at = locationOf(expr->span, module.getContext());
    SmallVector<Values> operands;
    for (const ExprPtr &arg : expr->args)
      operands.push_back(expr != chain.back() && arg == expr->args[0] && operands.empty() ? result : value(*arg));
    at = locationOf(expr->span, module.getContext());
    result.clear();
    for (auto [i, type] : llvm::enumerate(flatten(expr->type, module.getContext()))) {
      Values parts;
      ArrayRef<int64_t> longest;
      for (const Values &operand : operands) {
        if (operand.size() != 1 && operand.size() <= i)
          return fail(expr->span, "operands have different numbers of parts", last.type);
        parts.push_back(operand.size() == 1 ? operand[0] : operand[i]);
        if (ir::shapeOf(parts.back().getType()).size() > longest.size())
          longest = ir::shapeOf(parts.back().getType());
      }
      if (expr->op == Op::Repeat)
        result.push_back(repeat(parts[0], type));
      else if (expr->op == Op::Stop)
        result.push_back(ir::StopOp::create(builder, at, parts[0]));
      else
        result.push_back(repeat(operation(*expr, ir::typeOf(ir::elementOf(type), longest), parts), type));
    }
  }
  return result;
}

// --- arrays ---

FunctionImport::Values FunctionImport::whole(const Expr &expr) {
  Values operands;
  for (const ExprPtr &arg : expr.args)
    llvm::append_range(operands, value(*arg));
  return {ir::WholeOp::create(builder, at, valueType(expr.type, module.getContext()), expr.name, operands)};
}

FunctionImport::Values FunctionImport::random(const Expr &expr) {
  Values indices;
  for (const ExprPtr &arg : expr.args)
    indices.push_back(scalar(*arg));
  return {ir::RandomOp::create(builder, at, builder.getF64Type(), expr.name, expr.index, indices, expr.extents)};
}

FunctionImport::Values FunctionImport::stack(const Expr &expr) {
  SmallVector<Values> operands;
  for (const ExprPtr &arg : expr.args)
    operands.push_back(value(*arg));
  Values result;
  for (auto [i, type] : llvm::enumerate(flatten(expr.type, module.getContext()))) {
    Values parts;
    for (const Values &operand : operands) {
      if (operand.size() <= i)
        return fail(expr.span, "elements have different numbers of parts", expr.type);
      parts.push_back(operand[i]);
    }
    result.push_back(ir::StackOp::create(builder, at, type, parts));
  }
  return result;
}

FunctionImport::Values FunctionImport::concat(const Expr &expr) {
  Values lhs = value(*expr.args[0]), rhs = value(*expr.args[1]), result;
  for (auto [l, r, type] : llvm::zip(lhs, rhs, flatten(expr.type, module.getContext())))
    result.push_back(ir::ConcatOp::create(builder, at, type, l, r));
  return result;
}

FunctionImport::Values FunctionImport::index(const Expr &expr) {
  Values arrays = value(*expr.args[0]), indices, result;
  for (size_t i = 1; i < expr.args.size(); ++i)
    indices.push_back(scalar(*expr.args[i]));
  for (auto [array, type] : llvm::zip(arrays, flatten(expr.type, module.getContext())))
    result.push_back(ir::ExtractOp::create(builder, at, type, array, indices, expr.inRange));
  return result;
}

FunctionImport::Values FunctionImport::build(const Expr &expr) {
  auto op = ir::BuildOp::create(builder, at, flatten(expr.type, module.getContext()), expr.extents);
  Environment before = slots;
  OpBuilder::InsertionGuard guard(builder);
  mlir::Block *body = openBlock(op.getBody(), SmallVector<mlir::Type>(expr.slots.size(), builder.getI32Type()));
  hold(expr.slots, body->getArguments());
  ir::YieldOp::create(builder, at, block(*expr.body));
  slots = std::move(before);
  return Values(op.getResults());
}

FunctionImport::Values FunctionImport::reduce(const Expr &expr) {
  Value lower = scalar(*expr.args[0]), upper = scalar(*expr.args[1]);
  Values result;
  Environment before = slots;
  // A reduction has one result: a tuple is reduced by several.
  for (auto [i, type] : llvm::enumerate(flatten(expr.type, module.getContext()))) {
    auto op = ir::ReduceOp::create(builder, at, type, expr.name, lower, upper);
    OpBuilder::InsertionGuard guard(builder);
    hold(expr.slots, openBlock(op.getBody(), builder.getI32Type())->getArguments());
    Values yielded;
    Value filter = expr.args.size() > 2 && expr.args[2] ? scalar(*expr.args[2]) : Value();
    Values parts = block(*expr.body);
    if (parts.size() <= i)
      return fail(expr.span, "the body has too few parts", expr.type);
    yielded.push_back(parts[i]);
    if (filter)
      yielded.push_back(filter);
    ir::YieldOp::create(builder, at, yielded);
    slots = before;
    result.push_back(op);
  }
  return result;
}

// --- derivatives ---

FunctionImport::Values FunctionImport::derivative(const Expr &expr) {
  if (!slots[expr.slot])
    return fail(expr.span, "'" + function.slots[expr.slot].name + "' is read before it is assigned", expr.type);
  // The parts of the slot that the path leads to.
  const Type *type = &function.slots[expr.slot].type;
  size_t first = 0;
  for (int component : expr.path) {
    for (int i = 0; i < component; ++i)
      first += flatten(type->components[i].type, module.getContext()).size();
    type = &type->components[component].type;
  }
  Values by(ArrayRef<Value>(*slots[expr.slot]).slice(first, flatten(*type, module.getContext()).size()));
  auto isReal = [](Value value) { return isa<FloatType>(ir::elementOf(value.getType())); };
  if (llvm::none_of(by, isReal))
    return fail(expr.span, "a derivative by a value of type " + printType(*type), expr.type);

  Values of = value(*expr.args[0]), along, result;
  if (expr.op == Op::Jvp)
    along = value(*expr.args[1]);
  SmallVector<mlir::Type> types = flatten(expr.type, module.getContext());
  auto add = [&](Value sum, Value term) -> Value {
    return sum ? Value(ir::AddOp::create(builder, at, term.getType(), sum, term)) : term;
  };
  switch (expr.op) {
  case Op::Grad:
    for (auto [variable, part] : llvm::zip(by, types))
      result.push_back(isReal(variable) ? Value(ir::GradOp::create(builder, at, of[0], variable)) : zero(part));
    return result;
  case Op::Jvp:
    if (along.size() != by.size())
      return fail(expr.span, "the direction has other parts than the variable", expr.type);
    for (Value part : of) {
      Value sum;
      for (auto [variable, direction] : llvm::zip(by, along))
        if (isReal(part) && isReal(variable))
          sum = add(sum, ir::JvpOp::create(builder, at, part, variable, repeat(direction, variable.getType())));
      result.push_back(sum ? sum : zero(part.getType()));
    }
    return result;
  case Op::Divergence: {
    if (of.size() != by.size())
      return fail(expr.span, "the field has other parts than the variable", expr.type);
    Value sum;
    for (auto [part, variable] : llvm::zip(of, by))
      if (isReal(variable))
        sum = add(sum, ir::DivergenceOp::create(builder, at, builder.getF64Type(), part, variable));
    return {sum};
  }
  default: {
    Value sum;
    for (Value variable : by)
      if (isReal(variable))
        sum = add(sum, ir::LaplacianOp::create(builder, at, builder.getF64Type(), of[0], variable));
    return {sum};
  }
  }
}

} // namespace kac
