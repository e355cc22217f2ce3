// Programs go in; their layout must keep the tree and every comment, be its own layout, and look as we say it does.
#include "Parsing.h"

#include <gtest/gtest.h>

using namespace kac;
using namespace kac::test;

namespace {

std::string format(const std::string &text) {
  Parsed parsed = parse(text);
  EXPECT_TRUE(parsed.ast) << text << parsed.diagnostics.render();
  return parsed.ast ? formatAst(*parsed.ast) : "";
}

std::vector<std::string> commentsOf(const Ast &ast) {
  std::vector<std::string> texts;
  for (const Comment &comment : ast.comments)
    texts.emplace_back(ast.source->text().substr(comment.span.begin, comment.span.end - comment.span.begin));
  return texts;
}

/// Checks all that must hold of the layout of any program; gives the layout.
std::string checkLayout(const std::string &text, const std::string &what) {
  Parsed before = parse(text);
  if (!before.ast)
    return "";
  std::string laidOut = formatAst(*before.ast);
  Parsed after = parse(laidOut);
  EXPECT_TRUE(after.ast) << what << "\n" << laidOut << after.diagnostics.render();
  if (!after.ast)
    return "";
  EXPECT_EQ(printAst(*before.ast), printAst(*after.ast)) << what << "\n" << laidOut;
  EXPECT_EQ(commentsOf(*before.ast), commentsOf(*after.ast)) << what << "\n" << laidOut;
  EXPECT_EQ(formatAst(*after.ast), laidOut) << what << "\n" << text;
  return laidOut;
}

TEST(Format, ProgramsAreLaidOut) {
  for (const auto &file : filesIn({"tests/programs"})) {
    std::string text = readFile(file);
    EXPECT_EQ(checkLayout(text, file), text) << file;
  }
}

TEST(Format, PreludeKeepsItsTree) {
  for (const auto &file : filesIn({"dsl/prelude"}))
    checkLayout(readFile(file), file);
}

TEST(Format, BlanksAndIndents) {
  EXPECT_EQ(format("fn f [n]( x:real[n ,..s];t ) ->real{y=- x ^ - 2*g ( x,a (u)=1 )[ 1.. 2,.. ];y . z}"),
            "fn f[n](x : real[n, ..s]; t) -> real { y = -x^-2 * g(x, a(u) = 1)[1..2, ..]; y.z }\n");
  EXPECT_EQ(format("sampler s{\n\n\nsteps=1;particles=2;\n\n\ninit(){\nx~d\nif p{x}\nelse{-x}}\n\n}\n\n\nconst a=1"),
            R"(sampler s {
  steps = 1; particles = 2

  init() {
    x ~ d
    if p { x } else { -x }
  }
}

const a = 1
)");
  EXPECT_EQ(format("fn f() {\nif p {\na\n}\nelse {\nb\n}\n}"), R"(fn f() {
  if p {
    a
  } else {
    b
  }
}
)");
  EXPECT_EQ(format("process p = q with {\n}\ndensity d = f(\n1,\ng(\n2\n),\n3\n)\n"), R"(process p = q with {}
density d = f(
  1,
  g(
    2
  ),
  3
)
)");
}

TEST(Format, AlignmentIsKept) {
  EXPECT_EQ(format("data    xs : real[4,  2] = \"x\"\nparam   b  : real        = 3   // why\nconst a = 1  // no\n"),
            R"(data  xs : real[4, 2] = "x"
param b  : real       = 3      // why
const a = 1  // no
)");
  EXPECT_EQ(format("const a   = 1\nconst bcd = 2\n\nconst e =   3\n"), "const a   = 1\nconst bcd = 2\n\nconst e = 3\n");
  EXPECT_EQ(format("const a = 1        // x\nconst bb = [1, 2,3,4,5] // y\nconst c = 1        // z\n"),
            "const a = 1        // x\nconst bb = [1, 2, 3, 4, 5]  // y\nconst c = 1        // z\n");
}

TEST(Format, CommentsStayWhereTheyWere) {
  EXPECT_EQ(format("// file\n\n\n/// doc\nfn f() { // behind\n    // own\n\n // two\n a + // in\n   // on\n b\n // "
                   "last\n}\n//end"),
            R"(// file

/// doc
fn f() {  // behind
  // own

  // two
  a +  // in
    // on
    b
  // last
}
//end
)");
  EXPECT_EQ(format("const a = [ // first\n 1, // one\n\n // two\n 2]\n"), R"(const a = [  // first
  1,  // one
  // two
  2]
)");
}

