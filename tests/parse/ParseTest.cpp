// Programs go in; their trees, and the messages of broken ones, must be what they should be.
#include "Parsing.h"

#include <gtest/gtest.h>

using namespace kac;
using namespace kac::test;

namespace {

/// The print of the tree of a text, or what is wrong with it.
std::string tree(const std::string &text) {
  Parsed parsed = parse(text);
  return parsed.ast ? printAst(*parsed.ast) : parsed.diagnostics.render();
}

std::string messages(const std::string &text) { return parse(text).diagnostics.render(); }

TEST(Parse, ProgramsAndPrelude) {
  auto files = filesIn({"tests/programs", "dsl/prelude"});
  EXPECT_GE(files.size(), 45u);
  for (const auto &file : files) {
    Parsed parsed = parse(readFile(file));
    EXPECT_TRUE(parsed.ast) << file << "\n" << parsed.diagnostics.render();
    EXPECT_FALSE(parsed.diagnostics.hasErrors()) << file;
  }
}

TEST(Parse, NothingIsAProgram) {
  for (const char *text : {"", "\n", "  // only a comment", "\xEF\xBB\xBF", ";\n;"})
    EXPECT_EQ(tree(text), "Program\n") << text;
}

TEST(Parse, ChainsAreFlatAndPrecedenceHolds) {
  EXPECT_EQ(tree("const a = 1 + 2 * x - y^-2 ++ z || !p && q < r"), R"(Program
  Const "a"
    None
    Chain
      Chain
        Chain
          Int "1"
          Operator "+"
          Chain
            Int "2"
            Operator "*"
            Name "x"
          Operator "-"
          Power
            Name "y"
            Unary op "-"
              Int "2"
        Operator "++"
        Name "z"
      Operator "||"
      Chain
        Unary op "!"
          Name "p"
        Operator "&&"
        Chain
          Name "q"
          Operator "<"
          Name "r"
)");
  EXPECT_EQ(tree("const a = -x^2^3"), R"(Program
  Const "a"
    None
    Unary op "-"
      Power
        Name "x"
        Power
          Int "2"
          Int "3"
)");
}

TEST(Parse, SuffixesAndArguments) {
  EXPECT_EQ(tree("const a = f(e for i in 2..n for j in m if c, g(x, y) = 1)[1, .., a..b].z"), R"(Program
  Const "a"
    None
    Postfix
      Name "f"
      Call
        Argument
          None
          Name "e"
          Generators
            Generator "i"
              Range
                Int "2"
                Name "n"
            Generator "j"
              Name "m"
            Filter
              Name "c"
        Argument "g"
          Names
            Name "x"
            Name "y"
          Int "1"
          None
      Index
        Int "1"
        Slice
          None
          None
        Slice
          Name "a"
          Name "b"
      Member "z"
)");
}

TEST(Parse, TuplesArraysAndConditionals) {
  EXPECT_EQ(tree("const a = (x = [], [1], [i for i in n], if p { 1 } else if q { 2 } else { 3 })"), R"(Program
  Const "a"
    None
    Tuple
      Argument "x"
        None
        Array
        None
      Argument
        None
        Array
          Int "1"
        None
      Argument
        None
        ArrayComprehension
          Name "i"
          Generators
            Generator "i"
              Name "n"
        None
      Argument
        None
        If
          Name "p"
          Block
            Int "1"
          Name "q"
          Block
            Int "2"
          Block
            Int "3"
        None
)");
}

TEST(Parse, Types) {
  EXPECT_EQ(tree("fn f[n, ..s](g : fn(int) -> real[(n + 1) * 2, ..s], (a, b) : (x : T, U); c = 1) -> density[T][n]"),
            R"(Program
  Fn "f"
    Sizes
      Size "n"
      Size "s" op ".."
    Formals
      FormalList
        Formal "g"
          None
          TypeFn
            TypeName "int"
            TypeName "real"
              Chain
                Chain
                  TypeName "n"
                  Operator "+"
                  Int "1"
                Operator "*"
                Int "2"
              ExtentRest "s"
          None
        Formal
          Names
            Name "a"
            Name "b"
          TypeTuple
            Component "x"
              TypeName "T"
            Component
              TypeName "U"
          None
      FormalList
        Formal "c"
          None
          None
          Int "1"
    TypeArray
      TypeName "density"
        TypeName "T"
      TypeName "n"
    None
)");
}

TEST(Parse, Statements) {
  EXPECT_EQ(tree(R"(fn f() {
  y[i] = 1; (a, b) = c
  z : T ~ d
  for i in n while p { weigh e }
  param w : real ~ normal(0, 1)
  x with { g(t) = 1; require p, "a\n\"b\"" }
  x with h = 2
})"),
            R"(Program
  Fn "f"
    None
    Formals
      FormalList
      FormalList
    None
    Block
      AssignElement "y"
        Index
          Name "i"
        Int "1"
      AssignTuple
        Names
          Name "a"
          Name "b"
        Name "c"
      Draw "z"
        TypeName "T"
        Name "d"
      For "i"
        Name "n"
        Name "p"
        Block
          Weigh
            Name "e"
      Param "w" op "~"
        TypeName "real"
        Postfix
          Name "normal"
          Call
            Argument
              None
              Int "0"
              None
            Argument
              None
              Int "1"
              None
      With
        Name "x"
        Fields
          Field "g"
            Formals
              FormalList
                Formal "t"
                  None
                  None
                  None
              FormalList
            None
            Int "1"
            None
          Require
            Name "p"
            String "a\n\"b\""
      With op "="
        Name "x"
        Fields
          Field "h"
            None
            None
            Int "2"
            None
)");
}

