// The oracle: a slow, plain evaluator of the checked model in double precision. A function of the model and its
// arguments go in, its value and effects come out. It knows nothing of derive nor of any later stage.
#pragma once

#include "dsl/Model.h"
#include "tests/oracle/Philox.h"
#include "tests/oracle/Value.h"

#include <map>
#include <set>

namespace kac::oracle {

/// What a function did besides returning a value.
struct Effects {
  double logWeight = 0;
  bool broken = false; // an index left its array, or a `require` did not hold
  std::string why;
};

class Evaluator {
public:
  explicit Evaluator(const Model &model, int64_t particles = 1);

  /// Replaces the value of a param or data.
  void set(const std::string &input, const std::vector<double> &values);
  /// Which draws a double build would take (true), or those of a single build.
  bool fineDraws = true;
  Address address;
  Effects effects;

  Value call(const Function &function, const std::vector<Value> &args);
  /// The same for a single number, with nothing done besides.
  double real(const Function &function, const std::vector<Value> &args) { return call(function, args).scalar(); }
  /// From now on calls of one function are calls of the other: to judge a drift that derive preferred.
  void substitute(const Function *function, const Function *other) { substitutes[function] = other; }

  int64_t particles() const { return particleCount; }

private:
  struct Frame {
    std::vector<Value> slots;
    const std::set<int> &variables;
  };
  using Numbers = std::array<Number, 3>;

  const Model &model;
  int64_t particleCount;
  Trace trace;
  std::vector<Value> inputs;
  std::map<const Function *, std::set<int>> variablesOf;
  std::map<const Function *, const Function *> substitutes;

  Value evaluate(const Expr &e, Frame &frame);
  Value compute(const Expr &e, Frame &frame);
  bool run(const Block &block, Frame &frame, Value &result);
  void run(const Statement &s, Frame &frame);
  void runLoop(const Statement &s, Frame &frame);
  Value block(const Block &b, Frame &frame);
  void assign(int slot, Value value, Frame &frame);

  Value elementwise(const Expr &e, Frame &frame, const std::function<Number(const Numbers &)> &f);
  Value zip(const std::vector<Value> &args, const std::function<Number(const Numbers &)> &f);
  Value select(const Expr &e, Frame &frame);
  Value random(const Expr &e, Frame &frame);
  Value build(const Expr &e, Frame &frame);
  Value reduce(const Expr &e, Frame &frame);
  Value whole(const std::string &name, const std::vector<Value> &args);
  Number combine(const std::string &name, Number a, Number b);
  Value derivative(const Expr &e, Frame &frame);
  Value tokenDifference(const Expr &e, Frame &frame, const Value &at);

  const std::set<int> &variables(const Function &f);
  Value empty(const Type &type) const;
  bool conforms(const Value &value, const Type &type) const;
  std::vector<int64_t> extents(const std::vector<int64_t> &shape) const;
  void broken(const std::string &why);
  [[noreturn]] void illFormed(const Expr &e, const std::string &why) const;
};

} // namespace kac::oracle
