// The stage `check`: reads the library and the program, elaborates every declaration, and reports what is wrong.
#include "dsl/Check.h"
#include "dsl/Elaborate.h"
#include "dsl/EmbeddedPrelude.h"
#include "dsl/Grammar.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace kac::checking {

namespace {

/// The constructs that parse and are refused: what later slices of the language add.
struct Refused {
  NodeKind kind;
  const char *code;
  const char *text;
};
constexpr Refused refused[] = {{NodeKind::Network, "E0703", "networks"},
                               {NodeKind::Alphabet, "E0707", "alphabets"},
                               {NodeKind::Weights, "E0708", "weight files"},
                               {NodeKind::Import, "E0711", "imports"}};

std::string readFile(const std::string &path, bool &ok) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  ok = file.good() && !std::filesystem::is_directory(path);
  return text.str();
}

} // namespace

Elaborator::Elaborator(Model &m, Diagnostics &d, const CheckOptions &o) : model(m), diagnostics(d), options(o) {
  preludeScope = std::make_shared<Scope>();
  preludeScope->kind = Scope::Kind::File;
  programScope = std::make_shared<Scope>();
  programScope->kind = Scope::Kind::File;
  programScope->parent = preludeScope;
}

Elaborator::~Elaborator() {
  for (const std::weak_ptr<Scope> &weak : scopes)
    if (ScopePtr scope = weak.lock()) {
      scope->names.clear();
      scope->self.reset();
    }
}

void Elaborator::reportFailure(const CheckFailure &failure) {
  for (const Diagnostic &d : diagnostics.all())
    if (d.row && failure.code == d.row->code && d.span.source == failure.span.source &&
        d.span.begin == failure.span.begin)
      return;
  Diagnostic &d = diagnostics.report(failure.code, failure.span, failure.text);
  for (const auto &[span, text] : failure.remarks)
    d.remarks.push_back({span, text});
  d.help = failure.help;
}

void Elaborator::loadPrelude(const std::vector<const Ast *> &files) {
  for (const Ast *file : files) {
    librarySources.insert(file->source.get());
    for (const Node *node : file->program->children) {
      if (node->text.empty())
        continue;
      if (!preludeScope->declarations.emplace(node->text, node).second)
        reportFailure({"E0203", node->span, "`" + node->text + "` is declared twice in the library", {}, ""});
    }
  }
  preludeAsts = files;
  struct Row {
    const char *kind, *field;
  };
  static constexpr Row rows[] = {
#define KAC_KIND(kind) {#kind, nullptr},
#define KAC_FIELD(kind, field, may) {#kind, #field},
#include "dsl/Kinds.def"
#undef KAC_KIND
#undef KAC_FIELD
  };
  for (const Row &row : rows) {
    auto found = preludeScope->declarations.find(row.kind);
    bool kind = found != preludeScope->declarations.end() && found->second->kind == NodeKind::Kind;
    if (!row.field && !kind)
      reportFailure({"E0204", {}, std::string("the library has no kind `") + row.kind + "`", {}, ""});
    if (!row.field || !kind)
      continue;
    const auto &list = found->second->child(1)->children;
    if (std::none_of(list.begin(), list.end(), [&](const Node *f) { return f->text == row.field; }))
      reportFailure({"E0204",
                     found->second->span,
                     std::string("the kind `") + row.kind + "` has no field `" + row.field + "`",
                     {},
                     ""});
  }
}

void Elaborator::loadProgram(const Ast &program, const std::string &folder) {
  directory = folder;
  programAst = &program;
  auto declare = [&](const std::string &name, const Node *node, Span span) {
    auto [found, fresh] = programScope->declarations.emplace(name, node);
    if (!fresh)
      reportFailure(
          {"E0203", span, "`" + name + "` is declared twice", {{found->second->span, "the first declaration"}}, ""});
    auto library = preludeScope->declarations.find(name);
    bool kind = node->kind == NodeKind::Kind || node->kind == NodeKind::KindAlias;
    if (fresh && library != preludeScope->declarations.end() && (kind || library->second->kind == node->kind) &&
        (node->kind != NodeKind::Structure || node->child(0)->text == library->second->child(0)->text))
      diagnostics.report("W0201", span, "`" + name + "` is a name of the library, which this file redefines");
  };
  checkNamedOnce(program.program);
  for (const Node *node : program.program->children) {
    const Refused *row =
        std::find_if(std::begin(refused), std::end(refused), [&](const Refused &r) { return r.kind == node->kind; });
    if (row != std::end(refused)) {
      reportFailure({row->code, node->span, std::string(row->text) + " are not there yet", {}, ""});
      incomplete = true;
      continue;
    }
    if (node->kind == NodeKind::Structure && node->child(0)->text == kinds::train) {
      reportFailure({"E0709", node->span, "training is not there yet", {}, ""});
      continue;
    }
    if (!node->text.empty())
      declare(node->text, node, node->span);
    if (node->kind == NodeKind::Data && node->child(0)->present())
      for (const Node *size : node->child(0)->children)
        declare(size->text, node, size->span);
  }
}

