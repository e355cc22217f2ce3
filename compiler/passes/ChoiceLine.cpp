// The search for a change of the condition, and the numbers of operations.
#include "compiler/passes/ChoiceLine.h"

#include "compiler/passes/Arithmetic.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace mlir;

namespace kac {

std::optional<bool> ChoiceLine::jumps(Value value, Value condition) {
  const double kStep = 0.05;
  auto place = [](double u) { return std::sinh(u); }; // close steps near the start, and far ends
  bool before = at(place(-9), condition) != 0, changes = false;
  for (double u = -9 + kStep; u < 9 && budget > 0; u += kStep) {
    if ((at(place(u), condition) != 0) == before)
      continue;
    double low = place(u - kStep), high = place(u);
    for (int i = 0; i < 50; ++i) {
      double middle = (low + high) / 2;
      ((at(middle, condition) != 0) == before ? low : high) = middle;
    }
    const double a = at(low, value), b = at(high, value);
    before = !before;
    if (budget <= 0 || !std::isfinite(a) || !std::isfinite(b))
      continue;
    if (std::fabs(a - b) > 1e-6 * (1 + std::fabs(a)))
      return true;
    changes = true;
  }
  return changes ? std::optional(false) : std::nullopt;
}

double ChoiceLine::at(double place, Value value) {
  along = place;
  known.clear();
  return number(value);
}

/// In -1 to 1, another one for each text, count and seed.
double ChoiceLine::drawn(StringRef text, size_t count) const {
  uint64_t bits = llvm::xxh3_64bits(text.str() + " " + std::to_string(count) + " " + std::to_string(seed));
  return double(bits >> 11) / double(1ull << 52) - 1;
}

double ChoiceLine::number(Value value) {
  if (auto found = known.find(value); found != known.end())
    return found->second;
  if (--budget <= 0)
    return NAN;
  double result;
  if (auto constant = constantOf(value)) {
    result = *constant;
  } else if (auto choice = choiceOf(value)) {
    result = number(number(choice->condition) != 0 ? choice->onTrue : choice->onFalse);
  } else if (auto made = dyn_cast<OpResult>(value)) {
    result = this->made(made);
  } else {
    size_t count = ends.try_emplace(value.getAsOpaquePointer(), ends.size()).first->second;
    result = 2 * drawn("from", count) + (moving.contains(value) ? along * drawn("towards", count) : 0);
  }
  return known[value] = result;
}

double ChoiceLine::called(func::FuncOp callee, unsigned result, ArrayRef<double> arguments) {
  DenseMap<Value, double> outer;
  std::swap(known, outer);
  for (auto [argument, is] : llvm::zip(callee.getArguments(), arguments))
    known[argument] = is;
  double is = number(callee.getBody().front().getTerminator()->getOperand(result));
  std::swap(known, outer);
  return is;
}

double ChoiceLine::made(OpResult value) {
  Operation *op = value.getDefiningOp();
  SmallVector<double> x;
  for (Value operand : op->getOperands())
    x.push_back(number(operand));
  if (isa<ir::VariableOp, ir::StopOp, ir::CastOp, ir::RepeatOp>(op))
    return x[0];
  if (isa<ir::AddOp>(op))
    return x[0] + x[1];
  if (isa<ir::SubOp>(op))
    return x[0] - x[1];
  if (isa<ir::MulOp>(op))
    return x[0] * x[1];
  if (isa<ir::DivOp>(op))
    return x[0] / x[1];
  if (isa<ir::PowOp>(op))
    return std::pow(x[0], x[1]);
  if (isa<ir::NegOp>(op))
    return -x[0];
  if (isa<ir::NotOp>(op))
    return x[0] == 0;
  if (isa<ir::AndOp>(op))
    return x[0] != 0 && x[1] != 0;
  if (isa<ir::OrOp>(op))
    return x[0] != 0 || x[1] != 0;
  if (auto compare = dyn_cast<ir::CompareOp>(op))
    return llvm::StringSwitch<bool>(compare.getPredicate())
        .Case("lt", x[0] < x[1])
        .Case("le", x[0] <= x[1])
        .Case("eq", x[0] == x[1])
        .Default(x[0] != x[1]);
  if (auto primitive = dyn_cast<ir::PrimitiveOp>(op)) {
    using Function = double (*)(double);
    if (auto f = llvm::StringSwitch<Function>(primitive.getName())
                     .Case("math.exp", std::exp)
                     .Case("math.log", std::log)
                     .Case("math.sqrt", std::sqrt)
                     .Case("math.sin", std::sin)
                     .Case("math.cos", std::cos)
                     .Case("math.tanh", std::tanh)
                     .Case("math.erf", std::erf)
                     .Case("math.absf", std::fabs)
                     .Default(nullptr))
      return f(x[0]);
  }
  if (auto call = dyn_cast<func::CallOp>(op))
    if (auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee()); callee && !callee.isExternal())
      return called(callee, value.getResultNumber(), x);
  SetVector<Value> used;
  getUsedValuesDefinedAbove(op->getRegions(), used);
  for (Value from : used)
    x.push_back(number(from));
  std::string text;
  llvm::raw_string_ostream out(text);
  op->walk([&](Operation *inner) {
    out << inner->getName() << inner->getDiscardableAttrDictionary() << inner->getPropertiesAsAttribute();
  });
  out << value.getResultNumber();
  double sum = 0;
  for (size_t wave = 0; wave < 3; ++wave) {
    double turn = 3 * drawn(text, 1000 * wave);
    for (size_t i = 0; i < x.size(); ++i)
      turn += 2 * drawn(text, 1000 * wave + i + 1) * x[i];
    sum += drawn(text, 3000 + wave) * (std::sin(turn) + turn);
  }
  return sum;
}

} // namespace kac
