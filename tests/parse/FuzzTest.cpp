// Texts that nobody wrote go in, from fixed seeds; each gives a tree or a message, soon, and nothing else happens.
#include "Parsing.h"

#include <gtest/gtest.h>

#include <ctime>
#include <random>

using namespace kac;
using namespace kac::test;

namespace {

/// Parses, formats what parses, draws the messages of what does not.
void survive(const std::string &text) {
  Parsed parsed = parse(text);
  ASSERT_NE(parsed.ast != nullptr, parsed.diagnostics.hasErrors()) << text.substr(0, 2000);
  std::string drawn = parsed.diagnostics.render();
  if (!parsed.ast) {
    ASSERT_FALSE(drawn.empty());
    return;
  }
  std::string laidOut = formatAst(*parsed.ast);
  Parsed again = parse(laidOut);
  ASSERT_TRUE(again.ast) << text << "\n---\n" << laidOut << again.diagnostics.render();
  ASSERT_EQ(printAst(*parsed.ast), printAst(*again.ast)) << text;
  ASSERT_EQ(formatAst(*again.ast), laidOut) << text;
}

/// What it takes to parse a text and to lay it out, or to draw its messages.
double secondsOf(const std::string &text) {
  std::clock_t begin = std::clock();
  Parsed parsed = parse(text);
  if (parsed.ast)
    formatAst(*parsed.ast);
  parsed.diagnostics.render();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

std::string codeOf(const std::string &text) {
  Parsed parsed = parse(text);
  return parsed.diagnostics.all().empty() ? "none" : parsed.diagnostics.all()[0].row->code;
}

constexpr double soon = 5; // seconds of the processor, under sanitizers

TEST(Fuzz, RandomBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round)
    survive(randomBytes(random, 200, round % 2));
}

TEST(Fuzz, RandomTokens) {
  const std::vector<std::string> tokens = {
      "fn", "if", "else",  "for",  "in",    "while", "with",  "when", "weigh",  "require", "true",
      "a",  "b",  "const", "data", "(",     ")",     "[",     "]",    "{",      "}",       ",",
      ";",  ":",  ".",     "..",   "->",    "=",     "~",     "+",    "-",      "*",       "^",
      "!",  "==", "1",     "2.5",  "\"s\"", "\n",    "param", "kind", "network"};
  std::mt19937 random(2);
  for (int round = 0; round < 5000; ++round) {
    std::string text = round % 2 ? "const a = " : "fn f() { ";
    for (unsigned i = random() % 30; i > 0; --i)
      text += tokens[random() % tokens.size()] + " ";
    survive(text + (round % 2 ? "" : "}"));
  }
}

TEST(Fuzz, MutatedPrograms) {
  std::vector<std::string> programs;
  for (const auto &file : filesIn({"tests/programs"}))
    programs.push_back(readFile(file));
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::string text = programs[random() % programs.size()];
    for (unsigned i = 1 + random() % 3; i > 0; --i) {
      size_t at = random() % text.size();
      size_t length = std::min<size_t>(random() % 12, text.size() - at);
      const std::string &other = programs[random() % programs.size()];
      size_t from = random() % other.size();
      switch (random() % 4) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, other.substr(from, random() % 12));
        break;
      case 2:
        text[at] = static_cast<char>(random() % 256);
        break;
      default:
        std::swap(text[at], text[random() % text.size()]);
      }
      if (text.empty())
        text = "x";
    }
    survive(text);
  }
}

TEST(Fuzz, DeepNesting) {
  for (const char *bracket : {"(", "[", "{", "f(", "x[", "if a { ", "(a = ", "[[", "(-", "x[if c { y[", "{ x = "}) {
    EXPECT_EQ(codeOf("const a = " + repeated(bracket, 5000)), "E0105") << bracket;
    EXPECT_LT(secondsOf("const a = " + repeated(bracket, 200000)), soon) << bracket;
  }
  for (const char *prefix : {"-", "!", "a^", "- -"})
    EXPECT_EQ(codeOf("const a = " + repeated(prefix, 5000) + "1"), "E0105") << prefix;
  EXPECT_EQ(codeOf("fn f(x : " + repeated("fn() -> ", 5000) + "real)"), "E0105");
  EXPECT_EQ(codeOf("fn f(x : real" + repeated("[n]", 5000) + ")"), "E0105");
  EXPECT_EQ(codeOf("const a = " + repeated("(", 60) + "1" + repeated(")", 60)), "none");
  survive("const a = " + repeated("(", 60) + "1" + repeated(")", 60));
}

