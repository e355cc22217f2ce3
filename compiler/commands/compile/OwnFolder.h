// A folder for temporary files, made at once and gone with the object.
#pragma once

#include <filesystem>

namespace kac {

class OwnFolder {
public:
  OwnFolder();
  OwnFolder(const OwnFolder &) = delete;
  OwnFolder &operator=(const OwnFolder &) = delete;
  ~OwnFolder();

  /// Empty, after a message, where none could be made.
  const std::filesystem::path &path() const { return place; }

private:
  std::filesystem::path place;
};

} // namespace kac
