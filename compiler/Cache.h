// The folder of compiled programs: a command's request in, the library that an earlier run made of it out. Holds
// objects, never samples; knows nothing of LLVM, so that a cached run need not load it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kac {

/// What a compilation depends on beside the contents of files.
struct CacheRequest {
  std::filesystem::path program;
  std::string sampler; // as asked for; empty: the only one
  std::string prelude; // folder, or empty
  std::string cpu;     // as asked for
  bool f64 = false;
  std::string compiler; // identity of the compiler's build
};

/// A library in the cache, ready to be loaded, and what is to be known of it.
struct CachedLibrary {
  std::filesystem::path library;
  std::string sampler;     // the one that it holds
  std::string symbol;      // of that sampler's descriptor
  std::string scheme;      // how it weighs, for the report
  bool stepsFixed = false; // by the text
  std::string warnings;    // what the compilation said, without colour
};

class Cache {
public:
  /// Under XDG_CACHE_HOME or ~/.cache; without either, or where it cannot be written, a cache that holds nothing.
  Cache();

  std::optional<CachedLibrary> find(const CacheRequest &request) const;

  /// Takes `made.library` (a finished file) in; `files` are those that the program names, as it names them; `begun` is
  /// when the compilation began. Nothing where a file has changed since, or the cache cannot be written.
  std::optional<CachedLibrary> add(const CacheRequest &request, std::filesystem::file_time_type begun,
                                   const std::vector<std::string> &files, CachedLibrary made) const;

  /// Removes every entry, and says how many bytes that freed.
  std::uintmax_t clear() const;

  const std::filesystem::path &folder() const { return root; }

private:
  std::filesystem::path root;
};

/// A hash of the bytes, in hexadecimal; for telling texts apart, not against malice.
std::string contentHash(std::string_view bytes);

/// The build id that the linker wrote into an ELF file, in hexadecimal; empty where there is none.
std::string buildIdOf(const std::filesystem::path &program);

} // namespace kac
