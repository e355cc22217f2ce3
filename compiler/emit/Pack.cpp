// lld and objcopy within this process: kernels and libkac joined into one relocatable, whose hidden names become local,
// so that two models link into one program; then an archive, a shared library.
#include "compiler/emit/Pack.h"

#include "lld/Common/Driver.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Object/Binary.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <link.h>
#include <mutex>
#include <vector>

LLD_HAS_DRIVER(elf)

extern "C" const char kac_embedded_runtime_begin[], kac_embedded_runtime_end[];

namespace kac {

namespace {

/// A file that goes when we are done with it.
class Scratch {
public:
  explicit Scratch(const std::string &beside) {
    llvm::SmallString<128> made;
    if (!llvm::sys::fs::createUniqueFile(beside + ".%%%%%%%%.tmp", made))
      path = made.str().str();
  }
  ~Scratch() {
    if (!path.empty())
      llvm::sys::fs::remove(path);
  }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

  bool write(llvm::StringRef bytes, std::string &error) const {
    std::error_code code;
    llvm::raw_fd_ostream stream(path, code);
    if (!code) {
      stream << bytes;
      stream.close();
      code = stream.error();
      stream.clear_error();
    }
    if (path.empty() || code)
      error = "cannot write '" + path + "': " + code.message();
    return !path.empty() && !code;
  }
  bool become(const std::string &target, std::string &error) {
    if (std::error_code code = llvm::sys::fs::rename(path, target)) {
      error = "cannot write '" + target + "': " + code.message();
      return false;
    }
    path.clear();
    return true;
  }

  std::string path;
};

} // namespace

/// One run of the linker. Its fatal errors would end the process, were it not for crash recovery.
static bool link(const std::vector<std::string> &arguments, std::string &error) {
  static std::mutex one;
  std::lock_guard<std::mutex> lock(one);
  std::vector<const char *> list{"ld.lld", "--threads=1"};
  for (const std::string &argument : arguments)
    list.push_back(argument.c_str());
  std::string said;
  llvm::raw_string_ostream out(said);
  llvm::CrashRecoveryContext::Enable();
  lld::Result result = lld::lldMain(list, out, out, {{lld::Gnu, &lld::elf::link}});
  llvm::CrashRecoveryContext::Disable();
  if (result.retCode != 0)
    error = said.empty() ? "the linker failed" : said;
  return result.retCode == 0;
}

/// The libraries of C that this process runs on: a program built here needs no others.
static std::vector<std::string> systemLibraries() {
  std::vector<std::string> paths;
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *data) {
        llvm::StringRef name = info->dlpi_name;
        if (name.ends_with("/libc.so.6") || name.ends_with("/libm.so.6"))
          static_cast<std::vector<std::string> *>(data)->push_back(name.str());
        return 0;
      },
      &paths);
  return paths;
}

/// Kernels and libkac as one object; what is hidden in them is local to it.
static bool join(const std::string &object, const std::string &beside, Scratch &joined, std::string &error) {
  Scratch kernels(beside), runtime(beside), both(beside);
  llvm::StringRef libkac(kac_embedded_runtime_begin, kac_embedded_runtime_end - kac_embedded_runtime_begin);
  if (!kernels.write(object, error) || !runtime.write(libkac, error))
    return false;
  if (!link({"-r", kernels.path, runtime.path, "-o", both.path}, error))
    return false;
  auto buffer = llvm::MemoryBuffer::getFile(both.path);
  if (!buffer) {
    error = "cannot read back '" + both.path + "'";
    return false;
  }
  auto binary = llvm::object::createBinary(**buffer);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::objcopy::ConfigManager config;
  config.ELF.LocalizeHidden = true;
  llvm::Error failed = binary ? llvm::objcopy::executeObjcopyOnBinary(config, **binary, stream) : binary.takeError();
  if (failed) {
    error = llvm::toString(std::move(failed));
    return false;
  }
  return joined.write(llvm::StringRef(bytes.data(), bytes.size()), error);
}

static bool archive(const Scratch &joined, const std::string &path, std::string &error) {
  auto buffer = llvm::MemoryBuffer::getFile(joined.path);
  if (!buffer) {
    error = "cannot read back '" + joined.path + "'";
    return false;
  }
  std::string member = llvm::sys::path::stem(path).str() + ".o";
  llvm::NewArchiveMember only{llvm::MemoryBufferRef((*buffer)->getBuffer(), member)};
  Scratch made(path);
  llvm::Error failed = llvm::writeArchive(made.path, only, llvm::SymtabWritingMode::NormalSymtab,
                                          llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false);
  if (failed) {
    error = llvm::toString(std::move(failed));
    return false;
  }
  llvm::sys::fs::setPermissions(made.path, llvm::sys::fs::perms(0644));
  return made.become(path, error);
}

static bool share(const Scratch &joined, const std::string &path, std::string &error) {
  Scratch made(path);
  std::vector<std::string> arguments{"-shared",
                                     "-o",
                                     made.path,
                                     joined.path,
                                     "-soname",
                                     llvm::sys::path::filename(path).str(),
                                     "-z",
                                     "defs",
                                     "-z",
                                     "now",
                                     "-z",
                                     "relro",
                                     "--gc-sections",
                                     "--build-id=sha1",
                                     "--as-needed"};
  for (const std::string &library : systemLibraries())
    arguments.push_back(library);
  return link(arguments, error) && made.become(path, error);
}

bool packLibrary(const std::string &object, const PackOptions &products, std::string &error) {
  const std::string &beside = products.archive.empty() ? products.sharedLibrary : products.archive;
  Scratch joined(beside);
  if (joined.path.empty()) {
    error = "cannot write beside '" + beside + "'";
    return false;
  }
  if (!join(object, beside, joined, error))
    return false;
  if (!products.archive.empty() && !archive(joined, products.archive, error))
    return false;
  return products.sharedLibrary.empty() || share(joined, products.sharedLibrary, error);
}

} // namespace kac
