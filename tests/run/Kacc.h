// The command line of the compiler as tests use it: arguments in, exit status and what was printed out.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace kac {

/// A folder that is gone when the test ends.
class Folder {
public:
  Folder();
  ~Folder();
  Folder(const Folder &) = delete;
  std::string operator/(const std::string &name) const { return path + "/" + name; }
  std::string path;
};

struct KaccResult {
  int status = -1;
  std::string out, err;
};
KaccResult kacc(const std::vector<std::string> &args);
/// Another program of the compiler: "kac-opt".
KaccResult runTool(const std::string &name, const std::vector<std::string> &args);

/// Runs a sampler and reads its report; `args` come after `run`. Fails the test where the run fails.
nlohmann::json runReport(const std::vector<std::string> &args);

std::string readText(const std::string &path);
void writeText(const std::string &path, const std::string &text);

/// All programs that can be run, with their data, in folders of their own below `folder`.
void makePrograms(const Folder &folder);

} // namespace kac
