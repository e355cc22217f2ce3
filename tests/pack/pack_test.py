# Programs in, what an application gets from `kacc build` out: two models in one C program, the C++ header with Eigen,
# older params structs, other contents for data, statuses, what the libraries need and show, and the manifest.
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT, PROGRAMS = sys.argv[1], sys.argv[2]
KACC = os.path.join(PROGRAMS, "kacc")

WALK = """param drift : real = 0.1
param shift : real[2] = [1.0, 2.0]
param double : int = 2
data  origin : real[2] = "origin.npy"
sampler walk {
  steps = 4; particles = 300
  init() { x ~ normal(origin[0] + shift[1], 0.001); x }
  step(x) { y ~ normal(x + drift, 0.001); weigh -0.1 * y^2; y }
  resample = systematic when ess < 0.5
  output(x) = (place = x, pair = [x, double * x])
  monitor(x) = (centre = x, both = [x, x^2])
}
"""
STILL = """param centre : real = 2
sampler still { steps = 0; particles = 100; init() { x ~ normal(centre, 0.001); x } }
"""

C = r"""
#include "walk.h"
#include "3 still.h"
#include "walk.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
  do { if (!(condition)) { printf("line %d: %s\n", __LINE__, #condition); return 1; } } while (0)

static char said[256];
static void keep(void *context, int status, const char *text) {
  (void)context, (void)status;
  snprintf(said, sizeof said, "%s", text);
}
static int stop(void *context, const struct kac_progress *progress) {
  (void)context;
  return progress->step == 2;
}
static double mean(const float *x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++)
    sum += (double)x[i];
  return sum / (double)count;
}

enum { particles = 300 };
static float place[particles], both[particles * WALK_WALK_X_PAIR_SIZE], again[particles];
static double log_weight[particles];

/* The mean at the start of a run, which is origin[0] + shift[1]; negative: a status. */
static double start_of(const walk_walk_params *params, const struct kac_config *config) {
  walk_walk_instance *walk;
  int status = walk_walk_create(&walk, params, config);
  if (status)
    return -status;
  status = walk_walk_sample(walk, place, both, log_weight, NULL);
  walk_walk_destroy(walk);
  return status ? -status : mean(place, particles);
}

int main(void) {
  const int64_t shape[] = WALK_WALK_X_PAIR_SHAPE;
  CHECK(WALK_WALK_X_PAIR_RANK == 1 && shape[0] == 2 && WALK_WALK_X_PLACE_RANK == 0 && WALK_WALK_X_PLACE_SIZE == 1);
  CHECK(walk_abi_version() == _3_still_abi_version() && walk_abi_version() > 0);
  CHECK(strcmp(walk_status_text(KAC_OK), "done") == 0 && walk_status_text(-5));

  /* Two models in one program, and a run of equal weights. */
  walk_walk_params params;
  CHECK(walk_walk_defaults(&params) == KAC_OK && params.size == sizeof params && params.particles == particles);
  CHECK(params.steps == 4 && params.drift == 0.1 && params.shift && params.shift[1] == 2);
  CHECK(params.seed == 0 && params.double_ == 2);
  walk_walk_instance *walk;
  _3_still_still_instance *still;
  CHECK(walk_walk_create(&walk, &params, NULL) == KAC_OK && _3_still_still_create(&still, NULL, NULL) == KAC_OK);
  struct kac_result result = {.size = sizeof result};
  CHECK(walk_walk_sample(walk, place, both, log_weight, &result) == KAC_OK);
  CHECK(result.steps == 4 && !result.partial && isfinite(result.log_z) && result.ess[0] > 0);
  CHECK(fabs(mean(place, particles) - (5 + 2 + 4 * 0.1)) < 0.01 && both[1] == 2 * place[0] && both[0] == place[0]);
  CHECK(result.monitor_width == WALK_WALK_MONITOR_CENTRE_SIZE + WALK_WALK_MONITOR_BOTH_SIZE);
  CHECK(fabs(result.monitor_mean[3 * 3] - 7.4) < 0.01 && fabs(result.monitor_mean[3 * 3 + 2] - 7.4 * 7.4) < 0.1);
  CHECK(walk_walk_sample(walk, again, both, NULL, &result) == KAC_OK);
  CHECK(fabs(mean(again, particles) - 7.4) < 0.01);
  CHECK(_3_still_still_sample(still, again, NULL, NULL) == KAC_OK && fabs(mean(again, 100) - 2) < 0.01);
  CHECK(walk_walk_sample(walk, NULL, NULL, NULL, &result) == KAC_OK);
  CHECK(walk_walk_sample(walk, place, NULL, log_weight, NULL) == KAC_NULL_ARGUMENT);
  CHECK(walk_walk_sample(NULL, place, both, log_weight, NULL) == KAC_NULL_ARGUMENT);
  walk_walk_destroy(walk);
  walk_walk_destroy(NULL);
  _3_still_still_destroy(still);

  /* Params: set, null for an array's default, of an older and of a newer header. */
  params.steps = 0;
  CHECK(fabs(start_of(&params, NULL) - 7) < 0.01);
  const double shift[] = {0, 20};
  params.shift = shift;
  CHECK(fabs(start_of(&params, NULL) - 25) < 0.01);
  params.shift = NULL;
  CHECK(fabs(start_of(&params, NULL) - 7) < 0.01);
  params.shift = shift;
  params.size = offsetof(walk_walk_params, shift);
  CHECK(fabs(start_of(&params, NULL) - 7) < 0.01);
  struct { walk_walk_params known; double unknown; } newer = {params, 0};
  newer.known.size = sizeof newer;
  CHECK(start_of(&newer.known, NULL) == -KAC_VERSION);
  params.size = 0;
  CHECK(start_of(&params, NULL) == -KAC_VERSION);
  CHECK(walk_walk_defaults_sized(&params, 8) == KAC_VERSION && walk_walk_defaults(NULL) == KAC_NULL_ARGUMENT);
  walk_walk_defaults(&params);

  /* Other contents for data, and what is refused. */
  double origin[WALK_ORIGIN_SIZE] = {-1, 0};
  const int64_t two[] = WALK_ORIGIN_SHAPE, three[] = {3};
  struct kac_contents contents = {"origin", 0, WALK_ORIGIN_RANK, two, origin};
  struct kac_config config = {.size = sizeof config, .log = keep, .contents_count = 1, .contents = &contents};
  params.steps = 0;
  CHECK(fabs(start_of(&params, &config) - 1) < 0.01);
  contents.shape = three;
  CHECK(start_of(&params, &config) == -KAC_SHAPE && strstr(said, "origin"));
  contents.shape = two;
  contents.element = 1;
  CHECK(start_of(&params, &config) == -KAC_TYPE);
  contents.element = 0;
  origin[1] = NAN;
  CHECK(start_of(&params, &config) == -KAC_NAN);
  contents.name = "origins";
  CHECK(start_of(&params, &config) == -KAC_UNKNOWN_INPUT);
  config.contents_count = 0;
  params.particles = 0;
  CHECK(start_of(&params, &config) == -KAC_PARTICLES);

  walk_walk_defaults(&params);
  config.progress = stop;
  CHECK(walk_walk_create(&walk, &params, &config) == KAC_OK);
  CHECK(walk_walk_sample(walk, place, both, log_weight, &result) == KAC_CANCELLED);
  CHECK(result.partial && result.steps == 2 && fabs(mean(place, particles) - 7.2) < 0.01);
  walk_walk_destroy(walk);
  printf("good\n");
  return 0;
}
"""

