// Builds a program, loads the library, and hands its descriptors to the runtime that is linked into the tests.
#include "tests/run/Built.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <dlfcn.h>
#include <filesystem>
#include <numeric>

namespace kac {

BuiltProgram::BuiltProgram(const std::string &path, const std::vector<std::string> &options)
    : stem(std::filesystem::path(path).stem()) {
  Folder folder;
  std::vector<std::string> words = {"build", path, "-o", folder.path};
  words.insert(words.end(), options.begin(), options.end());
  KaccResult built = kacc(words);
  EXPECT_EQ(built.status, 0) << built.err;
  if (built.status == 0)
    handle = dlopen((folder / ("lib" + stem + ".so")).c_str(), RTLD_NOW | RTLD_LOCAL);
  std::replace(stem.begin(), stem.end(), '-', '_');
  stem = (std::isdigit(static_cast<unsigned char>(stem[0])) ? "_" : "") + stem;
}

BuiltProgram BuiltProgram::ofText(const std::string &text, const std::vector<std::string> &options) {
  Folder folder;
  writeText(folder / "program.dsl", text);
  return BuiltProgram(folder / "program.dsl", options);
}

BuiltProgram::~BuiltProgram() {
  if (handle)
    dlclose(handle);
}

void *BuiltProgram::symbol(const std::string &name) const {
  void *found = handle ? dlsym(handle, (stem + "_" + name).c_str()) : nullptr;
  EXPECT_NE(found, nullptr) << stem << " has no " << name;
  return found;
}

const kac_sampler *BuiltProgram::sampler(const std::string &name) const {
  return entry<const kac_sampler *>(name + "_descriptor");
}

namespace {

size_t countOf(const kac_array_type &type) {
  return std::accumulate(type.shape, type.shape + type.rank, size_t(1), std::multiplies<>());
}

/// The values of an output, whatever their type, as doubles.
std::vector<double> numbersOf(const kac_sampler &sampler, int32_t element, const std::vector<char> &bytes,
                              size_t count) {
  std::vector<double> result(count);
  for (size_t i = 0; i < count; ++i)
    if (element == KAC_INT)
      result[i] = reinterpret_cast<const int32_t *>(bytes.data())[i];
    else if (element == KAC_BOOL)
      result[i] = reinterpret_cast<const uint8_t *>(bytes.data())[i];
    else
      result[i] = sampler.real_bytes == 8 ? reinterpret_cast<const double *>(bytes.data())[i]
                                          : double(reinterpret_cast<const float *>(bytes.data())[i]);
  return result;
}

} // namespace

RunOutcome BuiltProgram::run(const std::string &name, const RunPlan &plan) const {
  RunOutcome outcome;
  const kac_sampler *sampler = this->sampler(name);
  if (!sampler)
    return outcome;
  std::vector<kac_contents> contents;
  for (const auto &[input, value] : plan.set)
    contents.push_back({input.c_str(), KAC_REAL, 0, nullptr, &value});
  for (const auto &[input, value] : plan.integers)
    contents.push_back({input.c_str(), KAC_INT, 0, nullptr, &value});
  kac_config config{};
  config.size = sizeof config;
  config.context = &outcome.why;
  config.log = [](void *context, int, const char *text) { *static_cast<std::string *>(context) = text; };
  config.threads = plan.threads;
  config.contents = contents.data();
  config.contents_count = int32_t(contents.size());
  kac_params params{sizeof params, plan.seed, plan.particles ? plan.particles : sampler->particles,
                    plan.steps >= 0 ? plan.steps : sampler->steps};
  size_t count = size_t(params.particles);
  std::vector<std::vector<char>> bytes;
  std::vector<void *> outputs;
  for (int32_t k = 0; k < sampler->output_count; ++k)
    outputs.push_back(bytes.emplace_back(count * countOf(sampler->outputs[k]) * 8).data());
  outcome.logWeight.resize(count);
  outcome.result.size = sizeof outcome.result;
  kac_instance *instance = nullptr;
  outcome.status = kac_create(&instance, sampler, &params, &config);
  if (outcome.status == KAC_OK)
    outcome.status = kac_sample(instance, outputs.data(), outcome.logWeight.data(), &outcome.result);
  kac_destroy(instance);
  if (outcome.status != KAC_OK)
    return outcome;
  outcome.width = countOf(sampler->outputs[0]);
  outcome.state = numbersOf(*sampler, sampler->outputs[0].element, bytes[0], count * outcome.width);
  double high = *std::max_element(outcome.logWeight.begin(), outcome.logWeight.end()), sum = 0;
  for (double w : outcome.logWeight)
    sum += outcome.weight.emplace_back(std::exp(w - high));
  for (double &w : outcome.weight)
    w /= sum;
  outcome.unit.assign(count, 1 / double(count));
  return outcome;
}

double RunOutcome::average(const std::function<double(const double *)> &value,
                           const std::vector<double> &weights) const {
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i)
    if (weights[i] > 0) // what weighs nothing may be NaN
      sum += weights[i] * value(&state[i * width]);
  return sum;
}

Repeated repeat(const BuiltProgram &program, const std::string &sampler, RunPlan plan, int count,
                const std::vector<std::function<double(const double *)>> &values) {
  Repeated all;
  all.averages.resize(values.size());
  for (int k = 0; k < count; ++k, ++plan.seed) {
    RunOutcome run = program.run(sampler, plan);
    EXPECT_EQ(run.status, KAC_OK) << run.why;
    EXPECT_EQ(run.result.non_finite, 0);
    all.logZ.push_back(run.result.log_z);
    all.leastResamplings = std::min(all.leastResamplings, run.result.resamplings);
    for (size_t v = 0; v < values.size(); ++v)
      all.averages[v].push_back(run.average(values[v], run.weight));
  }
  return all;
}

Spread::Spread(const std::vector<double> &numbers) {
  double count = double(numbers.size());
  for (double v : numbers)
    mean += v / count;
  for (double v : numbers)
    deviation += (v - mean) * (v - mean) / (count - 1);
  deviation = std::sqrt(deviation);
  error = deviation / std::sqrt(count);
}

static std::vector<double> relative(const std::vector<double> &logZ) {
  double high = *std::max_element(logZ.begin(), logZ.end());
  std::vector<double> z;
  for (double v : logZ)
    z.push_back(std::exp(v - high));
  return z;
}

std::pair<double, double> pooledLogZ(const std::vector<double> &logZ) {
  Spread z(relative(logZ));
  return {*std::max_element(logZ.begin(), logZ.end()) + std::log(z.mean), z.error / z.mean};
}

std::pair<double, double> pooledAverage(const std::vector<double> &logZ, const std::vector<double> &averages) {
  std::vector<double> z = relative(logZ), parts;
  double mass = Spread(z).mean, mean = 0;
  for (size_t r = 0; r < z.size(); ++r)
    mean += z[r] * averages[r] / (mass * double(z.size()));
  for (size_t r = 0; r < z.size(); ++r)
    parts.push_back(z[r] / mass * (averages[r] - mean));
  return {mean, Spread(parts).error};
}

} // namespace kac
