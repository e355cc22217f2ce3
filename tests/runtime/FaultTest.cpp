// What goes wrong in a run or before it: each has its status, its text, and no leak.
#include "WalkRun.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <limits>
#include <set>
#include <unistd.h>

using namespace kac;

namespace {

walk_params faulty(walk_fault fault, int32_t step, int32_t lineage) {
  walk_params params = walkParams();
  params.fault = fault;
  params.fault_step = step;
  params.lineage = lineage;
  return params;
}

TEST(Fault, NonFiniteLineageWeighsNothingAndIsCountedOnce) {
  for (walk_fault fault : {walk_nan_state, walk_nan_weight, walk_infinite_weight}) {
    WalkRun plain(walk_plain_descriptor, faulty(fault, 3, 5));
    ASSERT_EQ(plain.status, KAC_OK) << plain.text;
    EXPECT_EQ(plain.result.non_finite, 1);
    EXPECT_EQ(plain.logWeight[5], -std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isfinite(plain.result.log_z));
    EXPECT_TRUE(std::isfinite(plain.monitorMean[19 * 3]));
    EXPECT_TRUE(std::isfinite(plain.monitorSe[19 * 3]));
    // Resampled every step, another lineage takes its place and fails in turn: seventeen times.
    WalkRun eager(walk_eager_descriptor, faulty(fault, 3, 5));
    ASSERT_EQ(eager.status, KAC_OK) << eager.text;
    EXPECT_EQ(eager.result.non_finite, 17);
  }
}

TEST(Fault, ZeroWeightIsNoFailure) {
  WalkRun run(walk_plain_descriptor, faulty(walk_zero_weight, 3, 5));
  EXPECT_EQ(run.status, KAC_OK);
  EXPECT_EQ(run.result.non_finite, 0);
  EXPECT_EQ(run.logWeight[5], -std::numeric_limits<double>::infinity());
}

TEST(Fault, NoneFiniteLeftFailsTheRun) {
  for (walk_fault fault : {walk_nan_state, walk_nan_weight, walk_infinite_weight}) {
    WalkRun run(walk_adaptive_descriptor, faulty(fault, 4, -1));
    EXPECT_EQ(run.status, KAC_NON_FINITE);
    EXPECT_EQ(run.text.find("no lineage is finite after step 5 of 20: look for a division by 0"), 0u) << run.text;
  }
}

TEST(Fault, AllWeightsZeroFailsTheRun) {
  for (const kac_sampler *sampler : {&walk_adaptive_descriptor, &walk_plain_descriptor}) {
    WalkRun run(*sampler, faulty(walk_zero_weight, 4, -1));
    EXPECT_EQ(run.status, KAC_NO_WEIGHT);
    EXPECT_EQ(run.text, "every weight is zero after step 5 of 20");
  }
}

TEST(Fault, OneDominantWeight) {
  WalkRun run(walk_adaptive_descriptor, faulty(walk_heavy_weight, 19, 3));
  ASSERT_EQ(run.status, KAC_OK);
  EXPECT_NEAR(run.result.ess_final, 1e-3, 1e-12);
  EXPECT_TRUE(std::isnan(run.result.log_z_se)); // one lineage says nothing of its error
  EXPECT_TRUE(std::isnan(run.monitorSe[19 * 3]));
  EXPECT_TRUE(std::isfinite(run.monitorSe[18 * 3]));
  EXPECT_TRUE(std::isfinite(run.result.log_z));
  WalkRun equal(walk_adaptive_descriptor, faulty(walk_heavy_weight, 19, 3), {}, true);
  EXPECT_EQ(std::set<float>(equal.x.begin(), equal.x.end()).size(), 2u); // one point in the plane
}

TEST(Fault, AncestorOutOfRange) {
  walk_params params = faulty(walk_bad_ancestor, 0, -1);
  EXPECT_EQ(WalkRun(walk_eager_descriptor, params).status, KAC_ANCESTOR);
}

TEST(Fault, GridsThatDoNotRise) {
  WalkRun repeated(walk_adaptive_descriptor, faulty(walk_bad_grid, 7, -1));
  EXPECT_EQ(repeated.status, KAC_GRID);
  EXPECT_EQ(repeated.text, "walk.dsl:2:3: E0403: time(7 / 20) = 0 is not above the time before it");
  EXPECT_EQ(WalkRun(walk_adaptive_descriptor, faulty(walk_leaves_interval, 0, -1)).status, KAC_GRID);
}

TEST(Fault, RequirementsAreSaid) {
  walk_params params = walkParams();
  params.forbidden = 1;
  WalkRun run(walk_adaptive_descriptor, params);
  EXPECT_EQ(run.status, KAC_REQUIRE);
  EXPECT_EQ(run.text, "E0405: `forbidden` must be false");
}

TEST(Fault, SizesAreChecked) {
  walk_params params = walkParams();
  for (int64_t particles : {int64_t(0), int64_t(-3), int64_t(1) << 31}) {
    params.head.particles = particles;
    WalkRun run(walk_adaptive_descriptor, params);
    EXPECT_EQ(run.status, KAC_PARTICLES);
    EXPECT_EQ(run.text, "particles = " + std::to_string(particles) + "; there may be 1 to 2147483647");
  }
  params = walkParams();
  for (int64_t steps : {int64_t(-1), int64_t(INT32_MAX)}) {
    params.head.steps = steps;
    WalkRun run(walk_adaptive_descriptor, params);
    EXPECT_EQ(run.status, KAC_STEPS);
    EXPECT_EQ(run.text, "steps = " + std::to_string(steps) + "; there may be 0 to 2147483646");
  }
  kac_sampler fixed = walk_adaptive_descriptor;
  fixed.steps_fixed = 1;
  params.head.steps = 21;
  EXPECT_EQ(WalkRun(fixed, params).status, KAC_STEPS);
}

/// Nothing may be allocated beside the instance itself, and no sum may overflow.
TEST(Fault, MoreThanTheMachineHasIsRefused) {
  int64_t there = int64_t(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  walk_params params = walkParams();
  auto refusal = [&](const kac_sampler &sampler) {
    WalkRun run(sampler, params);
    EXPECT_EQ(run.status, KAC_MEMORY);
    EXPECT_EQ(run.text.find(std::to_string(params.head.particles) + " particles and " +
                            std::to_string(params.head.steps) + " steps need "),
              0u)
        << run.text;
    char machine[64];
    std::snprintf(machine, sizeof machine, " GB; this machine has %.4g GB", double(there) / 1e9);
    EXPECT_NE(run.text.find(machine), std::string::npos) << run.text;
  };
  auto wanting = [&](int64_t scratch) {
    kac_sampler sampler = walk_adaptive_descriptor;
    sampler.scratch_bytes = scratch;
    return sampler;
  };
  for (int64_t scratch : {there / 1000, there, INT64_MAX / 1000, INT64_MAX / 999, INT64_MAX})
    refusal(wanting(scratch));
  kac_sampler tiles = walk_adaptive_descriptor;
  tiles.tile_bytes = INT64_MAX / 100;
  refusal(tiles);
  const int64_t wide[1] = {there / 1000};
  const kac_array_type large = {"large", KAC_REAL, 1, wide};
  kac_sampler outputs = walk_adaptive_descriptor, monitors = walk_adaptive_descriptor;
  outputs.outputs = &large; // buffers that the caller brings
  outputs.output_count = 1;
  monitors.monitors = &large;
  monitors.monitor_count = 1;
  refusal(outputs);
  refusal(monitors);
  params.head.particles = 10;
  params.head.steps = INT32_MAX - 1;
  const int64_t many[1] = {there / 8 / INT32_MAX + 1};
  const kac_array_type often = {"often", KAC_REAL, 1, many};
  monitors.monitors = &often;
  refusal(monitors);
}

TEST(Fault, ItAsksForNoMoreThanTheAllocatorSees) {
  walk_params params = walkParams();
  kac_sampler sampler = walk_adaptive_descriptor;
  sampler.scratch_bytes = int64_t(1) << 50; // an allocator of one's own may have that
  size_t most = 0;
  kac_config config{};
  config.context = &most;
  config.log = [](void *, int, const char *) {};
  config.allocate = [](void *context, size_t bytes, size_t alignment) -> void * {
    auto &most = *static_cast<size_t *>(context);
    most = std::max(most, bytes);
    return bytes < 1 << 20 ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment) : nullptr;
  };
  config.release = [](void *, void *memory, size_t) { std::free(memory); };
  EXPECT_EQ(WalkRun(sampler, params, config).status, KAC_MEMORY);
  EXPECT_GE(most, size_t(1000) << 50);
}

TEST(Fault, VersionsAndProcessorsAreChecked) {
  walk_params params = walkParams();
  kac_sampler other = walk_adaptive_descriptor;
  other.abi_version++;
  EXPECT_EQ(WalkRun(other, params).status, KAC_VERSION);
  other = walk_adaptive_descriptor;
  other.cpu = "sse2,quantum";
  WalkRun run(other, params);
  EXPECT_EQ(run.status, KAC_CPU);
  EXPECT_EQ(run.text, "this machine lacks quantum");
#if defined(__x86_64__)
  other.cpu = "sse2,cmov";
  EXPECT_EQ(WalkRun(other, params).status, KAC_OK);
#endif
  params.head.size = 3;
  EXPECT_EQ(WalkRun(walk_adaptive_descriptor, params).status, KAC_VERSION);
  params.head.size = sizeof params + 8;
  EXPECT_EQ(WalkRun(walk_adaptive_descriptor, params).status, KAC_VERSION);
  kac_config unset{};
  kac_instance *instance = nullptr;
  EXPECT_EQ(kac_create(&instance, &walk_adaptive_descriptor, nullptr, &unset), KAC_VERSION);
  EXPECT_EQ(kac_create(nullptr, &walk_adaptive_descriptor, nullptr, nullptr), KAC_NULL_ARGUMENT);
  EXPECT_EQ(kac_sample(nullptr, nullptr, nullptr, nullptr), KAC_NULL_ARGUMENT);
  kac_destroy(nullptr);
}

TEST(Fault, OlderHeadersKeepTheDefaultsOfWhatTheyDoNotKnow) {
  walk_params params = walkParams();
  params.slope = 0;
  params.fault = walk_nan_state; // past the size that the application was compiled with
  params.head.size = offsetof(walk_params, fault);
  EXPECT_EQ(WalkRun(walk_adaptive_descriptor, params).status, KAC_OK);
}

TEST(Fault, ContentsReplaceParamsAndData) {
  walk_params params = walkParams();
  params.slope = 0;
  params.sd = 0;
  const double shift[] = {1, 10}, start[] = {5, 0}, broken[] = {0, NAN};
  const int64_t two[] = {2}, three[] = {3};
  params.start = start;
  auto status = [&](kac_contents contents) {
    kac_config config{};
    config.contents = &contents;
    config.contents_count = 1;
    WalkRun run(walk_plain_descriptor, params, config);
    if (run.status == KAC_OK) {
      EXPECT_FLOAT_EQ(run.x[0], 25);
      EXPECT_FLOAT_EQ(run.x[1], 205);
    }
    return run.status;
  };
  EXPECT_EQ(status({"shift", 0, 1, two, shift}), KAC_OK);
  EXPECT_EQ(status({"shift", 0, 1, three, shift}), KAC_SHAPE);
  EXPECT_EQ(status({"shift", 1, 1, two, shift}), KAC_TYPE);
  EXPECT_EQ(status({"shift", 0, 1, two, broken}), KAC_NAN);
  EXPECT_EQ(status({"shiftt", 0, 1, two, shift}), KAC_UNKNOWN_INPUT);
  EXPECT_EQ(status({"shift", 0, 1, two, nullptr}), KAC_NULL_ARGUMENT);
  params.sd = NAN;
  EXPECT_EQ(WalkRun(walk_plain_descriptor, params).status, KAC_NAN);
}

struct Watcher {
  int64_t last = -1, stopAt = -1;
  bool rising = true;
};

int watch(void *context, const kac_progress *progress) {
  auto *watcher = static_cast<Watcher *>(context);
  watcher->rising = watcher->rising && progress->step == watcher->last + 1 && progress->ess > 0;
  watcher->last = progress->step;
  return progress->step == watcher->stopAt;
}

TEST(Fault, CancelLeavesAPartialResult) {
  for (int64_t stop : {-1, 0, 1, 7, 19, 20}) {
    Watcher watcher;
    watcher.stopAt = stop;
    kac_config config{};
    config.context = &watcher;
    config.log = [](void *, int, const char *) {};
    config.progress = watch;
    WalkRun run(walk_adaptive_descriptor, walkParams(), config);
    bool cut = stop >= 0 && stop < 20;
    EXPECT_EQ(run.status, cut ? KAC_CANCELLED : KAC_OK);
    EXPECT_EQ(run.result.partial, cut);
    EXPECT_EQ(run.result.steps, cut ? stop : 20);
    EXPECT_EQ(run.made, std::vector<int32_t>(1000, static_cast<int32_t>(run.result.steps)));
    EXPECT_TRUE(watcher.rising);
    EXPECT_TRUE(std::isfinite(run.result.log_z));
  }
}

struct Ledger {
  int64_t left = 0;
  std::set<void *> blocks;
  size_t bytes = 0;
};

TEST(Fault, EveryFailingAllocationIsAStatusAndLeavesNothing) {
  walk_params params = walkParams();
  int64_t failures = 0;
  for (int64_t k = 0;; k++) {
    Ledger ledger;
    ledger.left = k;
    kac_config config{};
    config.context = &ledger;
    config.log = [](void *, int, const char *) {};
    config.allocate = [](void *context, size_t bytes, size_t alignment) -> void * {
      auto *ledger = static_cast<Ledger *>(context);
      if (ledger->left-- == 0)
        return nullptr;
      void *memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
      ledger->blocks.insert(memory);
      ledger->bytes += bytes;
      return memory;
    };
    config.release = [](void *context, void *memory, size_t bytes) {
      auto *ledger = static_cast<Ledger *>(context);
      EXPECT_EQ(ledger->blocks.erase(memory), 1u);
      ledger->bytes -= bytes;
      std::free(memory);
    };
    WalkRun run(walk_adaptive_descriptor, params, config);
    EXPECT_TRUE(ledger.blocks.empty());
    EXPECT_EQ(ledger.bytes, 0u);
    if (run.status == KAC_OK)
      break;
    ASSERT_EQ(run.status, KAC_MEMORY);
    failures++;
  }
  EXPECT_GT(failures, 10);
}

TEST(Fault, EveryStatusHasASentence) {
  std::set<std::string> sentences;
  for (int status = KAC_OK; status <= KAC_ANCESTOR; status++)
    sentences.insert(kac_status_text(status));
  EXPECT_EQ(sentences.size(), static_cast<size_t>(KAC_ANCESTOR) + 1);
  EXPECT_EQ(std::string(kac_status_text(-1)), "unknown status");
  EXPECT_EQ(kac_abi_version(), static_cast<uint32_t>(KAC_ABI_VERSION));
}

} // namespace
