// A source comes in; its tree, or messages, go out: the ends of the grammar that are not rules.
#include "dsl/Grammar.h"
#include "dsl/GrammarRules.h"

#include <algorithm>

namespace kac {

namespace grammar {

Span State::span(const Token *begin, const Token *end) const {
  return {ast.source.get(), begin->begin, end > begin ? end[-1].end : begin->begin};
}

Node *State::push(NodeKind kind, Span span, std::string_view text) {
  Node *node = ast.make(kind, span);
  node->text = kind == NodeKind::String ? resolveString(text) : std::string(text);
  stack.push_back(node);
  return node;
}

void State::want(const Token *at, Wanted what) {
  if (!farthest || at > farthest) {
    farthest = at;
    wanted.clear();
  }
  auto same = [&](const Wanted &w) { return w.text == what.text && w.phrase == what.phrase; };
  if (at == farthest && std::none_of(wanted.begin(), wanted.end(), same))
    wanted.push_back(what);
}

bool State::deeper(const Token *at) {
  if (++depth > maxDepth + 2 && !tooDeep) // with the declaration, and what it is the first to hold
    tooDeep = at;
  return !tooDeep;
}

bool OneToken::take(TokenIterator &first, const TokenIterator &last) const {
  State &s = *first.state;
  const Token &token = *first;
  bool sameKind = token.kind == kind || (kind == TokenKind::Word && token.kind == TokenKind::Name);
  if (s.tooDeep)
    return false;
  if (first == last || !sameKind || (!text.empty() && token.text != text)) {
    s.want(first.token, wanted);
    return false;
  }
  if (makes != NodeKind::None)
    s.push(makes, s.span(first.token, first.token + 1), token.text);
  ++first;
  return true;
}

MakeNode::Saved MakeNode::enter(State &s, const Token *at) const {
  Saved saved = s.kind;
  s.kind = kind;
  if (layout == Layout::Wrapping)
    s.deeper(at); // the `deep` around counts this back
  return saved;
}

void MakeNode::leave(State &s, Saved saved, const Token *begin, const Token *end, size_t mark, bool good) const {
  NodeKind made = std::exchange(s.kind, saved);
  bool stands = layout == Layout::Collapsed && s.stack.size() == mark + 1;
  if (!good || stands)
    return;
  if (layout == Layout::Wrapping)
    --mark;
  Node *node = s.ast.make(made, s.span(begin, end));
  std::vector<Node *> children(s.stack.begin() + static_cast<std::ptrdiff_t>(mark), s.stack.end());
  s.stack.resize(mark);
  if (layout == Layout::Wrapping)
    node->span.begin = children.front()->span.begin;
  auto op = std::find_if(children.begin(), children.end(), [](Node *n) { return n->kind == NodeKind::Operator; });
  if (made != NodeKind::Chain && op != children.end()) {
    node->op = (*op)->text;
    children.erase(op);
  }
  if (layout == Layout::Named || layout == Layout::KindNamed) {
    auto named = children.begin() + (layout == Layout::KindNamed ? 1 : 0);
    node->text = (*named)->text;
    children.erase(named);
  }
  if (made == NodeKind::Postfix) // a call, an index or a member reaches back over what it is of
    for (Node *suffix : children)
      suffix->span.begin = node->span.begin;
  node->children = std::move(children);
  s.stack.push_back(node);
}

Deep::Saved Deep::enter(State &s, const Token *at) const {
  Saved saved{s.depth, s.farthest == at ? s.wanted.size() : 0};
  if (counts)
    s.deeper(at);
  return saved;
}

void Deep::leave(State &s, Saved saved, const Token *begin, const Token *, size_t, bool good) const {
  s.depth = saved.depth;
  if (!good && s.farthest == begin) {
    s.wanted.resize(std::min(saved.wanted, s.wanted.size()));
    s.want(begin, {phrase, true});
  }
}

} // namespace grammar

namespace {

using grammar::State;
using grammar::TokenIterator;

std::string describe(const Token &token) {
  switch (token.kind) {
  case TokenKind::End:
    return "the end of the file";
  case TokenKind::Separator:
    return token.text == ";" ? "`;`" : "a new line";
  case TokenKind::Word:
    return "the reserved word `" + std::string(token.text) + "`";
  case TokenKind::String:
    return "the string " + shorten(token.text);
  default:
    return "`" + shorten(token.text) + "`";
  }
}

std::string list(std::vector<grammar::Wanted> wanted) {
  // What ends a statement comes last: it is rarely what was meant.
  std::stable_partition(wanted.begin(), wanted.end(), [](const grammar::Wanted &w) { return w.text != "a new line"; });
  std::string result;
  for (size_t i = 0; i < wanted.size(); ++i) {
    std::string text(wanted[i].text);
    result += i == 0 ? "" : i + 1 == wanted.size() ? " or " : ", ";
    result += wanted[i].phrase ? text : "`" + text + "`";
  }
  return result;
}

class FileParser {
public:
  FileParser(Ast &ast, const std::vector<Token> &tokens, Diagnostics &diagnostics)
      : ast(ast), tokens(tokens), diagnostics(diagnostics) {}

