// Calls the compiled kernels as the runtime would, on states of our choice.
#include "compiler/commands/compile/LawSampler.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace kac {
namespace {

struct Release {
  void operator()(void *memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<char, Release>;

Memory zeros(int64_t bytes) {
  size_t whole = (static_cast<size_t>(bytes) + 64) / 64 * 64;
  Memory memory(static_cast<char *>(std::aligned_alloc(64, whole)));
  std::fill_n(memory.get(), whole, 0);
  return memory;
}

int64_t bytesOf(int32_t element) { return element == KAC_REAL ? 8 : element == KAC_INT ? 4 : 1; }

double read(const char *values, int32_t element, size_t i) {
  if (element == KAC_REAL)
    return reinterpret_cast<const double *>(values)[i];
  return element == KAC_INT ? reinterpret_cast<const int32_t *>(values)[i]
                            : reinterpret_cast<const uint8_t *>(values)[i];
}

} // namespace

size_t LawSampler::width(int which) const {
  size_t count = 1;
  for (int32_t axis = 0; axis < sampler.outputs[which].rank; ++axis)
    count *= static_cast<size_t>(sampler.outputs[which].shape[axis]);
  return count;
}

States LawSampler::draw(std::string &said) const {
  kac_config config{};
  config.size = sizeof config;
  config.context = &said;
  config.log = [](void *context, int, const char *text) { *static_cast<std::string *>(context) = text; };
  kac_result result{};
  result.size = sizeof result;
  std::vector<Memory> buffers;
  std::vector<void *> outputs;
  for (int32_t k = 0; k < sampler.output_count; ++k) {
    buffers.push_back(zeros(sampler.particles * static_cast<int64_t>(width(k)) * bytesOf(sampler.outputs[k].element)));
    outputs.push_back(buffers.back().get());
  }
  std::vector<double> weights(static_cast<size_t>(sampler.particles));
  kac_instance *instance = nullptr;
  int status = kac_create(&instance, &sampler, nullptr, &config);
  if (status == KAC_OK)
    status = kac_sample(instance, outputs.data(), weights.data(), &result);
  int64_t lost = result.non_finite;
  kac_destroy(instance);
  States states;
  states.width = width(0);
  if (status != KAC_OK && said.empty())
    said = kac_status_text(status);
  else if (status == KAC_OK && lost > 0)
    said = std::to_string(lost) + " of " + std::to_string(sampler.particles) + " draws are not finite";
  if (said.empty())
    for (size_t i = 0; i < states.width * weights.size(); ++i)
      states.numbers.push_back(read(buffers[0].get(), sampler.outputs[0].element, i));
  return states;
}

std::vector<double> LawSampler::output(int which, const States &states) const {
  constexpr size_t batch = 4096;
  std::vector<double> all;
  for (size_t begin = 0; begin < states.count(); begin += batch) {
    std::vector<double> some = outputOfTiles(which, states, begin, std::min(states.count(), begin + batch));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<double> LawSampler::outputOfTiles(int which, const States &states, size_t begin, size_t end) const {
  const int64_t count = static_cast<int64_t>(end - begin), lanes = sampler.lanes, tiles = (count + lanes - 1) / lanes;
  // Each scalar of the state is `lanes` values side by side; the state is one array, of the type of the first output.
  const int32_t element = sampler.outputs[0].element;
  const int64_t size = bytesOf(element);
  Memory state = zeros(tiles * sampler.tile_bytes), weights = zeros(tiles * lanes * 8), dead = zeros(tiles * lanes);
  Memory uniform = zeros(sampler.uniform_bytes + tiles * lanes * sampler.scratch_bytes);
  for (int64_t i = 0; i < tiles * lanes; ++i)
    for (size_t k = 0; k < states.width; ++k) {
      double x = states[begin + static_cast<size_t>(std::min(i, count - 1))][k];
      char *place = state.get() + i / lanes * sampler.tile_bytes + (static_cast<int64_t>(k) * lanes + i % lanes) * size;
      if (element == KAC_REAL)
        *reinterpret_cast<double *>(place) = x;
      else if (element == KAC_INT)
        *reinterpret_cast<int32_t *>(place) = static_cast<int32_t>(x);
      else
        *place = x != 0;
    }
  std::vector<const void *> inputs(static_cast<size_t>(sampler.input_count));
  for (size_t k = 0; k < inputs.size(); ++k)
    inputs[k] = sampler.inputs[k].value;
  std::vector<double> grid(static_cast<size_t>(sampler.steps) + 1);
  kac_run run{};
  run.particles = count;
  run.steps = sampler.steps;
  run.inputs = inputs.data();
  if (sampler.time)
    sampler.time(&run, grid.data());
  run.grid = grid.data();
  run.state_in = state.get();
  run.state_out = state.get();
  run.log_weight = reinterpret_cast<double *>(weights.get());
  run.dead = reinterpret_cast<uint8_t *>(dead.get());
  run.uniform = uniform.get();
  std::vector<Memory> buffers;
  std::vector<void *> values;
  for (int32_t k = 0; k < sampler.output_count; ++k) {
    buffers.push_back(zeros(tiles * lanes * static_cast<int64_t>(width(k)) * bytesOf(sampler.outputs[k].element)));
    values.push_back(buffers.back().get());
  }
  if (sampler.output.prepare)
    sampler.output.prepare(&run, sampler.steps);
  sampler.output.values(&run, sampler.steps, 0, tiles, values.data());
  std::vector<double> result;
  for (size_t i = 0; i < static_cast<size_t>(count) * width(which); ++i)
    result.push_back(read(buffers[static_cast<size_t>(which)].get(), sampler.outputs[which].element, i));
  return result;
}

} // namespace kac
