// An object of kernels in; with libkac, which the compiler carries, an archive and a shared library out. No program is
// started and no file of a development package read.
#pragma once

#include <string>

namespace kac {

struct PackOptions {
  std::string archive;       // path, or empty
  std::string sharedLibrary; // path, or empty
};

/// False, with `error` set, where it cannot be done. Files appear whole, under their final names, or not at all.
bool packLibrary(const std::string &object, const PackOptions &products, std::string &error);

} // namespace kac
