// Numbers that remember how they were computed: arithmetic goes in, derivatives of any order come out.
#pragma once

#include <array>
#include <functional>
#include <vector>

namespace kac {
struct Expr;
}

namespace kac::oracle {

/// A value and, where it depends on a variable, its place in the trace.
struct Number {
  double value = 0;
  int node = -1;
  bool active() const { return node >= 0; }
};

/// The arithmetic done since it was last cut. A derivative is computed by arithmetic on numbers of the same trace, so
/// derivatives nest: each is again a number that remembers.
class Trace {
public:
  /// The derivative of a primitive by one argument, as the model states it; sets `zero` where it states none.
  using PrimitiveDerivative =
      std::function<Number(const Expr &, int which, const std::array<Number, 3> &args, bool &zero)>;
  explicit Trace(PrimitiveDerivative derivative) : primitiveDerivative(std::move(derivative)) {}

  Number add(Number a, Number b) { return record(Rule::Add, a.value + b.value, a, b); }
  Number subtract(Number a, Number b) { return record(Rule::Subtract, a.value - b.value, a, b); }
  Number multiply(Number a, Number b) { return record(Rule::Multiply, a.value * b.value, a, b); }
  Number divide(Number a, Number b) { return record(Rule::Divide, a.value / b.value, a, b); }
  Number power(Number a, Number b);
  Number negate(Number a) { return record(Rule::Negate, -a.value, a, {}); }
  Number primitive(const Expr &e, double value, const std::array<Number, 3> &args);

  /// The number as a variable of its own, that derivatives are taken by.
  Number variable(Number a);

  /// For each output, its derivative as the variables move along the directions.
  std::vector<Number> along(const std::vector<Number> &outputs, const std::vector<Number> &variables,
                            const std::vector<Number> &directions);
  /// The derivatives of one output by each variable.
  std::vector<Number> gradient(Number output, const std::vector<Number> &variables);

  size_t size() const { return steps.size(); }
  /// Forgets all after `size`; no number made since may be used as active.
  void cut(size_t size) { steps.resize(size); }

private:
  enum class Rule { Copy, Add, Subtract, Multiply, Divide, Power, Negate, Primitive };
  struct Step {
    Rule rule;
    double value;
    std::array<Number, 3> args;
    const Expr *primitive;
  };
  std::vector<Step> steps;
  PrimitiveDerivative primitiveDerivative;

  Number record(Rule rule, double value, Number a, Number b);
  Number partial(const Step &step, int node, int which, bool &zero);
  std::vector<bool> needed(const std::vector<Number> &outputs, int lowest, int highest) const;
};

} // namespace kac::oracle
