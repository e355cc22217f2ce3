// The record of an interface in; the text of its C header and of its C++ header out.
#include "compiler/emit/Interface.h"
#include "runtime/kac_abi.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>

extern "C" const char kac_embedded_header_begin[], kac_embedded_header_end[], kac_embedded_status_begin[],
    kac_embedded_status_end[], kac_embedded_cpp_begin[], kac_embedded_cpp_end[];

namespace kac {

namespace {

/// `text` with each @name@ replaced.
std::string fill(llvm::StringRef text, llvm::ArrayRef<std::pair<llvm::StringRef, std::string>> values) {
  std::string result;
  while (true) {
    auto [before, rest] = text.split('@');
    result += before;
    if (rest.empty())
      return result;
    auto [name, after] = rest.split('@');
    const auto *found = llvm::find_if(values, [&, name = name](const auto &value) { return value.first == name; });
    assert(found != values.end() && "a name of the template");
    result += found->second;
    text = after;
  }
}

/// kac_runtime.h as it stands, but for the one line that includes the statuses.
std::string runtimeHeader() {
  std::string text(kac_embedded_header_begin, kac_embedded_header_end);
  const llvm::StringRef line = "#include \"kac_status.def\"\n";
  size_t at = text.find(line.str());
  assert(at != std::string::npos && "kac_runtime.h includes the statuses");
  return text.replace(at, line.size(), std::string(kac_embedded_status_begin, kac_embedded_status_end));
}

std::string join(const std::vector<int64_t> &shape) {
  return llvm::join(llvm::map_range(shape, [](int64_t extent) { return std::to_string(extent); }), ", ");
}

/// As the program writes it: real[40, 2].
std::string programType(const InterfaceValue &value) {
  static constexpr llvm::StringLiteral names[] = {"real", "int", "bool"};
  return (names[value.element] + (value.shape.empty() ? "" : "[" + join(value.shape) + "]")).str();
}

std::string cType(const InterfaceValue &value, bool f64) {
  return value.element == KAC_INT ? "int32_t" : value.element == KAC_BOOL ? "uint8_t" : f64 ? "double" : "float";
}

std::string upper(const std::string &name) { return llvm::StringRef(name).upper(); }

std::string shapeMacros(const InterfaceValue &value, const std::string &what) {
  return fill(R"(/* @what@: @type@ */
#define @macro@_RANK @rank@
#define @macro@_SIZE @size@
#define @macro@_SHAPE {@shape@}
)",
              {{"what", what},
               {"type", programType(value)},
               {"macro", value.macro},
               {"rank", std::to_string(value.shape.size())},
               {"size", std::to_string(value.count())},
               {"shape", value.shape.empty() ? "1" : join(value.shape)}});
}

/// One field for each param, in the order of the program: runtime/kac_params.c finds them by the rules of C.
std::string paramFields(const Interface &interface) {
  std::string text;
  for (const InterfaceInput &input : interface.inputs) {
    if (input.isData)
      continue;
    const InterfaceValue &value = input.value;
    const bool array = !value.shape.empty();
    std::string field = (array ? "const " : "") + cType(value, true) + (array ? " *" : " ") + value.field + ";";
    text += "  " + field + " /* " + programType(value) + (array ? ", row-major; null: its default" : "") + " */\n";
  }
  return text;
}

std::string buffers(const InterfaceSampler &sampler, bool f64) {
  std::string text;
  for (const InterfaceValue &output : sampler.outputs)
    text += cType(output, f64) + " *" + output.field + ", ";
  return text;
}

std::string bufferNotes(const InterfaceSampler &sampler) {
  std::string text;
  for (const InterfaceValue &output : sampler.outputs) {
    const std::vector<int64_t> &shape = output.shape;
    text += " * " + output.field + ": [particles" + (shape.empty() ? "" : ", " + join(shape)) + "], row-major.\n";
  }
  return text;
}

std::string cSampler(const Interface &interface, const InterfaceSampler &sampler) {
  std::string macros, notes;
  for (const InterfaceValue &output : sampler.outputs)
    macros += shapeMacros(output, "Of each particle's " + output.field);
  for (const InterfaceValue &monitor : sampler.monitors)
    macros += shapeMacros(monitor, "Of the monitor " + monitor.field);
  if (!sampler.monitors.empty()) {
    notes = " * A row of result's monitor_mean and monitor_se holds, in this order:";
    for (const InterfaceValue &monitor : sampler.monitors)
      notes += " " + monitor.field + (monitor.count() > 1 ? "[" + std::to_string(monitor.count()) + "]" : "");
    notes += ".\n";
  }
  return fill(R"(
/* ---- @sampler@: @particles@ particles and @steps@ steps@fixed@, about @bytes@ bytes a particle ---- */

@macros@
/* Call @s@_defaults first; then set what shall differ. */
typedef struct @s@_params {
  size_t size; /* of this struct, in bytes */
  uint64_t seed;
  int64_t particles;
  int64_t steps;
@fields@} @s@_params;

/* One sampler, ready to run. Calls on one instance must not overlap; instances are independent of each other. */
typedef struct @s@_instance @s@_instance;

/* Writes the first `size` bytes of a params struct. Applications call @s@_defaults. */
int @s@_defaults_sized(@s@_params *params, size_t size);

/* Sets every field to its default: seed 0, and what the program says.
 * KAC_NULL_ARGUMENT; KAC_VERSION: the header and the library are not of one build. */
static inline int @s@_defaults(@s@_params *params) {
  return @s@_defaults_sized(params, sizeof *params);
}

/* Makes an instance, with all the memory that a run takes: params and what config points to may go away after the call.
 * params: null for the defaults. config: null for malloc, own threads and no callbacks.
 * On failure *instance is null, and config's log has been told why: KAC_NULL_ARGUMENT, KAC_VERSION, KAC_CPU, KAC_MEMORY,
 * KAC_PARTICLES, KAC_STEPS, KAC_UNKNOWN_INPUT, KAC_SHAPE, KAC_TYPE, KAC_NAN, KAC_GRID, KAC_REQUIRE. */
int @s@_create(@s@_instance **instance, const @s@_params *params, const struct kac_config *config);

/* One run from the start: the same instance gives the same bits. Buffers are the caller's.
@buffers@ * All buffers null: a run for its result alone.
 * log_weight: [particles], natural logarithm, not normalised, -inf for a lineage of no weight; null asks for equally
 *   weighted samples, by one last resampling.
 * result: null, or with its size set; filled on KAC_OK and KAC_CANCELLED.
@notes@ * KAC_CANCELLED: the progress callback ended it, and all that is written is that of the steps done. KAC_NULL_ARGUMENT,
 * KAC_VERSION, KAC_NON_FINITE, KAC_NO_WEIGHT, KAC_ANCESTOR: failed, and the contents of the buffers mean nothing. */
int @s@_sample(@s@_instance *instance, @parameters@double *log_weight, struct kac_result *result);

/* Null is allowed. */
void @s@_destroy(@s@_instance *instance);
)",
              {{"sampler", sampler.space},
               {"s", sampler.symbol},
               {"particles", std::to_string(sampler.particles)},
               {"steps", std::to_string(sampler.steps)},
               {"fixed", sampler.stepsFixed ? " (fixed)" : ""},
               {"bytes", std::to_string(sampler.memory.perParticle)},
               {"macros", macros},
               {"fields", paramFields(interface)},
               {"buffers", bufferNotes(sampler)},
               {"notes", notes},
               {"parameters", buffers(sampler, interface.f64)}});
}

