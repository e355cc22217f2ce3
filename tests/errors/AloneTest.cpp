// Programs in whose declarations nobody uses go in: what is wrong with any use of them gives its message at the mark,
// and what only some use could break gives none.
#include "dsl/Check.h"

#include <gtest/gtest.h>

using namespace kac;

namespace {

struct Alone {
  const char *name;
  const char *code; // or "" where nothing is wrong
  const char *text;
};

const Alone programs[] = {
    {"SizeOfAFunction", "E0301", "fn f[n](x : real[n]) -> real = «»sum(x) + true\n"},
    {"AxesOfAFunction", "E0301", "fn f[..s](x : real[..s]) -> real = «»sum(x) + true\n"},
    {"TypeOfAFunction", "E0201", "fn f[T](x : T) -> T = x + «»unknown\n"},
    {"UntypedFunction", "E0201", "fn f(x) = x + «»unknown\n"},
    {"FunctionOfADensity", "E0201", "fn f(d : density[real]) -> real = d.logp(1.0) + «»unknown\n"},
    {"FunctionOfAModel", "E0206", "fn f(q : model[real, real], x : real, t : real) = q.law(t).logp(x) + sin(x, «»t)\n"},
    {"FunctionOfDensities", "E0201", "fn f[n](ds : density[real][n]) = sum(d.logp(0.0) for d in ds) + «»unknown\n"},
    {"FunctionOfAFunction", "E0201", "fn f(g : fn(real) -> real) = g(1) + «»unknown\n"},
    {"FieldOfADensity", "E0301", "density d { logp(x : real) = «»x + true }\n"},
    {"ShapesOfAField", "E0304", "density d { logp(x : real[3]) = sum(«»x + [1, 2]) }\n"},
    {"FieldOfATemplate", "E0301", "density d(m : real) { logp(x : real) = «»x + m + true }\n"},
    {"SizeOfATemplate", "E0301", "density d[n](m : real[n]) { logp(x : real[n]) = «»sum(x + m) + true }\n"},
    {"FieldOfATemplateOfALaw", "E0201", "density d[T](base : density[T]) { logp(x : T) = base.logp(x) + «»unknown }\n"},
    {"SamplerTemplate", "E0201",
     "sampler s(p : real) { init() = 0.0; step(x) = «»unknown * x }\nsampler r { steps = 0; init() = 0.0 }\n"},
    {"FieldOfASampler", "E0301", "sampler s { steps = 0; init() = 0.0; own(x : real) = «»x + true }\n"},
    {"FieldAfterWith", "E0301",
     "process ve = variance_exploding(0.1, 10)\nprocess q = ve with score(x : real, t) = «»x + true\n"},
    {"FieldOfOnesOwnKind", "E0301",
     "kind shape[T] { area(x : T) -> real }\nshape square { area(x : real) = «»x + true }\n"},
    {"NumberForAFunction", "E0301", "sampler s { init() = 0.0; «»step = 1000 }\n"},
    {"NearField", "E0204", "sampler s { steps = 0; init() = 0.0; «»partciles = 10 }\n"},
    {"StartWithoutWeight", "E0401",
     "process ve = variance_exploding(0.1, 10)\nmodel q = ve with data = normal(0, 1)\n"
     "density wide() { draw() { z ~ normal(0, 1); 2 * z } }\nsampler s { target = q^2; «»start = wide() }\n"},
    {"StartOfWhichNothingIsKnown", "E0401",
     "process ve = variance_exploding(0.1, 10)\nmodel q = ve with data = normal(0, 1)\n"
     "density near { score(x : real) = -x }\nsampler s { «»target = q * near; drift(x, t) = -x; weights(x, y, t, dt) = "
     "0 * t + x }\n"},
    {"StartWithoutTarget", "",
     "density wide() { draw() { z ~ normal(0, 1); 2 * z } }\nsampler s { start = wide(); step(x) = x }\n"},
    {"KindOfAWord", "E0101", "kind «»param { x : real }\n"},
    {"KindOfAType", "E0203", "«»kind real { x : int }\n"},
    {"KindThatIsNone", "E0201", "kind k = «»normal\n"},
    {"EquationOfAKind", "E0201", "kind k { x : real; y(z : real) = z + x + «»unknown }\n"},
    {"TypeInAKind", "E0201", "kind k { x : «»reals }\n"},
    {"FieldTwice", "E0203", "kind k { x : real; «»x : real }\n"},
    {"ParameterTwice", "E0203", "fn f(x : real, «»x : real) = x\n"},
    {"SizeTwice", "E0203", "kind k[T, «»T] { x : T }\n"},

    {"SizesOfTheCall", "", "kind k { pick(w : real[m]) -> token[m]; first(w : real[m]) -> real = w[pick(w)] }\n"},
    {"FieldsThatFollow", "", "kind k { a : real; b : real; a = 2 * b; b = a / 2 }\nk s { a = 1; a = 3 }\n"},
    {"OnlyOneLength", "", "fn f[n](x : real[n]) = sum(x + [1, 2, 3])\n"},
    {"OnlyEvenLengths", "", "fn f[n](x : real[n]) -> real[n / 5] = x[0..n / 5]\n"},
    {"OnlyLongEnough", "", "fn f[n](x : real[n]) = x[40]\n"},
    {"OnlySquare", "", "fn f[n, m](x : real[n], y : real[m]) = sum(x + y)\n"},
    {"OnlyNumbers", "", "fn f[..s](x : real[..s]) = if x < 0 { -1 } else { 1 }\n"},
    {"OnlyArrays", "", "fn f[..s](x : real[..s]) = x[0]\n"},
    {"OnlyTuples", "", "fn f[T](x : T) -> real = x.velocity\nfn g(x) = x.velocity\n"},
    {"OnlyFunctions", "", "fn twice(f, x) = f(f(x))\nprocess g(alpha, sigma) = gaussian(alpha, sigma)\n"},
    {"OnlyConstants", "",
     "fn f(n : int) -> real[n] = [1.0 * i for i in n]\ndensity d(n : int) { logp(x : real[n]) = 0 }\n"},
    {"OnlyTargets", "", "fn f(target : density[real], t : real) = target.diffusion(t)\n"},
    {"OnlyProcessesWithAField", "", "fn f(p : process[real, real]) = p with score(x, t) = alpha(t) * x\n"},
    {"OpenType", "", "density flat { logp(x) = 0 }\n"},
    {"OpenSize", "", "process p[n](a : real) { start = normal([0.0 for i in n], a); diffusion(t) = a * n }\n"},
    {"ARoleToSupply", "", "process p { pull(x : real) -> real; score(x : real, t) = -pull(x) }\n"},
    {"StepsToChoose", "", "sampler s(n : int) { steps = n; init() = 0.0; step(x) = x }\nsampler r = s(3)\n"},
    {"KindInItself", "", "kind tree { next : tree; value : real }\nfn f(t : tree) = t.next.value\n"},
    {"SumsOfTuples", "", "fn f[T](s : (x : T, v : T)) -> T = s.x + s.v\n"},
};

class AloneTest : public testing::TestWithParam<Alone> {};

TEST_P(AloneTest, SaysWhatEveryUseWouldBreakOn) {
  const std::string mark = "«»";
  std::string text = GetParam().text;
  const size_t at = text.find(mark);
  if (at != std::string::npos)
    text.erase(at, mark.size());
  Diagnostics diagnostics;
  auto model = checkText("program.dsl", text, {}, diagnostics);
  if (at == std::string::npos) {
    EXPECT_TRUE(diagnostics.all().empty()) << diagnostics.render();
    return;
  }
  ASSERT_EQ(diagnostics.all().size(), 1u) << diagnostics.render();
  EXPECT_STREQ(diagnostics.all()[0].row->code, GetParam().code) << diagnostics.render();
  EXPECT_EQ(diagnostics.all()[0].span.begin, at) << diagnostics.render();
}

INSTANTIATE_TEST_SUITE_P(Programs, AloneTest, testing::ValuesIn(programs),
                         [](const auto &info) { return std::string(info.param.name); });

/// What is only looked at leaves nothing behind.
TEST(Alone, ModelIsAsWithout) {
  const std::string sampler = "sampler s { steps = 0; init() = 0.0 }\n";
  const std::string unused =
      "density d(m : real) { logp(x : real) = -(x - m)^2 }\nfn f[n](x : real[n]) = sum(exp(x))\n";
  Diagnostics diagnostics;
  auto with = checkText("program.dsl", sampler + unused, {}, diagnostics);
  auto without = checkText("program.dsl", sampler, {}, diagnostics);
  ASSERT_TRUE(with && without) << diagnostics.render();
  EXPECT_EQ(printModel(*with), printModel(*without));
  EXPECT_EQ(with->functions.size(), without->functions.size()); // those that nothing needs are not printed
}

} // namespace
