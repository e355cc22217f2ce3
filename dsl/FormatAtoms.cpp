// A source comes in; its tokens with comments, source columns and the blanks between them go out.
#include "dsl/FormatAtoms.h"
#include "dsl/Utf8.h"

#include <algorithm>

namespace kac::format {

namespace {

/// Walks through the text once, counting lines and columns.
class Cursor {
public:
  explicit Cursor(std::string_view text) : text(text) {}
  void to(uint32_t offset) {
    while (at < offset) {
      if (text[at] == '\n') {
        ++line;
        column = 0;
        ++at;
      } else {
        ++column;
        at += decodeUtf8(text, at).length;
      }
    }
  }
  int line = 0;
  int column = 0;

private:
  std::string_view text;
  size_t at = 0;
};

bool endsOperand(const Token &token) {
  if (token.kind == TokenKind::Word)
    return token.text == "true" || token.text == "false" || token.text == "fn";
  return token.kind != TokenKind::Sign || token.is(")") || token.is("]") || token.is("}");
}

bool isUnary(const Atom &atom, const Atom *before) {
  if (!atom.is("-") && !atom.is("!"))
    return false;
  return !before || atom.separator || !endsOperand(before->token) || before->isWord("fn");
}

} // namespace

bool spaced(const Atom &before, const Atom &atom) {
  if (atom.is(",") || atom.is(";") || atom.is(")") || atom.is("]") || before.is("(") || before.is("["))
    return false;
  if (before.is("{") || atom.is("}"))
    return !(before.is("{") && atom.is("}"));
  if (before.is(",") || before.is(";"))
    return true;
  for (std::string_view tight : {".", "..", "^"})
    if (before.is(tight) || atom.is(tight))
      return false;
  if (before.unary)
    return false;
  return !((atom.is("(") || atom.is("[")) && endsOperand(before.token));
}

std::vector<Atom> makeAtoms(const Source &source) {
  Diagnostics ignored; // the text has parsed
  Scan scanned = scan(source, ignored);
  std::vector<size_t> atomOf(scanned.tokens.size(), noAtom);
  std::vector<Atom> atoms;
  std::vector<OwnComment> comments;
  Cursor cursor(source.text());
  size_t nextComment = 0;
  int endLine = 0; // of the atom or comment before
  bool separator = false;
  int64_t columns = 0;

  auto blankTo = [&](int line) { return (!atoms.empty() || !comments.empty()) && line > endLine + 1; };
  auto takeComments = [&](size_t token) {
    for (; nextComment < scanned.comments.size() && scanned.comments[nextComment].nextToken <= token; ++nextComment) {
      const Comment &comment = scanned.comments[nextComment];
      std::string_view text = source.text().substr(comment.span.begin, comment.span.end - comment.span.begin);
      cursor.to(comment.span.begin);
      if (comment.ownLine || atoms.empty()) {
        comments.push_back({text, blankTo(cursor.line)});
      } else {
        atoms.back().trailing = text;
        atoms.back().trailingColumn = cursor.column;
      }
      endLine = cursor.line;
    }
  };

  for (size_t i = 0; i < scanned.tokens.size(); ++i) {
    const Token &token = scanned.tokens[i];
    if (token.kind == TokenKind::Separator) {
      separator = true;
      continue;
    }
    takeComments(i);
    const Atom *before = atoms.empty() ? nullptr : &atoms.back();
    Atom atom;
    atom.token = token;
    atom.separator = separator && before && !before->is("{") && !token.is("}");
    atom.unary = isUnary(atom, before);
    cursor.to(token.begin);
    atom.line = cursor.line;
    atom.column = cursor.column;
    atom.width = countCodePoints(token.text);
    atom.blankBefore = blankTo(cursor.line);
    atom.breakBefore = before && (cursor.line > before->line || token.kind == TokenKind::End);
    if (before && !atom.breakBefore)
      atom.gap = atom.column - before->column - before->width;
    atom.comments = std::move(comments);
    comments.clear();
    if (before)
      columns += atom.separator ? 2 : spaced(*before, atom) ? 1 : 0;
    atom.begin = columns;
    columns += atom.width;
    atomOf[i] = atoms.size();
    if (token.partner != 0)
      atom.partner = i; // a token's index until all atoms are there
    if (token.parent >= 0)
      atom.parent = atomOf[static_cast<size_t>(token.parent)];
    endLine = cursor.line;
    separator = false;
    atoms.push_back(std::move(atom));
  }
  for (Atom &atom : atoms)
    if (atom.partner != noAtom)
      atom.partner = atomOf[static_cast<size_t>(static_cast<int64_t>(atom.partner) + atom.token.partner)];
  return atoms;
}

int Indents::of(size_t index) const {
  const Atom &atom = atoms[index];
  const Level &level = levels.back();
  if (atom.closes())
    return level.base;
  bool round = atom.parent != noAtom && !atoms[atom.parent].is("{");
  return (round || begins(index) ? level.base : level.statement) + 2;
}

int Indents::ofComments(size_t index) const { return atoms[index].closes() ? levels.back().base + 2 : of(index); }

void Indents::pass(size_t first, size_t last, int indent) {
  for (size_t i = first; i < last; ++i) {
    if (atoms[i].closes())
      levels.pop_back();
    if (i == first)
      levels.back().line = indent;
    if (begins(i))
      levels.back().statement = levels.back().line;
    int line = levels.back().line;
    if (atoms[i].opens())
      levels.push_back({line, line, line});
  }
}

/// Whether an atom is the first of a statement, or of what stands in a bracket.
bool Indents::begins(size_t index) const {
  const Atom &atom = atoms[index];
  return index == 0 || atom.separator || atom.token.kind == TokenKind::End || index - 1 == atom.parent;
}

/// Two neighbouring declarations of several lines have a blank line between them.
static void partDeclarations(const std::vector<Atom> &atoms, std::vector<Line> &lines) {
  size_t begin = 0; // first line of the declaration
  bool longBefore = false;
  while (begin < lines.size()) {
    size_t code = begin; // its first line that is no comment
    while (code < lines.size() && lines[code].first == lines[code].last)
      ++code;
    size_t end = code + 1;
    while (end < lines.size() && !(atoms[lines[end].first].parent == noAtom && atoms[lines[end].first].separator))
      ++end;
    bool isLong = end > code + 1;
    bool parted = false;
    for (size_t line = begin; line < std::min(code + 1, lines.size()); ++line)
      parted = parted || lines[line].blankBefore;
    if (longBefore && isLong && !parted)
      lines[begin].blankBefore = true;
    longBefore = isLong;
    begin = end;
  }
}

std::vector<Line> makeLines(const std::vector<Atom> &atoms) {
  std::vector<Line> lines;
  Indents indents(atoms);
  for (size_t i = 0; i < atoms.size();) {
    const Atom &atom = atoms[i];
    bool atEnd = atom.token.kind == TokenKind::End;
    bool opened = i > 0 && atoms[i - 1].is("{");
    bool blanks = i == 0 || atEnd || opened || atom.separator || atom.is("}"); // elsewhere a statement goes on
    for (const OwnComment &comment : atom.comments) {
      bool first = &comment == &atom.comments.front();
      lines.push_back({indents.ofComments(i), i, i, comment.text, comment.blankBefore && blanks && !(opened && first)});
    }
    if (atEnd)
      break;
    size_t last = i + 1;
    while (!atoms[last].breakBefore)
      ++last;
    bool first = opened && atom.comments.empty();
    int indent = indents.of(i);
    lines.push_back({indent, i, last, {}, atom.blankBefore && blanks && !first && !atom.is("}")});
    indents.pass(i, last, indent);
    i = last;
  }
  partDeclarations(atoms, lines);
  return lines;
}

} // namespace kac::format
