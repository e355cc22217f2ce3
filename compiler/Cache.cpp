// Requests in, compiled libraries out of a folder: an entry is KEY.json, which lists the files that the compilation
// read with their hashes, and NAME.so. KEY is known from the request and the program's text; whether the other files
// are unchanged is seen by reading them, so that no program need be parsed to find its library.
#include "compiler/Cache.h"

#include <cpuid.h>
#include <elf.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

namespace kac {
namespace {

constexpr std::uintmax_t sizeLimit = std::uintmax_t(1) << 30;

/// FNV-1a over 128 bits: two different programs do not meet by chance.
class Hash {
public:
  void add(std::string_view text) {
    for (unsigned char byte : text) {
      state ^= byte;
      state *= (Word(1) << 88) + 0x13b;
    }
    state ^= text.size() + 1; // so that ("a", "b") and ("ab", "") differ
    state *= (Word(1) << 88) + 0x13b;
  }
  std::string text() const {
    std::string digits;
    for (int shift = 124; shift >= 0; shift -= 4)
      digits += "0123456789abcdef"[static_cast<int>(state >> shift) & 15];
    return digits;
  }

private:
  __extension__ using Word = unsigned __int128;
  Word state = (Word(0x6c62272e07bb0142) << 64) + 0x62b821756295c58d;
};

std::optional<std::string> contentsOf(const fs::path &file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream || fs::is_directory(file))
    return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

/// The hash of a file's contents; empty for a file that cannot be read, which is a state like another.
std::string hashOf(const fs::path &file) {
  std::optional<std::string> contents = contentsOf(file);
  return contents ? contentHash(*contents) : "";
}

/// What `native` stands for: the brand and the features that cpuid tells.
std::string thisMachine() {
  std::string words;
  auto ask = [&words](unsigned leaf, unsigned sub, bool identity) {
    unsigned r[4] = {};
    if (!__get_cpuid_count(leaf, sub, &r[0], &r[1], &r[2], &r[3]))
      return;
    if (identity) { // leaf 1 tells in ebx on which core we are
      r[1] = 0;
      r[2] &= ~(1u << 27); // and in ecx what the kernel has switched on
    }
    words.append(reinterpret_cast<const char *>(r), sizeof r);
  };
  ask(0, 0, false);
  ask(1, 0, true);
  ask(7, 0, false);
  ask(7, 1, false);
  for (unsigned leaf = 0x80000002; leaf <= 0x80000004; ++leaf)
    ask(leaf, 0, false);
  return words;
}

std::string keyOf(const CacheRequest &request, const std::string &text) {
  Hash hash;
  hash.add("kac cache 1");
  hash.add(request.program.stem().string());
  hash.add(text);
  hash.add(request.sampler);
  hash.add(request.cpu == "native" ? thisMachine() : request.cpu);
  hash.add(request.f64 ? "f64" : "f32");
  hash.add(request.compiler);
  hash.add(request.prelude.empty() ? "" : fs::absolute(request.prelude).string());
  return hash.text();
}

fs::path beside(const CacheRequest &request, const std::string &file) { return request.program.parent_path() / file; }

std::vector<std::string> filesOfPrelude(const CacheRequest &request) {
  std::vector<std::string> files;
  std::error_code failure;
  if (!request.prelude.empty())
    for (const fs::directory_entry &entry : fs::directory_iterator(request.prelude, failure))
      if (entry.path().extension() == ".dsl")
        files.push_back(fs::absolute(entry.path()).string());
  std::sort(files.begin(), files.end());
  return files;
}

/// Removes the entries that were used least lately until four fifths of the limit are kept.
void keepWithinLimit(const fs::path &root) {
  struct Entry {
    fs::path path;
    fs::file_time_type used;
    std::uintmax_t size;
  };
  std::vector<Entry> entries;
  std::uintmax_t total = 0;
  std::error_code failure;
  for (const fs::directory_entry &entry : fs::directory_iterator(root, failure)) {
    Entry found{entry.path(), entry.last_write_time(failure), entry.file_size(failure)};
    if (failure)
      continue;
    total += found.size;
    entries.push_back(found);
  }
  if (total <= sizeLimit)
    return;
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) { return a.used < b.used; });
  for (const Entry &entry : entries) {
    if (total <= sizeLimit / 5 * 4)
      return;
    if (fs::remove(entry.path, failure))
      total -= entry.size;
  }
}

} // namespace

Cache::Cache() {
  const char *xdg = std::getenv("XDG_CACHE_HOME");
  const char *home = std::getenv("HOME");
  if (xdg && *xdg == '/')
    root = fs::path(xdg) / "kac";
  else if (home && *home)
    root = fs::path(home) / ".cache" / "kac";
}

