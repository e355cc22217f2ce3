// The evaluator behind Interpret.h: an environment of values, and one case for each operation.
#include "tests/derive/Interpret.h"

#include "compiler/dialect/Kac.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSwitch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

using namespace mlir;
using namespace kac::ir;

namespace kac::interpret {

namespace {

using Environment = llvm::DenseMap<Value, Array>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

int64_t count(ArrayRef<int64_t> shape) {
  int64_t n = 1;
  for (int64_t extent : shape)
    n *= extent;
  return n;
}

double digamma(double x) {
  double sum = 0;
  for (; x < 10; ++x)
    sum -= 1 / x;
  double y = 1 / (x * x);
  return sum + std::log(x) - 0.5 / x - y * (1. / 12 - y * (1. / 120 - y * (1. / 252 - y * (1. / 240 - y / 132))));
}

double trigamma(double x) {
  double sum = 0;
  for (; x < 10; ++x)
    sum += 1 / (x * x);
  double y = 1 / (x * x);
  return sum + 1 / x + y / 2 + y / x * (1. / 6 - y * (1. / 30 - y * (1. / 42 - y * (1. / 30 - y * 5. / 66))));
}

double primitive(StringRef name, const std::vector<double> &x) {
  using Function = double (*)(double);
  Function f = llvm::StringSwitch<Function>(name)
                   .Case("math.exp", std::exp)
                   .Case("math.log", std::log)
                   .Case("math.sqrt", std::sqrt)
                   .Case("math.sin", std::sin)
                   .Case("math.cos", std::cos)
                   .Case("math.tanh", std::tanh)
                   .Case("math.acos", std::acos)
                   .Case("math.erf", std::erf)
                   .Case("math.absf", std::fabs)
                   .Case("math.floor", std::floor)
                   .Case("kac.lgamma", std::lgamma)
                   .Case("kac.digamma", digamma)
                   .Case("kac.trigamma", trigamma)
                   .Default(nullptr);
  if (f)
    return f(x[0]);
  if (name == "kac.quotient")
    return std::floor(x[0] / x[1]);
  throw std::runtime_error("unknown primitive " + name.str());
}

/// Adds `x` to a running reduction.
double accumulate(StringRef name, double total, double x) {
  if (name == "kac.sum" || name == "kac.mean")
    return total + x;
  if (name == "kac.product")
    return total * x;
  if (name == "kac.max")
    return std::isnan(x) || std::isnan(total) ? NAN : std::max(total, x);
  if (name == "kac.min")
    return std::isnan(x) || std::isnan(total) ? NAN : std::min(total, x);
  if (name == "kac.largest")
    return std::fmax(total, x);
  if (name == "kac.smallest")
    return std::fmin(total, x);
  if (name == "kac.any")
    return total != 0 || x != 0;
  if (name == "kac.all")
    return total != 0 && x != 0;
  throw std::runtime_error("unknown reduction " + name.str());
}

double neutral(StringRef name) {
  return llvm::StringSwitch<double>(name)
      .Cases({"kac.product", "kac.all"}, 1)
      .Cases({"kac.max", "kac.largest"}, -kInfinity)
      .Cases({"kac.min", "kac.smallest"}, kInfinity)
      .Default(0);
}

class Evaluation {
public:
  Evaluation(ModuleOp module, Interpreter &owner) : module(module), owner(owner) {}

  Arrays call(func::FuncOp function, const Arrays &arguments) {
    Environment environment;
    return run(function.getBody().front(), arguments, environment);
  }

private:
  const Array &at(Environment &environment, Value value) {
    auto found = environment.find(value);
    if (found == environment.end())
      throw std::runtime_error("a value is used before it is made");
    return found->second;
  }

  std::vector<int64_t> shapeFor(Type type) {
    std::vector<int64_t> shape(shapeOf(type).begin(), shapeOf(type).end());
    for (int64_t &extent : shape)
      extent = ShapedType::isDynamic(extent) ? owner.particles : extent;
    return shape;
  }

