// The record of an interface in; the functions of its C header out, in an LLVM module that has the descriptors.
#pragma once

#include "compiler/emit/Interface.h"

namespace llvm {
class Module;
}

namespace kac {

/// The only functions that are seen from outside of the object; all that they do is to call libkac.
void emitWrappers(const Interface &interface, llvm::Module &module);

} // namespace kac
