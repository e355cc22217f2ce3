// Programs in; each stage's form must say of its operations which line of the program or of the library they come from.
#include "compiler/Driver.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include <gtest/gtest.h>
#include <map>

namespace kac {
namespace {

struct Count {
  int placed = 0;
  bool program = false, library = false; // whether their files are named
  std::map<std::string, int> lost;       // by function and name
  int total() const {
    int sum = placed;
    for (const auto &[name, count] : lost)
      sum += count;
    return sum;
  }
};

/// Whether a line of a .dsl file is part of the location; notes whose.
bool saysWhere(mlir::Location location, Count &count) {
  bool found = false;
  location->walk([&](mlir::Location part) {
    auto place = mlir::dyn_cast<mlir::FileLineColLoc>(part);
    if (place && place.getLine() > 0 && place.getFilename().getValue().ends_with(".dsl")) {
      found = true;
      bool library = place.getFilename().getValue().contains("prelude/");
      (library ? count.library : count.program) = true;
    }
    return mlir::WalkResult::advance();
  });
  return found;
}

/// The operations of functions. Constants have no place: what folds, merges and moves them to the top takes it away,
/// for each stands for many.
Count count(mlir::ModuleOp module) {
  Count result;
  module.walk([&](mlir::FunctionOpInterface function) {
    function->walk([&](mlir::Operation *op) {
      if (op->hasTrait<mlir::OpTrait::ConstantLike>())
        return;
      if (saysWhere(op->getLoc(), result))
        ++result.placed;
      else
        ++result.lost[(function.getName() + " " + op->getName().getStringRef()).str()];
    });
  });
  return result;
}

class Locations : public testing::TestWithParam<const char *> {};

TEST_P(Locations, LastToTheKernels) {
  DriverOptions options;
  options.program = std::string(KAC_ROOT "/tests/programs/") + GetParam() + ".dsl";
  Driver driver(options);
  for (const char *form : {"kac", "derived", "tensor", "kernels"}) {
    ASSERT_TRUE(driver.walk(form)) << driver.messages().render();
    Count found = count(driver.module());
    std::string lost;
    for (const auto &[name, number] : found.lost)
      lost += std::to_string(number) + " " + name + "\n";
    EXPECT_GE(found.placed, 30) << form;
    EXPECT_TRUE(found.program && found.library) << form << " names only one of the two";
    // What the kernels add of their own, loads of the frame and the mask of the dead, has no line.
    double share = std::string(form) == "kac" || std::string(form) == "derived" ? 1 : 0.97;
    EXPECT_GE(found.placed, share * found.total()) << form << " lost the place of\n" << lost;
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, Locations,
                         testing::Values("01-annealing", "02-product", "04-reward", "08-particle-filter",
                                         "33-scale-mixture"));

} // namespace
} // namespace kac
