// Programs with tests in, and the library; the text that is printed of their checked models is a program whose tests
// hold out.
#include "dsl/Check.h"
#include "tests/oracle/Evaluate.h"

#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <pthread.h>

namespace kac::oracle {
namespace {

/// The sanitizers' frames are large, and the checker tries equations within equations.
void onStack(const std::function<void()> &f) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64u << 20);
  pthread_t thread;
  auto start = [](void *work) -> void * {
    (*static_cast<const std::function<void()> *>(work))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, start, const_cast<std::function<void()> *>(&f)), 0);
  pthread_join(thread, nullptr);
}

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
      onStack([&] {
        SCOPED_TRACE(file.path().filename());
        expectTestsHold(file.path().string(), options, 1);
      });
      ++programs;
    }
  EXPECT_GE(programs, 15u);
}

} // namespace
} // namespace kac::oracle
