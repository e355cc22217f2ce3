// The text of a program in, the product asked for out: each stage of the table in turn.
#include "compiler/Driver.h"
#include "compiler/Cache.h"
#include "compiler/DriverDefect.h"
#include "compiler/DriverMessages.h"
#include "compiler/Import.h"
#include "compiler/Stages.h"
#include "compiler/dialect/Kac.h"
#include "compiler/emit/EmitLlvm.h"
#include "compiler/emit/Interface.h"
#include "compiler/emit/Pack.h"
#include "compiler/passes/KernelTable.h"
#include "compiler/passes/Passes.h"
#include "dsl/Grammar.h"

#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>

namespace kac {

struct Driver::State {
  DriverOptions options;
  Diagnostics messages;
  std::string defect, trouble;
  bool troubleIsOption = false;
  std::vector<std::pair<std::string_view, double>> times;
  const Stage *last = nullptr;

  // What the stages leave, in order.
  std::shared_ptr<const Source> source;
  std::unique_ptr<Ast> ast;
  std::vector<std::string> files;
  std::unique_ptr<Model> model;
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Interface interface;      // what header and manifest say, read off before the module is translated
  std::string code;         // LLVM IR, assembly or an object
  std::string_view product; // what was asked for

  explicit State(DriverOptions given) : options(std::move(given)) {}

  bool parse();
  bool check();
  bool import();
  bool runPasses(const Stage &stage);
  bool emit();
  bool pack();
  bool run(const Stage &stage);
  void collectFiles();
};

bool Driver::State::parse() {
  if (options.program.empty())
    return true; // the library's own tests: no text
  std::ifstream stream(options.program, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  source = std::make_shared<Source>(options.program, std::move(text));
  ast = parseText(source, messages);
  if (ast)
    collectFiles();
  return ast != nullptr;
}

/// The strings that are names of files: of imports, data, weights, and of a param's default.
void Driver::State::collectFiles() {
  auto add = [&](const std::string &name) {
    if (!name.empty() && std::find(files.begin(), files.end(), name) == files.end())
      files.push_back(name);
  };
  for (const Node *node : ast->program->children) {
    if (node->kind == NodeKind::Import)
      add(node->text);
    if (node->kind == NodeKind::Data || node->kind == NodeKind::Weights || node->kind == NodeKind::Param)
      for (const Node *child : node->children)
        if (child->kind == NodeKind::String)
          add(child->text);
  }
}

bool Driver::State::check() {
  messages = Diagnostics(); // `check` parses anew, with the imports, and says the same again
  model = checkProgram(options.program, options.check, messages);
  if (model && options.program.empty())
    model->stem = "library"; // names in C need one
  return model && !messages.hasErrors();
}

bool Driver::State::import() {
  mlir::DialectRegistry registry;
  mlir::func::registerInlinerExtension(registry);
  context = std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
  context->printOpOnDiagnostic(false);
  context->getDiagEngine().registerHandler(
      [this](mlir::Diagnostic &message) { translateMessage(message, model.get(), messages, defect); });
  module = importModel(*model, *context);
  return module && mlir::succeeded(mlir::verify(*module));
}

bool Driver::State::emit() {
  EmitKind kind = product == "llvm" ? EmitKind::Llvm : product == "asm" ? EmitKind::Assembly : EmitKind::Object;
  interface = interfaceOf(*module, model->stem);
  interface.sourceHash = source ? contentHash(source->text()) : "";
  code = emitLlvm(*module, model->stem, EmitOptions{options.cpu}, kind, trouble);
  troubleIsOption = !trouble.empty();
  return trouble.empty();
}

bool Driver::State::pack() {
  PackOptions products;
  products.sharedLibrary = options.sharedLibrary;
  if (!options.folder.empty()) {
    const std::string stem = options.folder + "/lib" + model->stem;
    products = {stem + ".a", stem + ".so"};
    if (!writeInterface(interface, options.folder + "/" + model->stem, trouble))
      return false;
  }
  return packLibrary(code, products, trouble);
}

bool Driver::State::runPasses(const Stage &stage) {
  static const bool registered = [] {
    mlir::registerTransformsPasses();
    registerKacPasses();
    return true;
  }();
  (void)registered;
  mlir::PassManager manager(context.get());
  std::string passes(stage.passes);
  if (size_t at = passes.find("$f64"); at != std::string::npos)
    passes.replace(at, 4, options.f64 ? "true" : "false");
  if (mlir::failed(mlir::parsePassPipeline(passes, manager)))
    return false;
  return mlir::succeeded(manager.run(*module));
}

bool Driver::State::run(const Stage &stage) {
  using Function = bool (State::*)();
  static const std::pair<std::string_view, Function> own[] = {
      {"parse", &State::parse}, {"check", &State::check}, {"import", &State::import},
      {"emit", &State::emit},   {"pack", &State::pack},
  };
  for (const auto &[verb, function] : own)
    if (verb == stage.verb)
      return (this->*function)();
  return runPasses(stage);
}

Driver::Driver(DriverOptions options) : state(std::make_unique<State>(std::move(options))) {}
Driver::~Driver() = default;

bool Driver::walk(std::string_view product, bool before) {
  int end = stageThatLeaves(product) - (before ? 1 : 0);
  assert(end >= 0 && "a product of the table");
  int begin = state->last ? static_cast<int>(state->last - stages().data()) + 1 : 0;
  state->product = product;
  for (int i = begin; i <= end; ++i) {
    const Stage &stage = stages()[i];
    enterStage(stage.verb, stage.from, state->options.program);
    auto start = std::chrono::steady_clock::now();
    bool good = state->run(stage) && state->defect.empty();
    std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    state->times.emplace_back(stage.verb, taken.count());
    if (!good) {
      if (!state->defect.empty() || (!state->messages.hasErrors() && state->trouble.empty())) {
        if (state->defect.empty())
          state->defect = "it failed without a message";
        reportDefect(state->defect);
      }
      return false;
    }
    state->last = &stage;
    if (state->messages.hasErrors())
      return false;
  }
  return true;
}

std::string Driver::text() const {
  std::string_view product = state->product;
  if (product == "ast")
    return printAst(*state->ast);
  if (product == "model")
    return printModel(*state->model);
  if (product == "llvm" || product == "asm")
    return state->code;
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << kernelTableText(*state->module);
  state->module->print(stream);
  return text + "\n";
}

static bool contains(const Span &outer, const Span &inner) {
  return inner.source && inner.source == outer.source && outer.begin <= inner.begin && inner.end <= outer.end;
}

static bool isNamedIn(const std::string &name, const Span &span) {
  std::string text(span.source ? span.source->text().substr(span.begin, span.end - span.begin) : "");
  auto isLetter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1))
    if ((at == 0 || !isLetter(text[at - 1])) && !isLetter(text[at + name.size()]))
      return true;
  return false;
}