CPP = r"""
#include "walk.hpp"
#include "3 still.hpp"
#include "walk.hpp"
#include <cmath>
#include <cstdio>

int main() {
  namespace walk = kac::walk::walk;
  walk::Params params = walk::defaults();
  params.drift = 1;
  walk::Sampler sampler(params), moved = std::move(sampler);
  walk::Samples samples = moved.sample();
  bool good = samples.log_weight.size() == 300 && std::abs(samples.x_place.matrix().mean() - 11) < 0.01f;
  good = good && samples.x_pair.matrix().rows() == 300 && samples.x_pair.matrix().cols() == 2;
  good = good && samples.x_pair.particle(7)(1) == 2 * samples.x_place.data()[7] && samples.result.steps == 4;
  good = good && moved.sample(false).log_weight.empty();
  good = good && std::abs(kac::_3_still::still::Sampler().sample().x.particle(0)(0) - 2) < 0.1f;
  params.particles = 0;
  try {
    walk::Sampler none(params);
    good = false;
  } catch (const kac::Error &error) {
    good = good && error.status() == KAC_PARTICLES;
    good = good && std::string(error.what()).find("particles = 0") != std::string::npos;
  }
  std::puts(good ? "good" : "bad");
}
"""


def run(*words, **more):
    result = subprocess.run(words, text=True, capture_output=True, timeout=600, **more)
    if result.returncode:
        said = result.stdout + result.stderr
        raise AssertionError("%s ended with %d:\n%s" % (" ".join(words), result.returncode, said))
    return result.stdout


