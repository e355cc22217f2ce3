// kacc fmt: a program in, the same laid out on standard output, in place (-i), or only compared (--check).
#include "dsl/Format.h"
#include "compiler/commands/Commands.h"
#include "dsl/Grammar.h"

#include <filesystem>
#include <fstream>
#include <iostream>

namespace fs = std::filesystem;

namespace kac {
namespace {

/// The file appears whole or stays as it was.
bool writeBack(const std::string &path, const std::string &text) {
  fs::path target = fs::canonical(path), fresh = target.string() + ".kacc-fmt";
  std::error_code failure;
  std::ofstream(fresh, std::ios::binary) << text;
  if (fs::file_size(fresh, failure) == text.size() && !failure) {
    fs::permissions(fresh, fs::status(target).permissions(), failure);
    fs::rename(fresh, target, failure);
    if (!failure)
      return true;
  }
  fs::remove(fresh, failure);
  std::cerr << "kacc: cannot write " << path << '\n';
  return false;
}

} // namespace

int formatCommand(const CommandLine &line) {
  std::optional<std::string> text = readProgram(line.model);
  if (!text)
    return WrongProgram;
  Diagnostics diagnostics;
  auto source = std::make_shared<const Source>(line.model, *text); // messages point into it
  std::unique_ptr<Ast> ast = parseText(source, diagnostics);
  if (!ast)
    return showMessages(diagnostics);
  std::string formatted = formatAst(*ast);
  if (line.checkOnly) {
    if (formatted == *text)
      return Done;
    std::cerr << "kacc: the layout of " << line.model << " would change\n";
    return WrongProgram;
  }
  if (line.inPlace)
    return formatted == *text || writeBack(line.model, formatted) ? Done : WrongProgram;
  std::cout << formatted << std::flush;
  return std::cout ? Done : FailedRun;
}

} // namespace kac
