// An input of a narrow type in; what its values must hold to, to be checked when a run is created, out.
#include "dsl/Elaborate.h"

namespace kac::checking {

/// Each share of a simplex is not negative, and they add up to 1 but for what single precision takes from them.
constexpr double kSimplexTolerance = 1e-5;

void Elaborator::demandType(const ExprPtr &input, const std::string &name) {
  const Type &type = input->type;
  const Span span = input->span;
  auto everywhere = [&](ExprPtr holds) {
    if (holds->type.isScalar())
      return holds;
    auto all = std::make_shared<Expr>(*make(Op::Whole, boolType(), {holds}, span));
    all->name = "kac.all";
    return ExprPtr(all);
  };
  auto both = [&](const ExprPtr &a, const ExprPtr &b) { return make(Op::And, boolType(), {a, b}, span); };
  auto atLeast = [&](double least, const ExprPtr &e, Type of) {
    return everywhere(compare("<=", number(least, std::move(of), span), e, span));
  };
  auto atMost = [&](const ExprPtr &e, double most, Type of) {
    return everywhere(compare("<=", e, number(most, std::move(of), span), span));
  };
  auto condition = [&]() -> ExprPtr {
    if (type.scalar == Scalar::Positive)
      return everywhere(compare("<", number(0, realType(), span), input, span));
    if (type.scalar == Scalar::Token)
      return both(atLeast(0, input, intType()), atMost(input, static_cast<double>(type.letters - 1), intType()));
    std::vector<int64_t> rows(type.shape.begin(), type.shape.end() - 1);
    ExprPtr sums = build(rows, span, [&](const std::vector<ExprPtr> &is) -> ExprPtr {
      auto sum = std::make_shared<Expr>(*make(Op::Whole, realType(), {index(input, is, span)}, span));
      sum->name = "kac.sum";
      return sum;
    });
    ExprPtr whole =
        both(atLeast(1 - kSimplexTolerance, sums, realType()), atMost(sums, 1 + kSimplexTolerance, realType()));
    ExprPtr shares = atLeast(0, input, realType());
    if (type.scalar == Scalar::Onehot)
      shares = everywhere(compare("==", input, arithmetic(Op::Mul, input, input, span), span));
    return both(shares, whole);
  };
  bool narrow = type.scalar == Scalar::Positive || type.scalar == Scalar::Token || type.scalar == Scalar::Simplex ||
                type.scalar == Scalar::Onehot;
  if (!narrow)
    return;
  Value holds = detached([&] { return Value::of(condition()); }, name + ".type");
  require(holds.run, "E0405", name, "`" + name + "` is a " + printType(type) + ": the value given is none", span);
}

} // namespace kac::checking
