// A parsed file comes in; its text laid out goes out, line by line.
#include "dsl/Format.h"
#include "dsl/FormatAtoms.h"
#include "dsl/Utf8.h"

namespace kac {

using namespace format;

namespace {

/// One line of code, without the comment behind it.
std::string lineText(const std::vector<Atom> &atoms, const Line &line, const Padding &padding) {
  std::string text(static_cast<size_t>(line.indent), ' ');
  for (size_t i = line.first; i < line.last; ++i) {
    if (i > line.first && atoms[i].separator)
      text += "; ";
    else if (i > line.first && spaced(atoms[i - 1], atoms[i]))
      text += ' ';
    text.append(static_cast<size_t>(padding.before[i]), ' ');
    text += atoms[i].token.text;
  }
  return text;
}

} // namespace

std::string formatAst(const Ast &ast) {
  std::vector<Atom> atoms = makeAtoms(*ast.source);
  breakLines(atoms);
  std::vector<Line> lines = makeLines(atoms);
  Padding padding = alignColumns(atoms, lines);
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    const Line &line = lines[i];
    if (line.blankBefore)
      out += '\n';
    if (line.first == line.last) {
      out += std::string(static_cast<size_t>(line.indent), ' ') + std::string(line.comment) + "\n";
      continue;
    }
    std::string text = lineText(atoms, line, padding);
    if (std::string_view trailing = atoms[line.last - 1].trailing; !trailing.empty()) {
      text.append(static_cast<size_t>(padding.comment[i] - countCodePoints(text)), ' ');
      text += trailing;
    }
    out += text + "\n";
  }
  return out;
}

} // namespace kac
