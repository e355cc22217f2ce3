// Writes samplers in the language that stand for the laws of a program's tests, compiles them, and judges each: of a
// law that draws and has a density, mass, draws and score; of a process that is given its data, that its law is what
// its steps and its noise make of its law at another time.
#include "compiler/commands/compile/Laws.h"
#include "compiler/commands/Commands.h"
#include "compiler/commands/compile/Instances.h"
#include "compiler/commands/compile/Judge.h"
#include "compiler/commands/compile/OwnFolder.h"
#include "dsl/EmbeddedPrelude.h"
#include "dsl/Grammar.h"
#include "dsl/Kinds.h"

#include <dlfcn.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

namespace fs = std::filesystem;

namespace kac {
namespace {

/// One sampler to be compiled.
struct Candidate {
  const Instance *instance;
  std::string name, text, prefix; // prefix: of what is said against it
  Claims claims;
};

/// As written, on one line.
std::string onOneLine(const std::string &text) {
  std::string line;
  for (char c : text)
    if (bool blank = c == ' ' || c == '\n' || c == '\t'; !blank || line.back() != ' ')
      line += blank ? ' ' : c;
  return line;
}

std::string contentsOf(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The files of the library, as `check` reads them.
std::vector<std::pair<std::string, std::string>> libraryTexts(const std::string &folder) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (folder.empty()) {
    for (const EmbeddedFile &file : embeddedPrelude())
      texts.emplace_back("prelude/" + std::string(file.name), file.text);
    return texts;
  }
  std::error_code failure;
  for (const auto &item : fs::directory_iterator(folder, failure))
    if (item.path().extension() == ".dsl")
      texts.emplace_back(item.path().string(), contentsOf(item.path()));
  std::sort(texts.begin(), texts.end());
  return texts;
}

class Laws {
public:
  Laws(const DriverOptions &options, const CommandLine &line) : options(options), line(line) {}

  int run() {
    if (folder.path().empty())
      return FailedRun;
    findInstances();
    for (const Instance &instance : instances)
      propose(instance);
    settle();
    if (candidates.empty())
      return Done;
    if (int status = compile())
      return status;
    return judgeAll();
  }

private:
  const DriverOptions &options;
  const CommandLine &line;
  OwnFolder folder;
  Diagnostics ignored;
  std::vector<std::unique_ptr<Ast>> files;
  std::string program, prefix = "law";
  std::vector<Instance> instances;
  std::vector<std::vector<Candidate>> choices; // of each, the first that can be made
  std::vector<Candidate> candidates;
  std::unique_ptr<Driver> driver;