void Elaborator::elaborateProgram() {
  auto guarded = [&](const std::function<void()> &f) {
    try {
      f();
      return true;
    } catch (CheckFailure &failure) {
      reportFailure(failure);
      return false;
    }
  };
  std::vector<const Node *> sound; // declarations with values, in which nothing wrong was found so far
  auto tests = [&](const Ast &file, const ScopePtr &scope) {
    for (const Node *node : file.program->children)
      if (node->kind == NodeKind::Test)
        guarded([&] { options.laws ? elaborateLaws(node, scope) : elaborateTest(node, scope); });
  };
  if (programAst)
    for (const Node *node : programAst->program->children) {
      auto found = programScope->declarations.find(node->text);
      if (node->kind == NodeKind::Require)
        guarded([&] {
          ExprPtr c = asRun(detached([&] { return evaluate(node->child(0), programScope); }, "require"), node->span);
          if (c->op == Op::Number && c->number == 0)
            fail("E0405", node->span, node->child(1)->text);
          if (c->op != Op::Number)
            demand(c, "E0405", "program", node->child(1)->text, node->span);
        });
      if (found == programScope->declarations.end() || found->second != node)
        continue;
      if (node->kind == NodeKind::Kind || node->kind == NodeKind::KindAlias) {
        sound.push_back(node);
        continue;
      }
      bool good = guarded([&] {
        Value v = declared(node, programScope);
        if (node->kind == NodeKind::Structure && v.kind == Value::Kind::Structure &&
            v.structure->kind->text == kinds::sampler)
          elaborateSampler(node, v.structure);
        if (node->kind == NodeKind::Fn)
          checkFunction(node, *v.closure);
      });
      if (good)
        sound.push_back(node);
    }
  if (programAst && options.tests)
    tests(*programAst, programScope);
  if (options.testsOfPrelude)
    for (const Ast *file : preludeAsts)
      tests(*file, preludeScope);
  // A sampler whose parameters are settings of a run; not one that others are made from.
  const bool alone = model.samplers.empty();
  if (!incomplete && programAst)
    for (const Node *node : programAst->program->children)
      if (isTemplate(node) && !instantiated.count(node) &&
          !(isSettable(node) && guarded([&] { elaborateSampler(node, withSettings(node)); })) && alone)
        warnOfTemplate(node);
  numberSites();
  if (incomplete || !programAst)
    return;
  // The model keeps nothing of what is only looked at.
  const size_t functions = model.functions.size(), requirements = model.requires_.size();
  for (const Node *node : sound)
    guarded([&] {
      if (node->kind == NodeKind::Fn || node->kind == NodeKind::Structure)
        checkAlone(node);
      else if (node->kind == NodeKind::Kind || node->kind == NodeKind::KindAlias)
        checkKind(node);
    });
  model.functions.resize(functions);
  model.requires_.resize(requirements);
}

/// A function that may be checked alone, on values of the types that it declares.
void Elaborator::checkFunction(const Node *node, const Closure &closure) {
  if (!node->child(3)->present())
    return;
  Callable c = callableOf(closure);
  if (!c.operation.empty())
    operationOf(c);
  if (node->child(0)->present())
    return;
  for (const FormalInfo &formal : c.formals)
    if (!formal.type || isStructureType(formal.type, formal.typeScope))
      return;
  try {
    probe([&] {
      std::vector<Value> arguments;
      for (const FormalInfo &formal : c.formals)
        arguments.push_back(
            Value::of(local(newSlot(formal.name, resolveType(formal.type, formal.typeScope)), formal.span)));
      apply(c, std::move(arguments), node->span);
    });
  } catch (CheckFailure &failure) {
    if (failure.code != "E0310") // a size that only a call settles
      throw;
  }
}

} // namespace kac::checking

namespace kac {

std::unique_ptr<Model> checkText(const std::string &path, std::string text, const CheckOptions &options,
                                 Diagnostics &diagnostics) {
  auto model = std::make_unique<Model>();
  std::vector<std::unique_ptr<Ast>> prelude;
  auto add = [&](const std::string &name, std::string contents) {
    auto source = std::make_shared<const Source>(name, std::move(contents));
    model->sources.push_back(source);
    diagnostics.keep(source);
    if (auto ast = parseText(source, diagnostics))
      prelude.push_back(std::move(ast));
  };
  if (options.preludeDirectory.empty()) {
    for (const EmbeddedFile &file : embeddedPrelude())
      add("prelude/" + std::string(file.name), std::string(file.text));
  } else {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto &item : std::filesystem::directory_iterator(options.preludeDirectory, error))
      if (item.path().extension() == ".dsl")
        names.push_back(item.path().string());
    std::sort(names.begin(), names.end());
    if (error || names.empty()) {
      diagnostics.report("E0801", {}, "`" + options.preludeDirectory + "` is no folder with the library's .dsl files");
      return nullptr;
    }
    for (const std::string &name : names) {
      bool ok = true;
      std::string contents = checking::readFile(name, ok);
      add(name, std::move(contents));
    }
  }
  auto source = std::make_shared<const Source>(path.empty() ? "(none)" : path, std::move(text));
  model->sources.push_back(source);
  diagnostics.keep(source);
  std::unique_ptr<Ast> program;
  if (!path.empty())
    program = parseText(source, diagnostics);
  if (diagnostics.hasErrors())
    return nullptr;
  std::filesystem::path file(path);
  model->stem = file.stem().string();
  checking::Elaborator elaborator(*model, diagnostics, options);
  std::vector<const Ast *> files;
  for (const auto &ast : prelude)
    files.push_back(ast.get());
  elaborator.loadPrelude(files);
  if (program)
    elaborator.loadProgram(*program, file.parent_path().string());
  elaborator.elaborateProgram();
  if (diagnostics.hasErrors())
    return nullptr;
  return model;
}

std::unique_ptr<Model> checkProgram(const std::string &path, const CheckOptions &options, Diagnostics &diagnostics) {
  std::string text;
  if (!path.empty()) {
    bool ok = true;
    text = checking::readFile(path, ok);
    if (!ok) {
      diagnostics.report("E0801", {}, "`" + path + "` cannot be read");
      return nullptr;
    }
  }
  return checkText(path, std::move(text), options, diagnostics);
}

} // namespace kac
