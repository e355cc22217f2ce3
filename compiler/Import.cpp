// A checked model in, a module out: inputs, functions, samplers, tests. Functions are in ImportFunction.cpp.
#include "compiler/Import.h"
#include "compiler/ImportFunction.h"

#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace kac {

/// The default or the contents of an input; null where their number is wrong.
static TypedAttr valuesOf(const Input &input, mlir::Type type, Builder &builder) {
  mlir::Type element = ir::elementOf(type);
  SmallVector<Attribute> numbers;
  auto tensor = dyn_cast<RankedTensorType>(type);
  size_t count = tensor ? (tensor.hasStaticShape() ? tensor.getNumElements() : 0) : 1;
  if (input.values.size() != count && (input.values.size() != 1 || count == 0))
    return {};
  auto integers = [&](auto kind) {
    return SmallVector<decltype(kind)>(llvm::map_range(input.values, [](double x) { return decltype(kind)(x); }));
  };
  if (!tensor)
    return isa<FloatType>(element) ? TypedAttr(builder.getFloatAttr(element, input.values[0]))
                                   : builder.getIntegerAttr(element, int64_t(input.values[0]));
  if (isa<FloatType>(element))
    return DenseElementsAttr::get(tensor, ArrayRef<double>(input.values));
  return element.isInteger(1) ? DenseElementsAttr::get(tensor, ArrayRef<bool>(integers(bool())))
                              : DenseElementsAttr::get(tensor, ArrayRef<int32_t>(integers(int32_t())));
}

static LogicalResult importInput(const Input &input, OpBuilder &builder) {
  Location at = locationOf(input.span, builder.getContext());
  mlir::Type type = valueType(input.type, builder.getContext());
  TypedAttr values = input.type.isTuple ? TypedAttr() : valuesOf(input, type, builder);
  if (!values)
    return emitError(at) << "import of input '" << input.name << "': its values do not fill " << printType(input.type);
  ir::DeclareInputOp::create(builder, at, input.name, type, input.kind == Input::Kind::Data, values);
  return success();
}

/// What the parts of a result are called: `x`, or `x.name` for those of a tuple.
static void namesOf(const Type &type, const std::string &name, SmallVector<std::string> &names) {
  if (!type.isTuple)
    return names.push_back(name);
  for (const auto &[i, component] : llvm::enumerate(type.components))
    namesOf(component.type, name + "." + (component.name.empty() ? std::to_string(i) : component.name), names);
}

static void importSampler(const Sampler &sampler, OpBuilder &builder) {
  MLIRContext *context = builder.getContext();
  auto symbol = [&](const Function *function) {
    return function ? FlatSymbolRefAttr::get(context, function->name) : FlatSymbolRefAttr();
  };
  auto strings = [&](ArrayRef<std::string> names) {
    SmallVector<StringRef> references(names.begin(), names.end());
    return builder.getStrArrayAttr(references);
  };
  SmallVector<std::string> outputs, monitorNames;
  namesOf(sampler.output->result, "x", outputs);
  SmallVector<Attribute> monitors;
  for (const Monitor &monitor : sampler.monitors) {
    monitors.push_back(symbol(monitor.function));
    monitorNames.push_back(monitor.name);
  }
  auto op = ir::SamplerOp::create(
      builder, locationOf(sampler.span, context), builder.getStringAttr(sampler.name),
      builder.getI64IntegerAttr(sampler.particles), builder.getI64IntegerAttr(sampler.steps),
      sampler.stepsFixed ? builder.getUnitAttr() : UnitAttr(), symbol(sampler.init), symbol(sampler.step),
      symbol(sampler.time), symbol(sampler.resample), symbol(sampler.when), symbol(sampler.output), strings(outputs),
      builder.getArrayAttr(monitors), strings(monitorNames), symbol(sampler.drift), symbol(sampler.rate),
      sampler.weighted ? UnitAttr() : builder.getUnitAttr());
  SmallVector<Attribute> experts;
  for (const Expert &expert : sampler.experts)
    experts.push_back(
        builder.getDictionaryAttr({builder.getNamedAttr("structure", builder.getStringAttr(expert.structure)),
                                   builder.getNamedAttr("power", symbol(expert.power)),
                                   builder.getNamedAttr("place", locationOf(expert.span, context))}));
  if (sampler.followed)
    op->setAttr("kac.followed", symbol(sampler.followed));
  if (!experts.empty())
    op->setAttr("kac.experts", builder.getArrayAttr(experts));
}

OwningOpRef<ModuleOp> importModel(const Model &model, MLIRContext &context) {
  context.loadDialect<ir::KacDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  if (!model.stem.empty())
    module->setSymName(model.stem);
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  for (const Input &input : model.inputs)
    if (failed(importInput(input, builder)))
      return {};
  for (const Sampler &sampler : model.samplers)
    importSampler(sampler, builder);
  for (const Requirement &requirement : model.requires_)
    ir::RequireInputsOp::create(
        builder, locationOf(requirement.span, &context), FlatSymbolRefAttr::get(&context, requirement.function->name),
        requirement.sampler.empty() ? FlatSymbolRefAttr() : FlatSymbolRefAttr::get(&context, requirement.sampler),
        builder.getStringAttr(requirement.code + ": " + requirement.text));
  for (const TestCase &test : model.tests)
    ir::TestOp::create(builder, locationOf(test.span, &context), test.function->name, test.text);
  for (const Function &function : model.functions)
    if (failed(FunctionImport(model, function, *module).run()))
      return {};
  if (failed(verify(*module)))
    return {};
  return module;
}

} // namespace kac
