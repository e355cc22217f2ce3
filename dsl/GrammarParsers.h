// Tokens come in, nodes go out on a stack: the few Spirit X3 parsers of which the grammar's rules are put together.
#pragma once

#include "dsl/Ast.h"
#include "dsl/Scanner.h"

#include <boost/spirit/home/x3.hpp>

#include <iterator>
#include <string_view>
#include <vector>

namespace kac::grammar {

namespace x3 = boost::spirit::x3;

/// What could stand at the farthest token reached: a phrase, or the text of a sign or word.
struct Wanted {
  std::string_view text;
  bool phrase = false;
};

/// What the parsers of one file share. It hangs on the iterator, so that all rules have the same, empty context.
struct State {
  Ast &ast;
  std::vector<Node *> stack;
  NodeKind kind = NodeKind::None; // of the node whose contents are being read
  const Token *farthest = nullptr;
  std::vector<Wanted> wanted;
  int depth = 0;
  const Token *tooDeep = nullptr; // once set, nothing matches any more

  Span span(const Token *begin, const Token *end) const;
  Node *push(NodeKind kind, Span span, std::string_view text);
  void want(const Token *at, Wanted what);
  bool deeper(const Token *at);
};

struct TokenIterator {
  using iterator_category = std::forward_iterator_tag;
  using value_type = Token;
  using difference_type = std::ptrdiff_t;
  using pointer = const Token *;
  using reference = const Token &;

  const Token *token = nullptr;
  State *state = nullptr;

  reference operator*() const { return *token; }
  pointer operator->() const { return token; }
  TokenIterator &operator++() {
    ++token;
    return *this;
  }
  TokenIterator operator++(int) { return {token++, state}; }
  bool operator==(const TokenIterator &other) const { return token == other.token; }
};

/// All parsers here: no attributes, only the node stack.
template <typename Derived> struct Parser : x3::parser<Derived> {
  using attribute_type = x3::unused_type;
  static constexpr bool has_attribute = false; // NOLINT(readability-identifier-naming)
};

/// One token: of this kind, or with this text if one is given. Pushes a node of kind `makes` unless that is None.
struct OneToken : Parser<OneToken> {
  TokenKind kind;
  std::string_view text;
  Wanted wanted;
  NodeKind makes;

  constexpr OneToken(TokenKind kind, std::string_view text, Wanted wanted, NodeKind makes)
      : kind(kind), text(text), wanted(wanted), makes(makes) {}

  bool take(TokenIterator &first, const TokenIterator &last) const;

  template <typename Context, typename RContext, typename Attribute>
  bool parse(TokenIterator &first, const TokenIterator &last, const Context &, RContext &, Attribute &) const {
    return take(first, last);
  }
};

constexpr OneToken sign(std::string_view text) { return {TokenKind::Sign, text, {text}, NodeKind::None}; }
/// A sign kept as an Operator node.
constexpr OneToken kept(std::string_view text) { return {TokenKind::Sign, text, {text}, NodeKind::Operator}; }
/// Signs that only go on with an expression share one phrase in messages.
constexpr OneToken suffix(std::string_view text) {
  return {TokenKind::Sign, text, {"an operator", true}, NodeKind::None};
}
constexpr OneToken infix(std::string_view text) {
  return {TokenKind::Sign, text, {"an operator", true}, NodeKind::Operator};
}
/// A reserved word, or a name that begins a declaration.
constexpr OneToken word(std::string_view text) { return {TokenKind::Word, text, {text}, NodeKind::None}; }
constexpr OneToken literal(TokenKind kind, std::string_view phrase, NodeKind makes) {
  return {kind, {}, {phrase, true}, makes};
}

constexpr OneToken name = literal(TokenKind::Name, "a name", NodeKind::Name);
constexpr OneToken string = literal(TokenKind::String, "a string", NodeKind::String);
constexpr OneToken separator = literal(TokenKind::Separator, "a new line", NodeKind::None);

/// Looks at what follows and takes nothing; with a phrase, messages want that where it is not there.
struct Ahead : Parser<Ahead> {
  bool (*test)(const Token *);
  bool expected;
  std::string_view phrase;
  constexpr explicit Ahead(bool (*test)(const Token *), bool expected = true, std::string_view phrase = {})
      : test(test), expected(expected), phrase(phrase) {}
  constexpr Ahead operator!() const { return Ahead(test, !expected, phrase); }

