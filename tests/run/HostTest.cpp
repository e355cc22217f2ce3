// The host's side of `kacc run`, with the hand-written walk as the library: files, report, picture, settings, progress.
#include "compiler/run/Npz.h"
#include "compiler/run/Progress.h"
#include "compiler/run/Run.h"
#include "dsl/Npy.h"
#include "tests/run/Kacc.h"

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

using namespace kac;

namespace {

int countOf(const std::string &text, const std::string &part) {
  int count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1))
    count++;
  return count;
}

class Host : public testing::Test {
protected:
  static inline std::string folder;
  std::ostringstream results, messages;
  RunOptions options;

  static void SetUpTestSuite() {
    folder = std::filesystem::temp_directory_path() / "kac-host-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    std::string root = KAC_ROOT;
    std::string build =
        "cc -shared -fPIC -O1 -I" + root + " " + root + "/tests/runtime/Walk.c -o " + folder + "/libwalk.so -lm";
    ASSERT_EQ(std::system(build.c_str()), 0);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder); }

  void SetUp() override {
    options.library = folder + "/libwalk.so";
    options.sampler = "adaptive";
    options.symbol = "walk_adaptive_descriptor";
    options.threads = 2;
  }
  RunEnd run() {
    results.str("");
    messages.str("");
    return runLibrary(options, results, messages);
  }
  static std::string path(const std::string &name) { return folder + "/" + name; }

  /// The members of an .npz, by Python's zip reader, which checks every CRC.
  static std::map<std::string, NpyArray> readNpz(const std::string &file) {
    std::filesystem::remove_all(path("out"));
    std::string command = "python3 -m zipfile -t " + file + " > " + path("test.txt") + " && python3 -m zipfile -e " +
                          file + " " + path("out");
    EXPECT_EQ(std::system(command.c_str()), 0);
    EXPECT_EQ(readText(path("test.txt")), "Done testing\n");
    std::map<std::string, NpyArray> arrays;
    for (const auto &entry : std::filesystem::directory_iterator(path("out"))) {
      std::string why;
      EXPECT_EQ(readNpy(entry.path(), arrays[entry.path().stem()], why), NpyError::None) << why;
    }
    return arrays;
  }
};

TEST_F(Host, SamplesReportAndPictureAreWritten) {
  options.output = path("a.npz");
  options.report = path("a.json");
  options.plot = path("a.svg");
  options.scheme = "walk";
  ASSERT_EQ(run(), RunEnd::Done) << messages.str();
  auto arrays = readNpz(options.output);
  ASSERT_EQ(arrays.size(), 5u);
  EXPECT_EQ(arrays["x"].shape, (std::vector<int64_t>{1000, 2}));
  EXPECT_EQ(arrays["x.steps"].shape, std::vector<int64_t>{1000});
  EXPECT_NE(readText(options.output).find("'descr': '<i4'"), std::string::npos);
  EXPECT_EQ(arrays["x.steps"].values, std::vector<double>(1000, 20));
  EXPECT_EQ(arrays["log_weight"].shape, std::vector<int64_t>{1000});
  EXPECT_EQ(arrays["mean"].shape, (std::vector<int64_t>{20, 2}));
  EXPECT_EQ(arrays["positive"].shape, std::vector<int64_t>{20});

  auto report = nlohmann::json::parse(readText(options.report));
  std::vector<std::string> keys{"sampler",     "seed",        "particles",  "steps",    "threads",
                                "device",      "precision",   "log_z",      "log_z_se", "ess_min",
                                "ess_final",   "resamplings", "non_finite", "scheme",   "seconds_compile",
                                "seconds_run", "bytes_peak",  "partial",    "monitors"};
  EXPECT_EQ(report.size(), keys.size());
  for (const std::string &key : keys)
    EXPECT_TRUE(report.contains(key)) << key;
  EXPECT_EQ(report["precision"], "f32");
  EXPECT_EQ(report["partial"], false);
  EXPECT_NEAR(report["monitors"]["mean"]["mean"][1], arrays["mean"].values[39], 0);
  EXPECT_GT(report["monitors"]["positive"]["se"], 0);

  std::string picture = readText(options.plot);
  EXPECT_EQ(countOf(picture, "<circle"), 1000);
  EXPECT_EQ(
      std::system(("python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' " + options.plot).c_str()), 0);
  EXPECT_NE(results.str().find("log Z"), std::string::npos);
  EXPECT_EQ(messages.str(), "");
}

