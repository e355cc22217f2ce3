// kacc test: a program in (or none: the library), each of its `test` declarations run, in double precision with seed 0,
// and a line for each that does not hold out. `check` makes every test a sampler of one lineage that gives 1 or 0, and
// of the laws and processes that the tests build, samplers that show whether these are as their kinds promise.
#include "compiler/commands/Commands.h"
#include "compiler/commands/compile/Compile.h"
#include "compiler/commands/compile/Judge.h"
#include "compiler/commands/compile/OwnFolder.h"
#include "runtime/kac_run.h"

#include <dlfcn.h>

#include <iostream>

namespace kac {
namespace {

using Walk = int(Driver &, std::string_view, const CommandLine &);

/// The last samplers of a model, compiled and loaded.
class TestLibrary {
public:
  /// The status is what stands in the way, if anything. By `last` the messages of the whole are shown, or not.
  TestLibrary(Driver &driver, size_t count, Walk last, const CommandLine &line, int &status) : driver(driver) {
    const size_t all = driver.model().samplers.size();
    driver.keepSamplers(all - count, all);
    if ((status = walkBefore(driver, "library", line)) != Done)
      return;
    OwnFolder folder; // made late and gone at once, so that what interrupts a compilation leaves nothing behind
    const std::string path = (folder.path() / "tests.so").string();
    driver.packShared(path);
    if ((status = folder.path().empty() ? FailedRun : last(driver, "library", line)) != Done)
      return;
    library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      std::cerr << "kacc: cannot load the compiled tests: " << dlerror() << '\n';
      status = Defect;
    }
  }
  TestLibrary(const TestLibrary &) = delete;
  ~TestLibrary() {
    if (library)
      dlclose(library);
  }

  /// Null where it was not compiled.
  const kac_sampler *operator[](size_t i) const {
    const std::string symbol = driver.symbolOf(driver.model().samplers[i].name);
    return static_cast<const kac_sampler *>(dlsym(library, symbol.c_str()));
  }

private:
  const Driver &driver;
  void *library = nullptr;
};

/// What a test gave: empty where it holds, else what is against it.
std::string failureOf(const kac_sampler *sampler) {
  if (!sampler)
    return "it was not compiled";
  std::string said;
  kac_config config{};
  config.size = sizeof config;
  config.context = &said;
  config.threads = 1;
  config.log = [](void *context, int, const char *text) { *static_cast<std::string *>(context) = text; };
  kac_instance *instance = nullptr;
  int status = kac_create(&instance, sampler, nullptr, &config);
  double result = 0, weight = 0;
  void *outputs[] = {&result};
  if (status == KAC_OK)
    status = kac_sample(instance, outputs, &weight, nullptr);
  kac_destroy(instance);
  if (status != KAC_OK)
    return said.empty() ? kac_status_text(status) : said;
  return result == 1 ? "" : "it does not hold";
}

std::string placeOf(const Span &span) {
  return span.source ? span.source->name() + ":" + std::to_string(span.source->position(span.begin).line) + ": " : "";
}

/// As written, on one line.
std::string textOf(const Span &span) {
  std::string line;
  for (char c : span.source->text().substr(span.begin, span.end - span.begin))
    if (bool blank = c == ' ' || c == '\n' || c == '\t'; !blank || line.back() != ' ')
      line += blank ? ' ' : c;
  return line;
}

int runTests(const DriverOptions &options, const CommandLine &line, bool &ran) {
  Driver driver(options);
  if (int status = walkOnTo(driver, "model", line))
    return status;
  const std::vector<TestCase> &tests = driver.model().tests;
  if (tests.empty()) {
    std::cout << "no tests\n";
    return Done;
  }
  int status = Done;
  const TestLibrary library(driver, tests.size(), walkTo, line, status);
  if (status != Done)
    return status;
  ran = true;
  size_t failures = 0;
  for (size_t i = 0; i < tests.size(); ++i) {
    std::string failure = failureOf(library[i]);
    if (failure.empty())
      continue;
    ++failures;
    std::cout << placeOf(tests[i].span) << "test \"" << tests[i].text << "\": " << failure << '\n';
  }
  std::cout << tests.size() << (tests.size() == 1 ? " test, " : " tests, ") << failures << " failed" << std::endl;
  return failures == 0 ? Done : FailedRun;
}

/// Prints a line for each promise that does not hold, and how many there were.
int judgeLaws(DriverOptions options, const CommandLine &line) {
  options.check.laws = true;
  Driver driver(options);
  if (int status = walkOnTo(driver, "model", line))
    return status;
  const std::vector<LawCase> &laws = driver.model().laws;
  size_t count = 0;
  for (const LawCase &law : laws)
    count += law.promises.size();
  int status = Done;
  if (count == 0)
    return status;
  const TestLibrary library(driver, count, walkOnTo, line, status);
  if (status != Done)
    return status;
  int compared = 0;
  size_t failures = 0, i = 0;
  for (const LawCase &law : laws)
    for (const LawCase::Promise &promise : law.promises) {
      const kac_sampler *sampler = library[i];
      const Type &state = driver.model().samplers[i++].init->result; // with its own promises: positive, simplex
      if (!sampler)
        continue;
      Judgement judgement = judge(LawSampler(*sampler), state, promise);
      compared += judgement.compared;
      failures += judgement.faults.size();
      for (const std::string &fault : judgement.faults)
        std::cout << placeOf(law.span) << textOf(law.span) << ": " << promise.of << fault << '\n';
    }
  std::cout << compared << " more follow from the kinds of " << laws.size() << " laws and processes in them, "
            << failures << " failed" << std::endl;
  return failures == 0 ? Done : FailedRun;
}

} // namespace

int testCommand(const CommandLine &line) {
  if (!line.model.empty() && !readProgram(line.model))
    return WrongProgram;
  DriverOptions options = driverOptionsOf(line);
  options.f64 = true;
  options.check.tests = true;
  options.check.testsOfPrelude = line.model.empty();
  bool ran = false;
  const int tests = runTests(options, line, ran);
  if (!ran)
    return tests;
  const int laws = judgeLaws(options, line);
  return laws != Done ? laws : tests;
}

} // namespace kac
