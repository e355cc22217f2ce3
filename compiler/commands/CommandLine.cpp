// The words after `kacc` in, a CommandLine out; --help and --version are answered here.
#include "compiler/commands/CommandLine.h"
#include "compiler/Stages.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdint>
#include <iostream>

namespace kac {
namespace {

void addModel(CLI::App *app, CommandLine &line) {
  app->add_option("model", line.model, "the program (.dsl)")->required();
}

void addPrelude(CLI::App *app, CommandLine &line) {
  app->add_option("--prelude", line.prelude, "take the library from this folder")->type_name("DIR");
}

void addCompilation(CLI::App *app, CommandLine &line) {
  addPrelude(app, line);
  app->add_flag("--f64", line.f64, "compute everything in double precision");
  app->add_option("--cpu", line.cpu, "native, or a name such as x86-64-v3")->type_name("CPU");
  app->add_option("--device", line.device, "where it runs; gpu is not there yet")
      ->type_name("DEVICE")
      ->check(CLI::IsMember({"cpu", "gpu"}));
  app->add_flag("--time", line.time, "say where the time of the compilation went");
}

void addRun(CLI::App *app, CommandLine &line, std::vector<std::string> &set) {
  app->add_option("--sampler", line.sampler, "which sampler; needed where there are several")->type_name("NAME");
  app->add_option("--set", set, "a param or data: name=value or name=file.npy")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  app->add_option("-n,--particles", line.particles, "number of particles")->type_name("N");
  app->add_option("--steps", line.steps, "number of steps")->type_name("K");
  // Read as a number of 64 bits, a sign or a digit too many would give another seed without a word.
  auto isSeed = [](const std::string &text) {
    uint64_t seed = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
    bool good = error == std::errc() && end == text.data() + text.size();
    return good ? std::string() : "a seed is a whole number from 0 to 2^64 - 1, not '" + text + "'";
  };
  app->add_option("--seed", line.seed, "seed of the random numbers")->type_name("S")->check(isSeed);
  app->add_option("--threads", line.threads, "threads; results do not depend on it")
      ->check(CLI::Range(1, 4096))
      ->type_name("T");
  app->add_option("-o,--output", line.output, "samples: .npz, or .npy with equal weights")->type_name("FILE");
  app->add_option("--report", line.report, "a summary of the run (.json)")->type_name("FILE");
  app->add_option("--plot", line.plot, "a picture of the run (.svg)")->type_name("FILE");
  app->add_flag("--quiet", line.quiet, "no progress and no summary");
}

/// The pieces of `name=value`; false where it has no `=` or no name.
bool splitSettings(const std::vector<std::string> &set, CommandLine &line) {
  for (const std::string &setting : set) {
    size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      std::cerr << "kacc: --set wants name=value or name=file.npy, not '" << setting << "'\n";
      return false;
    }
    line.set.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return true;
}

/// What only we can check: settings, counts and options that stand without a command.
std::optional<int> finish(CLI::App &app, const std::vector<std::string> &set, CommandLine &line) {
  if (!splitSettings(set, line))
    return WrongCommandLine;
  if (line.particles && *line.particles < 1) {
    std::cerr << "kacc: -n must be at least 1\n";
    return WrongCommandLine;
  }
  if (line.particles && *line.particles > INT32_MAX) {
    std::cerr << "kacc: -n must be below 2^31\n";
    return WrongCommandLine;
  }
  if (line.steps && *line.steps < 0) {
    std::cerr << "kacc: --steps must not be negative\n";
    return WrongCommandLine;
  }
  if (line.steps && *line.steps >= INT32_MAX) {
    std::cerr << "kacc: --steps must be below 2^31 - 1\n";
    return WrongCommandLine;
  }
  auto ends = [](const std::string &path, std::string_view ending) {
    return path.size() >= ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
  };
  if (line.command == "run" && !line.output.empty() && !ends(line.output, ".npz") && !ends(line.output, ".npy")) {
    std::cerr << "kacc: -o wants a file that ends in .npz or .npy, not '" << line.output << "'\n";
    return WrongCommandLine;
  }
  if (!line.plot.empty() && !ends(line.plot, ".svg")) {
    std::cerr << "kacc: --plot wants a file that ends in .svg, not '" << line.plot << "'\n";
    return WrongCommandLine;
  }
  if (line.device == "gpu") {
    std::cerr << "kacc: this kacc has no code generation for a gpu\n";
    return WrongCommandLine;
  }
  if (line.command.empty()) {
    std::cerr << app.help();
    return WrongCommandLine;
  }
  if (line.command == "emit" && line.model.empty()) {
    std::cerr << "kacc: --emit needs a program\n";
    return WrongCommandLine;
  }
  return std::nullopt;
}

} // namespace

/// Says so where the first word is none of the commands.
static bool isNoCommand(const CLI::App &app, const CommandLine &line) {
  if (line.model.empty() || !app.get_subcommands().empty())
    return false;
  const bool isProgram = std::string_view(line.model).ends_with(".dsl");
  std::cerr << "kacc: `" << line.model << "` is no command"
            << (isProgram ? "; `kacc run " + line.model + "` runs it" : "") << ". There are:";
  for (const CLI::App *sub : app.get_subcommands([](const CLI::App *) { return true; }))
    std::cerr << " " << sub->get_name();
  std::cerr << "\n";
  return true;
}

std::optional<int> parseCommandLine(int argc, char **argv, CommandLine &line) {
  CLI::App app("kacc: compiles Kac programs into samplers, and runs them", "kacc");
  app.set_version_flag("--version", "kacc " KAC_VERSION);
  app.require_subcommand(0, 1);
  std::vector<std::string> set;
  std::string emit, print, error;

  auto *emitOption = app.add_option("--emit", emit, "print what a stage leaves")->type_name("WHAT");
  std::vector<std::string> emitted;
  for (const Stage &stage : stages())
    if (!stage.ending.empty())
      for (std::string_view product : namesIn(stage.to))
        emitted.emplace_back(product);
  emitOption->check(CLI::IsMember(emitted));
  app.add_option("--print", print, "print one of the tables that the language is made of")
      ->check(CLI::IsMember({"prelude", "kinds", "errors", "stages"}))
      ->type_name("TABLE");
  app.add_option("--explain-error", error, "say what a code such as E0304 means")->type_name("CODE");
  addCompilation(&app, line);
  app.add_option("--sampler", line.sampler)->group("");
  app.add_option("model", line.model, "with --emit: the program")->type_name("");

  auto command = [&](const char *name, const char *sentence) {
    CLI::App *sub = app.add_subcommand(name, sentence);
    sub->callback([&line, name] { line.command = name; });
    return sub;
  };
  CLI::App *run = command("run", "compile (or take from the cache) and run a sampler of the program");
  addModel(run, line);
  addRun(run, line, set);
  addCompilation(run, line);

  CLI::App *build = command("build", "make a library of the program: .a, .so, .h, .hpp, .json and .pc (pkg-config)");
  addModel(build, line);
  build->add_option("-o,--output", line.output, "the folder to write to")->required()->type_name("DIR");
  addCompilation(build, line);

  CLI::App *check = command("check", "say what is wrong with the program, if anything");
  addModel(check, line);
  addPrelude(check, line);

  CLI::App *format = command("fmt", "print the program laid out");
  addModel(format, line);
  auto *inPlace = format->add_flag("-i", line.inPlace, "write it back instead");
  format->add_flag("--check", line.checkOnly, "print nothing; exit 1 where the layout would change")->excludes(inPlace);

  CLI::App *test = command("test", "run the tests of the program, or of the library where no program is named");
  test->add_option("model", line.model, "the program (.dsl)");
  addCompilation(test, line);

  CLI::App *explain =
      command("explain", "say what was derived: drift, noise, weight, the lines that they come from, cost");
  addModel(explain, line);
  explain->add_option("--sampler", line.sampler, "only this sampler")->type_name("NAME");
  addPrelude(explain, line);

  CLI::App *cache = app.add_subcommand("cache", "the folder of compiled programs");
  cache->require_subcommand(1);
  cache->add_subcommand("clear", "empty it")->callback([&line] { line.command = "cache clear"; });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &failure) {
    if (failure.get_exit_code() != 0 && isNoCommand(app, line))
      return WrongCommandLine;
    int status = app.exit(failure, std::cout, std::cerr);
    return status == 0 ? Done : WrongCommandLine;
  }
  if (emit.empty() && print.empty() && error.empty() && line.command.empty() && isNoCommand(app, line))
    return WrongCommandLine;
  if (line.command.empty() && !emit.empty()) {
    line.command = "emit";
    line.what = emit;
  } else if (line.command.empty() && !print.empty()) {
    line.command = "print";
    line.what = print;
  } else if (line.command.empty() && !error.empty()) {
    line.command = "explain-error";
    line.what = error;
  }
  return finish(app, set, line);
}

} // namespace kac