  /// The operands of the terminator, after all before it.
  Arrays run(Block &block, const Arrays &arguments, Environment &environment) {
    if (arguments.size() != block.getNumArguments())
      throw std::runtime_error("wrong number of arguments");
    for (auto [argument, value] : llvm::zip(block.getArguments(), arguments))
      environment[argument] = value;
    for (Operation &op : block.without_terminator())
      visit(&op, environment);
    Arrays results;
    for (Value operand : block.getTerminator()->getOperands())
      results.push_back(at(environment, operand));
    return results;
  }

  void visit(Operation *op, Environment &environment) {
    Arrays operands;
    for (Value operand : op->getOperands())
      operands.push_back(at(environment, operand));
    Arrays results = evaluate(op, operands, environment);
    for (auto [result, value] : llvm::zip(op->getResults(), results)) {
      if (value.shape != shapeFor(result.getType()))
        throw std::runtime_error("a result of " + op->getName().getStringRef().str() +
                                 " has another shape than its type");
      owner.work += int64_t(value.data.size());
      environment[result] = value;
    }
  }

  static double elementwise(Operation *op, const std::vector<double> &x) {
    if (isa<AddOp>(op))
      return x[0] + x[1];
    if (isa<SubOp>(op))
      return x[0] - x[1];
    if (isa<MulOp>(op))
      return x[0] * x[1];
    if (isa<DivOp>(op))
      return x[0] / x[1];
    if (isa<PowOp>(op))
      return std::pow(x[0], x[1]);
    if (isa<RemainderOp>(op))
      return x[0] - x[1] * std::floor(x[0] / x[1]);
    if (isa<AndOp>(op))
      return x[0] != 0 && x[1] != 0;
    if (isa<OrOp>(op))
      return x[0] != 0 || x[1] != 0;
    if (isa<NegOp>(op))
      return -x[0];
    if (isa<NotOp>(op))
      return x[0] == 0;
    if (isa<CastOp, VariableOp, StopOp>(op))
      return x[0];
    if (isa<SelectOp>(op))
      return x[0] != 0 ? x[1] : x[2];
    if (auto compare = dyn_cast<CompareOp>(op)) {
      StringRef p = compare.getPredicate();
      return p == "eq" ? x[0] == x[1] : p == "ne" ? x[0] != x[1] : p == "lt" ? x[0] < x[1] : x[0] <= x[1];
    }
    if (auto named = dyn_cast<PrimitiveOp>(op))
      return primitive(named.getName(), x);
    throw std::runtime_error("cannot interpret " + op->getName().getStringRef().str());
  }

  Arrays evaluate(Operation *op, const Arrays &operands, Environment &environment) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return {fromAttribute(constant.getValue(), constant.getType())};
    if (auto input = dyn_cast<InputOp>(op)) {
      auto found = owner.inputs.find(input.getInput().str());
      if (found != owner.inputs.end())
        return {found->second};
      auto declared = module.lookupSymbol<DeclareInputOp>(input.getInput());
      return {fromAttribute(declared.getValue(), declared.getType())};
    }
    if (auto callOp = dyn_cast<func::CallOp>(op)) {
      auto callee = module.lookupSymbol<func::FuncOp>(callOp.getCallee());
      if (!callee || callee.isExternal())
        throw std::runtime_error("no function " + callOp.getCallee().str());
      return call(callee, operands);
    }
    if (isa<BuildOp, ReduceOp, IfOp, LoopOp>(op))
      return regions(op, operands, environment);
    if (isa<RandomOp, WeighOp, RequireOp>(op))
      return effects(op, operands);
    if (auto whole = dyn_cast<WholeOp>(op))
      return {evaluateWhole(whole, operands)};
    if (isa<StackOp, RepeatOp, ConcatOp, ExtractOp, InsertOp>(op))
      return {arrays(op, operands)};
    Array result(shapeFor(op->getResult(0).getType()), {});
    std::vector<double> x(operands.size());
    for (int64_t i = 0, n = count(result.shape); i < n; ++i) {
      for (size_t k = 0; k < operands.size(); ++k)
        x[k] = operands[k].data[i % operands[k].data.size()];
      result.data.push_back(elementwise(op, x));
    }
    return {result};
  }

