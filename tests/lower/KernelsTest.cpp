// Kernels of hand-written samplers against plain C++: draws, steps, weights, ancestors, dead lineages.
#include "tests/lower/Compile.h"
#include "tests/oracle/Philox.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <sstream>

using namespace kac::test;

namespace {

std::string read(const std::string &name) {
  std::ifstream stream(std::string(KAC_ROOT) + "/tests/lower/" + name);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(Kernels, DrawsFromInit) {
  for (bool f64 : {false, true}) {
    auto library = Library::ofText(read("normal.mlir"), {f64});
    ASSERT_TRUE(library);
    Population all(library->sampler("normal_draws"), 1000, 0, 0x123456789abcdef0);
    all.init();
    auto x = all.output();
    ASSERT_EQ(x.size(), 1000u);
    for (uint32_t i = 0; i < 1000; ++i) {
      double z = kac::oracle::drawNormal({0x123456789abcdef0, i, 0}, 3, 0, f64);
      EXPECT_NEAR(x[i], 1.5 + 2 * z, f64 ? 1e-13 : 2e-5) << i;
      EXPECT_EQ(all.logWeight[i], 0);
      EXPECT_EQ(all.dead[i], 0);
    }
    all.set("mu", {NAN});
    all.init();
    EXPECT_EQ(all.dead[5], 1);
    EXPECT_EQ(all.logWeight[5], -INFINITY);
  }
}

} // namespace
