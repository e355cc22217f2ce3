// Walks the table of stages from the text of a program to the product that was asked for; the only file that knows the
// order. Times each stage, gathers its messages, and says which stage was at work when one of our own mistakes shows.
#pragma once

#include "dsl/Check.h"
#include "dsl/Diagnostics.h"
#include "dsl/Model.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlir {
class ModuleOp;
}

namespace kac {

struct Ast;

struct DriverOptions {
  std::string program; // path; empty: a program without declarations
  CheckOptions check;
  bool f64 = false;
  std::string cpu = "native";
  std::string folder;        // pack: where archive, library, headers and manifest go
  std::string sharedLibrary; // pack, where there is no folder: the shared library alone
};

class Driver {
public:
  explicit Driver(DriverOptions options);
  ~Driver();

  /// Walks the stages up to the one that leaves `product`; false where one failed: then there are messages, or a
  /// defect. With `before`, up to the stage before that.
  bool walk(std::string_view product, bool before = false);
  /// What the last stage left, as text.
  std::string text() const;

  const Diagnostics &messages() const;
  /// What is wrong with us: the stage, and what it said. Empty where nothing is.
  const std::string &defect() const;
  /// What this machine has against it, a full disk say. Empty where nothing is.
  const std::string &trouble() const;
  /// Whether the trouble is with an option, a CPU that nobody knows.
  bool troubleIsOption() const;
  /// Milliseconds a stage, one line each.
  std::string times() const;

  /// After `check`: only samplers [begin, end) of the model go on, and messages about others are dropped; and where the
  /// shared library is to go.
  void keepSamplers(size_t begin, size_t end);
  void packShared(const std::string &path);
  /// Of the sampler's descriptor in the library.
  std::string symbolOf(const std::string &sampler) const;

  const Model &model() const;
  mlir::ModuleOp module() const;
  /// Files that the program names (data, say), as it names them.
  const std::vector<std::string> &files() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace kac