std::optional<CachedLibrary> Cache::find(const CacheRequest &request) const {
  std::optional<std::string> text = contentsOf(request.program);
  if (root.empty() || !text)
    return std::nullopt;
  fs::path entry = root / (keyOf(request, *text) + ".json");
  std::ifstream stream(entry);
  if (!stream)
    return std::nullopt;
  nlohmann::json record = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
  try {
    if (record.at("prelude").get<std::vector<std::string>>() != filesOfPrelude(request))
      return std::nullopt;
    for (const auto &[file, hash] : record.at("files").items())
      if (hashOf(beside(request, file)) != hash.get<std::string>())
        return std::nullopt;
    CachedLibrary found{root / record.at("library").get<std::string>(),
                        record.at("sampler"),
                        record.at("symbol"),
                        record.at("scheme"),
                        record.at("steps_fixed"),
                        record.at("warnings")};
    std::error_code failure;
    if (fs::file_size(found.library, failure) != record.at("size").get<std::uintmax_t>() || failure)
      return std::nullopt;
    for (const fs::path &used : {entry, found.library})
      fs::last_write_time(used, fs::file_time_type::clock::now(), failure);
    return found;
  } catch (const nlohmann::json::exception &) {
    return std::nullopt; // a damaged entry is one that is not there
  }
}

std::optional<CachedLibrary> Cache::add(const CacheRequest &request, fs::file_time_type begun,
                                        const std::vector<std::string> &files, CachedLibrary made) const {
  std::optional<std::string> text = contentsOf(request.program);
  std::error_code failure;
  if (root.empty() || !text)
    return std::nullopt;
  fs::create_directories(root, failure);
  std::vector<std::string> read = filesOfPrelude(request);
  nlohmann::json record = {{"prelude", read},           {"files", nlohmann::json::object()},
                           {"sampler", made.sampler},   {"symbol", made.symbol},
                           {"scheme", made.scheme},     {"steps_fixed", made.stepsFixed},
                           {"warnings", made.warnings}, {"size", fs::file_size(made.library, failure)}};
  read.insert(read.end(), files.begin(), files.end());
  for (const std::string &file : read)
    record["files"][file] = hashOf(beside(request, file));
  read.push_back(request.program.filename().string());
  for (const std::string &file : read)
    if (fs::last_write_time(beside(request, file), failure) >= begun)
      return std::nullopt;

  // Both files appear whole or not at all: they are written under names of our own, then renamed.
  std::string key = keyOf(request, *text), own = "." + std::to_string(getpid());
  std::string name = key + "-" + hashOf(made.library) + ".so";
  record["library"] = name;
  fs::copy_file(made.library, root / (name + own), fs::copy_options::overwrite_existing, failure);
  if (!failure)
    fs::rename(root / (name + own), root / name, failure);
  if (!failure) {
    std::ofstream(root / (key + own)) << record.dump() << '\n';
    fs::rename(root / (key + own), root / (key + ".json"), failure);
  }
  if (failure)
    return std::nullopt;
  keepWithinLimit(root);
  made.library = root / name;
  return made;
}

std::uintmax_t Cache::clear() const {
  std::uintmax_t freed = 0;
  std::error_code failure;
  if (root.empty())
    return 0;
  for (const fs::directory_entry &entry : fs::directory_iterator(root, failure)) {
    std::uintmax_t size = entry.file_size(failure);
    if (fs::remove(entry.path(), failure) && size != static_cast<std::uintmax_t>(-1))
      freed += size;
  }
  return freed;
}

std::string contentHash(std::string_view bytes) {
  Hash hash;
  hash.add(bytes);
  return hash.text();
}

std::string buildIdOf(const fs::path &program) {
  std::ifstream stream(program, std::ios::binary);
  auto read = [&stream](std::uint64_t offset, void *to, size_t bytes) {
    stream.seekg(static_cast<std::streamoff>(offset));
    return static_cast<bool>(stream.read(static_cast<char *>(to), static_cast<std::streamsize>(bytes)));
  };
  Elf64_Ehdr header;
  if (!read(0, &header, sizeof header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return "";
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!read(header.e_phoff + i * sizeof segment, &segment, sizeof segment) || segment.p_type != PT_NOTE)
      continue;
    for (std::uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= segment.p_filesz;) {
      Elf64_Nhdr note;
      if (!read(segment.p_offset + at, &note, sizeof note))
        return "";
      std::uint64_t text = at + sizeof note + std::uint64_t(note.n_namesz + 3) / 4 * 4;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz <= 64) {
        std::string bytes(note.n_descsz, '\0'), digits;
        if (!read(segment.p_offset + text, bytes.data(), bytes.size()))
          return "";
        for (unsigned char byte : bytes) {
          digits += "0123456789abcdef"[byte >> 4];
          digits += "0123456789abcdef"[byte & 15];
        }
        return digits;
      }
      at = text + std::uint64_t(note.n_descsz + 3) / 4 * 4;
    }
  }
  return "";
}

} // namespace kac
