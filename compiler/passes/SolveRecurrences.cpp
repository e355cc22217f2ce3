// Loops in whose carried values have a closed form in, reductions out: sums, extremes, and sums that are kept relative
// to a running extreme, s' = s exp(u - u') + exp(v - u'). The last telescopes: where u ends at U, s ends at the sum of
// exp(v - U). A reduction is differentiated without a memory of its turns, and its turns may go in any order.
#include "compiler/passes/Arithmetic.h"
#include "compiler/passes/HoistUniform.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

#include <limits>

using namespace mlir;
using kac::ir::elementOf, kac::ir::shapeOf;

namespace kac {

#define GEN_PASS_DEF_SOLVERECURRENCES
#include "compiler/passes/Passes.h.inc"

namespace {

/// Conditions with what they are taken to be.
using Truth = SmallVector<std::pair<Value, bool>>;

/// The value, where these conditions hold.
Value resolve(Value value, const Truth &truth) {
  for (;;) {
    auto choice = choiceOf(value);
    const auto *known =
        choice ? llvm::find_if(truth, [&](auto &each) { return each.first == choice->condition; }) : truth.end();
    if (known == truth.end())
      return value;
    value = known->second ? choice->onTrue : choice->onFalse;
  }
}

/// `element`, of the turns that pass the filter; the last of them that counts is the least or greatest.
struct Extreme {
  StringRef name;
  Value element;
  Truth filter;
  bool stopped = false;
  bool keepsNaN = false; // else an element that is NaN does not count
};

/// sign * factor * exp(exponent - level); a null factor is 1, a null exponent 0 and without level.
struct Term {
  bool negative;
  Value factor, exponent;
  bool operator==(const Term &other) const {
    return negative == other.negative && factor == other.factor && exponent == other.exponent;
  }
};

/// What a turn adds: the sum of terms, or one of two such.
struct Added {
  SmallVector<Term> terms;
  Value condition;
  std::vector<Added> branches; // where the condition holds, and where not
  bool operator==(const Added &other) const {
    return terms == other.terms && condition == other.condition && branches == other.branches;
  }
};

/// s' = s * factors + terms, or terms alone.
struct Linear {
  bool carries = false;
  SmallVector<Value> factors;
  SmallVector<std::pair<bool, Value>> terms; // negative or not
};

class Recurrences {
public:
  explicit Recurrences(ir::LoopOp loop) : loop(loop), body(loop.getBody().front()), count(loop.getNumResults()) {}

  /// Whether the loop has been replaced.
  bool solve();

private:
  Value carried(unsigned i) const { return body.getArgument(i + 1); }
  Value next(unsigned i) const { return body.getTerminator()->getOperand(i); }
  bool isFree(Value value) const { return !reached.contains(value); }

  void spread(Block &block, const DenseSet<Value> &seeds, DenseSet<Value> &marked);
  bool findExtreme(unsigned i, Value value, Extreme &found);
  std::optional<Linear> linear(unsigned i, Value value);
  std::optional<Added> added(unsigned i, Value value, Truth truth);
  bool findLevel(unsigned i, Value value);
  std::optional<unsigned> levelOf(unsigned i, Value factor, Value &after);
  std::optional<Term> term(std::pair<bool, Value> summand, Value after);

  Value copy(OpBuilder &b, IRMapping &map, Value value);
  Value holds(Arithmetic &e, IRMapping &map, const Truth &filter);
  Value emitExtreme(Arithmetic &e, unsigned i, Value &elements, Value &counted);
  Value emitAdded(Arithmetic &e, IRMapping &map, const Added &added, Value level, Type type);