class Pack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        sys.path.insert(0, os.path.join(ROOT, "examples"))
        from write_npy import write_npy
        write_npy(os.path.join(cls.folder, "origin.npy"), (2,), [5.0, 6.0])
        for name, text in (("walk", WALK), ("3 still", STILL)):
            path = os.path.join(cls.folder, name + ".dsl")
            with open(path, "w") as file:
                file.write(text)
            # No compiler and no linker but its own.
            run(KACC, "build", path, "-o", os.path.join(cls.folder, "lib"), env={"PATH": "", "HOME": cls.folder})

    def at(self, *parts):
        return os.path.join(self.folder, *parts)

    def build(self, name, text, words):
        source, program = self.at(name), self.at(name + ".out")
        with open(source, "w") as file:
            file.write(text)
        run(*words, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", self.at("lib"), source,
            self.at("lib", "libwalk.a"), self.at("lib", "lib3 still.a"), "-lm", "-pthread", "-o", program)
        return run(program)

    def test_files(self):
        forms = ("%s.h", "%s.hpp", "%s.json", "%s.pc", "lib%s.a", "lib%s.so")
        wanted = [form % name for name in ("walk", "3 still") for form in forms]
        self.assertEqual(sorted(os.listdir(self.at("lib"))), sorted(wanted))

    def test_c(self):
        self.assertEqual(self.build("both.c", C, ["gcc", "-std=c11", "-Wstrict-prototypes"]), "good\n")

    def test_cpp(self):
        eigen = [word for word in run("pkg-config", "--cflags", "eigen3").split() if word.startswith("-I")]
        words = ["g++", "-std=c++17"] + ["-isystem" + word[2:] for word in eigen]
        self.assertEqual(self.build("both.cpp", CPP, words), "good\n")

    def test_pkg_config(self):
        with open(self.at("version.c"), "w") as file:
            file.write('#include <walk.h>\nint main(void) { return walk_abi_version() == 0; }\n')
        words = run("pkg-config", "--cflags", "--libs", "walk", env=dict(os.environ, PKG_CONFIG_PATH=self.at("lib"))).split()
        run("gcc", self.at("version.c"), "-o", self.at("version"), *words, "-Wl,-rpath," + self.at("lib"))
        run(self.at("version"))

    def test_headers_alone(self):
        for name, words, header in (("alone.c", ["gcc", "-std=c11"], "walk.h"),
                                    ("alone.cpp", ["g++", "-std=c++17"], "walk.hpp")):
            with open(self.at(name), "w") as file:
                file.write('#include "%s"\nint nothing;\n' % header)
            run(*words, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", self.at("lib"), self.at(name))

    def test_double_precision(self):
        run(KACC, "build", self.at("3 still.dsl"), "-o", self.at("lib64"), "--f64")
        with open(self.at("lib64", "3 still.h")) as file:
            self.assertIn("_3_still_still_sample(_3_still_still_instance *instance, double *x, double *log_weight", file.read())
        with open(self.at("lib64", "3 still.json")) as file:
            self.assertEqual(json.load(file)["samplers"][0]["outputs"][0]["dtype"], "float64")

    def test_shared_library_needs_libc_and_libm_alone(self):
        for name in ("libwalk.so", "lib3 still.so"):
            needed = set(re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", self.at("lib", name))))
            self.assertLessEqual(needed, {"libc.so.6", "libm.so.6"})

    def test_only_the_interface_is_seen(self):
        wanted = {"walk_abi_version", "walk_status_text", "walk_walk_descriptor", "walk_walk_create", "walk_walk_sample",
                  "walk_walk_destroy", "walk_walk_defaults_sized"}
        for words in (["nm", "-D", "--defined-only", self.at("lib", "libwalk.so")],
                      ["nm", "-g", "--defined-only", self.at("lib", "libwalk.a")]):
            seen = set(re.findall(r"^[0-9a-f]+ [A-Z] (\w+)$", run(*words), re.M))
            self.assertEqual(seen, wanted)

    def test_manifest(self):
        with open(self.at("lib", "walk.json")) as file:
            said = json.load(file)
        self.assertEqual((said["model"], said["precision"]), ("walk", "f32"))
        self.assertEqual([(row["name"], row["shape"], row["default"]) for row in said["params"]],
                         [("drift", [], 0.1), ("shift", [2], [1.0, 2.0]), ("double", [], 2)])
        self.assertEqual([(row["name"], row["dtype"], row["shape"]) for row in said["data"]], [("origin", "float64", [2])])
        (walk,) = said["samplers"]
        self.assertEqual([(row["c_name"], row["dtype"], row["shape"]) for row in walk["outputs"]],
                         [("x_place", "float32", []), ("x_pair", "float32", [2])])
        self.assertEqual([(row["name"], row["shape"]) for row in walk["monitors"]], [("centre", []), ("both", [2])])
        self.assertEqual((walk["particles"], walk["steps"], walk["steps_fixed"], walk["resamples"]), (300, 4, False, True))
        self.assertGreater(walk["bytes"]["per_particle"], 25)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