  void findInstances();
  void propose(const Instance &instance);
  std::string textOf(const std::vector<Candidate> &list) const;
  std::vector<bool> possible(const std::vector<Candidate> &list);
  void settle();
  void linkData(const fs::path &copy);
  int compile();
  int judgeAll();
};

void Laws::findInstances() {
  auto parse = [&](const std::string &name, const std::string &text) {
    auto source = std::make_shared<const Source>(name, text);
    ignored.keep(source);
    files.push_back(parseText(source, ignored));
    while (text.find(prefix) != std::string::npos)
      prefix += "_"; // a name that nobody has taken
  };
  if (!options.program.empty()) {
    program = contentsOf(options.program);
    parse(options.program, program);
  }
  for (const auto &[name, text] : libraryTexts(options.check.preludeDirectory))
    parse(name, text);
  std::vector<const Ast *> trees;
  for (const auto &file : files)
    if (file)
      trees.push_back(file.get());
  InstanceFinder finder(trees);
  for (const Ast *tree : trees) {
    for (Instance &instance : finder.find(*tree))
      instances.push_back(std::move(instance));
    if (!options.program.empty())
      return; // the first is the program
  }
}

void Laws::propose(const Instance &instance) {
  const std::string d = "(" + instance.text + ")", x = prefix + "x", t = "t", dt = "dt";
  auto call = [](const std::string &object, const std::string &field, const std::string &arguments) {
    return object + "." + field + "(" + arguments + ")";
  };
  auto sampler = [&](size_t which, const std::string &fields) {
    std::string name = prefix + std::to_string(choices.size()) + (which ? "b" : "a");
    return Candidate{&instance, name, kinds::sampler + " " + name + " { " + fields + " }\n", "", {}};
  };
  auto outputs = [&](const std::string &law, bool score) {
    return fields::output + "(" + x + ") = (" + fields::output + " = " + x + ", " + fields::logp + " = " +
           call(law, fields::logp, x) + (score ? ", " + fields::score + " = " + call(law, fields::score, x) : "") + ")";
  };
  if (instance.kind == kinds::density) {
    const std::string head = fields::particles + " = 40000; " + fields::steps + " = 0; " + fields::init +
                             "() = " + call(d, fields::draw, "") + "; ";
    choices.push_back({sampler(0, head + outputs(d, true)), sampler(1, head + outputs(d, false))});
    choices.back()[1].claims.score = false;
  }
  if (instance.kind != kinds::process || !instance.followsData)
    return;
  // From one time to another, away from both ends, where noise or data may be without bound.
  auto simulated = [&](double from, double to, const std::string &step) {
    choices.push_back(
        {sampler(0, fields::particles + " = 8192; " + fields::steps + " = 1000; " + fields::time + "(" + t +
                        ") = 0.2 + 0.6 * " + t + "; " + fields::init +
                        "() = " + call(call(d, fields::law, from < to ? "0.2" : "0.8"), fields::draw, "") + "; " +
                        fields::step + "(" + x + ", " + t + ", " + dt + ") = " + call(step, fields::draw, "") + "; " +
                        outputs(call(d, fields::law, from < to ? "0.8" : "0.2"), false))});
    choices.back()[0].claims = {false, false};
    choices.back()[0].prefix = from < to ? "its law at 0.8, simulated by its steps from its law at 0.2: "
                                         : "its law at 0.2, simulated by its noise from its law at 0.8: ";
  };
  simulated(0.2, 0.8, call(d, fields::step, x + ", " + t + ", " + dt));
  simulated(0.8, 0.2,
            call(d, fields::move,
                 x + ", " + call(d, fields::noising, x + ", 1 - " + t) + " * " + dt + ", " +
                     call(d, fields::diffusion, "1 - " + t) + " * " + dt + "^0.5"));
}

std::string Laws::textOf(const std::vector<Candidate> &list) const {
  std::string text = program + "\n";
  for (const Candidate &candidate : list)
    text += candidate.text;
  return text;
}

/// Which of them `check` takes.
std::vector<bool> Laws::possible(const std::vector<Candidate> &list) {
  std::vector<bool> good(list.size(), true);
  const std::string path = options.program.empty() ? prefix + ".dsl" : options.program;
  CheckOptions plain;
  plain.preludeDirectory = options.check.preludeDirectory;
  for (;;) {
    std::vector<Candidate> left;
    std::vector<size_t> places;
    for (size_t i = 0; i < list.size(); ++i)
      if (good[i]) {
        left.push_back(list[i]);
        places.push_back(i);
      }
    Diagnostics messages;
    if (left.empty() || checkText(path, textOf(left), plain, messages))
      return good;
    bool located = false;
    for (const Diagnostic &message : messages.all()) {
      if (message.row->severity != Severity::Error || !message.span.source || message.span.source->name() != path)
        continue;
      size_t end = program.size() + 1;
      for (size_t i = 0; i < left.size(); ++i) {
        size_t begin = end;
        end += left[i].text.size();
        if (begin <= message.span.begin && message.span.begin < end) {
          good[places[i]] = false;
          located = true;
        }
      }
    }
    if (located)
      continue;
    for (size_t i : places) {
      Diagnostics alone;
      good[i] = checkText(path, textOf({list[i]}), plain, alone) != nullptr;
    }
    return good;
  }
}

void Laws::settle() {
  for (size_t rank = 0;; ++rank) {
    std::vector<Candidate> list;
    for (std::vector<Candidate> &choice : choices)
      if (rank < choice.size())
        list.push_back(choice[rank]);
    if (list.empty())
      return;
    std::vector<bool> good = possible(list);
    size_t i = 0;
    for (std::vector<Candidate> &choice : choices)
      if (rank < choice.size() && good[i++]) {
        candidates.push_back(choice[rank]);
        choice.clear();
      }
  }
}

/// What the program names stands beside the copy of it too.
void Laws::linkData(const fs::path &copy) {
  DriverOptions reading = options;
  Driver reader(reading);
  if (!reader.walk("ast"))
    return;
  for (const std::string &name : reader.files()) {
    std::error_code failure;
    fs::path place = copy.parent_path() / name;
    fs::create_directories(place.parent_path(), failure);
    fs::create_symlink(fs::absolute(fs::path(options.program).parent_path() / name, failure), place, failure);
  }
}

int Laws::compile() {
  const fs::path copy =
      folder.path() / (options.program.empty() ? fs::path(prefix + ".dsl") : fs::path(options.program).filename());
  if (!options.program.empty())
    linkData(copy);
  std::ofstream(copy) << textOf(candidates);
  DriverOptions compiling = options;
  compiling.program = copy.string();
  compiling.check.tests = compiling.check.testsOfPrelude = false;
  compiling.sharedLibrary = (folder.path() / "laws.so").string();
  driver = std::make_unique<Driver>(compiling);
  if (int status = walkOnTo(*driver, "model", line))
    return status;
  size_t all = driver->model().samplers.size();
  driver->keepSamplers(all - candidates.size(), all);
  return walkOnTo(*driver, "library", line);
}

int Laws::judgeAll() {
  void *library = dlopen((folder.path() / "laws.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    std::cerr << "kacc: cannot load the compiled laws: " << dlerror() << '\n';
    return Defect;
  }
  int compared = 0;
  size_t failures = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate &candidate = candidates[i];
    const Type &state = driver->model().samplers[i].init->result; // with its promises: positive, simplex
    auto *sampler = static_cast<const kac_sampler *>(dlsym(library, driver->symbolOf(candidate.name).c_str()));
    if (!sampler || state.isTuple)
      continue;
    Judgement judgement = judge(LawSampler(*sampler), state, candidate.claims);
    compared += judgement.compared;
    failures += judgement.faults.size();
    const Span &span = candidate.instance->span;
    for (const std::string &fault : judgement.faults)
      std::cout << span.source->name() << ":" << span.source->position(span.begin).line << ": "
                << onOneLine(candidate.instance->text) << ": " << candidate.prefix << fault << '\n';
  }
  dlclose(library);
  std::cout << compared << " more follow from the kinds of " << instances.size() << " laws and processes in them, "
            << failures << " failed" << std::endl;
  return failures == 0 ? Done : FailedRun;
}

} // namespace

int testLaws(const DriverOptions &options, const CommandLine &line) { return Laws(options, line).run(); }

} // namespace kac