/// Constructs that two alternatives begin must not be read twice at each level.
TEST(Fuzz, NestingIsNotReadAgain) {
  const std::vector<std::pair<std::string, std::string>> shapes = {{"(", ")"},
                                                                   {"[", "]"},
                                                                   {"f(", ")"},
                                                                   {"x[", "]"},
                                                                   {"f(a = ", ")"},
                                                                   {"f(a(b) = ", ")"},
                                                                   {"[if c { ", " }]"},
                                                                   {"x[if c { x[0] = ", " }]"},
                                                                   {"(a, ", ")"},
                                                                   {"f(x with g = ", ")"},
                                                                   {"[", " for i in n]"},
                                                                   {"f(", " for i in n)"}};
  for (const auto &[open, close] : shapes)
    for (const char *inner : {"1", "*", "1 = "}) {
      std::string text = repeated(open, 45) + inner + repeated(close, 45);
      EXPECT_LT(secondsOf("fn f() { y = " + text + " }"), soon) << text;
      EXPECT_LT(secondsOf("fn f() { " + text + " = 1 }"), soon) << text;
    }
  for (const char *inner : {"n", "*"})
    EXPECT_LT(secondsOf("fn f(x : real[" + repeated("(", 60) + inner + repeated(")", 60) + "])"), soon);
}

TEST(Fuzz, LongChains) {
  for (const char *sign : {" + ", " * ", " && ", " ++ "}) {
    std::string text = "const a = x" + repeated(std::string(sign) + "x", 20000);
    EXPECT_EQ(codeOf(text), "none");
    EXPECT_LT(secondsOf(text), soon);
    survive(text);
  }
  for (const char *suffix : {".x", "(1)", "[0]", " + (1)", " + f(x[1])"})
    EXPECT_LT(secondsOf("const a = x" + repeated(suffix, 20000)), soon) << suffix;
  survive("const a = if p { 1 }" + repeated(" else if q { 2 }", 20000));
  survive("const a = [" + repeated("1, ", 20000) + "1]");
  survive("fn f() { " + repeated("a; ", 20000) + "a }");
  survive(repeated("const a = 1; ", 20000));
  survive(repeated("// a comment\n", 20000) + "const a = 1");
  EXPECT_EQ(codeOf("const a = x" + repeated(" < x", 3)), "E0101");
}

TEST(Fuzz, LongTokens) {
  const std::string million(1000000, 'a');
  survive("const " + million + " = 1");
  survive("const a = \"" + million + "\"");
  survive("// " + million);
  survive("const a = " + million + " " + million);
  EXPECT_EQ(codeOf("const a = \"" + million), "E0103");
  EXPECT_EQ(codeOf("const a = " + std::string(1000000, '9')), "E0107");
  EXPECT_EQ(codeOf("const a = 0." + std::string(1000000, '9')), "none");
  EXPECT_EQ(codeOf("const a = 1" + std::string(1000000, '0') + ".0"), "E0107");
  survive("const a = 0." + std::string(1000000, '0') + "1");
}

TEST(Fuzz, Numbers) {
  for (const char *good : {"42", "100_000", "0.5", "5e-4", "1E+3", "1_0.2_5e1_0", "9223372036854775807", "1e308",
                           "1e-999", "1 .x", "0..4"})
    EXPECT_EQ(codeOf(std::string("const a = [e for i in ") + good + "]"), "none") << good;
  for (const char *bad :
       {"1_", "1__0", "5e", "5e+", "3x", "1.", ".5", "0x10", "1.5.2", "9223372036854775808", "1e309", "1.5e_3"})
    EXPECT_EQ(codeOf(std::string("const a = ") + bad), "E0107") << bad;
}

TEST(Fuzz, BrokenText) {
  const std::string nul(1, '\0');
  EXPECT_EQ(codeOf("const a = " + nul + "1"), "E0104");
  EXPECT_EQ(codeOf("// " + nul), "E0104");
  EXPECT_EQ(codeOf("const a = \"" + nul + "\""), "E0104");
  for (const char *broken :
       {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5", "\xFF\xFE"})
    for (const char *before : {"const a = ", "// ", "const a = \"", "const a"})
      EXPECT_EQ(codeOf(before + std::string(broken)), "E0106") << before;
  EXPECT_EQ(codeOf("const a = é"), "E0104");
  EXPECT_EQ(codeOf("const a = 1 & 2"), "E0104");
  EXPECT_EQ(codeOf("const a = \"é\" // €"), "none");
  EXPECT_EQ(codeOf("const a = \"\\t\""), "E0108");
  EXPECT_EQ(codeOf("const a = \"\\"), "E0103");
  EXPECT_EQ(codeOf("const a = \"\\\n\""), "E0103");
  EXPECT_LT(secondsOf(std::string(1000000, '\xFF')), soon);
  EXPECT_LT(secondsOf(std::string(1000000, '\0')), soon);
  EXPECT_LT(secondsOf(std::string(1000000, '@')), soon);
  EXPECT_LT(secondsOf(repeated("const ", 200000)), soon);
  EXPECT_LT(secondsOf(repeated("=\n", 200000)), soon);
}

} // namespace
