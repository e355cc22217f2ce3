// A source comes in; its tokens go out. The only place that knows characters: numbers, strings, comments, newlines.
#include "dsl/Scanner.h"
#include "dsl/Utf8.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace kac {

namespace {

constexpr std::array<std::string_view, 12> reservedWords = {"if",   "else",    "for", "in",   "while", "with",
                                                            "when", "require", "fn",  "true", "false", "weigh"};
constexpr std::array<std::string_view, 9> longSigns = {"..", "->", "++", "==", "!=", "<=", ">=", "&&", "||"};
constexpr std::string_view shortSigns = "()[]{},;:.=~+-*/%^<>!";

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool isNamePart(char c) { return isNameStart(c) || isDigit(c); }
bool isOpening(char c) { return c == '(' || c == '[' || c == '{'; }
bool isClosing(char c) { return c == ')' || c == ']' || c == '}'; }
char closingOf(char c) { return c == '(' ? ')' : c == '[' ? ']' : '}'; }

std::string quoted(std::string_view text) { return "`" + shorten(text) + "`"; }

class Scanner {
public:
  Scanner(const Source &source, Diagnostics &diagnostics)
      : source(source), text(source.text()), diagnostics(diagnostics) {}

  Scan run() {
    if (text.substr(0, 3) == "\xEF\xBB\xBF")
      at = 3;
    while (!stopped && at < text.size())
      step();
    if (!stopped && !open.empty())
      unclosed();
    finish();
    return std::move(scan);
  }

private:
  void step() {
    char c = text[at];
    if (c == '\n') {
      newline = true;
      ++at;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at;
    } else if (c == '/' && peek(1) == '/') {
      comment();
    } else if (c == '"') {
      string();
    } else if (isDigit(c) || (c == '.' && isDigit(peek(1)))) {
      number();
    } else if (isNameStart(c)) {
      size_t end = at;
      while (end < text.size() && isNamePart(text[end]))
        ++end;
      std::string_view word = text.substr(at, end - at);
      bool reserved = std::find(reservedWords.begin(), reservedWords.end(), word) != reservedWords.end();
      push(reserved ? TokenKind::Word : TokenKind::Name, end - at);
    } else {
      sign();
    }
  }

  char peek(size_t ahead) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }

