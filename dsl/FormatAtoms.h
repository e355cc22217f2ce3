// The stages of the layout: tokens become atoms, atoms get their breaks, broken atoms become lines, lines their
// columns.
#pragma once

#include "dsl/Scanner.h"

#include <string_view>
#include <vector>

namespace kac::format {

constexpr int maxColumns = 120;
constexpr size_t noAtom = ~size_t(0);

/// A comment on a line of its own.
struct OwnComment {
  std::string_view text;
  bool blankBefore = false;
};

/// A token other than a separator, with what stood around it in the source.
struct Atom {
  Token token;
  size_t partner = noAtom; // of a bracket
  size_t parent = noAtom;  // the innermost bracket around
  bool separator = false;  // one stands before
  bool unary = false;      // a sign before its operand
  bool breakBefore = false;
  bool blankBefore = false; // a blank line stood before
  std::vector<OwnComment> comments;
  std::string_view trailing; // the comment behind it
  int trailingColumn = 0;
  int line = 0; // in the source; columns count from 0
  int column = 0;
  int gap = 0; // blanks before it, where it is not the first of its line
  int width = 0;
  int64_t begin = 0; // columns before it if no line were broken

  bool is(std::string_view sign) const { return token.is(sign); }
  bool isWord(std::string_view word) const { return token.kind == TokenKind::Word && token.text == word; }
  bool opens() const { return is("(") || is("[") || is("{"); }
  bool closes() const { return is(")") || is("]") || is("}"); }
};

/// Atoms [first, last), or one comment where there are none.
struct Line {
  int indent = 0;
  size_t first = 0;
  size_t last = 0;
  std::string_view comment;
  bool blankBefore = false;
};

/// The last atom is the end of the file.
std::vector<Atom> makeAtoms(const Source &source);

/// Whether a blank stands between two atoms of a line.
bool spaced(const Atom &before, const Atom &atom);

/// Breaks lines that are too long, and settles those inside of braces.
void breakLines(std::vector<Atom> &atoms);

std::vector<Line> makeLines(const std::vector<Atom> &atoms);

struct Padding {
  std::vector<int> before;  // blanks before each atom, on top of what `spaced` says
  std::vector<int> comment; // the column of the comment behind each line
};
Padding alignColumns(const std::vector<Atom> &atoms, const std::vector<Line> &lines);

/// Follows the brackets from line to line.
class Indents {
public:
  explicit Indents(const std::vector<Atom> &atoms) : atoms(atoms) {}
  /// The indent of a line that begins with this atom.
  int of(size_t atom) const;
  /// That of comments before it.
  int ofComments(size_t atom) const;
  /// Goes over a line.
  void pass(size_t first, size_t last, int indent);

private:
  bool begins(size_t atom) const;

  /// What is inside of one bracket, or, at the bottom, outside of all.
  struct Level {
    int base = -2;     // indent of what is around: a line inside has two more
    int statement = 0; // of the line on which the last statement inside began
    int line = 0;      // of the last line that began here
  };
  const std::vector<Atom> &atoms;
  std::vector<Level> levels{Level{}};
};

} // namespace kac::format