  ir::LoopOp loop;
  Block &body;
  unsigned count;
  ir::Range turns{0, 0};
  SmallVector<DenseSet<Value>> reach; // by each carried value
  DenseSet<Value> reached;            // by any
  SmallVector<std::optional<Extreme>> extremes;
  SmallVector<std::optional<Added>> sums;
  SmallVector<std::optional<unsigned>> levels;
  ir::PrimitiveOp exponential; // some one of the loop
};

} // namespace

/// Marks what the seeds reach. Of an if, only the results that they do.
void Recurrences::spread(Block &block, const DenseSet<Value> &seeds, DenseSet<Value> &marked) {
  for (Operation &op : block) {
    auto isMarked = [&](Value value) { return marked.contains(value) || seeds.contains(value); };
    if (auto branch = dyn_cast<ir::IfOp>(op)) {
      for (Region &region : branch->getRegions()) {
        spread(region.front(), seeds, marked);
        for (auto [result, yielded] : llvm::zip(branch.getResults(), region.front().getTerminator()->getOperands()))
          if (isMarked(yielded) || isMarked(branch.getCondition()))
            marked.insert(result);
      }
      continue;
    }
    bool uses = llvm::any_of(op.getOperands(), isMarked);
    op.walk([&](Operation *inner) { uses = uses || llvm::any_of(inner->getOperands(), isMarked); });
    if (uses)
      marked.insert(op.result_begin(), op.result_end());
  }
}

/// `value` is the carried value or the greater (lesser) of it and an element.
bool Recurrences::findExtreme(unsigned i, Value value, Extreme &found) {
  if (value == carried(i))
    return true;
  if (auto stop = value.getDefiningOp<ir::StopOp>()) {
    found.stopped = true;
    return findExtreme(i, stop.getOperand(), found);
  }
  auto choice = choiceOf(value);
  if (!choice || found.element)
    return false;
  auto [condition, onTrue, onFalse] = *choice;
  if (isFree(condition)) {
    bool first = onFalse == carried(i);
    if (!first && onTrue != carried(i))
      return false;
    found.filter.push_back({condition, first});
    return findExtreme(i, first ? onTrue : onFalse, found);
  }
  if (onFalse != carried(i) || !isFree(onTrue))
    return false;
  if (auto either = condition.getDefiningOp<ir::OrOp>()) {
    auto isNaN = either.getRhs().getDefiningOp<ir::CompareOp>();
    if (!isNaN || isNaN.getPredicate() != "ne" || isNaN.getLhs() != onTrue || isNaN.getRhs() != onTrue)
      return false;
    found.keepsNaN = true;
    condition = either.getLhs();
  }
  auto compare = condition.getDefiningOp<ir::CompareOp>();
  if (!compare || compare.getPredicate() != "lt") // of equal ones the first counts
    return false;
  bool rises = compare.getLhs() == carried(i) && compare.getRhs() == onTrue;
  if (!rises && (compare.getLhs() != onTrue || compare.getRhs() != carried(i)))
    return false;
  found.name = rises ? "kac.largest" : "kac.smallest";
  found.element = onTrue;
  return true;
}

std::optional<Linear> Recurrences::linear(unsigned i, Value value) {
  if (value == carried(i))
    return Linear{true, {}, {}};
  if (!reach[i].contains(value))
    return Linear{false, {}, {{false, value}}};
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<ir::AddOp, ir::SubOp, ir::MulOp>(op))
    return std::nullopt;
  auto left = linear(i, op->getOperand(0)), right = linear(i, op->getOperand(1));
  if (!left || !right || (left->carries && right->carries))
    return std::nullopt;
  if (isa<ir::MulOp>(op)) {
    Linear &kept = left->carries ? *left : *right;
    if (kept.terms.size() > 0 || !kept.carries)
      return std::nullopt;
    kept.factors.push_back(op->getOperand(left->carries ? 1 : 0));
    return kept;
  }
  bool minus = isa<ir::SubOp>(op);
  if (minus && right->carries)
    return std::nullopt;
  for (auto &[negative, summand] : right->terms)
    left->terms.push_back({negative != minus, summand});
  left->carries |= right->carries;
  llvm::append_range(left->factors, right->factors);
  return left;
}

/// The operand of an exponential.
static ir::SubOp exponentOf(Value value) {
  auto exp = value.getDefiningOp<ir::PrimitiveOp>();
  return exp && exp.getName() == "math.exp" ? exp.getOperands()[0].getDefiningOp<ir::SubOp>() : ir::SubOp();
}

