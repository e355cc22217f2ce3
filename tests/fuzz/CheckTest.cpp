// Programs that nobody wrote go in, from fixed seeds; the checker gives a model or a message, soon and in little
// memory.
#include "dsl/Check.h"
#include "tests/oracle/OnStack.h"
#include "tests/parse/Parsing.h"

#include <gtest/gtest.h>

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <random>

namespace fs = std::filesystem;
using namespace kac;
using namespace kac::test;

// A case that takes more memory ends the program.
extern "C" const char *__asan_default_options() { return "hard_rss_limit_mb=2500:detect_stack_use_after_return=0"; }

namespace {

constexpr double soon = 20; // seconds of the processor for one case, under sanitizers
constexpr int hang = 60;    // and when it is taken to hang
std::string current;        // the case at work

void outOfTime(int) {
  const std::string text = "this case hangs:\n" + current.substr(0, 2000) + "\n";
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, text.data(), text.size());
  _exit(3);
}

void watch(int seconds) {
  std::signal(SIGPROF, outOfTime);
  itimerval timer{};
  timer.it_value.tv_sec = seconds;
  setitimer(ITIMER_PROF, &timer, nullptr);
}

/// Whether the checker took it; if not there is a message. Data files are found beside the tests' programs.
bool survives(const std::string &text) {
  current = text;
  watch(hang);
  std::clock_t begin = std::clock();
  Diagnostics diagnostics;
  CheckOptions options;
  options.tests = true;
  std::unique_ptr<Model> model;
  std::string drawn;
  // As deep as the 8 MiB of a program are to code without sanitizers.
  onStack(32u << 20, [&] {
    model = checkText(KAC_ROOT "/tests/programs/program.dsl", text, options, diagnostics);
    drawn = diagnostics.render();
    if (model)
      printModel(*model);
  });
  double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  watch(0);
  EXPECT_LT(seconds, soon) << text.substr(0, 2000);
  EXPECT_NE(model != nullptr, diagnostics.hasErrors()) << text.substr(0, 2000);
  EXPECT_TRUE(model || !drawn.empty()) << text.substr(0, 2000);
  return model != nullptr;
}

std::string codeOf(const std::string &text) {
  current = text;
  watch(hang);
  Diagnostics diagnostics;
  checkText(KAC_ROOT "/tests/programs/program.dsl", text, {}, diagnostics);
  watch(0);
  return diagnostics.all().empty() ? "none" : diagnostics.all()[0].row->code;
}

bool parses(const std::string &text) { return parse(text).ast != nullptr; }

std::vector<std::string> programs() {
  std::vector<fs::path> paths;
  for (const char *folder : {"tests/programs", "examples", "dsl/prelude"})
    for (const auto &entry : fs::recursive_directory_iterator(fs::path(KAC_ROOT) / folder))
      if (entry.path().extension() == ".dsl")
        paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const fs::path &path : paths)
    texts.push_back(readFile(path));
  return texts;
}

