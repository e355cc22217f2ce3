// Programs with tests in, and the library; the text that is printed of their checked models is a program whose tests
// hold out.
#include "dsl/Check.h"
#include "tests/oracle/Evaluate.h"
#include "tests/oracle/OnStack.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace kac::oracle {
namespace {

/// Checks the printed model as a program without a word said of it, and evaluates each of its tests.
void expectTestsHold(const std::string &path, const CheckOptions &options, size_t least) {
  Diagnostics diagnostics, again;
  std::unique_ptr<Model> model = checkProgram(path, options, diagnostics);
  ASSERT_TRUE(model) << diagnostics.render();
  ASSERT_GE(model->tests.size(), least);
  CheckOptions withTests;
  withTests.tests = true;
  std::unique_ptr<Model> printed = checkText(path + "printed.dsl", printModel(*model), withTests, again);
  ASSERT_TRUE(printed) << again.render();
  EXPECT_TRUE(again.all().empty()) << again.render();
  ASSERT_EQ(printed->tests.size(), model->tests.size());
  Evaluator evaluator(*printed);
  for (const TestCase &test : printed->tests) {
    EXPECT_EQ(evaluator.call(*test.function, {scalar(0)}).scalar(), 1) << test.text;
    EXPECT_FALSE(evaluator.effects.broken) << test.text;
  }
}

TEST(Printed, TestsOfTheLibraryHold) {
  CheckOptions options;
  options.testsOfPrelude = true;
  expectTestsHold("", options, 100);
}

TEST(Printed, TestsOfProgramsHold) {
  CheckOptions options;
  options.tests = true;
  size_t programs = 0;
  for (const auto &file : std::filesystem::directory_iterator(KAC_ROOT "/tests/check/programs"))
    if (file.path().extension() == ".dsl") {
      onStack(64u << 20, [&] { // the checker tries equations within equations
        SCOPED_TRACE(file.path().filename());
        expectTestsHold(file.path().string(), options, 1);
      });
      ++programs;
    }
  EXPECT_GE(programs, 15u);
}

} // namespace
} // namespace kac::oracle
