// Loads a library, runs one of its samplers, and writes what was asked for.
#include "compiler/run/Run.h"

#include "compiler/run/Npz.h"
#include "compiler/run/OutputFile.h"
#include "compiler/run/Plot.h"
#include "compiler/run/Progress.h"
#include "compiler/run/Report.h"
#include "compiler/run/Settings.h"
#include "dsl/Diagnostics.h"
#include "runtime/kac_run.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <dlfcn.h>
#include <filesystem>
#include <new>
#include <sys/resource.h>

namespace kac {
namespace {

volatile std::sig_atomic_t interrupted = 0;

/// While it lives, the first Ctrl-C asks the run to end; a second one has its usual effect.
class InterruptWatch {
public:
  InterruptWatch() {
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
    sigaction(SIGINT, &action, &before);
  }
  InterruptWatch(const InterruptWatch &) = delete;
  InterruptWatch &operator=(const InterruptWatch &) = delete;
  ~InterruptWatch() { sigaction(SIGINT, &before, nullptr); }

private:
  struct sigaction before {};
};

/// Says what the runtime or a setting has against this run. A text with a code, maybe behind a place, gets the usual
/// form.
RunEnd refuse(std::ostream &messages, RunEnd end, const std::string &text) {
  size_t place = text.find(": E");
  size_t at = place == std::string::npos ? 0 : place + 2;
  unsigned number = 0;
  int used = 0;
  bool coded = std::sscanf(text.c_str() + at, "E%4u: %n", &number, &used) == 1 && used == 7;
  if (!coded) {
    messages << "error: " << text << "\n";
    return end;
  }
  messages << text.substr(0, at) << "error[" << text.substr(at, 5) << "]" << text.substr(at + 5) << "\n";
  if (const std::string help = usualHelp(text.substr(at, 5)); !help.empty())
    messages << "  help: " << help << "\n";
  return end;
}

/// One run, from the library to the files.
class Run {
public:
  Run(const RunOptions &options, std::ostream &results, std::ostream &messages)
      : options(options), results(results), messages(messages),
        progress(messages, options.terminal, !options.unweighted()) {}
  Run(const Run &) = delete;
  Run &operator=(const Run &) = delete;
  ~Run() {
    kac_destroy(instance);
    if (library)
      dlclose(library);
  }

  RunEnd all();

private:
  bool load();
  bool openFiles(std::string &why);
  int create();
  bool makeOutputs();
  void keepTraces();
  bool writeFiles(std::string &why);
  std::vector<NpyView> arrays() const;
  NpyView view(const SampleArray &array) const;
  bool wantsEqualWeights() const { return std::filesystem::path(options.output).extension() == ".npy"; }