/// Words, numbers, signs, and what is between them.
std::vector<std::string> tokensOf(const std::string &text) {
  std::vector<std::string> tokens;
  auto isWord = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    if (isWord(text[at]))
      while (end < text.size() && isWord(text[end]))
        ++end;
    tokens.push_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

/// Changes of single tokens, for others of the same sort mostly, so that much of it still parses.
std::string mutated(std::vector<std::string> tokens, const std::vector<std::string> &others, std::mt19937 &random) {
  static const std::vector<std::string> numbers = {"0", "1", "-1", "0.5", "1e308", "2147483648", "9223372036854775807"};
  static const std::vector<std::string> signs = {"+", "-", "*", "/", "^", "%", "=", "~", "<", ",", ";", "."};
  auto any = [&](const std::vector<std::string> &list) { return list[random() % list.size()]; };
  auto sort = [](const std::string &token) {
    unsigned char c = static_cast<unsigned char>(token[0]);
    return std::isdigit(c) ? 0 : std::isalpha(c) ? 1 : std::isspace(c) ? 2 : 3;
  };
  for (unsigned i = 1 + random() % 3; i > 0;) {
    std::string &token = tokens[random() % tokens.size()];
    if (sort(token) == 2)
      continue;
    --i;
    switch (sort(token)) {
    case 0:
      token = any(numbers);
      break;
    case 1: {
      const std::string &other = any(random() % 2 ? others : tokens);
      token = sort(other) == 1 ? other : token;
      break;
    }
    default:
      token = random() % 4 ? any(signs) : "";
    }
  }
  std::string text;
  for (const std::string &token : tokens)
    text += token;
  return text;
}

TEST(FuzzCheck, MutatedPrograms) {
  std::vector<std::string> texts = programs();
  ASSERT_GT(texts.size(), 40u);
  std::vector<std::vector<std::string>> tokens;
  for (const std::string &text : texts)
    tokens.push_back(tokensOf(text));
  std::mt19937 random(4);
  int checked = 0, taken = 0;
  for (int tries = 0; checked < 50 && tries < 3000; ++tries) {
    const auto &own = tokens[random() % tokens.size()];
    std::string text = mutated(own, tokens[random() % tokens.size()], random);
    if (!parses(text))
      continue;
    ++checked;
    taken += survives(text);
  }
  EXPECT_EQ(checked, 50);
  EXPECT_GT(taken, 0); // so that the checker comes to its end too
  EXPECT_LT(taken, checked);
}

/// Declarations of small forms put together at random: most have no meaning.
TEST(FuzzCheck, RandomDeclarations) {
  const std::vector<std::string> values = {"1",
                                           "x",
                                           "n",
                                           "normal(x, 1)",
                                           "[1, 2]",
                                           "[x for i in n]",
                                           "f(x)",
                                           "d.logp(x)",
                                           "grad(x^2, x)",
                                           "d.draw()",
                                           "(a = 1, b = x)",
                                           "x.a",
                                           "d with mean = x",
                                           "if x < 1 { x } else { n }",
                                           "sum(i for i in n)",
                                           "mixture(d for i in n)",
                                           "q with data = d",
                                           "x[0]",
                                           "q.score(x, x)",
                                           "d^2 * d",
                                           "true",
                                           "\"text\""};
  const std::vector<std::string> forms = {"const n = @",
                                          "fn f(x : real) -> real = @",
                                          "fn f(x) = @",
                                          "density d = @",
                                          "process q = @",
                                          "model q = @",
                                          "param x : real = @",
                                          "require @, \"why\"",
                                          "sampler s { target = @; steps = @ }",
                                          "test \"t\" = @",
                                          "sampler s { steps = 2; init() = @; step(x) = @; output(x) = @ }",
                                          "kind k { x : real = @; n : int = @ }",
                                          "density d(x : real) { logp(x) = @; draw() = @ }",
                                          "density d[n](x : real[n]) { logp(y : real[n]) = @; noised(a, s) = @ }"};
  std::mt19937 random(5);
  for (int round = 0; round < 40; ++round) {
    std::string text;
    for (int lines = 0; lines < 6; ++lines) {
      std::string form = forms[random() % forms.size()];
      for (size_t at; (at = form.find('@')) != std::string::npos;)
        form.replace(at, 1,
                     values[random() % values.size()] + (random() % 4 ? "" : " + " + values[random() % values.size()]));
      text += form + "\n";
    }
    survives(text);
  }
}

TEST(FuzzCheck, RandomBytes) {
  std::mt19937 random(6);
  for (int round = 0; round < 2000; ++round) {
    std::string text = randomBytes(random, 100, round % 2);
    if (parses(text) || round < 10)
      survives(text);
  }
  for (const char *broken : {"\x80", "\xC0\x80", "\xED\xA0\x80", "\xFF\xFE"})
    EXPECT_EQ(codeOf("const a = \"" + std::string(broken) + "\""), "E0106");
}

TEST(FuzzCheck, DeepAndLong) {
  for (const char *bracket : {"(", "[", "f(", "x[", "{ x = "})
    EXPECT_EQ(codeOf("const a = " + repeated(bracket, 5000) + "1"), "E0105") << bracket;
  survives("const a = " + repeated("(", 60) + "1" + repeated(")", 60));
  survives("const a = " + repeated("[", 60) + "1" + repeated("]", 60));
  survives("fn f(x : real) -> real = " + repeated("exp(", 60) + "x" + repeated(")", 60));
  for (const char *sign : {" + ", " * ", " - "}) {
    EXPECT_TRUE(survives("const a = 1" + repeated(std::string(sign) + "1", 20000))) << sign;
    EXPECT_TRUE(survives("fn f(x : real) -> real = x" + repeated(std::string(sign) + "x", 20000))) << sign;
  }
  EXPECT_TRUE(survives("fn f(x : bool) -> bool = x" + repeated(" && x", 20000)));
  EXPECT_TRUE(survives("const a = [" + repeated("1, ", 20000) + "1]"));
  survives("fn f(x : real) -> real { " + repeated("x = x + 1; ", 3000) + "x }");
  survives("fn f(x : real) -> real = " + repeated("if x < 1 { x } else ", 5000) + "{ x }");
  survives("density d = mixture([normal(0, 1)" + repeated(", normal(1, 1)", 2000) + "])\ntest \"t\" = d.logp(0) < 0");
  survives("const a = 1" + repeated(" ++ 1", 2000));
}

TEST(FuzzCheck, HugeNumbers) {
  for (const char *program : {"const n = 9223372036854775807 + 1",
                              "const n = 9223372036854775807 * 9223372036854775807",
                              "const n = 10^10^10",
                              "const n = 1 % 0",
                              "const n = quotient(1, 0)",
                              "const n = -9223372036854775807 - 2",
                              "param x : real[2147483647, 2147483647] = 0",
                              "param x : real[4294967296] = 0",
                              "param x : real[-1] = 0",
                              "param x : real[1000000000] = 0",
                              "param x : real[0] = 0",
                              "const a = [0 for i in 1000000000]",
                              "const a = [0 for i in 100000 for j in 100000]",
                              "const a = sum(i for i in 1000000000000)",
                              "fn f(x : real[1000000, 1000000]) -> real = sum(x)\ntest \"t\" = f([[0]]) == 0",
                              "density d = mixture(normal(k, 1) for k in 1000000000)\ntest \"t\" = d.logp(0) < 0",
                              "density d = normal([0 for i in 2000000000], 1)\ntest \"t\" = d.logp([0]) < 0",
                              "sampler s { steps = 9223372036854775807; init() = 0.0; step(x) = x }",
                              "sampler s { particles = 9223372036854775807; steps = 0; init() = 0.0 }",
                              "sampler s { particles = -1; steps = -1; init() = 0.0 }",
                              "sampler s { steps = 0; init() { x : real[100000, 100000] ~ normal(0, 1); x } }",
                              "test \"t\" = one_hot(1, 2000000000)[0] == 0",
                              "test \"t\" = eye(100000)[0, 0] == 1",
                              "fn f(x : token[9223372036854775807]) -> real = 1",
                              "const a = 1e308 * 1e308",
                              "const a = 0 / 0"})
    survives(program);
}

TEST(FuzzCheck, WithoutEnd) {
  for (const char *program :
       {"fn f(x : real) -> real = f(x)", "fn f(x) = g(x)\nfn g(x) = f(x)\ntest \"t\" = f(1) == 1",
        "const a = b\nconst b = a", "density d = d", "density d = d with mean = 1", "process q = p\nprocess p = q",
        "kind k = j\nkind j = k", "kind k { x : real = y; y : real = x }\nk a {}\ntest \"t\" = a.x == 1",
        "density d(n : int) = d(n + 1)\ndensity e = d(0)",
        "fn f(n : int) -> real = if n == 0 { 0.0 } else { f(n - 1) }\ntest \"t\" = f(100) == 0",
        "density d(x : real) { logp(y : real) = d(x).logp(y) }\ntest \"t\" = d(1).logp(0) == 0",
        "sampler s { init() = 0.0; steps = 3; step(x) = step(x) }", "sampler s { target = s.target }",
        "sampler s { start = start }", "param n : int = n"})
    survives(program);
  // Each calls the one before twice: the text of the last is 2^40 long if it is written out.
  std::string doubling = "fn f0(x : real) -> real = x + 1\n", open = "fn g0(x) = x + 1\n",
              laws = "density d0 = normal(0, 1)\n";
  for (int i = 1; i <= 40; ++i) {
    std::string n = std::to_string(i), before = std::to_string(i - 1);
    doubling += "fn f" + n + "(x : real) -> real = f" + before + "(x) + f" + before + "(2 * x)\n";
    open += "fn g" + n + "(x) = g" + before + "(x) + g" + before + "(2 * x)\n";
    laws += "density d" + n + " = mixture([d" + before + ", d" + before + "])\n";
  }
  EXPECT_TRUE(survives(doubling + "test \"t\" = f40(1) > 0"));
  survives(open + "test \"t\" = g40(1) > 0");
  survives(laws + "test \"t\" = d40.logp(1) < 0");
  survives(laws + "test \"t\" = d40.draw() < 0");
}

} // namespace