void Driver::keepSamplers(size_t begin, size_t end) {
  std::deque<Sampler> &samplers = state->model->samplers;
  std::vector<Sampler *> kept, gone;
  for (size_t i = 0; i < samplers.size(); ++i)
    (i >= begin && i < end ? kept : gone).push_back(&samplers[i]);
  // What stands in a sampler that a kept one is made from, by `with`, is of the kept one too.
  for (size_t k = 0; k < kept.size(); ++k)
    for (auto it = gone.begin(); it != gone.end();)
      if (isNamedIn((*it)->name, kept[k]->span)) {
        kept.push_back(*it);
        it = gone.erase(it);
      } else {
        ++it;
      }
  Diagnostics messages;
  for (const auto &source : state->model->sources)
    messages.keep(source);
  for (const Diagnostic &message : state->messages.all())
    if (std::none_of(gone.begin(), gone.end(), [&](Sampler *s) { return contains(s->span, message.span); }))
      messages.report(message.row->code, message.span, message.text) = message;
  state->messages = std::move(messages);
  samplers.erase(samplers.begin() + end, samplers.end());
  samplers.erase(samplers.begin(), samplers.begin() + begin);
}

std::string Driver::symbolOf(const std::string &sampler) const {
  return cName(state->model->stem + "_" + sampler) + "_descriptor";
}

void Driver::packShared(const std::string &path) { state->options.sharedLibrary = path; }

const Diagnostics &Driver::messages() const { return state->messages; }
const std::string &Driver::defect() const { return state->defect; }
const std::string &Driver::trouble() const { return state->trouble; }
bool Driver::troubleIsOption() const { return state->troubleIsOption; }
const Model &Driver::model() const { return *state->model; }
mlir::ModuleOp Driver::module() const { return *state->module; }
const std::vector<std::string> &Driver::files() const { return state->files; }

std::string Driver::times() const {
  std::string lines;
  double total = 0;
  char line[64];
  for (const auto &[verb, taken] : state->times) {
    std::snprintf(line, sizeof line, "%-10.*s %8.1f ms\n", static_cast<int>(verb.size()), verb.data(), taken);
    lines += line;
    total += taken;
  }
  std::snprintf(line, sizeof line, "%-10s %8.1f ms\n", "all", total);
  return lines + line;
}

} // namespace kac
