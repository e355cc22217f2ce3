// Writes beside the target and renames.
#include "compiler/run/OutputFile.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace kac {

bool OutputFile::open(const std::string &path, std::string &why) {
  std::error_code fault;
  auto kind = std::filesystem::status(path, fault).type();
  target = unfinished = path;
  if (kind == std::filesystem::file_type::directory) {
    why = "`" + path + "` is a folder";
    return false;
  }
  if (kind == std::filesystem::file_type::not_found || kind == std::filesystem::file_type::regular)
    unfinished += ".part" + std::to_string(getpid());
  errno = 0;
  stream.open(unfinished, std::ios::binary);
  if (!stream)
    why = "cannot write `" + path + "`: " + std::strerror(errno);
  return static_cast<bool>(stream);
}

bool OutputFile::commit(std::string &why) {
  errno = 0;
  stream.close();
  if (!stream.fail() && (unfinished == target || std::rename(unfinished.c_str(), target.c_str()) == 0)) {
    unfinished = target;
    return true;
  }
  why = "cannot write `" + target + "`: " + std::strerror(errno ? errno : EIO);
  return false;
}

OutputFile::~OutputFile() {
  if (unfinished != target)
    std::remove(unfinished.c_str());
}

} // namespace kac