TEST_F(Host, PictureHasAtMost4000Marks) {
  options.particles = 20000;
  options.plot = path("b.svg");
  ASSERT_EQ(run(), RunEnd::Done);
  EXPECT_EQ(countOf(readText(options.plot), "<circle"), 4000);
}

TEST_F(Host, NpyWantsOneArray) {
  options.output = path("c.npy");
  EXPECT_EQ(run(), RunEnd::WrongSetting);
  EXPECT_NE(messages.str().find("use .npz"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(options.output));
  options.output = path("c.txt");
  EXPECT_EQ(run(), RunEnd::WrongSetting);
  options.output = path("c.npy");
  options.symbol = "walk_single_descriptor";
  options.set = {{"fault", "5"}, {"fault_step", "19"}, {"lineage", "3"}}; // one lineage has all the weight
  ASSERT_EQ(run(), RunEnd::Done) << messages.str();
  NpyArray array;
  std::string why;
  ASSERT_EQ(readNpy(options.output, array, why), NpyError::None) << why;
  EXPECT_EQ(array.shape, (std::vector<int64_t>{1000, 2}));
  for (size_t i = 2; i < array.values.size(); i++)
    EXPECT_EQ(array.values[i], array.values[i % 2]);
}

TEST_F(Host, PathsThatCannotBeWrittenAreFoundBeforeTheRun) {
  for (std::string RunOptions::*file : {&RunOptions::output, &RunOptions::report, &RunOptions::plot}) {
    SetUp();
    options.output = options.report = options.plot = "";
    options.*file = path("no/such/folder/a.npz");
    EXPECT_EQ(run(), RunEnd::WrongSetting);
    EXPECT_NE(messages.str().find("cannot write"), std::string::npos);
    EXPECT_EQ(results.str(), "");
  }
}

TEST_F(Host, SettingsAreReadByTheirType) {
  auto end = [&](const std::string &name, const std::string &word) {
    options.set = {{name, word}};
    return run();
  };
  EXPECT_EQ(end("sd", "0.5"), RunEnd::Done);
  EXPECT_EQ(end("sd", "+5e-1"), RunEnd::Done);
  EXPECT_EQ(end("fault_step", "1_000"), RunEnd::Done);
  EXPECT_EQ(end("forbidden", "false"), RunEnd::Done);
  EXPECT_EQ(end("start", "[0.5, 2]"), RunEnd::Done);
  EXPECT_EQ(end("shift", "0.25"), RunEnd::Done); // repeated
  for (auto [name, word] : std::vector<std::pair<std::string, std::string>>{{"sd", "much"},
                                                                            {"sd", ""},
                                                                            {"sd", "1,2"},
                                                                            {"sd", "nan"},
                                                                            {"fault_step", "2.5"},
                                                                            {"fault_step", "3000000000"},
                                                                            {"forbidden", "2"},
                                                                            {"start", "1, 2, 3"},
                                                                            {"start", "none.npy"},
                                                                            {"sdd", "1"}}) {
    EXPECT_EQ(end(name, word), RunEnd::WrongSetting) << name << " = " << word;
    EXPECT_TRUE(messages.str().starts_with(word == "none.npy" ? "error[E0801]: `start`" : "error: ")) << messages.str();
  }
  EXPECT_NE(messages.str().find("there are: sd, slope"), std::string::npos);
  EXPECT_EQ(end("forbidden", "true"), RunEnd::WrongSetting);
  EXPECT_EQ(messages.str(),
            "error[E0405]: `forbidden` must be false\n  help: a value that holds to it, here or by `--set`\n");
}

TEST_F(Host, DataIsReplacedFromAFile) {
  double numbers[] = {3, -4};
  std::ofstream file(path("shift.npy"), std::ios::binary);
  writeNpy(file, {"", "<f8", {2}, numbers, sizeof numbers});
  file.close();
  options.set = {{"shift", path("shift.npy")}, {"sd", "0"}, {"slope", "0"}, {"start", "0"}};
  options.output = path("d.npz");
  ASSERT_EQ(run(), RunEnd::Done) << messages.str();
  auto arrays = readNpz(options.output);
  EXPECT_EQ(arrays["x"].values[0], 60);
  EXPECT_EQ(arrays["x"].values[1], -80);
}

TEST_F(Host, WhatFailsSaysWhy) {
  options.set = {{"fault", "1"}};
  EXPECT_EQ(run(), RunEnd::Failed);
  EXPECT_EQ(messages.str().find("error: no lineage is finite after step 1 of 20: "), 0u) << messages.str();
  options.set = {{"fault", "7"}, {"fault_step", "7"}};
  EXPECT_EQ(run(), RunEnd::WrongSetting);
  EXPECT_EQ(messages.str(), "walk.dsl:2:3: error[E0403]: time(7 / 20) = 0 is not above the time before it\n"
                            "  help: a `time` that rises from 0 to at most 1, as `time(u) = u`\n");
  options.set.clear();
  options.particles = 0;
  EXPECT_EQ(run(), RunEnd::WrongSetting);
  options.particles = 10;
  options.symbol = "walk_other_descriptor";
  EXPECT_EQ(run(), RunEnd::Failed);
  options.library = path("none.so");
  EXPECT_EQ(run(), RunEnd::Failed);
}

TEST_F(Host, OneParticleAndNoSteps) {
  options.particles = 1;
  options.report = path("e.json");
  options.plot = path("e.svg");
  options.output = path("e.npz");
  ASSERT_EQ(run(), RunEnd::Done);
  EXPECT_TRUE(nlohmann::json::parse(readText(options.report))["log_z_se"].is_null());
  options.steps = 0;
  ASSERT_EQ(run(), RunEnd::Done);
  EXPECT_EQ(readNpz(options.output)["mean"].shape, (std::vector<int64_t>{0, 2}));
  EXPECT_TRUE(nlohmann::json::parse(readText(options.report))["monitors"].empty());
}

TEST_F(Host, LongRunsShowRisingStepsAndCtrlCKeepsWhatThereIs) {
  options.particles = 2000;
  options.steps = 1000000;
  options.report = path("f.json");
  options.output = path("f.npz");
  std::thread user([] {
    std::this_thread::sleep_for(std::chrono::seconds(3));
    kill(getpid(), SIGINT);
  });
  EXPECT_EQ(run(), RunEnd::Done);
  user.join();
  std::istringstream lines(messages.str());
  int64_t last = 0, count = 0;
  for (std::string line; std::getline(lines, line); count++) {
    int64_t step = std::stoll(line.substr(5));
    EXPECT_GT(step, last);
    last = step;
  }
  EXPECT_GE(count, 10);
  auto report = nlohmann::json::parse(readText(options.report));
  EXPECT_EQ(report["partial"], true);
  EXPECT_GE(report["steps"], last);
  EXPECT_EQ(readNpz(options.output)["mean"].shape[0], report["steps"]);
  EXPECT_NE(results.str().find("partial"), std::string::npos);
}

TEST_F(Host, QuietSaysNothing) {
  options.quiet = true;
  ASSERT_EQ(run(), RunEnd::Done);
  EXPECT_EQ(results.str() + messages.str(), "");
}

} // namespace
