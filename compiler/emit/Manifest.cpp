// The record of an interface in; the manifest, a JSON text for programs that build bindings, and the file that
// pkg-config reads out.
#include "compiler/emit/Interface.h"
#include "runtime/kac_abi.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace kac {

namespace {

using Json = nlohmann::ordered_json;

Json describe(const InterfaceValue &value, bool f64) {
  static constexpr const char *types[] = {"real", "int", "bool"};
  static constexpr const char *numpy[] = {"float32", "int32", "uint8"};
  return {{"name", value.name},
          {"c_name", value.field},
          {"type", types[value.element]},
          {"dtype", f64 && value.element == KAC_REAL ? "float64" : numpy[value.element]},
          {"shape", value.shape}};
}

/// JSON has no infinities; text has.
Json numberOf(double value, int element) {
  if (element == KAC_BOOL)
    return value != 0;
  if (element == KAC_INT)
    return static_cast<int64_t>(value);
  return std::isfinite(value) ? Json(value) : Json(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

/// A flat list in row-major order, or the one number.
Json defaultsOf(const InterfaceInput &input) {
  if (input.value.shape.empty())
    return numberOf(input.defaults.at(0), input.value.element);
  Json list = Json::array();
  for (int64_t k = 0, count = input.value.count(); k < count; ++k) // one value may stand for all
    list.push_back(numberOf(input.defaults.at(input.defaults.size() == 1 ? 0 : size_t(k)), input.value.element));
  return list;
}

Json describe(const InterfaceSampler &sampler, bool f64) {
  Json outputs = Json::array(), monitors = Json::array();
  for (const InterfaceValue &output : sampler.outputs)
    outputs.push_back(describe(output, f64));
  for (const InterfaceValue &monitor : sampler.monitors)
    monitors.push_back(describe(monitor, f64));
  const InterfaceMemory &memory = sampler.memory;
  return {{"name", sampler.name},
          {"symbol", sampler.symbol},
          {"particles", sampler.particles},
          {"steps", sampler.steps},
          {"steps_fixed", sampler.stepsFixed},
          {"resamples", sampler.resamples},
          {"outputs", outputs},
          {"monitors", monitors},
          {"requires", sampler.conditions},
          {"bytes", {{"per_particle", memory.perParticle}, {"per_step", memory.perStep}, {"fixed", memory.fixed}}}};
}

} // namespace

std::string manifest(const Interface &interface) {
  Json params = Json::array(), data = Json::array(), samplers = Json::array();
  for (const InterfaceInput &input : interface.inputs) {
    Json row = describe(input.value, true); // inputs are double in any build
    if (!input.isData)
      row["default"] = defaultsOf(input);
    (input.isData ? data : params).push_back(std::move(row));
  }
  for (const InterfaceSampler &sampler : interface.samplers)
    samplers.push_back(describe(sampler, interface.f64));
  Json all = {{"model", interface.stem}, {"compiler", "kacc " KAC_VERSION}, {"abi", KAC_ABI_VERSION}};
  if (!interface.sourceHash.empty())
    all["source_hash"] = interface.sourceHash;
  all["precision"] = interface.f64 ? "f64" : "f32";
  all["params"] = std::move(params);
  all["data"] = std::move(data);
  all["samplers"] = std::move(samplers);
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string pkgConfig(const Interface &interface) {
  return "folder=${pcfiledir}\n\nName: " + interface.stem + "\nDescription: samplers of " + interface.stem +
         ".dsl, made by kacc\nVersion: " KAC_VERSION "\nCflags: -I\"${folder}\"\nLibs: -L\"${folder}\" -l\"" +
         interface.stem + "\" -pthread\nLibs.private: -lm\n";
}

} // namespace kac