  Span span(size_t begin, size_t end) const {
    return {&source, static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
  }

  Diagnostic &error(std::string_view code, size_t begin, size_t end, std::string message) {
    scan.sound = false;
    return diagnostics.report(code, span(begin, end), std::move(message));
  }

  /// Reports what may stand nowhere, not even in a string or comment; gives the length of what stands at `i`.
  size_t checkCharacter(size_t i) {
    CodePoint point = decodeUtf8(text, i);
    auto byte = static_cast<unsigned char>(text[i]);
    if (!point.sound)
      error("E0106", i, i + 1, "byte " + hex(byte) + " is no part of a UTF-8 character here");
    else if ((byte < 0x20 && byte != '\t' && byte != '\r') || byte == 0x7F)
      error("E0104", i, i + 1, "control character " + hex(byte));
    return point.length;
  }

  static std::string hex(uint32_t value) {
    std::array<char, 12> digits{};
    auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return "0x" + std::string(digits.data(), end.ptr);
  }

  void comment() {
    size_t begin = at;
    while (at < text.size() && text[at] != '\n')
      at += checkCharacter(at);
    size_t end = at;
    while (end > begin && (text[end - 1] == '\r' || text[end - 1] == ' ' || text[end - 1] == '\t'))
      --end;
    bool ownLine = newline || (scan.tokens.empty() && scan.comments.empty());
    scan.comments.push_back({0, ownLine, span(begin, end)});
    ++pendingComments;
  }

  void string() {
    size_t begin = at;
    size_t i = at + 1;
    while (i < text.size() && text[i] != '"' && text[i] != '\n') {
      if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] != '\n') {
        if (std::string_view("\"\\n").find(text[i + 1]) == std::string_view::npos)
          error("E0108", i, i + 1 + decodeUtf8(text, i + 1).length, "unknown escape in a string");
        ++i;
      }
      i += checkCharacter(i);
    }
    if (i >= text.size() || text[i] == '\n') {
      error("E0103", begin, begin + 1, "this string does not end on its line");
      at = i;
      return;
    }
    push(TokenKind::String, i + 1 - begin);
  }

  size_t digits(size_t i, bool &good) const {
    size_t begin = i;
    while (i < text.size() && (isDigit(text[i]) || text[i] == '_'))
      ++i;
    std::string_view part = text.substr(begin, i - begin);
    good =
        good && !part.empty() && part.front() != '_' && part.back() != '_' && part.find("__") == std::string_view::npos;
    return i;
  }

  void number() {
    auto is = [&](size_t i, auto test) { return i < text.size() && test(text[i]); };
    auto isPoint = [](char c) { return c == '.'; };
    size_t i = at;
    bool good = text[i] != '.'; // a digit stands on both sides of a point
    bool real = !good;
    if (good)
      i = digits(i, good);
    if (is(i, isPoint) && !is(i + 1, isPoint) && !is(i + 1, isNameStart)) {
      real = true;
      i = digits(i + 1, good);
    }
    if (is(i, [](char c) { return c == 'e' || c == 'E'; })) {
      real = true;
      ++i;
      if (is(i, [](char c) { return c == '+' || c == '-'; }))
        ++i;
      i = digits(i, good);
    }
    if (is(i, isNamePart)) {
      good = false;
      while (is(i, isNamePart))
        ++i;
    }
    std::string_view literal = text.substr(at, i - at);
    if (!good)
      error("E0107", at, i, quoted(literal) + " is not a number");
    else if (tooLarge(literal, real))
      error("E0107", at, i, quoted(literal) + " is too large for " + (real ? "a real" : "an integer"));
    push(real ? TokenKind::Real : TokenKind::Int, i - at);
  }

  static bool tooLarge(std::string_view literal, bool real) {
    std::string plain;
    std::copy_if(literal.begin(), literal.end(), std::back_inserter(plain), [](char c) { return c != '_'; });
    if (real)
      return std::isinf(std::strtod(plain.c_str(), nullptr));
    int64_t value = 0;
    return std::from_chars(plain.data(), plain.data() + plain.size(), value).ec != std::errc();
  }

  void sign() {
    for (std::string_view sign : longSigns)
      if (text.substr(at, 2) == sign)
        return push(TokenKind::Sign, 2);
    char c = text[at];
    if (shortSigns.find(c) == std::string_view::npos || c == '\0') {
      CodePoint point = decodeUtf8(text, at);
      if (point.sound && (c < 0 || c > 0x20) && c != 0x7F)
        error("E0104", at, at + point.length, quoted(text.substr(at, point.length)) + " has no meaning here");
      else
        checkCharacter(at);
      at += point.length;
    } else if (isOpening(c)) {
      openBracket();
    } else if (isClosing(c)) {
      closeBracket(c);
    } else if (c == ';' && !insideRound()) {
      separate(at, 1);
      ++at;
    } else {
      if (c == ',' && !open.empty())
        scan.tokens[open.back()].comma = true;
      push(TokenKind::Sign, 1);
    }
  }

  void openBracket() {
    if (open.size() >= maxDepth) {
      error("E0105", at, at + 1, "more than " + std::to_string(maxDepth) + " brackets are open here");
      stopped = true;
      return;
    }
    push(TokenKind::Sign, 1);
    open.push_back(static_cast<int32_t>(scan.tokens.size() - 1));
  }

  void closeBracket(char c) {
    if (open.empty()) {
      error("E0102", at, at + 1, "`" + std::string(1, c) + "` closes no bracket");
      stopped = true;
      return;
    }
    Token &opening = scan.tokens[open.back()];
    if (closingOf(opening.text[0]) != c) {
      Diagnostic &d = error("E0102", at, at + 1,
                            "`" + std::string(1, c) + "` where `" + closingOf(opening.text[0]) + "` should close `" +
                                std::string(opening.text) + "`");
      d.remarks.push_back({span(opening.begin, opening.end), "opened here"});
      stopped = true;
      return;
    }
    push(TokenKind::Sign, 1); // still inside, for a newline before it
    int32_t opened = open.back();
    open.pop_back();
    scan.tokens.back().parent = scan.tokens[opened].parent;
    auto distance = static_cast<int32_t>(scan.tokens.size() - 1) - opened;
    scan.tokens[opened].partner = distance;
    scan.tokens.back().partner = -distance;
  }

  void unclosed() {
    const Token &opening = scan.tokens[open.back()];
    error("E0102", opening.begin, opening.end, "`" + std::string(opening.text) + "` is never closed");
  }

  bool insideRound() const { return !open.empty() && scan.tokens[open.back()].text != "{"; }

  /// Adds a separator, unless one stands already or nothing stands before.
  void separate(size_t begin, size_t length) {
    if (!scan.tokens.empty() && scan.tokens.back().kind != TokenKind::Separator)
      add(TokenKind::Separator, begin, length);
  }

  void push(TokenKind kind, size_t length) {
    bool isElse = kind == TokenKind::Word && text.substr(at, length) == "else";
    if (newline && !isElse && !insideRound() && !scan.tokens.empty() && !continuesLine(scan.tokens.back()))
      separate(scan.tokens.back().end, 1);
    newline = false;
    add(kind, at, length);
    settleComments();
    at += length;
  }

  void add(TokenKind kind, size_t begin, size_t length) {
    Token token;
    token.kind = kind;
    token.begin = static_cast<uint32_t>(begin);
    token.end = static_cast<uint32_t>(begin + length);
    token.text = text.substr(begin, length);
    token.parent = open.empty() ? -1 : open.back();
    scan.tokens.push_back(token);
  }

  void settleComments() {
    for (; pendingComments > 0; --pendingComments)
      scan.comments[scan.comments.size() - pendingComments].nextToken = static_cast<uint32_t>(scan.tokens.size() - 1);
  }

  void finish() {
    size_t end = scan.tokens.empty() ? 0 : scan.tokens.back().end;
    add(TokenKind::End, end, 0);
    settleComments();
  }

  const Source &source;
  std::string_view text;
  Diagnostics &diagnostics;
  Scan scan;
  size_t at = 0;
  size_t pendingComments = 0;
  std::vector<int32_t> open; // indices of the open brackets
  bool newline = false;      // one stands between the last token and `at`
  bool stopped = false;      // after a wrong bracket the newline rule is lost
};

} // namespace

Scan scan(const Source &source, Diagnostics &diagnostics) { return Scanner(source, diagnostics).run(); }

bool continuesLine(const Token &token) {
  if (token.kind == TokenKind::Word)
    return token.text != "true" && token.text != "false";
  return token.kind == TokenKind::Sign && std::string_view("()[]{};").find(token.text) == std::string_view::npos;
}

std::string shorten(std::string_view text) {
  size_t end = 0;
  for (int count = 0; end < text.size() && count < 40; ++count)
    end += decodeUtf8(text, end).length;
  return std::string(text.substr(0, end)) + (end < text.size() ? "..." : "");
}

std::string resolveString(std::string_view literal) {
  std::string result;
  for (size_t i = 1; i + 1 < literal.size(); ++i) {
    bool escaped = literal[i] == '\\' && i + 2 < literal.size();
    if (escaped)
      ++i;
    result += escaped && literal[i] == 'n' ? '\n' : literal[i];
  }
  return result;
}

} // namespace kac
