# Same seed, same bits: programs in; samples and log weights of a C program that links the archive of `kacc build` are,
# byte for byte, those that `kacc run` writes, on one thread and on two.
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT, PROGRAMS = sys.argv[1], sys.argv[2]
KACC = os.path.join(PROGRAMS, "kacc")

# Writes samples, log weights, and what the result says: `application SEED THREADS`.
C = r"""
#include "%(stem)s.h"
#include <stdio.h>
#include <stdlib.h>

enum { particles = %(particles)d };
static %(real)s x[particles * %(width)d];
static double log_weight[particles];

int main(int argc, char **argv) {
  %(name)s_params params;
  if (argc != 3 || %(name)s_defaults(&params) != KAC_OK)
    return 1;
  params.seed = (unsigned long long)atoll(argv[1]);
  params.particles = particles;
  struct kac_config config = {.size = sizeof config, .threads = atoi(argv[2])};
  struct kac_result result = {.size = sizeof result};
  %(name)s_instance *sampler;
  if (%(name)s_create(&sampler, &params, &config) != KAC_OK)
    return 2;
  if (%(name)s_sample(sampler, x, log_weight, &result) != KAC_OK)
    return 3;
  %(name)s_destroy(sampler);
  fwrite(x, sizeof x, 1, stdout);
  fwrite(log_weight, sizeof log_weight, 1, stdout);
  fwrite(&result.log_z, sizeof result.log_z, 1, stdout);
  return fflush(stdout) ? 4 : 0;
}
"""


def run(*words):
    result = subprocess.run(words, capture_output=True, timeout=600)
    if result.returncode:
        said = (result.stdout[:2000] + result.stderr).decode(errors="replace")
        raise AssertionError("%s ended with %d:\n%s" % (" ".join(words), result.returncode, said))
    return result.stdout


def contents(archive, name):
    """The type of an array of an .npz, and its bytes."""
    data = archive.read(name + ".npy")
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    begin = 10 + int.from_bytes(data[8:10], "little")
    return re.search(rb"'descr': *'([^']*)'", data[:begin]).group(1).decode(), data[begin:]


class Archive(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def at(self, *parts):
        return os.path.join(self.folder, *parts)

    def ran(self, path, sampler, particles, options, seed, threads):
        """What `kacc run` writes: types, and the bytes that the application is to write."""
        run(KACC, "run", path, "--sampler", sampler, "-n", str(particles), "--seed", str(seed), "--threads", str(threads),
            "--quiet", "-o", self.at("x.npz"), "--report", self.at("report.json"), *options)
        with zipfile.ZipFile(self.at("x.npz")) as archive:
            (type_of_x, x), (type_of_weights, weights) = contents(archive, "x"), contents(archive, "log_weight")
        with open(self.at("report.json")) as file:
            log_z = json.load(file)["log_z"]
        return type_of_x, type_of_weights, x, weights, log_z

    def same_bits(self, program, sampler, particles, width, f64=False):
        path, options = os.path.join(ROOT, "tests", program), ["--f64"] if f64 else []
        run(KACC, "build", path, "-o", self.folder, *options)
        stem = os.path.splitext(os.path.basename(program))[0]
        os.remove(self.at("lib" + stem + ".so"))  # the archive is what is linked
        name = re.sub(r"\W", "_", ("_" if stem[0].isdigit() else "") + stem) + "_" + sampler
        with open(self.at("application.c"), "w") as file:
            file.write(C % {"stem": stem, "particles": particles, "width": width, "name": name,
                            "real": "double" if f64 else "float"})
        run("gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", self.folder, self.at("application.c"),
            self.at("lib" + stem + ".a"), "-lm", "-pthread", "-o", self.at("application"))
        outputs = set()
        for seed in (5, 6):
            for threads in (1, 2):
                type_of_x, type_of_weights, x, weights, log_z = self.ran(path, sampler, particles, options, seed, threads)
                self.assertEqual((type_of_x, type_of_weights), ("<f8" if f64 else "<f4", "<f8"))
                self.assertEqual((len(x), len(weights)), (particles * width * (8 if f64 else 4), particles * 8))
                written = run(self.at("application"), str(seed), str(threads))
                self.assertTrue(written[:len(x)] == x, "samples of seed %d on %d threads" % (seed, threads))
                self.assertTrue(written[len(x):-8] == weights, "weights of seed %d on %d threads" % (seed, threads))
                self.assertEqual(memoryview(written[-8:]).cast("d")[0], log_z)  # printed by the digits that give it back
                self.assertGreater(len(set(memoryview(weights).cast("d"))), 1)  # so that there are weights to compare
                outputs.add(written)
        self.assertEqual(len(outputs), 2)  # one a seed

    def test_single_precision_in_the_plane(self):
        self.same_bits("run/cases/d10.dsl", "s", 1009, 2)

    def test_double_precision_in_the_plane(self):
        self.same_bits("run/cases/d10.dsl", "s", 1009, 2, f64=True)

    def test_resampled_with_data(self):
        self.same_bits("programs/08-particle-filter.dsl", "filter", 40009, 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
