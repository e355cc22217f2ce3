// Atoms with the writer's line breaks come in; where lines were too long or braces half open, more breaks go out.
#include "dsl/FormatAtoms.h"

#include <algorithm>
#include <array>
#include <string>

namespace kac::format {

namespace {

/// Weakest first.
constexpr std::array<std::string_view, 6> infix = {" || ", " && ", " == != <= >= < > ", " ++ ", " + - ", " * / % "};

class Breaker {
public:
  explicit Breaker(std::vector<Atom> &atoms) : atoms(atoms), indents(atoms) {}

  void run() {
    settleBraces();
    for (size_t first = 0; first < atoms.size();) {
      int indent = indents.of(first);
      if (size_t at = choose(first, indent); at != noAtom) {
        breakAt(first, at);
        continue;
      }
      size_t last = endOf(first);
      indents.pass(first, last, indent);
      first = last;
    }
  }

private:
  size_t endOf(size_t first) const {
    size_t last = first + 1;
    while (last < atoms.size() && !atoms[last].breakBefore)
      ++last;
    return last;
  }

  /// Inside of brackets where newlines are blanks.
  bool round(const Atom &atom) const { return atom.parent != noAtom && !atoms[atom.parent].is("{"); }

  bool mustBreak(size_t i) const { return !atoms[i].comments.empty() || !atoms[i - 1].trailing.empty(); }

  /// Braces either stand on one line or part their contents from themselves; `else` follows a brace on its line.
  void settleBraces() {
    std::vector<size_t> breaks(atoms.size() + 1, 0); // before each atom
    for (size_t i = 0; i < atoms.size(); ++i) {
      bool empty = i > 0 && atoms[i].is("}") && atoms[i].partner == i - 1;
      bool elseOfStatement = atoms[i].isWord("else") && !round(atoms[i]);
      if ((empty || elseOfStatement) && !mustBreak(i))
        atoms[i].breakBefore = false;
      breaks[i + 1] = breaks[i] + (atoms[i].breakBefore ? 1 : 0);
    }
    for (size_t close = 0; close < atoms.size(); ++close) {
      if (!atoms[close].is("}"))
        continue;
      size_t open = atoms[close].partner;
      if (breaks[close + 1] > breaks[open + 1])
        expand(open, close);
    }
  }

  void expand(size_t open, size_t close) {
    atoms[open + 1].breakBefore = true;
    atoms[close].breakBefore = true;
    if (atoms[close + 1].isWord("else") && !mustBreak(close + 1))
      atoms[close + 1].breakBefore = false;
  }

  /// The statements from an atom to the end of its line that stand directly inside of `parent` get lines of their own.
  void partStatements(size_t from, size_t parent) {
    bool inside = parent != noAtom && parent >= from; // then all of it stands on this line
    size_t end = inside ? atoms[parent].partner : atoms.size();
    std::vector<size_t> parted;
    for (size_t i = (inside ? parent : from) + 1; i < end && !atoms[i].breakBefore; ++i)
      if (atoms[i].separator && atoms[i].parent == parent)
        parted.push_back(i);
    for (size_t i : parted)
      atoms[i].breakBefore = true;
  }

  void breakAt(size_t first, size_t at) {
    if (atoms[at].separator)
      partStatements(first, atoms[at].parent);
    size_t around = atoms[at - 1].opens() ? at - 1 : atoms[at].parent;
    for (; around != noAtom && around >= first; around = atoms[around].parent) {
      if (!atoms[around].is("{"))
        continue;
      partStatements(first, around);
      expand(around, atoms[around].partner);
    }
    atoms[at].breakBefore = true;
  }

  int columnsBetween(size_t first, size_t last) const {
    return static_cast<int>(std::min<int64_t>(atoms[last].begin + atoms[last].width - atoms[first].begin, 1 << 20));
  }

  /// Whether the atoms up to the next break fit on a line of this indent.
  bool fits(size_t first, int indent) const {
    for (size_t i = first; i < atoms.size() && (i == first || !atoms[i].breakBefore); ++i)
      if (indent + columnsBetween(first, i) > maxColumns)
        return false;
    return true;
  }

  /// Where a line that is too long is best broken: outside of as many brackets as can be, then at the weakest sign,
  /// then as far right as can be. None if the line fits or cannot be broken.
  size_t choose(size_t first, int indent) const {
    if (fits(first, indent))
      return noAtom;
    size_t best = noAtom;
    int bestCost = 0;
    int depth = atoms[first].opens() ? 1 : 0;
    for (size_t i = first + 1; i < atoms.size() && !atoms[i].breakBefore; ++i) {
      bool fitting = indent + columnsBetween(first, i - 1) <= maxColumns;
      if (!fitting && best != noAtom)
        break;
      if (atoms[i].closes())
        --depth;
      int place = costAt(i, indent);
      if (place >= 0) {
        int cost = std::max(depth, 0) * 10 + place;
        if (best == noAtom || cost <= bestCost) {
          best = i;
          bestCost = cost;
        }
      }
      if (atoms[i].opens())
        ++depth;
    }
    return best;
  }

  /// How unwelcome a break before this atom is; below zero where none may stand.
  int costAt(size_t i, int indent) const {
    const Atom &before = atoms[i - 1];
    const Atom &atom = atoms[i];
    if (atom.separator)
      return 0;
    if (before.is("{"))
      return atom.is("}") ? -1 : 1;
    bool round = this->round(atom);
    if (before.is("=") || before.is("~"))
      return !round && fits(i, indent + 2) ? 2 : 40;
    if (before.is(",") || before.is(";"))
      return 3;
    if (round && !atom.closes() && (atom.isWord("for") || (atom.isWord("if") && !continuesLine(before.token))))
      return 4;
    for (int level = 0; level < static_cast<int>(infix.size()) && !before.unary; ++level)
      if (infix[level].find(" " + std::string(before.token.text) + " ") != std::string_view::npos)
        return 4 + level;
    if (before.is(":") || before.is("->") || before.isWord("with") || before.isWord("when"))
      return 45;
    return round && before.opens() && !atom.closes() ? 50 : -1;
  }

  std::vector<Atom> &atoms;
  Indents indents;
};

} // namespace

void breakLines(std::vector<Atom> &atoms) { Breaker(atoms).run(); }

} // namespace kac::format