std::string cppSampler(const Interface &interface, const InterfaceSampler &sampler) {
  std::string fields, makers, arguments;
  for (const InterfaceValue &output : sampler.outputs) {
    fields += "  ::kac::Output<" + cType(output, interface.f64) +
              (output.shape.empty() ? "" : ", " + join(output.shape)) + "> " + output.field + ";\n";
    makers += (makers.empty() ? " : " : ", ") + output.field + "(particles)";
    arguments += "samples." + output.field + ".data(), ";
  }
  return fill(R"(
namespace @space@ {

using Params = ::@s@_params;

inline Params defaults() {
  Params params;
  ::@s@_defaults(&params);
  return params;
}

/// One run's particles.
struct Samples {
@fields@  ::std::vector<double> log_weight; // natural logarithms; empty: all weigh the same
  ::kac_result result{};            // its pointers hold until the sampler's next call

  explicit Samples(::std::size_t particles)@makers@ { result.size = sizeof result; }
};

/// Owns an instance. What fails is thrown as kac::Error; a run that a callback ended returns, with result.partial set.
class Sampler {
public:
  /// Where config has neither a log nor a context, errors say what the log would have been told.
  explicit Sampler(const Params &params = defaults(), ::kac_config config = {})
      : particles(static_cast<::std::size_t>(params.particles)) {
    config.size = sizeof config;
    log.listen(config);
    ::@s@_instance *made = nullptr;
    log.check(::@s@_create(&made, &params, &config), ::@m@_status_text);
    instance.reset(made);
  }

  /// One run from the start; weighted: false asks for equally weighted samples, by one last resampling.
  Samples sample(bool weighted = true) {
    Samples samples(particles);
    samples.log_weight.resize(weighted ? particles : 0);
    log.check(::@s@_sample(instance.get(), @arguments@weighted ? samples.log_weight.data() : nullptr, &samples.result),
              ::@m@_status_text);
    return samples;
  }

  ::@s@_instance *get() const { return instance.get(); }

private:
  struct Destroy {
    void operator()(::@s@_instance *instance) const { ::@s@_destroy(instance); }
  };
  ::std::size_t particles;
  ::kac::Log log;
  ::std::unique_ptr<::@s@_instance, Destroy> instance;
};

} // namespace @space@
)",
              {{"space", sampler.space},
               {"s", sampler.symbol},
               {"m", interface.symbol},
               {"fields", fields},
               {"makers", makers},
               {"arguments", arguments}});
}

} // namespace

