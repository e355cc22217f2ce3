// Nothing in, a folder of our own for a while out.
#include "compiler/commands/compile/OwnFolder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace fs = std::filesystem;

namespace kac {

OwnFolder::OwnFolder() {
  std::error_code failure;
  std::string name = (fs::temp_directory_path(failure) / "kacc-XXXXXX").string();
  if (!failure && mkdtemp(name.data()))
    place = name;
  else
    std::cerr << "kacc: cannot make a folder for temporary files: " << std::strerror(errno) << '\n';
}

OwnFolder::~OwnFolder() {
  std::error_code failure;
  if (!place.empty())
    fs::remove_all(place, failure);
}

} // namespace kac
