// kacc test: a program in (or none: the library), each of its `test` declarations run, in double precision with seed 0,
// and a line for each that does not hold out. `check` makes every test a sampler of one lineage that gives 1 or 0.
#include "compiler/commands/Commands.h"
#include "compiler/commands/compile/Compile.h"
#include "compiler/commands/compile/Laws.h"
#include "compiler/commands/compile/OwnFolder.h"
#include "runtime/kac_run.h"

#include <dlfcn.h>

#include <iostream>

namespace kac {
namespace {

/// What a test gave: empty where it holds, else what is against it.
std::string failureOf(void *library, const std::string &symbol) {
  auto *sampler = static_cast<const kac_sampler *>(dlsym(library, symbol.c_str()));
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

} // namespace

int testCommand(const CommandLine &line) {
  if (!line.model.empty() && !readProgram(line.model))
    return WrongProgram;
  DriverOptions options = driverOptionsOf(line);
  options.f64 = true;
  options.check.tests = true;
  options.check.testsOfPrelude = line.model.empty();
  Driver driver(options);
  if (int status = walkOnTo(driver, "model", line))
    return status;
  const Model &model = driver.model();
  size_t count = model.tests.size();
  if (count == 0) {
    std::cout << "no tests\n";
    return Done;
  }
  // The tests are the last samplers, in their order.
  driver.keepSamplers(model.samplers.size() - count, model.samplers.size());
  if (int status = walkBefore(driver, "library", line))
    return status;
  OwnFolder folder;
  if (folder.path().empty())
    return FailedRun;
  std::string tests = (folder.path() / "tests.so").string();
  driver.packShared(tests);
  if (int status = walkTo(driver, "library", line))
    return status;
  void *library = dlopen(tests.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    std::cerr << "kacc: cannot load the compiled tests: " << dlerror() << '\n';
    return Defect;
  }
  size_t failures = 0;
  for (size_t i = 0; i < count; ++i) {
    std::string failure = failureOf(library, driver.symbolOf(model.samplers[i].name));
    if (failure.empty())
      continue;
    ++failures;
    std::cout << placeOf(model.tests[i].span) << "test \"" << model.tests[i].text << "\": " << failure << '\n';
  }
  dlclose(library);
  std::cout << count << (count == 1 ? " test, " : " tests, ") << failures << " failed" << std::endl;
  int laws = testLaws(options, line);
  return laws != Done ? laws : failures == 0 ? Done : FailedRun;
}

} // namespace kac
