// The `test` declarations of the library, and of small programs, evaluated by the oracle.
#include "dsl/Check.h"
#include "tests/oracle/Evaluate.h"

#include <gtest/gtest.h>

namespace kac::oracle {
namespace {

bool holds(const Model &model, const TestCase &test) {
  Evaluator evaluator(model);
  double value = evaluator.call(*test.function, {scalar(0)}).scalar(); // seed, lineage and step 0
  return value == 1 && !evaluator.effects.broken;
}

TEST(Prelude, EveryTestHolds) {
  Diagnostics diagnostics;
  CheckOptions options;
  options.testsOfPrelude = true;
  std::unique_ptr<Model> model = checkProgram("", options, diagnostics);
  ASSERT_TRUE(model) << diagnostics.render();
  EXPECT_GE(model->tests.size(), 100u);
  for (const TestCase &test : model->tests)
    EXPECT_TRUE(holds(*model, test)) << test.text;
}

TEST(Prelude, ATestCanFail) {
  Diagnostics diagnostics;
  CheckOptions options;
  options.tests = true;
  std::unique_ptr<Model> model = checkText("t.dsl",
                                           "test \"right\" = close(exp(log(3)), 3)\n"
                                           "test \"wrong\" = close(2, 3)\n"
                                           "fn tenth(x : real[3]) -> real {\n  i = floor(10 * x[0])\n  x[i]\n}\n"
                                           "test \"outside\" = tenth([1, 2, 3]) < 5\n",
                                           options, diagnostics);
  ASSERT_TRUE(model) << diagnostics.render();
  ASSERT_EQ(model->tests.size(), 3u);
  EXPECT_TRUE(holds(*model, model->tests[0]));
  EXPECT_FALSE(holds(*model, model->tests[1]));
  EXPECT_FALSE(holds(*model, model->tests[2]));
}

} // namespace
} // namespace kac::oracle
