// Lays states out in tiles as the interface of generated code wants them, and back.
#include "tests/run/Compiled.h"

#include <dlfcn.h>

#include <cstdlib>
#include <stdexcept>

namespace kac {

CompiledSampler::CompiledSampler(const std::string &library, const std::string &symbol)
    : handle(dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL), [](void *h) { h ? dlclose(h) : 0; }) {
  if (!handle)
    throw std::runtime_error(dlerror());
  sampler = static_cast<const kac_sampler *>(dlsym(handle.get(), symbol.c_str()));
  if (!sampler)
    throw std::runtime_error(library + " has no " + symbol);
  if (sampler->abi_version != KAC_ABI_VERSION || sampler->real_bytes != 8)
    throw std::runtime_error(library + " is not a double build of this interface");
}

namespace {

/// 64-byte aligned memory of zeros.
class Buffer {
public:
  explicit Buffer(size_t bytes) : data(std::aligned_alloc(64, (bytes + 64) / 64 * 64)) {
    for (size_t k = 0; k < (bytes + 64) / 64 * 64; ++k)
      static_cast<char *>(data)[k] = 0;
  }
  Buffer(const Buffer &) = delete;
  ~Buffer() { std::free(data); }
  void *data;
};

} // namespace

CompiledSampler::Lineages CompiledSampler::call(const kac_phase &phase, kac_run &run, int64_t n,
                                                const std::vector<std::vector<double>> &state) const {
  int64_t lanes = sampler->lanes, tiles = (run.particles + lanes - 1) / lanes;
  size_t width = size_t(sampler->tile_bytes / (8 * lanes));
  Buffer in(tiles * sampler->tile_bytes), out(tiles * sampler->tile_bytes), uniform(sampler->uniform_bytes);
  auto place = [&](int64_t lineage, size_t k) {
    return lineage / lanes * sampler->tile_bytes / 8 + int64_t(k) * lanes + lineage % lanes;
  };
  for (size_t i = 0; i < state.size(); ++i)
    for (size_t k = 0; k < state[i].size(); ++k)
      static_cast<double *>(in.data)[place(int64_t(i), k)] = state[i][k];
  Buffer weights(tiles * lanes * 8), dead(tiles * lanes);
  std::vector<const void *> inputs;
  for (int32_t k = 0; k < sampler->input_count; ++k)
    inputs.push_back(sampler->inputs[k].value);
  run.inputs = inputs.data();
  run.state_in = in.data;
  run.state_out = out.data;
  run.log_weight = static_cast<double *>(weights.data);
  run.dead = static_cast<uint8_t *>(dead.data);
  run.uniform = uniform.data;
  if (phase.prepare)
    phase.prepare(&run, n);
  phase.tiles(&run, n, 0, tiles);

  Lineages result;
  for (int64_t i = 0; i < run.particles; ++i) {
    std::vector<double> row(width);
    for (size_t k = 0; k < width; ++k)
      row[k] = static_cast<double *>(out.data)[place(i, k)];
    result.state.push_back(row);
    result.logWeight.push_back(run.log_weight[i]);
    result.dead.push_back(run.dead[i] != 0);
  }
  return result;
}

CompiledSampler::Lineages CompiledSampler::init(uint64_t seed, int64_t particles) const {
  std::vector<double> grid(size_t(sampler->steps) + 1);
  kac_run run = {};
  run.seed = seed;
  run.particles = particles;
  run.steps = sampler->steps;
  std::vector<const void *> inputs;
  for (int32_t k = 0; k < sampler->input_count; ++k)
    inputs.push_back(sampler->inputs[k].value);
  run.inputs = inputs.data();
  if (sampler->time)
    sampler->time(&run, grid.data());
  run.grid = grid.data();
  return call(sampler->init, run, 0, {});
}

CompiledSampler::Lineages CompiledSampler::step(uint64_t seed, int64_t n, double t, double dt,
                                                const std::vector<std::vector<double>> &state) const {
  std::vector<double> grid(size_t(n) + 2, t);
  grid.back() = t + dt;
  kac_run run = {};
  run.seed = seed;
  run.particles = int64_t(state.size());
  run.steps = n + 1;
  run.grid = grid.data();
  return call(sampler->step, run, n, state);
}

} // namespace kac
