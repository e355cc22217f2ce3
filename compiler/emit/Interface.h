// A module with its kernel table (after kac-split-kernels) in; what an application sees of its library out: C header,
// C++ header, manifest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mlir {
class ModuleOp;
}

namespace kac {

/// A value that crosses the interface. `name` as the program has it; `field` and `macro` as C has it.
struct InterfaceValue {
  std::string name, field, macro;
  int element = 0; // enum kac_element
  std::vector<int64_t> shape;

  int64_t count() const;
};

struct InterfaceInput {
  InterfaceValue value;
  bool isData = false;
  std::vector<double> defaults; // of a param; row-major
};

/// Bytes that an instance allocates: fixed + particles * perParticle + steps * perStep, but for rounding.
struct InterfaceMemory {
  int64_t perParticle = 0, perStep = 0, fixed = 0;
};

struct InterfaceSampler {
  std::string name;   // in the program
  std::string symbol; // stem_sampler, before each of its functions
  std::string space;  // the namespace in C++
  int64_t particles = 0, steps = 0;
  bool stepsFixed = false, resamples = false;
  InterfaceMemory memory;
  std::vector<InterfaceValue> outputs, monitors;
  std::vector<std::string> conditions; // checked at creation
};

struct Interface {
  std::string stem;       // of the file's name
  std::string symbol;     // the same as C has it
  std::string space;      // the namespace in C++
  bool f64 = false;       // the type of the program's reals
  std::string sourceHash; // may be empty: not known
  std::vector<InterfaceInput> inputs;
  std::vector<InterfaceSampler> samplers;
};

/// Read off the module's attributes, which stay as they are.
Interface interfaceOf(mlir::ModuleOp module, const std::string &stem);

/// The texts of base.h, base.hpp (which includes `header`), base.json and base.pc (which finds the others beside it).
std::string cHeader(const Interface &interface);
std::string cppHeader(const Interface &interface, const std::string &header);
std::string manifest(const Interface &interface);
std::string pkgConfig(const Interface &interface);

/// Writes base.h, base.hpp, base.json and base.pc, each whole or not at all; base: folder/stem. False, with `error`
/// set, on failure.
bool writeInterface(const Interface &interface, const std::string &base, std::string &error);

} // namespace kac