  const RunOptions &options;
  std::ostream &results, &messages;
  Progress progress;
  void *library = nullptr;
  const kac_sampler *sampler = nullptr;
  kac_instance *instance = nullptr;
  Settings settings;
  Samples samples;
  OutputFile output, report, plot;
  std::string said; // the last the runtime's log was told
};

bool Run::load() {
  // A path without a slash would be looked for among the system's libraries.
  library = dlopen(std::filesystem::absolute(options.library).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    said = std::string("cannot load the library: ") + dlerror();
    return false;
  }
  sampler = static_cast<const kac_sampler *>(dlsym(library, options.symbol.c_str()));
  if (!sampler)
    said = "the library has no sampler `" + options.sampler + "` (`" + options.symbol + "`)";
  return sampler;
}

bool Run::openFiles(std::string &why) {
  std::string ending = std::filesystem::path(options.output).extension();
  if (!options.output.empty() && ending != ".npz" && ending != ".npy") {
    why = "samples are written as .npz or .npy, not as `" + options.output + "`";
    return false;
  }
  if (ending == ".npy" && sampler->output_count != 1) {
    why = "a .npy file holds one array, and `" + options.sampler + "` has " + std::to_string(sampler->output_count) +
          "; use .npz";
    return false;
  }
  return (options.output.empty() || output.open(options.output, why)) &&
         (options.report.empty() || report.open(options.report, why)) &&
         (options.plot.empty() || plot.open(options.plot, why));
}

int Run::create() {
  kac_config config{};
  config.size = sizeof config;
  config.context = this;
  config.threads = options.threads;
  config.contents = settings.contents().data();
  config.contents_count = static_cast<int32_t>(settings.contents().size());
  config.log = [](void *context, int, const char *text) { static_cast<Run *>(context)->said = text; };
  config.progress = [](void *context, const kac_progress *progress) {
    auto *run = static_cast<Run *>(context);
    if (!run->options.quiet)
      run->progress.show(*progress);
    return static_cast<int>(interrupted);
  };
  kac_params params{sizeof params, options.seed, options.particles.value_or(sampler->particles),
                    options.steps.value_or(sampler->steps)};
  samples.particles = params.particles;
  samples.stepsAsked = params.steps;
  return kac_create(&instance, sampler, &params, &config);
}

bool Run::makeOutputs() {
  for (int32_t c = 0; c < sampler->output_count; c++) {
    const kac_array_type &type = sampler->outputs[c];
    SampleArray &array = samples.outputs.emplace_back();
    array.name = type.name;
    array.element = static_cast<kac_element>(type.element);
    array.shape.assign(type.shape, type.shape + type.rank);
    for (int64_t extent : array.shape)
      array.width *= extent;
    array.elementBytes = array.element == KAC_REAL  ? static_cast<size_t>(sampler->real_bytes)
                         : array.element == KAC_INT ? sizeof(int32_t)
                                                    : sizeof(uint8_t);
    size_t numbers = 0;
    if (__builtin_mul_overflow(static_cast<size_t>(samples.particles), static_cast<size_t>(array.width), &numbers) ||
        __builtin_mul_overflow(numbers, array.elementBytes, &numbers))
      return false;
    array.values.reset(new (std::nothrow) std::byte[numbers]);
    if (!array.values)
      return false;
  }
  return true;
}

void Run::keepTraces() {
  kac_result &result = samples.result;
  auto steps = static_cast<size_t>(result.steps), width = static_cast<size_t>(result.monitor_width);
  samples.ess.assign(result.ess, result.ess + steps + 1);
  samples.logZ.assign(result.log_z_trace, result.log_z_trace + steps + 1);
  samples.resampled.assign(result.resampled, result.resampled + steps + 1);
  size_t begin = 0;
  for (int32_t m = 0; m < sampler->monitor_count; m++) {
    MonitorTrace &trace = samples.monitors.emplace_back();
    trace.name = sampler->monitors[m].name;
    trace.shape.assign(sampler->monitors[m].shape, sampler->monitors[m].shape + sampler->monitors[m].rank);
    for (int64_t extent : trace.shape)
      trace.width *= extent;
    for (size_t n = 0; n < steps; n++)
      for (size_t k = begin; k < begin + static_cast<size_t>(trace.width); k++) {
        trace.mean.push_back(result.monitor_mean[n * width + k]);
        trace.error.push_back(result.monitor_se[n * width + k]);
      }
    begin += static_cast<size_t>(trace.width);
  }
  result.ess = result.log_z_trace = result.monitor_mean = result.monitor_se = nullptr;
  result.resampled = nullptr;
}

NpyView Run::view(const SampleArray &array) const {
  NpyView view{array.name, "|b1", {samples.particles}, array.values.get(), 0};
  if (array.element != KAC_BOOL)
    view.type = std::string(array.element == KAC_INT ? "<i" : "<f") + std::to_string(array.elementBytes);
  view.shape.insert(view.shape.end(), array.shape.begin(), array.shape.end());
  view.bytes = static_cast<size_t>(samples.particles * array.width) * array.elementBytes;
  return view;
}

std::vector<NpyView> Run::arrays() const {
  std::vector<NpyView> list;
  for (const SampleArray &array : samples.outputs)
    list.push_back(view(array));
  list.push_back({"log_weight", "<f8", {samples.particles}, samples.logWeight.data(), samples.logWeight.size() * 8});
  size_t own = list.size();
  for (const MonitorTrace &monitor : samples.monitors) {
    NpyView view{monitor.name, "<f8", {samples.result.steps}, monitor.mean.data(), monitor.mean.size() * 8};
    view.shape.insert(view.shape.end(), monitor.shape.begin(), monitor.shape.end());
    for (size_t k = 0; k < own; k++)
      if (list[k].name == monitor.name)
        view.name = "monitor." + monitor.name;
    list.push_back(std::move(view));
  }
  return list;
}

bool Run::writeFiles(std::string &why) {
  if (wantsEqualWeights())
    writeNpy(output.text(), view(samples.outputs[0]));
  else if (output.isOpen())
    writeNpz(output.text(), arrays());
  if (report.isOpen())
    writeReport(report.text(), samples);
  if (plot.isOpen())
    writePlot(plot.text(), samples);
  for (OutputFile *file : {&output, &report, &plot})
    if (file->isOpen() && !file->commit(why))
      return false;
  return true;
}

uint64_t peakMemory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

RunEnd Run::all() {
  if (!load())
    return refuse(messages, RunEnd::Failed, said);
  if (!settings.read(*sampler, options.set, said) || !openFiles(said))
    return refuse(messages, RunEnd::WrongSetting, said);
  InterruptWatch watch;
  auto begin = std::chrono::steady_clock::now();
  int status = create();
  if (status != KAC_OK) {
    bool ours = status == KAC_MEMORY || status == KAC_VERSION || status == KAC_CPU;
    return refuse(messages, ours ? RunEnd::Failed : RunEnd::WrongSetting,
                  said.empty() ? kac_status_text(status) : said);
  }
  if (!makeOutputs())
    return refuse(messages, RunEnd::Failed, "no memory for the samples");
  std::vector<void *> buffers;
  for (SampleArray &array : samples.outputs)
    buffers.push_back(array.values.get());
  if (!wantsEqualWeights())
    samples.logWeight.resize(static_cast<size_t>(samples.particles));
  samples.result.size = sizeof samples.result;
  status =
      kac_sample(instance, buffers.data(), wantsEqualWeights() ? nullptr : samples.logWeight.data(), &samples.result);
  progress.finish();
  if (status != KAC_OK && status != KAC_CANCELLED)
    return refuse(messages, RunEnd::Failed, said.empty() ? kac_status_text(status) : said);
  samples.secondsRun = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  samples.sampler = options.sampler;
  samples.device = options.device;
  samples.scheme = options.scheme;
  samples.unweighted = options.unweighted();
  samples.seed = options.seed;
  samples.realBytes = sampler->real_bytes;
  samples.secondsCompile = options.secondsCompile;
  samples.bytesPeak = peakMemory();
  keepTraces();
  if (!options.quiet)
    writeSummary(results, samples);
  return writeFiles(said) ? RunEnd::Done : refuse(messages, RunEnd::Failed, said);
}

} // namespace

RunEnd runLibrary(const RunOptions &options, std::ostream &results, std::ostream &messages) {
  try {
    return Run(options, results, messages).all();
  } catch (const std::bad_alloc &) {
    return refuse(messages, RunEnd::Failed, "no memory for the samples");
  }
}

} // namespace kac
