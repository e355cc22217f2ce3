// A text or a file of the repository comes in; its tree with its messages goes out.
#pragma once

#include "dsl/Format.h"
#include "dsl/Grammar.h"
#include "dsl/Scanner.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace kac::test {

struct Parsed {
  std::shared_ptr<const Source> source; // messages point into it
  Diagnostics diagnostics;
  std::unique_ptr<Ast> ast;
};

inline Parsed parse(std::string text) {
  Parsed parsed;
  parsed.source = std::make_shared<Source>("test.dsl", std::move(text));
  parsed.ast = parseText(parsed.source, parsed.diagnostics);
  return parsed;
}

inline std::string readFile(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::string repeated(const std::string &text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i)
    result += text;
  return result;
}

/// Bytes of any value, or of those that are written.
inline std::string randomBytes(std::mt19937 &random, size_t below, bool any) {
  std::string text(random() % below, '\0');
  for (char &c : text)
    c = static_cast<char>(any ? random() % 256 : 32 + random() % 96);
  return text;
}

/// The .dsl files below the folders, sorted.
inline std::vector<std::filesystem::path> filesIn(std::initializer_list<const char *> folders) {
  std::vector<std::filesystem::path> files;
  for (const char *folder : folders)
    for (const auto &entry : std::filesystem::directory_iterator(std::filesystem::path(KAC_ROOT) / folder))
      if (entry.path().extension() == ".dsl")
        files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace kac::test
