// Messages in, drawn on standard error; programs read, or a message that they cannot be.
#include "compiler/commands/Commands.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace kac {

int showMessages(const Diagnostics &diagnostics) {
  const char *noColor = std::getenv("NO_COLOR");
  std::cerr << diagnostics.render(isatty(STDERR_FILENO) && !(noColor && *noColor));
  return diagnostics.hasErrors() ? WrongProgram : Done;
}

std::optional<std::string> readProgram(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  if (std::filesystem::is_directory(path)) {
    std::cerr << "kacc: " << path << " is a folder, not a program\n";
    return std::nullopt;
  }
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream) {
    std::cerr << "kacc: cannot read " << path << ": " << std::strerror(errno) << '\n';
    return std::nullopt;
  }
  return text;
}

} // namespace kac
