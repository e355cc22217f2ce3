// The stage `check`: the text of a program in, the checked model out, or messages.
#pragma once

#include "dsl/Diagnostics.h"
#include "dsl/Model.h"

#include <memory>
#include <string>

namespace kac {

struct CheckOptions {
  std::string preludeDirectory; // empty: the built-in copy of the library
  bool testsOfPrelude = false;  // elaborate the `test` declarations of the library too
  bool tests = false;           // elaborate the `test` declarations of the program, each as a sampler of its own
  bool laws = false;            // in place of each test, samplers of the laws and processes that it builds
};

/// Checks the program in `path`, and with it the library and the data files that it names (looked up beside the
/// program). Null, and messages, where something is wrong. An empty path stands for a program without declarations.
std::unique_ptr<Model> checkProgram(const std::string &path, const CheckOptions &options, Diagnostics &diagnostics);

/// The same with the text given.
std::unique_ptr<Model> checkText(const std::string &path, std::string text, const CheckOptions &options,
                                 Diagnostics &diagnostics);

} // namespace kac
