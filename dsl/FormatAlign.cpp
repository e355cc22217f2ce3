// Lines come in; the blanks that keep the writer's alignment go out.
#include "dsl/FormatAtoms.h"
#include "dsl/Utf8.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace kac::format {

namespace {

/// Atoms of neighbouring lines that began in one column of the source, where blanks were put in to that end, begin in
/// one column again: the first in which all of them have room.
class Aligner {
public:
  Aligner(const std::vector<Atom> &atoms, const std::vector<Line> &lines)
      : atoms(atoms), lines(lines), padding{std::vector<int>(atoms.size()), std::vector<int>(lines.size())},
        lineOf(atoms.size()), group(atoms.size()) {
    std::iota(group.begin(), group.end(), size_t(0));
    for (size_t line = 0; line < lines.size(); ++line)
      for (size_t i = lines[line].first; i < lines[line].last; ++i)
        lineOf[i] = line;
  }

  Padding run() {
    for (size_t line = 0; line + 1 < lines.size(); ++line)
      if (whole(line) && whole(line + 1) && follows(line, line + 1))
        link(lines[line], lines[line + 1]);
    pad();
    dropOverlong();
    alignComments();
    return std::move(padding);
  }

private:
  /// Whether the line is one of the source.
  bool whole(size_t index) const {
    const Line &line = lines[index];
    return line.first < line.last && atoms[line.first].line == atoms[line.last - 1].line &&
           (line.first == 0 || atoms[line.first - 1].line < atoms[line.first].line) &&
           (atoms[line.last].token.kind == TokenKind::End || atoms[line.last].line > atoms[line.first].line);
  }

  /// Whether they are neighbours, in the source and here.
  bool follows(size_t a, size_t b) const {
    return atoms[lines[b].first].line == atoms[lines[a].first].line + 1 && !lines[b].blankBefore &&
           lines[a].indent == lines[b].indent;
  }

  /// What may stand below what.
  static std::string_view role(const Atom &atom) {
    if (atom.token.kind != TokenKind::Sign || atom.unary || atom.is("(") || atom.is("["))
      return "operand";
    return atom.is("~") || atom.is(":") ? "=" : atom.token.text;
  }

  bool mayMove(const Line &line, size_t i) const {
    return i > line.first && atoms[i].gap > 0 && (atoms[i].separator || spaced(atoms[i - 1], atoms[i]));
  }

  void link(const Line &a, const Line &b) {
    for (size_t i = a.first, j = b.first; i < a.last && j < b.last;) {
      int difference = atoms[i].column - atoms[j].column;
      bool wide = atoms[i].gap > 1 || atoms[j].gap > 1;
      if (difference == 0 && wide && mayMove(a, i) && mayMove(b, j) && role(atoms[i]) == role(atoms[j]))
        group[root(j)] = root(i);
      i += difference <= 0;
      j += difference >= 0;
    }
  }

  size_t root(size_t i) {
    while (group[i] != i)
      i = group[i] = group[group[i]];
    return i;
  }

  /// The column of an atom, by the paddings known so far.
  int columnOf(size_t atom) const {
    const Line &line = lines[lineOf[atom]];
    int column = line.indent + static_cast<int>(atoms[atom].begin - atoms[line.first].begin);
    for (size_t i = line.first; i <= atom; ++i)
      column += padding.before[i];
    return column;
  }

  void pad() {
    std::map<std::pair<int, size_t>, std::vector<size_t>> groups; // by source column: from left to right
    for (size_t i = 0; i < atoms.size(); ++i)
      groups[{atoms[i].column, root(i)}].push_back(i);
    for (auto &[key, members] : groups) {
      if (members.size() < 2)
        continue;
      int column = 0;
      for (size_t member : members)
        column = std::max(column, columnOf(member));
      for (size_t member : members)
        padding.before[member] += column - columnOf(member);
    }
  }

  int endOf(const Line &line) const { return columnOf(line.last - 1) + atoms[line.last - 1].width; }

  /// Of neighbouring lines one of which would become too long, none is aligned.
  void dropOverlong() {
    for (size_t begin = 0; begin < lines.size();) {
      size_t end = begin + 1;
      while (end < lines.size() && whole(end - 1) && whole(end) && follows(end - 1, end))
        ++end;
      bool tooLong = false;
      for (size_t line = begin; line < end; ++line)
        tooLong = tooLong || (lines[line].first < lines[line].last && endOf(lines[line]) > maxColumns);
      for (size_t line = begin; tooLong && line < end; ++line)
        std::fill(padding.before.begin() + static_cast<std::ptrdiff_t>(lines[line].first),
                  padding.before.begin() + static_cast<std::ptrdiff_t>(lines[line].last), 0);
      begin = end;
    }
  }

  /// Comments behind code that began in one column of a paragraph do so again, no further left than they were.
  void alignComments() {
    std::vector<size_t> paragraph;
    for (size_t line = 0; line <= lines.size(); ++line) {
      if (line == lines.size() || lines[line].blankBefore) {
        alignParagraph(paragraph);
        paragraph.clear();
      }
      if (line < lines.size() && lines[line].first < lines[line].last && !atoms[lines[line].last - 1].trailing.empty())
        paragraph.push_back(line);
    }
  }

  void alignParagraph(const std::vector<size_t> &paragraph) {
    std::map<int, int> columns; // of the source, to ours
    for (size_t line : paragraph) {
      int &column = columns[atoms[lines[line].last - 1].trailingColumn];
      column = std::max({column, atoms[lines[line].last - 1].trailingColumn, endOf(lines[line]) + 2});
    }
    for (size_t line : paragraph) {
      const Atom &atom = atoms[lines[line].last - 1];
      int column = columns[atom.trailingColumn];
      bool room = column + countCodePoints(atom.trailing) <= maxColumns;
      padding.comment[line] = room ? column : endOf(lines[line]) + 2;
    }
  }

  const std::vector<Atom> &atoms;
  const std::vector<Line> &lines;
  Padding padding;
  std::vector<size_t> lineOf;
  std::vector<size_t> group; // union-find
};

} // namespace

Padding alignColumns(const std::vector<Atom> &atoms, const std::vector<Line> &lines) {
  return Aligner(atoms, lines).run();
}

} // namespace kac::format
