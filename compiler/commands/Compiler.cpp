// The path of the running program in, that of kac-compile out.
#include "compiler/commands/Compiler.h"

#include <filesystem>

namespace fs = std::filesystem;

namespace kac {

std::string compilerProgram() {
  std::error_code failure;
  fs::path self = fs::read_symlink("/proc/self/exe", failure);
  fs::path beside = self.parent_path() / "kac-compile";
  if (fs::exists(beside, failure))
    return beside.string();
  return (self.parent_path().parent_path() / "libexec" / "kac" / "kac-compile").string();
}

CacheRequest cacheRequestOf(const CommandLine &line) {
  CacheRequest request;
  request.program = line.model;
  request.sampler = line.sampler;
  request.prelude = line.prelude;
  request.cpu = line.cpu;
  request.f64 = line.f64;
  request.compiler = buildIdOf(compilerProgram());
  return request;
}

} // namespace kac
