// kacc --print and --explain-error: the tables that the language is made of in, their pages out (Markdown).
#include "compiler/Stages.h"
#include "compiler/commands/Commands.h"
#include "dsl/EmbeddedPrelude.h"
#include "dsl/Grammar.h"

#include <iostream>

namespace kac {
namespace {

void printStages() {
  std::cout << "| stage | takes | leaves | promise |\n|---|---|---|---|\n";
  for (const Stage &stage : stages())
    std::cout << "| " << stage.verb << " | " << stage.from << " | " << stage.to << " | " << stage.sentence << " |\n";
}

std::string severityOf(const DiagnosticRow &row) { return row.severity == Severity::Error ? "error" : "warning"; }

void printErrors() {
  std::cout << "| code | name | rule |\n|---|---|---|\n";
  for (const DiagnosticRow &row : diagnosticRows())
    std::cout << "| " << row.code << " | " << row.name << " | " << row.rule << " |\n";
  std::cout << "\nWhat a library can return:\n\n| status | name | meaning |\n|---|---|---|\n";
#define KAC_STATUS(name, code, sentence) std::cout << "| " << (code) << " | `" #name "` | " << (sentence) << " |\n";
#include "runtime/kac_status.def"
#undef KAC_STATUS
}

/// A declaration up to its body: `fn softplus(x : real) -> real`.
std::string headOf(const Node &declaration) {
  std::string_view text =
      declaration.span.source->text().substr(declaration.span.begin, declaration.span.end - declaration.span.begin);
  int depth = 0;
  size_t end = 0;
  for (; end < text.size(); ++end) {
    char c = text[end];
    if (c == '(' || c == '[')
      ++depth;
    else if (c == ')' || c == ']')
      --depth;
    else if (depth == 0 && (c == '{' || c == '\n' || (c == '=' && text.substr(end, 2) != "==")))
      break;
  }
  std::string head(text.substr(0, end));
  while (!head.empty() && head.back() == ' ')
    head.pop_back();
  return head;
}

std::vector<std::unique_ptr<Ast>> parsePrelude(Diagnostics &diagnostics) {
  std::vector<std::unique_ptr<Ast>> trees;
  for (const EmbeddedFile &file : embeddedPrelude())
    trees.push_back(parseText(std::make_shared<Source>(std::string(file.name), std::string(file.text)), diagnostics));
  return trees;
}

/// One line a declaration, with its sentence; of the kinds the whole text, since the fields are what one asks for.
int printPrelude(bool onlyKinds) {
  Diagnostics diagnostics;
  std::vector<std::unique_ptr<Ast>> trees = parsePrelude(diagnostics);
  if (diagnostics.hasErrors())
    return showMessages(diagnostics), Defect;
  for (const std::unique_ptr<Ast> &tree : trees) {
    bool titled = onlyKinds;
    for (const Node *declaration : tree->program->children) {
      bool kind = declaration->kind == NodeKind::Kind || declaration->kind == NodeKind::KindAlias;
      if (onlyKinds != kind || declaration->kind == NodeKind::Test)
        continue;
      if (!titled)
        std::cout << "## " << tree->source->name() << "\n\n";
      titled = true;
      if (onlyKinds)
        std::cout << declaration->doc << (declaration->doc.empty() ? "" : "\n") << "```kac\n"
                  << tree->source->text().substr(declaration->span.begin,
                                                 declaration->span.end - declaration->span.begin)
                  << "\n```\n\n";
      else
        std::cout << "- `" << headOf(*declaration) << '`' << (declaration->doc.empty() ? "" : ": ") << declaration->doc
                  << '\n';
    }
    if (titled && !onlyKinds)
      std::cout << '\n';
  }
  return Done;
}

} // namespace

int printCommand(const CommandLine &line) {
  if (line.what == "stages")
    printStages();
  else if (line.what == "errors")
    printErrors();
  else
    return printPrelude(line.what == "kinds");
  return Done;
}

int explainErrorCommand(const CommandLine &line) {
  const DiagnosticRow *row = findDiagnostic(line.what);
  if (!row) {
    std::cerr << "kacc: there is no code " << line.what << "; `kacc --print=errors` lists all\n";
    return WrongCommandLine;
  }
  std::string bad = row->bad;
  if (size_t mark = bad.find("«»"); mark != std::string::npos)
    bad.erase(mark, std::string("«»").size());
  std::cout << severityOf(*row) << ' ' << row->code << " (" << row->name << "): " << row->rule
            << "\nlanguage reference, section " << row->section << "\n\nfor example:\n\n"
            << bad;
  if (*row->repaired)
    std::cout << "\nput right:\n\n" << row->repaired;
  return Done;
}

} // namespace kac
