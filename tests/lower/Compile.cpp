// The lowering, the emitter and the packer run one after the other; dlopen loads what they made.
#include "tests/lower/Compile.h"

#include "compiler/dialect/Kac.h"
#include "compiler/emit/EmitLlvm.h"
#include "compiler/emit/Pack.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <dlfcn.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace kac::test {

static std::string stemOf(mlir::ModuleOp module) { return module.getSymName().value_or("model").str(); }

std::shared_ptr<Library> Library::ofText(const std::string &text, const BuildOptions &options) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<ir::KacDialect, mlir::func::FuncDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module) {
    ADD_FAILURE() << "the module does not parse";
    return nullptr;
  }
  mlir::PassManager passes(&context);
  LowerLineagesOptions lowering;
  lowering.f64 = options.f64;
  lowering.lanes = options.lanes;
  passes.addPass(createLowerLineages(lowering));
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  passes.addPass(createSplitKernels());
  if (mlir::failed(passes.run(*module))) {
    ADD_FAILURE() << "the module cannot be lowered";
    return nullptr;
  }
  static int count = 0;
  std::string path = std::filesystem::temp_directory_path() /
                     ("kac-lower-" + std::to_string(getpid()) + "-" + std::to_string(count++) + ".so");
  std::string error, stem = stemOf(*module);
  EmitOptions emit{options.cpu};
  std::string object = emitLlvm(*module, stem, emit, EmitKind::Object, error);
  if (object.empty() || !packLibrary(object, PackOptions{"", path}, error)) {
    ADD_FAILURE() << error;
    return nullptr;
  }
  auto library = std::make_shared<Library>(path);
  std::filesystem::remove(path);
  return library;
}

Library::Library(const std::string &path) : handle(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (!handle)
    ADD_FAILURE() << dlerror();
}

Library::~Library() {
  if (handle)
    dlclose(handle);
}

void *Library::symbol(const std::string &name) const {
  void *found = handle ? dlsym(handle, name.c_str()) : nullptr;
  EXPECT_NE(found, nullptr) << name;
  return found;
}

const kac_sampler &Library::sampler(const std::string &name) const {
  return *static_cast<const kac_sampler *>(symbol(name + "_descriptor"));
}

// --- a population ---

void Population::Free::operator()(void *memory) const { std::free(memory); }

static void *room(int64_t bytes) { return std::aligned_alloc(64, size_t((bytes + 127) / 64 * 64)); }

static int64_t countOf(const kac_array_type &type) {
  int64_t count = 1;
  for (int32_t i = 0; i < type.rank; ++i)
    count *= type.shape[i];
  return count;
}

Population::Population(const kac_sampler &sampler, int64_t particles, int64_t steps, uint64_t seed)
    : sampler(sampler), tiles((particles + sampler.lanes - 1) / sampler.lanes), grid(size_t(steps) + 1),
      logWeight(size_t(tiles * sampler.lanes)), dead(size_t(tiles * sampler.lanes)),
      reals(size_t(sampler.input_count)) {
  for (auto &memory : state)
    memory.reset(room(sampler.tile_bytes * tiles));
  uniform.reset(room(sampler.uniform_bytes + sampler.scratch_bytes * tiles * sampler.lanes));
  for (int32_t i = 0; i < sampler.input_count; ++i)
    inputs.push_back(sampler.inputs[i].value);
  run.seed = seed;
  run.particles = particles;
  run.steps = steps;
  run.inputs = inputs.data();
  run.grid = grid.data();
  run.state_in = run.state_out = state[0].get();
  run.log_weight = logWeight.data();
  run.dead = dead.data();
  run.uniform = uniform.get();
  sampler.time(&run, grid.data());
}

void Population::set(const std::string &input, std::vector<double> values) {
  for (int32_t i = 0; i < sampler.input_count; ++i)
    if (sampler.inputs[i].type.name == input) {
      reals[size_t(i)] = std::move(values);
      inputs[size_t(i)] = reals[size_t(i)].data();
    }
}

static void inPieces(const kac_run &run, const kac_phase &phase, int64_t n, int64_t tiles, int64_t piece) {
  if (phase.prepare)
    phase.prepare(&run, n);
  for (int64_t begin = 0; begin < tiles; begin += piece)
    phase.tiles(&run, n, begin, std::min(begin + piece, tiles));
}

void Population::init(int64_t piece) { inPieces(run, sampler.init, 0, tiles, piece); }

void Population::step(int64_t n, const std::vector<int32_t> *ancestors, int64_t piece) {
  std::vector<int32_t> padded;
  if (ancestors) {
    padded = *ancestors;
    padded.resize(size_t(tiles * sampler.lanes));
    run.ancestors = padded.data();
    run.state_out = state[1].get();
  }
  inPieces(run, sampler.step, n, tiles, piece);
  if (ancestors) {
    std::swap(state[0], state[1]);
    run.ancestors = nullptr;
    run.state_in = run.state_out = state[0].get();
  }
}

std::vector<double> Population::values(const kac_phase &phase, const kac_array_type &type, size_t index, int64_t n) {
  int32_t count = &phase == &sampler.output ? sampler.output_count : sampler.monitor_count;
  const kac_array_type *types = &phase == &sampler.output ? sampler.outputs : sampler.monitors;
  std::vector<std::vector<char>> buffers;
  std::vector<void *> pointers;
  for (int32_t k = 0; k < count; ++k)
    buffers.emplace_back(size_t(countOf(types[k]) * run.particles * 8));
  for (auto &buffer : buffers)
    pointers.push_back(buffer.data());
  if (phase.prepare)
    phase.prepare(&run, n);
  phase.values(&run, n, 0, tiles, pointers.data());
  std::vector<double> result;
  for (int64_t i = 0; i < countOf(type) * run.particles; ++i) {
    const char *data = buffers[index].data();
    if (type.element == KAC_INT)
      result.push_back(reinterpret_cast<const int32_t *>(data)[i]);
    else if (type.element == KAC_BOOL)
      result.push_back(reinterpret_cast<const uint8_t *>(data)[i]);
    else
      result.push_back(sampler.real_bytes == 8 ? reinterpret_cast<const double *>(data)[i]
                                               : double(reinterpret_cast<const float *>(data)[i]));
  }
  return result;
}

std::vector<int32_t> Population::resample(const std::vector<double> &w, double ess, int64_t n) {
  std::vector<int32_t> ancestors(size_t(tiles * sampler.lanes));
  if (sampler.resample.prepare)
    sampler.resample.prepare(&run, w.data(), ess, grid[size_t(n)], n);
  sampler.resample.tiles(&run, w.data(), ess, grid[size_t(n)], n, 0, tiles, ancestors.data());
  ancestors.resize(size_t(run.particles));
  return ancestors;
}

} // namespace kac::test
