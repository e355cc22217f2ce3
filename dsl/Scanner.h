// A source comes in; its tokens go out, newlines settled, brackets matched, comments set aside.
#pragma once

#include "dsl/Ast.h"
#include "dsl/Diagnostics.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace kac {

enum class TokenKind { End, Separator, Name, Word, Int, Real, String, Sign };

/// One token. A `Word` is reserved; a `Separator` is a newline or `;` that ends a statement, several in a row being
/// one.
struct Token {
  TokenKind kind = TokenKind::End;
  uint32_t begin = 0;
  uint32_t end = 0;
  std::string_view text;
  int32_t partner = 0; // of a bracket: how many tokens on (or, below zero, back) the other one stands
  int32_t parent = -1; // index of the innermost bracket around this token; -1 outside of all
  bool comma = false;  // of an opening bracket: a comma stands directly inside

  bool is(std::string_view sign) const { return kind == TokenKind::Sign && text == sign; }
};

/// All tokens of a file, the last of kind End. Not `sound` if a message was given.
struct Scan {
  std::vector<Token> tokens;
  std::vector<Comment> comments;
  bool sound = true;
};

/// More brackets than this may not be open at once, nor may constructs nest deeper.
constexpr int maxDepth = 200;

Scan scan(const Source &source, Diagnostics &diagnostics);

/// Whether a newline after this token goes on with the statement.
bool continuesLine(const Token &token);

/// At most 40 characters of a text, for messages.
std::string shorten(std::string_view text);

/// The contents of a string literal, its quotes gone and its escapes resolved.
std::string resolveString(std::string_view literal);

} // namespace kac
