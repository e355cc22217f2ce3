// Runs kacc, and the script that makes data, as processes of their own.
#include "tests/run/Kacc.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>

namespace kac {

std::string readText(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

void writeText(const std::string &path, const std::string &text) { std::ofstream(path, std::ios::binary) << text; }

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "kac-test-XXXXXX").string();
  if (!mkdtemp(pattern.data()))
    throw std::runtime_error("no folder for temporary files");
  path = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

static std::string inShell(const std::string &text) {
  std::string result = "'";
  for (char c : text)
    result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

KaccResult kacc(const std::vector<std::string> &args) { return runTool("kacc", args); }

KaccResult runTool(const std::string &name, const std::vector<std::string> &args) {
  Folder folder;
  std::string command = inShell(KAC_BIN "/" + name);
  for (const std::string &arg : args)
    command += " " + inShell(arg);
  command += " </dev/null >" + inShell(folder / "out") + " 2>" + inShell(folder / "err");
  int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, readText(folder / "out"), readText(folder / "err")};
}

nlohmann::json runReport(const std::vector<std::string> &args) {
  Folder folder;
  std::vector<std::string> all = {"run"};
  all.insert(all.end(), args.begin(), args.end());
  all.insert(all.end(), {"--quiet", "--report", folder / "report.json"});
  KaccResult result = kacc(all);
  EXPECT_EQ(result.status, 0) << result.err;
  return result.status == 0 ? nlohmann::json::parse(readText(folder / "report.json")) : nlohmann::json::object();
}

void makePrograms(const Folder &folder) {
  std::string script = KAC_ROOT "/tests/programs/make_data.py";
  ASSERT_EQ(std::system(("python3 -B " + inShell(script) + " " + inShell(folder.path)).c_str()), 0);
}

} // namespace kac
