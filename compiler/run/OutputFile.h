// A path in, a stream to write to out. The file appears under its name only when it is whole.
#pragma once

#include <fstream>
#include <string>

namespace kac {

class OutputFile {
public:
  OutputFile() = default;
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  ~OutputFile();

  /// False, with `why`, where nothing can be written there.
  bool open(const std::string &path, std::string &why);
  bool isOpen() const { return stream.is_open(); }
  std::ostream &text() { return stream; }
  /// False, with `why`, where not all could be written.
  bool commit(std::string &why);

private:
  std::ofstream stream;
  std::string target, unfinished; // the same for what is no regular file, a pipe say
};

} // namespace kac
