// Each row of the table of messages in: its bad program must give exactly that code at the mark, in the words of
// messages.txt, its repair nothing. Rows that only a later stage can give are compiled by kacc, where it was built.
// New words are taken into messages.txt by KAC_ACCEPT=1 bin/test-errors --gtest_filter='Catalogue/*'.
#include "dsl/Check.h"
#include "dsl/Diagnostics.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>

namespace fs = std::filesystem;
using namespace kac;

namespace {

const std::string mark = "«»";
// Programs of the rows find the files that they name here.
const std::string folder = KAC_ROOT "/tests/errors/data";

class Row : public testing::TestWithParam<DiagnosticRow> {};

struct Program {
  std::string text;
  uint32_t caret = 0;
  bool marked = false;
};

Program withoutMark(const char *text) {
  Program program{text};
  size_t at = program.text.find(mark);
  program.marked = at != std::string::npos;
  if (program.marked) {
    program.text.erase(at, mark.size());
    program.caret = static_cast<uint32_t>(at);
  }
  return program;
}

Diagnostics checked(const std::string &text) {
  Diagnostics diagnostics;
  CheckOptions options;
  options.tests = true;
  checkText(folder + "/program.dsl", text, options, diagnostics);
  return diagnostics;
}

std::string temporary(const std::string &name) { return fs::temp_directory_path() / ("kac-errors-" + name); }

/// What kacc says of a program when it compiles all of it; nothing where there is no kacc.
std::optional<std::string> compiled(const std::string &text, const std::string &name) {
  std::string kacc = KAC_BIN "/kacc";
  if (!fs::exists(kacc))
    return std::nullopt;
  fs::path place = temporary(name);
  fs::remove_all(place);
  fs::copy(folder, place);
  std::ofstream(place / "program.dsl", std::ios::binary) << text;
  std::string command =
      "NO_COLOR=1 '" + kacc + "' --emit=tensor '" + (place / "program.dsl").string() + "' 2>&1 >/dev/null";
  std::string said;
  FILE *pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (size_t length = fread(buffer, 1, sizeof buffer, pipe))
    said.append(buffer, length);
  pclose(pipe);
  fs::remove_all(place);
  return said;
}

std::string placeOf(const Program &program) {
  Source source("program.dsl", program.text);
  Position position = source.position(program.caret);
  return "program.dsl:" + std::to_string(position.line) + ":" + std::to_string(position.column) + ": ";
}

/// What is said of the bad program of each code: in messages.txt a line "== CODE", then the text.
class Messages {
public:
  Messages() {
    std::ifstream in(path, std::ios::binary);
    std::string *text = nullptr;
    for (std::string line; std::getline(in, line);)
      if (line.starts_with("== "))
        text = &texts[line.substr(3)];
      else if (text)
        *text += line + "\n";
  }
  void expect(const std::string &code, std::string text, const std::string &place) {
    for (size_t at; (at = text.find(place + "/")) != std::string::npos;)
      text.erase(at, place.size() + 1);
    if (!std::getenv("KAC_ACCEPT")) {
      EXPECT_EQ(text, texts[code]);
      return;
    }
    texts[code] = text;
    std::ofstream out(path, std::ios::binary);
    for (const auto &[name, said] : texts)
      if (findDiagnostic(name))
        out << "== " << name << "\n" << said;
  }
  /// Codes that messages.txt has and the table has not.
  std::string strangers() const {
    std::string codes;
    for (const auto &[code, text] : texts)
      if (!findDiagnostic(code))
        codes += code + " ";
    return codes;
  }
  static Messages &all() {
    static Messages messages;
    return messages;
  }

private:
  const std::string path = KAC_ROOT "/tests/errors/messages.txt";
  std::map<std::string, std::string> texts;
};

TEST_P(Row, BadProgramGivesItsCodeAtItsMark) {
  const DiagnosticRow &row = GetParam();
  Program bad = withoutMark(row.bad);
  ASSERT_TRUE(bad.marked) << "the bad program has no mark";
  Diagnostics diagnostics = checked(bad.text);
  for (const Diagnostic &diagnostic : diagnostics.all())
    EXPECT_TRUE(diagnostic.row == findDiagnostic(row.code)) << "also gives:\n" << diagnostics.render();
  if (!diagnostics.all().empty()) {
    EXPECT_EQ(diagnostics.all().front().span.begin, bad.caret) << diagnostics.render();
    Messages::all().expect(row.code, diagnostics.render(), folder);
    return;
  }
  std::optional<std::string> said = compiled(bad.text, row.code);
  if (!said)
    return; // a row of a later stage, in a build without one
  std::string severity = row.severity == Severity::Error ? "error" : "warning";
  EXPECT_NE(said->find(placeOf(bad) + severity + "[" + row.code + "]"), std::string::npos)
      << "wanted " << placeOf(bad) << "; kacc said:\n"
      << *said;
  Messages::all().expect(row.code, *said, temporary(row.code));
}

TEST_P(Row, RepairGivesNothing) {
  const DiagnosticRow &row = GetParam();
  if (!*row.repaired)
    return; // there is no single repair
  Diagnostics diagnostics = checked(row.repaired);
  EXPECT_TRUE(diagnostics.all().empty()) << diagnostics.render();
  bool late = checked(withoutMark(row.bad).text).all().empty();
  std::optional<std::string> said = late ? compiled(row.repaired, std::string(row.code) + "-repaired") : std::nullopt;
  EXPECT_EQ(said.value_or(""), "");
}

INSTANTIATE_TEST_SUITE_P(Catalogue, Row, testing::ValuesIn(diagnosticRows()),
                         [](const auto &info) { return std::string(info.param.code) + info.param.name; });

TEST(Messages, AreOfTheTable) { EXPECT_EQ(Messages::all().strangers(), ""); }

/// The files that the rows name.
TEST(Rows, DataIsThere) { EXPECT_TRUE(fs::is_directory(folder)); }

} // namespace