/// The carried u of a factor exp(u - after).
std::optional<unsigned> Recurrences::levelOf(unsigned i, Value factor, Value &after) {
  ir::SubOp exponent = exponentOf(factor);
  for (unsigned k = 0; exponent && k < count; ++k)
    if (k != i && exponent.getLhs() == carried(k) && extremes[k]) {
      after = exponent.getRhs();
      return k;
    }
  return std::nullopt;
}

/// Sets the level of sum i to that of a factor found in `value`; false where there are two.
bool Recurrences::findLevel(unsigned i, Value value) {
  if (auto choice = choiceOf(value))
    return findLevel(i, choice->onTrue) && findLevel(i, choice->onFalse);
  auto form = linear(i, value);
  if (!form)
    return false;
  for (Value factor : form->factors) {
    Value after;
    auto level = levelOf(i, factor, after);
    if (!level || (levels[i] && *levels[i] != *level))
      return false;
    levels[i] = level;
    exponential = factor.getDefiningOp<ir::PrimitiveOp>();
  }
  return form->factors.size() <= 1;
}

/// A summand as f exp(v - after) with f and v free of what is carried.
std::optional<Term> Recurrences::term(std::pair<bool, Value> summand, Value after) {
  auto [negative, value] = summand;
  Value factor;
  if (auto product = value.getDefiningOp<ir::MulOp>(); product && !isFree(value)) {
    bool first = isFree(product.getLhs());
    factor = first ? product.getLhs() : product.getRhs();
    value = first ? product.getRhs() : product.getLhs();
    if (!isFree(factor))
      return std::nullopt;
  }
  if (ir::SubOp exponent = exponentOf(value); exponent && exponent.getRhs() == after && isFree(exponent.getLhs()))
    return Term{negative, factor, exponent.getLhs()};
  if (!factor && constantOf(value) == 1.0 && isFree(after))
    return Term{negative, {}, after};
  return std::nullopt;
}

/// What the turn adds to carried value i where it becomes `value` and these conditions hold.
std::optional<Added> Recurrences::added(unsigned i, Value value, Truth truth) {
  value = resolve(value, truth);
  if (auto choice = choiceOf(value); choice && reach[i].contains(value)) {
    Added both;
    both.condition = choice->condition;
    for (bool holds : {true, false}) {
      truth.push_back({choice->condition, holds});
      auto one = added(i, value, truth);
      truth.pop_back();
      if (!one)
        return std::nullopt;
      both.branches.push_back(std::move(*one));
    }
    if (isFree(choice->condition))
      return both;
    return both.branches[0] == both.branches[1] ? std::optional(both.branches[0]) : std::nullopt;
  }
  auto form = linear(i, value);
  if (!form || !form->carries || form->factors.size() > 1)
    return std::nullopt;
  Added result;
  if (!levels[i]) {
    for (auto [negative, summand] : form->terms) {
      if (!isFree(summand))
        return std::nullopt;
      result.terms.push_back({negative, summand, {}});
    }
    return result;
  }
  Value after = carried(*levels[i]);
  if (!form->factors.empty() && !levelOf(i, form->factors[0], after))
    return std::nullopt;
  if (resolve(next(*levels[i]), truth) != after)
    return std::nullopt;
  for (auto summand : form->terms) {
    auto one = term(summand, after);
    if (!one)
      return std::nullopt;
    result.terms.push_back(*one);
  }
  return result;
}