  template <typename Context, typename RContext, typename Attribute>
  bool parse(TokenIterator &first, const TokenIterator &, const Context &, RContext &, Attribute &) const {
    bool good = test(first.token) == expected;
    if (!good && !phrase.empty())
      first.state->want(first.token, {phrase, true});
    return good;
  }
};

/// Takes nothing and pushes a node: None for what is absent, a Name without text, an Operator that no token stands for.
struct Push : Parser<Push> {
  NodeKind kind;
  std::string_view text;
  constexpr explicit Push(NodeKind kind, std::string_view text = {}) : kind(kind), text(text) {}

  template <typename Context, typename RContext, typename Attribute>
  bool parse(TokenIterator &first, const TokenIterator &, const Context &, RContext &, Attribute &) const {
    State &s = *first.state;
    s.push(kind, s.span(first.token, first.token), text);
    return true;
  }
};

constexpr Push none{NodeKind::None};
constexpr Push unnamed{NodeKind::Name};

/// Takes nothing; the node around it will be of this kind.
struct Becomes : Parser<Becomes> {
  NodeKind kind;
  constexpr explicit Becomes(NodeKind kind) : kind(kind) {}

  template <typename Context, typename RContext, typename Attribute>
  bool parse(TokenIterator &first, const TokenIterator &, const Context &, RContext &, Attribute &) const {
    first.state->kind = kind;
    return true;
  }
};

/// A parser around another one; cuts the stack back when that fails.
template <typename Subject, typename Action> struct Around : x3::unary_parser<Subject, Around<Subject, Action>> {
  using attribute_type = x3::unused_type;
  static constexpr bool has_attribute = false; // NOLINT(readability-identifier-naming)
  Action action;

  constexpr Around(const Subject &subject, Action action)
      : x3::unary_parser<Subject, Around<Subject, Action>>(subject), action(action) {}

  template <typename Context, typename RContext, typename Attribute>
  bool parse(TokenIterator &first, const TokenIterator &last, const Context &context, RContext &rcontext,
             Attribute &) const {
    State &s = *first.state;
    TokenIterator begin = first;
    size_t mark = s.stack.size();
    typename Action::Saved saved = action.enter(s, first.token);
    bool good = !s.tooDeep && this->subject.parse(first, last, context, rcontext, x3::unused) && !s.tooDeep;
    if (!good) {
      first = begin;
      s.stack.resize(mark);
    }
    action.leave(s, saved, begin.token, first.token, mark, good);
    return good;
  }
};

template <typename Action> struct Directive {
  Action action;
  template <typename Subject> constexpr auto operator[](const Subject &subject) const {
    using Parser = typename x3::extension::as_parser<Subject>::value_type;
    return Around<Parser, Action>(x3::as_parser(subject), action);
  }
};

/// Nothing more: what goes under `*` and `-`.
struct Cut {
  using Saved = bool;
  Saved enter(State &, const Token *) const { return false; }
  void leave(State &, Saved, const Token *, const Token *, size_t, bool) const {}
};
constexpr Directive<Cut> cut{};

/// How a node is made of what its contents left on the stack.
enum class Layout {
  Plain,     // all are children
  Named,     // the first is a name or string, whose text the node takes
  KindNamed, // so is the second
  Collapsed, // where there is only one, it stands for itself
  Wrapping,  // what stood on the stack before is the first child
};

/// One node. An Operator among the children becomes its `op`, except in a chain.
struct MakeNode {
  using Saved = NodeKind;
  NodeKind kind;
  Layout layout;
  Saved enter(State &s, const Token *at) const;
  void leave(State &s, Saved saved, const Token *begin, const Token *end, size_t mark, bool good) const;
};
constexpr Directive<MakeNode> node(NodeKind kind, Layout layout = Layout::Plain) { return {{kind, layout}}; }
constexpr Directive<MakeNode> named(NodeKind kind) { return {{kind, Layout::Named}}; }
constexpr Directive<MakeNode> collapsed(NodeKind kind) { return {{kind, Layout::Collapsed}}; }
constexpr Directive<MakeNode> chain{{NodeKind::Chain, Layout::Collapsed}};

/// Counts the depth; where nothing was eaten, messages want `phrase` in place of all that it could begin with.
struct Deep {
  struct Saved {
    int depth;
    size_t wanted;
  };
  std::string_view phrase;
  bool counts = true;
  Saved enter(State &s, const Token *at) const;
  void leave(State &s, Saved saved, const Token *begin, const Token *end, size_t mark, bool good) const;
};
constexpr Directive<Deep> deep(std::string_view phrase) { return {{phrase}}; }
/// What stands within one that counts.
constexpr Directive<Deep> within(std::string_view phrase) { return {{phrase, false}}; }

/// The parser, or a node None.
template <typename Subject> constexpr auto optional(const Subject &subject) { return cut[subject] | none; }

} // namespace kac::grammar