TEST(Parse, Declarations) {
  EXPECT_EQ(tree(R"(import "a.dsl" as m
alphabet dna = "ACGT"
data d[n] : real = "d.npy"
weights w = "w.safetensors"
network f = g
network l(m : int)(x : T) -> U = x
kind k = other
kind j[T] { a : T = 1 when c; b() -> T }
test "t" = p
require p, "text"
data_like s[n](x) = e)"),
            R"(Program
  Import "a.dsl"
    Name "m"
  Alphabet "dna"
    String "ACGT"
  Data "d"
    Sizes
      Size "n"
    TypeName "real"
    String "d.npy"
  Weights "w"
    String "w.safetensors"
  Network "f" op "="
    Name "g"
  Network "l"
    None
    Formals
      FormalList
        Formal "m"
          None
          TypeName "int"
          None
      FormalList
    Formals
      FormalList
        Formal "x"
          None
          TypeName "T"
          None
      FormalList
    TypeName "U"
    Name "x"
  KindAlias "k"
    Name "other"
  Kind "j"
    Sizes
      Size "T"
    Fields
      Field "a" op ":"
        None
        TypeName "T"
        Int "1"
        Name "c"
      Field "b" op "->"
        Formals
          FormalList
          FormalList
        TypeName "T"
        None
        None
  Test
    String "t"
    Name "p"
  Require
    Name "p"
    String "text"
  Structure "s"
    Name "data_like"
    Sizes
      Size "n"
    Formals
      FormalList
        Formal "x"
          None
          None
          None
      FormalList
    Name "e"
)");
}

TEST(Parse, NewlinesEndStatementsWhereTheyCan) {
  EXPECT_TRUE(parse("const a =\n\n 1 +\n 2\nconst b = f(\n1\n,\n2)\n").ast);
  EXPECT_TRUE(parse("fn f() { if p { a }\n // why\n else { b } }").ast);
  EXPECT_TRUE(parse("const a = [if p {\n x = 1\n x\n} else { 2 }\n for i in n]").ast);
  EXPECT_TRUE(parse("sampler s {\n;steps = 1;;\n; particles = 2;\n}").ast);
  EXPECT_TRUE(parse("const a = 1\r\nconst b = 2\r\n").ast);
  EXPECT_FALSE(parse("const a\n = 1").ast);
  EXPECT_FALSE(parse("const a = 1 const b = 2").ast);
  EXPECT_FALSE(parse("const a = f\n(1)").ast);
}

TEST(Parse, DocsComeWithTheirDeclaration) {
  Parsed parsed = parse("/// gone\n\n// between\n/// One.\n///  Two.\nconst a = 1 /// behind\nconst b = 2\n");
  ASSERT_TRUE(parsed.ast);
  EXPECT_EQ(parsed.ast->program->child(0)->doc, "One.\n Two.");
  EXPECT_EQ(parsed.ast->program->child(1)->doc, "");
  EXPECT_EQ(parsed.ast->comments.size(), 5u);
}

TEST(Parse, SpansCoverTheirText) {
  Parsed parsed = parse("const é = 1");
  EXPECT_FALSE(parsed.ast);
  parsed = parse("const a = 1 // é\nconst b = f(x) + 2 // c");
  ASSERT_TRUE(parsed.ast);
  const Node *sum = parsed.ast->program->child(1)->child(1);
  std::string_view text = parsed.source->text();
  EXPECT_EQ(text.substr(sum->span.begin, sum->span.end - sum->span.begin), "f(x) + 2");
  EXPECT_EQ(parsed.source->position(sum->span.begin).line, 2);
  EXPECT_EQ(parsed.source->position(sum->span.begin).column, 11);
  EXPECT_EQ(parsed.source->position(17).column, 17); // behind the é, of two bytes
  parsed = parse("const a = 2 * f(x)[1].y");
  ASSERT_TRUE(parsed.ast);
  const Node *postfix = parsed.ast->program->child(0)->child(1)->child(2);
  for (auto [child, covered] : {std::pair{0, "f"}, {1, "f(x)"}, {2, "f(x)[1]"}, {3, "f(x)[1].y"}}) {
    Span span = postfix->child(child)->span;
    EXPECT_EQ(parsed.source->text().substr(span.begin, span.end - span.begin), covered);
  }
}