  /// Separators outside of all brackets part the declarations, so one that does not parse leaves the others alone.
  bool run() {
    ast.program = ast.make(NodeKind::Program, {ast.source.get(), 0, static_cast<uint32_t>(ast.source->text().size())});
    bool good = true;
    size_t begin = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const Token &token = tokens[i];
      bool ends = token.kind == TokenKind::End || (token.kind == TokenKind::Separator && token.parent < 0);
      if (!ends)
        continue;
      if (i > begin)
        good = declaration(begin, i) && good;
      begin = i + 1;
    }
    return good;
  }

private:
  bool declaration(size_t begin, size_t end) {
    State state{ast, {}, NodeKind::None, nullptr, {}, 0, nullptr};
    TokenIterator first{&tokens[begin], &state};
    TokenIterator last{&tokens[end], &state};
    bool good = boost::spirit::x3::parse(first, last, grammar::declaration);
    if (good && first == last) {
      Node *node = state.stack.back();
      node->doc = docs(begin);
      ast.program->children.push_back(node);
      return true;
    }
    if (good)
      state.want(first.token, {"a new line", true});
    report(state);
    return false;
  }

  void report(const State &state) {
    if (state.tooDeep) {
      diagnostics.report("E0105", place(*state.tooDeep),
                         "this is nested more than " + std::to_string(maxDepth) + " deep");
      return;
    }
    const Token *found = state.farthest;
    Diagnostic &d =
        diagnostics.report("E0101", place(*found), "found " + describe(*found) + ", expected " + list(state.wanted));
    const Token *lineStart = found;
    while (lineStart > tokens.data() && lineOf(lineStart[-1]) == lineOf(*found))
      --lineStart;
    if (lineStart > tokens.data() && lineStart[-1].kind != TokenKind::Separator && continuesLine(lineStart[-1]))
      d.remarks.push_back(
          {place(lineStart[-1]), "the line ends in " + describe(lineStart[-1]) + ", so the next one goes on with it"});
  }

  Span place(const Token &token) const { return {ast.source.get(), token.begin, token.end}; }
  int lineOf(const Token &token) const { return ast.source->position(token.begin).line; }

  /// The `///` lines right before a token.
  std::string docs(size_t token) const {
    auto [begin, end] =
        std::equal_range(ast.comments.begin(), ast.comments.end(), Comment{static_cast<uint32_t>(token), false, {}},
                         [](const Comment &a, const Comment &b) { return a.nextToken < b.nextToken; });
    std::string result;
    for (auto comment = begin; comment != end; ++comment) {
      std::string_view text = ast.source->text().substr(comment->span.begin, comment->span.end - comment->span.begin);
      if (!comment->ownLine || text.substr(0, 3) != "///" || text.substr(0, 4) == "////") {
        result.clear();
        continue;
      }
      text.remove_prefix(text.substr(3, 1) == " " ? 4 : 3);
      result += (result.empty() ? "" : "\n") + std::string(text);
    }
    return result;
  }

  Ast &ast;
  const std::vector<Token> &tokens;
  Diagnostics &diagnostics;
};

} // namespace

std::unique_ptr<Ast> parseText(std::shared_ptr<const Source> source, Diagnostics &diagnostics) {
  auto ast = std::make_unique<Ast>();
  ast->source = std::move(source);
  diagnostics.keep(ast->source);
  Scan scanned = scan(*ast->source, diagnostics);
  if (!scanned.sound)
    return nullptr;
  ast->comments = std::move(scanned.comments);
  return FileParser(*ast, scanned.tokens, diagnostics).run() ? std::move(ast) : nullptr;
}

} // namespace kac