TEST(Format, OverlongLinesAreBroken) {
  std::string a(30, 'a');
  std::string b(30, 'b');
  std::string c(30, 'c');
  std::string d(30, 'd');
  EXPECT_EQ(format("fn f(x : real) -> real = " + a + " * " + b + " + " + c + " / 2\n"),
            "fn f(x : real) -> real =\n  " + a + " * " + b + " + " + c + " / 2\n");
  EXPECT_EQ(format("const k = " + a + " * " + b + " + " + c + " * " + d + " - 1\n"),
            "const k = " + a + " * " + b + " +\n  " + c + " * " + d + " - 1\n");
  EXPECT_EQ(format("sampler s { a = " + a + "; b = " + b + "; c = " + c + "; d = " + d + " }"),
            "sampler s {\n  a = " + a + "\n  b = " + b + "\n  c = " + c + "\n  d = " + d + "\n}\n");
  EXPECT_EQ(format("const k = mixture(" + a + "(" + b + ", " + c + ") for " + d + " in n)"),
            "const k = mixture(" + a + "(" + b + ", " + c + ")\n  for " + d + " in n)\n");
  EXPECT_EQ(format("const k = \"" + std::string(200, 'x') + "\" + 1"),
            "const k =\n  \"" + std::string(200, 'x') + "\" +\n  1\n");
}

TEST(Format, DeclarationsOfSeveralLinesAreParted) {
  EXPECT_EQ(format("fn f() {\na\n}\n// g\nfn g() {\nb\n}\nconst a = 1\nconst b = 2\n"),
            "fn f() {\n  a\n}\n\n// g\nfn g() {\n  b\n}\nconst a = 1\nconst b = 2\n");
}

/// Programs with their blanks and newlines shaken keep all that a layout must keep.
TEST(Format, ShakenPrograms) {
  uint32_t random = 12345;
  auto next = [&](uint32_t n) {
    random = random * 1664525u + 1013904223u;
    return (random >> 8) % n;
  };
  for (const auto &file : filesIn({"tests/programs"})) {
    const std::string text = readFile(file);
    for (int round = 0; round < 12; ++round) {
      std::string shaken;
      bool inComment = false;
      bool inString = false;
      for (char c : text) {
        inComment = c != '\n' && (inComment || (c == '/' && !shaken.empty() && shaken.back() == '/' && !inString));
        inString = inString != (c == '"' && !inComment);
        bool free = !inComment && !inString;
        if (free && c == ' ' && next(6) == 0)
          shaken += std::string(next(4), ' ') + (next(8) == 0 ? "\n" : next(8) == 0 ? "// shaken\n" : " ");
        else if (free && c == '\n')
          shaken += next(5) == 0 ? "\n\n" : next(9) == 0 ? " // new\n// more\n" : "\n";
        else if (free && c == ';' && next(3) == 0)
          shaken += "\n";
        else
          shaken += c;
        if (free && round > 5 && std::string_view("([{,+*=").find(c) != std::string_view::npos && next(5) == 0)
          shaken += next(4) == 0 ? " // broken\n" : "\n";
      }
      checkLayout(shaken, file.string() + " " + std::to_string(round));
    }
  }
}

/// One line for the whole of a declaration: everything must be broken again.
TEST(Format, JoinedPrograms) {
  for (const auto &file : filesIn({"tests/programs", "dsl/prelude"})) {
    std::string joined;
    const std::string text = readFile(file);
    Diagnostics diagnostics;
    Source source("joined.dsl", text);
    for (const Token &token : scan(source, diagnostics).tokens)
      joined += token.kind == TokenKind::Separator ? "; " : std::string(token.text) + " ";
    std::string laidOut = checkLayout(joined, file);
    for (size_t begin = 0, end; begin < laidOut.size(); begin = end + 1) {
      end = laidOut.find('\n', begin);
      std::string line = laidOut.substr(begin, end - begin);
      EXPECT_TRUE(line.size() <= 120 || line.find('"') != std::string::npos) << line;
    }
  }
}

} // namespace