  Array fromAttribute(Attribute attribute, Type type) {
    Array array(shapeFor(type), {});
    auto number = [](Attribute element) {
      if (auto real = dyn_cast<FloatAttr>(element))
        return real.getValueAsDouble();
      auto integer = cast<IntegerAttr>(element);
      return integer.getType().isInteger(1) ? double(integer.getValue().getZExtValue()) : double(integer.getInt());
    };
    if (auto dense = dyn_cast<DenseElementsAttr>(attribute))
      for (Attribute element : dense.getValues<Attribute>())
        array.data.push_back(number(element));
    else
      array.data.push_back(number(attribute));
    return array;
  }

  /// The offset of array[indices] and the number of elements there; -1 outside.
  static std::pair<int64_t, int64_t> place(const Array &array, const Arrays &indices) {
    int64_t offset = 0, size = int64_t(array.data.size());
    for (size_t k = 0; k < indices.size(); ++k) {
      int64_t i = int64_t(indices[k].scalar()), extent = array.shape[k];
      if (i < 0 || i >= extent)
        return {-1, 0};
      size /= extent;
      offset += i * size;
    }
    return {offset, size};
  }

  Array arrays(Operation *op, const Arrays &operands) {
    Array result(shapeFor(op->getResult(0).getType()), {});
    int64_t n = count(result.shape);
    if (isa<StackOp>(op)) {
      for (const Array &operand : operands)
        result.data.insert(result.data.end(), operand.data.begin(), operand.data.end());
    } else if (isa<RepeatOp>(op)) {
      for (int64_t i = 0; i < n; ++i)
        result.data.push_back(operands[0].data[i % operands[0].data.size()]);
    } else if (isa<ConcatOp>(op)) {
      int64_t a = operands[0].shape.back(), b = operands[1].shape.back();
      for (int64_t row = 0; row < n / (a + b); ++row) {
        result.data.insert(result.data.end(), operands[0].data.begin() + row * a,
                           operands[0].data.begin() + (row + 1) * a);
        result.data.insert(result.data.end(), operands[1].data.begin() + row * b,
                           operands[1].data.begin() + (row + 1) * b);
      }
    } else if (isa<ExtractOp>(op)) {
      auto [offset, size] = place(operands[0], Arrays(operands.begin() + 1, operands.end()));
      result.data.assign(n, NAN);
      if (offset >= 0)
        std::copy_n(operands[0].data.begin() + offset, size, result.data.begin());
    } else {
      auto [offset, size] = place(operands[1], Arrays(operands.begin() + 2, operands.end()));
      result.data = operands[1].data;
      if (offset >= 0)
        std::copy_n(operands[0].data.begin(), size, result.data.begin() + offset);
    }
    return result;
  }

  Array evaluateWhole(WholeOp op, const Arrays &operands) {
    StringRef name = op.getName();
    const std::vector<double> &x = operands[0].data;
    if (name == "kac.argmax")
      return double(std::max_element(x.begin(), x.end()) - x.begin());
    if (name == "kac.cumsum" || name == "kac.sort") {
      Array result = operands[0];
      if (name == "kac.sort")
        std::sort(result.data.begin(), result.data.end());
      else
        for (size_t i = 1; i < x.size(); ++i)
          result.data[i] += result.data[i - 1];
      return result;
    }
    if (name == "kac.search") {
      Array result(operands[1].shape, {});
      for (double u : operands[1].data) {
        auto found = std::find_if(x.begin(), x.end(), [&](double c) { return c > u; });
        result.data.push_back(double(std::min<int64_t>(found - x.begin(), int64_t(x.size()) - 1)));
      }
      return result;
    }
    double total = neutral(name);
    for (double element : x)
      total = accumulate(name, total, element);
    return name == "kac.mean" ? total / double(x.size()) : total;
  }