/// `value` where the mapping leads, with what it is made of.
Value Recurrences::copy(OpBuilder &b, IRMapping &map, Value value) {
  if (Value known = map.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (!op || !loop->isProperAncestor(op))
    return value;
  SetVector<Value> used(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  for (Value each : used)
    copy(b, map, each);
  Operation *made = b.clone(*op, map);
  return made->getResult(cast<OpResult>(value).getResultNumber());
}

/// Whether all of the conditions are as they are taken; null where there is none.
Value Recurrences::holds(Arithmetic &e, IRMapping &map, const Truth &filter) {
  Value all;
  for (auto [condition, taken] : filter) {
    Value one = copy(e.b, map, condition);
    if (!taken)
      one = ir::NotOp::create(e.b, e.loc, one.getType(), one);
    all = all ? ir::AndOp::create(e.b, e.loc, one.getType(), all, one).getResult() : one;
  }
  return all;
}

/// The extreme; its elements, and those of them that count.
Value Recurrences::emitExtreme(Arithmetic &e, unsigned i, Value &elements, Value &counted) {
  const Extreme &extreme = *extremes[i];
  double infinity = std::numeric_limits<double>::infinity(),
         none = ir::extremeOf(extreme.name) > 0 ? -infinity : infinity;
  SmallVector<int64_t> extents(1, turns.high - turns.low);
  auto over = [&](llvm::function_ref<Value(IRMapping &)> element) {
    return e.build(extents, e.b.getF64Type(), [&](ValueRange indices) {
      IRMapping map;
      map.map(body.getArgument(0), e.addIndex(e.integer(turns.low), indices[0]));
      return element(map);
    });
  };
  elements = over([&](IRMapping &map) { return copy(e.b, map, extreme.element); });
  counted = elements;
  Truth filter;
  for (auto each : extreme.filter) { // an element that is not `none` says nothing new
    auto compare = each.first.getDefiningOp<ir::CompareOp>();
    if (!each.second || !compare || compare.getPredicate() != "ne" || compare.getLhs() != extreme.element ||
        constantOf(compare.getRhs()) != none)
      filter.push_back(each);
  }
  if (!filter.empty() || !extreme.keepsNaN)
    counted = over([&](IRMapping &map) {
      Value turn = e.subIndex(map.lookup(body.getArgument(0)), e.integer(turns.low));
      Value element = e.extract(elements, turn, 1);
      map.map(extreme.element, element);
      Value condition = holds(e, map, filter);
      if (!extreme.keepsNaN) {
        Value isNumber = ir::CompareOp::create(e.b, e.loc, e.b.getI1Type(), "le", element, element);
        condition =
            condition ? ir::AndOp::create(e.b, e.loc, e.b.getI1Type(), condition, isNumber).getResult() : isNumber;
      }
      return e.select(condition, element, e.real(none));
    });
  Value result = ir::WholeOp::create(e.b, e.loc, e.b.getF64Type(), extreme.name, counted);
  if (Value first = loop.getInits()[i]; constantOf(first) != none) {
    Value further = e.compare("lt", ir::extremeOf(extreme.name) > 0 ? first : result,
                              ir::extremeOf(extreme.name) > 0 ? result : first);
    Value isNaN = e.compare("ne", result, result);
    further = ir::OrOp::create(e.b, e.loc, further.getType(), further, isNaN);
    result = e.select(further, result, first);
  }
  return extreme.stopped ? ir::StopOp::create(e.b, e.loc, result).getResult() : result;
}

/// Null where nothing is added.
Value Recurrences::emitAdded(Arithmetic &e, IRMapping &map, const Added &added, Value level, Type type) {
  if (added.condition) {
    Value condition = copy(e.b, map, added.condition);
    auto branch = ir::IfOp::create(e.b, e.loc, TypeRange{type}, condition);
    for (unsigned i = 0; i < 2; ++i) {
      OpBuilder::InsertionGuard guard(e.b);
      e.b.createBlock(&branch->getRegion(i));
      IRMapping inside = map;
      Value value = emitAdded(e, inside, added.branches[i], level, type);
      ir::YieldOp::create(e.b, e.loc, e.fill(value, type));
    }
    return branch.getResult(0);
  }
  Value total;
  for (const Term &term : added.terms) {
    Value value = term.factor ? copy(e.b, map, term.factor) : Value();
    if (term.exponent) {
      Value exponent = e.sub(copy(e.b, map, term.exponent), level);
      IRMapping one;
      one.map(exponential.getOperands()[0], exponent);
      Value exp = e.b.clone(*exponential.getOperation(), one)->getResult(0);
      value = value ? e.mul(value, exp) : exp;
    }
    total = term.negative ? e.sub(total, value) : e.add(total, value);
  }
  return total;
}

bool Recurrences::solve() {
  ir::Range lower = ir::rangeOf(loop.getLower()), upper = ir::rangeOf(loop.getUpper());
  // The elements of an extreme are kept: of very many turns a loop is the better way.
  bool fixed =
      lower.low == lower.high && upper.low == upper.high && lower.low < upper.low && upper.low - lower.low <= 1 << 16;
  if (!fixed || !loop.getCondition().empty() || count == 0 || !isMovable(loop) || !isMemoryEffectFree(loop))
    return false;
  turns = {lower.low, upper.low};
  for (unsigned i = 0; i < count; ++i) {
    reach.emplace_back();
    spread(body, {carried(i)}, reach.back());
    reached.insert(carried(i));
    reached.insert(reach.back().begin(), reach.back().end());
  }
  extremes.resize(count);
  sums.resize(count);
  levels.resize(count);
  for (unsigned i = 0; i < count; ++i) {
    Extreme found;
    bool stopsFirst = !constantOf(loop.getInits()[i]);
    if (loop.getResult(i).getType().isF64() && findExtreme(i, next(i), found) && found.element &&
        !(found.stopped && stopsFirst))
      extremes[i] = std::move(found);
  }
  for (unsigned i = 0; i < count; ++i) {
    if (extremes[i])
      continue;
    if (!elementOf(loop.getResult(i).getType()).isF64() || !findLevel(i, next(i)))
      return false;
    sums[i] = added(i, next(i), {});
    if (!sums[i])
      return false;
  }
  OpBuilder b(loop);
  Arithmetic e(b, loop.getLoc());
  SmallVector<Value> results(count), elements(count), counted(count);
  for (unsigned i = 0; i < count; ++i)
    if (extremes[i])
      results[i] = emitExtreme(e, i, elements[i], counted[i]);
  for (unsigned i = 0; i < count; ++i) {
    if (extremes[i])
      continue;
    Value level = levels[i] ? results[*levels[i]] : Value(), first = loop.getInits()[i];
    Type type = loop.getResult(i).getType();
    auto reduce = ir::ReduceOp::create(b, e.loc, type, "kac.sum", e.integer(turns.low), e.integer(turns.high));
    {
      OpBuilder::InsertionGuard guard(b);
      Block *block = b.createBlock(&reduce.getBody(), {}, {b.getI32Type()}, {e.loc});
      IRMapping map;
      map.map(body.getArgument(0), block->getArgument(0));
      for (unsigned k = 0; k < count; ++k)
        if (extremes[k])
          map.map(extremes[k]->element,
                  e.extract(elements[k], e.subIndex(block->getArgument(0), e.integer(turns.low)), 1));
      ir::YieldOp::create(b, e.loc, e.fill(emitAdded(e, map, *sums[i], level, type), type));
    }
    if (levels[i] && constantOf(first) != 0.0) {
      IRMapping one;
      one.map(exponential.getOperands()[0], e.sub(loop.getInits()[*levels[i]], level));
      first = e.mul(first, b.clone(*exponential.getOperation(), one)->getResult(0));
    }
    results[i] = e.add(first, reduce.getResult());
  }
  // The extreme passes over what is not a number.
  for (unsigned i = 0; i < count; ++i) {
    if (!extremes[i] || !extremes[i]->keepsNaN)
      continue;
    Value isNaN = ir::WholeOp::create(b, e.loc, b.getI1Type(), "kac.any", e.compare("ne", counted[i], counted[i]));
    results[i] = e.select(isNaN, e.real(std::numeric_limits<double>::quiet_NaN()), results[i]);
  }
  loop.replaceAllUsesWith(results);
  loop.erase();
  return true;
}

namespace {
struct SolveRecurrencesPass : impl::SolveRecurrencesBase<SolveRecurrencesPass> {
  void runOnOperation() override {
    SmallVector<ir::LoopOp> loops; // inner ones first
    getOperation()->walk([&](ir::LoopOp loop) { loops.push_back(loop); });
    for (ir::LoopOp loop : loops)
      Recurrences(loop).solve();
  }
};
} // namespace

} // namespace kac