/// The bad program of each row gives its code, once, at its mark; the repaired one gives nothing.
TEST(Parse, RowsOfTheTable) {
  int rows = 0;
  for (const DiagnosticRow &row : diagnosticRows()) {
    if (std::string_view(row.code).substr(0, 3) != "E01")
      continue;
    ++rows;
    std::string bad = row.bad;
    const std::string mark = "«»";
    size_t at = bad.find(mark);
    ASSERT_NE(at, std::string::npos) << row.code;
    bad.erase(at, mark.size());
    Parsed parsed = parse(bad);
    EXPECT_FALSE(parsed.ast) << row.code;
    ASSERT_EQ(parsed.diagnostics.all().size(), 1u) << row.code << "\n" << parsed.diagnostics.render();
    const Diagnostic &diagnostic = parsed.diagnostics.all()[0];
    EXPECT_STREQ(diagnostic.row->code, row.code);
    EXPECT_EQ(diagnostic.span.begin, at) << parsed.diagnostics.render();
    if (*row.repaired) {
      Parsed repaired = parse(row.repaired);
      EXPECT_TRUE(repaired.ast && !repaired.diagnostics.hasErrors()) << row.code << repaired.diagnostics.render();
    }
  }
  EXPECT_GE(rows, 8);
}

TEST(Messages, SayWhatStandsThereAndWhatCould) {
  EXPECT_EQ(messages("const = 3\n"), "test.dsl:1:7: error[E0101]: found `=`, expected a name\n"
                                     "    1 | const = 3\n"
                                     "      |       ^\n");
  EXPECT_EQ(messages("sampler s {\n  target = q^\n  steps = 1000\n}\n"),
            "test.dsl:3:9: error[E0101]: found `=`, expected an operator, `with`, `when`, `}` or a new line\n"
            "    3 |   steps = 1000\n"
            "      |         ^\n"
            "    2 |   target = q^\n"
            "      |             - the line ends in `^`, so the next one goes on with it\n");
  EXPECT_EQ(messages("const a = 1 +"),
            "test.dsl:1:14: error[E0101]: found the end of the file, expected an expression\n"
            "    1 | const a = 1 +\n"
            "      |              ^\n");
  EXPECT_EQ(messages("fn f(x : real] = 3\n"), "test.dsl:1:14: error[E0102]: `]` where `)` should close `(`\n"
                                              "    1 | fn f(x : real] = 3\n"
                                              "      |              ^\n"
                                              "    1 | fn f(x : real] = 3\n"
                                              "      |     - opened here\n");
}

TEST(Messages, EachDeclarationHasItsOwn) {
  Parsed parsed = parse("const a = \nconst b = 1\nparam c = 1\nfn f( x = 1\n");
  EXPECT_EQ(parsed.diagnostics.errors(), 1); // brackets come first
  parsed = parse("const a = *\nconst b = 1\nparam c = 1\nif x { y }\n");
  ASSERT_EQ(parsed.diagnostics.errors(), 3) << parsed.diagnostics.render();
  EXPECT_NE(parsed.diagnostics.render().find("4:1: error[E0101]: found the reserved word `if`, expected a declaration"),
            std::string::npos);
}

TEST(Messages, AreCountedAfterTwenty) {
  std::string text;
  for (int i = 0; i < 50; ++i)
    text += "const = 1\n";
  Parsed parsed = parse(text);
  EXPECT_EQ(parsed.diagnostics.errors(), 50);
  EXPECT_EQ(parsed.diagnostics.all().size(), 20u);
  EXPECT_NE(parsed.diagnostics.render().find("and 30 more errors\n"), std::string::npos);
}

TEST(Messages, AreDrawnSafely) {
  EXPECT_EQ(messages("\tconst a = \"é\x01\" \n"), "test.dsl:1:14: error[E0104]: control character 0x1\n"
                                                  "    1 |  const a = \"é\xEF\xBF\xBD\" \n"
                                                  "      |              ^\n");
  std::string drawn = messages("const a = \"" + std::string(500, 'x') + "\" " + std::string(500, 'y') + " = 3");
  for (size_t begin = 0, end; begin < drawn.size(); begin = end + 1) {
    end = drawn.find('\n', begin);
    EXPECT_LE(end - begin, 170u);
  }
  Source source("a.dsl", "one\ntwo\n");
  Source other("b.dsl", "three\n");
  Diagnostics diagnostics;
  diagnostics.report("E0101", {&source, 4, 7}, "second");
  Diagnostic &first = diagnostics.report("E0101", {&source, 0, 3}, "first");
  first.remarks = {{{&source, 0, 3}, "this"}, {{&other, 0, 5}, "that"}};
  first.help = "do so";
  diagnostics.report("E0101", {}, "nowhere");
  EXPECT_EQ(diagnostics.render(), "a.dsl:1:1: error[E0101]: first\n"
                                  "    1 | one\n"
                                  "      | ^^^ this\n"
                                  "  b.dsl:1:1: \n"
                                  "    1 | three\n"
                                  "      | ----- that\n"
                                  "  help: do so\n"
                                  "a.dsl:2:1: error[E0101]: second\n"
                                  "    2 | two\n"
                                  "      | ^^^\n"
                                  "error[E0101]: nowhere\n");
  EXPECT_NE(diagnostics.render(true).find("\033[1;31merror[E0101]\033[0m"), std::string::npos);
}

} // namespace