  Arrays regions(Operation *op, const Arrays &operands, Environment &environment) {
    if (auto branch = dyn_cast<IfOp>(op))
      return run((operands[0].scalar() != 0 ? branch.getOnTrue() : branch.getOnFalse()).front(), {}, environment);
    if (auto build = dyn_cast<BuildOp>(op)) {
      std::vector<int64_t> extents(build.getExtents().begin(), build.getExtents().end());
      for (int64_t &extent : extents)
        extent = extent < 0 ? owner.particles : extent;
      Arrays results;
      for (Value result : op->getResults())
        results.push_back({shapeFor(result.getType()), {}});
      for (int64_t i = 0, n = count(extents); i < n; ++i) {
        Arrays indices(extents.size());
        for (int64_t k = int64_t(extents.size()) - 1, rest = i; k >= 0; rest /= extents[k], --k)
          indices[k] = double(rest % extents[k]);
        Arrays yields = run(build.getBody().front(), indices, environment);
        for (size_t k = 0; k < results.size(); ++k)
          results[k].data.insert(results[k].data.end(), yields[k].data.begin(), yields[k].data.end());
      }
      return results;
    }
    int64_t lower = int64_t(operands[0].scalar()), upper = int64_t(operands[1].scalar());
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      Array total(shapeFor(reduce.getType()), {});
      total.data.assign(count(total.shape), neutral(reduce.getName()));
      int64_t taken = 0;
      for (int64_t i = lower; i < upper; ++i) {
        Arrays yields = run(reduce.getBody().front(), {double(i)}, environment);
        if (yields.size() == 2 && yields[1].scalar() == 0)
          continue;
        ++taken;
        for (size_t k = 0; k < total.data.size(); ++k)
          total.data[k] = accumulate(reduce.getName(), total.data[k], yields[0].data[k]);
      }
      if (reduce.getName() == "kac.mean")
        for (double &x : total.data)
          x /= double(taken);
      return {total};
    }
    auto loop = cast<LoopOp>(op);
    Arrays carried(operands.begin() + 2, operands.end());
    for (int64_t i = lower; i < upper; ++i) {
      Arrays arguments{double(i)};
      arguments.insert(arguments.end(), carried.begin(), carried.end());
      if (!loop.getCondition().empty() && run(loop.getCondition().front(), arguments, environment)[0].scalar() == 0)
        break;
      carried = run(loop.getBody().front(), arguments, environment);
    }
    return carried;
  }

  Arrays effects(Operation *op, const Arrays &operands) {
    if (auto random = dyn_cast<RandomOp>(op)) {
      int64_t index = 0;
      for (auto [k, extent] : llvm::enumerate(random.getExtents()))
        index = index * extent + int64_t(operands[k].scalar());
      if (owner.random)
        return {owner.random(random.getName(), int64_t(random.getSite()), index)};
      return {random.getName() == "kac.uniform" ? 0.5 : 0.0};
    }
    if (isa<WeighOp>(op))
      owner.logWeight += operands[0].scalar();
    else
      owner.required = owner.required && operands[0].scalar() != 0;
    return {};
  }

  ModuleOp module;
  Interpreter &owner;
};

} // namespace

Arrays Interpreter::call(StringRef function, const Arrays &arguments) {
  auto found = module.lookupSymbol<func::FuncOp>(function);
  if (!found || found.isExternal())
    throw std::runtime_error("no function " + function.str());
  return Evaluation(module, *this).call(found, arguments);
}

} // namespace kac::interpret