std::string cHeader(const Interface &interface) {
  std::string inputs, samplers;
  for (const InterfaceInput &input : interface.inputs)
    inputs += shapeMacros(input.value, std::string(input.isData ? "Data " : "Param ") + input.value.field);
  for (const InterfaceSampler &sampler : interface.samplers)
    samplers += cSampler(interface, sampler);
  return fill(R"(// The samplers of @m@, for C11 and C++17. Generated by kacc @version@; do not edit.
@runtime@
#ifndef KAC_MODEL_@M@_H
#define KAC_MODEL_@M@_H

#ifdef __cplusplus
extern "C" {
#endif

/* A real of this library is a @real@ in samples, a double in params and contents; an int is an int32_t, a bool a uint8_t. */
@inputs@
/* The version of the interface that the library was built with. */
uint32_t @m@_abi_version(void);

/* The sentence of a status. Never null; lives for ever. */
const char *@m@_status_text(int status);
@samplers@
#ifdef __cplusplus
}
#endif
#endif
)",
              {{"m", interface.symbol},
               {"M", upper(interface.symbol)},
               {"version", KAC_VERSION},
               {"real", interface.f64 ? "double" : "float"},
               {"runtime", runtimeHeader()},
               {"inputs", inputs},
               {"samplers", samplers}});
}

std::string cppHeader(const Interface &interface, const std::string &header) {
  std::string samplers;
  for (const InterfaceSampler &sampler : interface.samplers)
    samplers += cppSampler(interface, sampler);
  return fill(R"(// The samplers of @m@ as classes of C++17. Generated by kacc @version@; do not edit.
#include "@header@"

@runtime@
#ifndef KAC_MODEL_@M@_HPP
#define KAC_MODEL_@M@_HPP

namespace kac {
namespace @space@ {
@samplers@
} // namespace @space@
} // namespace kac
#endif
)",
              {{"m", interface.symbol},
               {"M", upper(interface.symbol)},
               {"version", KAC_VERSION},
               {"header", header},
               {"runtime", std::string(kac_embedded_cpp_begin, kac_embedded_cpp_end)},
               {"space", interface.space},
               {"samplers", samplers}});
}

} // namespace kac
