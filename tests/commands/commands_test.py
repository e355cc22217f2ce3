# The programs in, what kacc answers to each kind of command line out: statuses, streams, the cache, selection of samplers.
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT, PROGRAMS = sys.argv[1], sys.argv[2]
KACC = os.path.join(PROGRAMS, "kacc")

WALK = """param drift : real = 0.1
sampler walk {
  steps = 10; particles = 500
  init() { x ~ normal(0, 1); x }
  step(x) { y ~ normal(x + drift, 0.1); weigh -0.1 * y^2; y }
  resample = systematic when ess < 0.5
}
"""
TWO = WALK + "sampler still { steps = 0; init() { x ~ normal(2, 1); x } }\n"


class Commands(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = dict(os.environ, NO_COLOR="1", XDG_CACHE_HOME=os.path.join(self.folder, "cache"))
        self.write("walk.dsl", WALK)
        self.write("two.dsl", TWO)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def kacc(self, *words, **environment):
        result = subprocess.run([KACC, *words], cwd=self.folder, env=dict(self.environment, **environment), text=True,
                                capture_output=True, timeout=300)
        self.output, self.errors = result.stdout, result.stderr
        return result.returncode

    def entries(self, ending):
        folder = os.path.join(self.folder, "cache", "kac")
        return sorted(name for name in os.listdir(folder) if name.endswith(ending)) if os.path.isdir(folder) else []

    def test_help_and_version(self):
        for words in (["--help"], ["run", "--help"], ["build", "--help"], ["--version"]):
            self.assertEqual(self.kacc(*words), 0, self.errors)
            self.assertTrue(self.output)
            self.assertEqual(self.errors, "")

    def test_wrong_command_lines(self):
        for words in ([], ["frobnicate"], ["run"], ["run", "walk.dsl", "--nonsense"], ["run", "walk.dsl", "-n", "0"],
                      ["run", "walk.dsl", "-n", "many"], ["run", "walk.dsl", "-n", "2147483648"],
                      ["run", "walk.dsl", "--seed", "-1"], ["run", "walk.dsl", "--seed", "18446744073709551616"],
                      ["run", "walk.dsl", "--plot", "x.png"], ["run", "walk.dsl", "--set", "drift"],
                      ["run", "walk.dsl", "-o", "samples.txt"], ["--emit=nothing", "walk.dsl"], ["--emit=ast"],
                      ["--print=nothing"], ["--explain-error", "E9999"], ["cache"], ["run", "walk.dsl", "--threads", "0"],
                      ["run", "walk.dsl", "--steps", "2147483647"], ["run", "walk.dsl", "--steps", "-1"],
                      ["run", "walk.dsl", "--device", "gpu"], ["fmt", "-i", "--check", "walk.dsl"]):
            self.assertEqual(self.kacc(*words), 2, words)
            self.assertEqual(self.output, "", words)
            self.assertTrue(self.errors, words)

    def test_wrong_programs(self):
        self.write("broken.dsl", "sampler s {\n  steps = = 3\n}\n")
        os.mkdir(os.path.join(self.folder, "folder.dsl"))
        for command in ("run", "check", "fmt", "explain", "test", "build"):
            more = ["-o", "lib"] if command == "build" else []
            for name in ("broken.dsl", "missing.dsl", "folder.dsl"):
                self.assertEqual(self.kacc(command, name, *more), 1, (command, name, self.errors))
                self.assertEqual(self.output, "", (command, name))
        self.kacc("check", "broken.dsl")
        self.assertTrue(self.errors.startswith("broken.dsl:2:11: error[E0101]"), self.errors)
        self.assertEqual(self.kacc("--emit=ast", "broken.dsl"), 1)

    def test_check_is_silent(self):
        self.assertEqual(self.kacc("check", "walk.dsl"), 0, self.errors)
        self.assertEqual(self.output + self.errors, "")

    def test_format(self):
        untidy = "const   a=1+2\n"
        self.write("untidy.dsl", untidy)
        self.assertEqual(self.kacc("fmt", "untidy.dsl"), 0)
        tidy = self.output
        self.assertNotEqual(tidy, untidy)
        self.assertEqual(self.kacc("fmt", "--check", "untidy.dsl"), 1)
        self.assertEqual(open(os.path.join(self.folder, "untidy.dsl")).read(), untidy)
        self.assertEqual(self.kacc("fmt", "-i", "untidy.dsl"), 0)
        self.assertEqual(open(os.path.join(self.folder, "untidy.dsl")).read(), tidy)
        self.assertEqual(self.kacc("fmt", "--check", "untidy.dsl"), 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["two.dsl", "untidy.dsl", "walk.dsl"])

    def test_tables(self):
        for table in ("prelude", "kinds", "errors", "stages"):
            self.assertEqual(self.kacc("--print=" + table), 0, self.errors)
            self.assertGreater(len(self.output.splitlines()), 5)
        self.assertEqual(self.kacc("--explain-error", "E0101"), 0)
        self.assertIn("E0101", self.output)

    def test_each_product_prints(self):
        self.kacc("--print=stages")
        products = [line.split("|")[3].split() for line in self.output.splitlines()[2:-1]]
        for product in sum(products, []):
            self.assertEqual(self.kacc("--emit=" + product, "walk.dsl"), 0, self.errors)
            self.assertTrue(self.output, product)

    def test_run(self):
        words = ["run", "walk.dsl", "-o", "out.npz", "--report", "out.json", "--plot", "out.svg"]
        self.assertEqual(self.kacc(*words), 0, self.errors)
        self.assertIn("log Z", self.output)
        report = json.load(open(os.path.join(self.folder, "out.json")))
        self.assertEqual((report["particles"], report["steps"], report["sampler"]), (500, 10, "walk"))
        first = open(os.path.join(self.folder, "out.npz"), "rb").read()
        self.assertEqual(self.kacc(*words, "--threads", "2"), 0)
        self.assertEqual(open(os.path.join(self.folder, "out.npz"), "rb").read(), first)
        self.assertEqual(self.kacc(*words, "--seed", "7", "--quiet"), 0)
        self.assertEqual(self.output + self.errors, "")
        self.assertNotEqual(open(os.path.join(self.folder, "out.npz"), "rb").read(), first)

    def test_values(self):
        self.assertEqual(self.kacc("run", "walk.dsl", "--set", "drift=0.2", "-n", "3", "--steps", "2"), 0, self.errors)
        self.assertEqual(self.kacc("run", "walk.dsl", "--set", "drift=fast"), 1, self.errors)
        self.assertEqual(self.kacc("run", "walk.dsl", "--set", "nothing=1"), 1, self.errors)
        self.assertEqual(self.kacc("run", "walk.dsl", "--set", "drift=missing.npy"), 1, self.errors)

    def test_arrays_by_text(self):
        self.write("table.dsl", "param m : real[2, 3] = 0\nparam on : bool = true\n"
                                "sampler s { steps = 0; particles = 1; init() = (m[1, 0], sum(m), indicator(on)) }\n")
        for text, wrong in [("[[1,2,3],[4,5,6]]", None), ("1,2,3,4,5,6", None), ("[1, 2,3,4,5,6]", None), ("7", None),
                            ("[[1,2],[3,4],[5,6]]", "E0804"), ("[[1,2,3],[4]]", "rows of different lengths"),
                            ("[[1,2,3],[4,5,6]", "lacks a `]`"), ("[[1,2,3],4,5,6]", "more brackets"),
                            ("[1,[2,3]]", "more brackets"), ("1,2]", "too many"), ("[" * 50000, "more brackets")]:
            status = self.kacc("run", "table.dsl", "--set", "m=" + text)
            self.assertEqual(status, 1 if wrong else 0, (text[:40], self.errors))
            self.assertIn(wrong or "", self.errors)
        self.assertEqual(self.kacc("run", "table.dsl", "--set", "on=yes"), 1)
        self.assertIn("`yes` is not true or false", self.errors)

    def test_words_that_are_no_commands(self):
        self.assertEqual(self.kacc("walk.dsl"), 2)
        self.assertIn("`kacc run walk.dsl` runs it", self.errors)
        self.assertEqual(self.kacc("train", "walk.dsl"), 2)
        self.assertIn("`train` is no command", self.errors)

    def test_what_a_run_requires(self):
        many = ("sampler s { require particles > 100, \"many\"\n  steps = 2; particles = 200\n"
                "  init() { x ~ normal(0, 1); x }\n  step(x) = x }\n")
        self.write("many.dsl", many)
        self.assertEqual(self.kacc("run", "many.dsl"), 0, self.errors)
        self.assertNotEqual(self.kacc("run", "many.dsl", "-n", "50"), 0)
        self.assertIn("E0405", self.errors)
        self.write("few.dsl", many.replace("= 200", "= 20"))
        self.assertEqual(self.kacc("run", "few.dsl", "-n", "300"), 0, self.errors)

    def test_weights_left_out_at_times(self):
        self.write("some.dsl", "model q = variance_exploding(0.01, 5) with data = normal(0, 1)\n"
                               "sampler s { target = q^2; weights = unweighted when t > 0.1 }\n")
        self.assertEqual(self.kacc("check", "some.dsl"), 0, self.errors)
        self.assertIn("W0404", self.errors)
        self.assertIn("unweighted at times", self.errors)
        self.write("own.dsl", "model q = variance_exploding(0.01, 5) with data = normal(0, 1)\n"
                              "sampler s { target = q^2; weights = continuous when t > 0.1 }\n")
        self.assertEqual(self.kacc("check", "own.dsl"), 0, self.errors)
        self.assertNotIn("W0404", self.errors)

    def test_settable_beside_others(self):
        self.write("both.dsl", "sampler main { steps = 0; init() = 1.0 }\n"
                               "sampler second(w : real = 2) { steps = 0; particles = 3; init() = w }\n")
        self.assertEqual(self.kacc("run", "both.dsl", "--sampler", "second", "--set", "w=4"), 0, self.errors)

    def test_samplers(self):
        self.assertEqual(self.kacc("run", "two.dsl"), 2)
        self.assertIn("walk", self.errors)
        self.assertIn("still", self.errors)
        self.assertEqual(self.kacc("run", "two.dsl", "--sampler", "none"), 2)
        self.assertIn("still", self.errors)
        self.assertEqual(self.kacc("run", "two.dsl", "--sampler", "still", "-n", "10"), 0, self.errors)
        self.assertEqual(self.kacc("run", "two.dsl", "--sampler", "still", "--steps", "3"), 2)
        self.assertEqual(self.kacc("run", "two.dsl", "--sampler", "still", "--steps", "3"), 2, "from the cache")
        self.write("none.dsl", "const a = 1\n")
        self.assertEqual(self.kacc("run", "none.dsl"), 1)

    def test_cache(self):
        self.assertEqual(self.kacc("run", "walk.dsl", "-o", "a.npz"), 0, self.errors)
        self.assertEqual((len(self.entries(".json")), len(self.entries(".so"))), (1, 1))
        self.assertEqual(self.kacc("run", "walk.dsl", "-o", "b.npz", LD_DEBUG="files"), 0)
        self.assertNotIn("libLLVM", self.errors)
        self.assertNotIn("libMLIR", self.errors)
        same = [open(os.path.join(self.folder, name), "rb").read() for name in ("a.npz", "b.npz")]
        self.assertEqual(*same)
        # A damaged library and a damaged entry are made anew.
        for ending in (".so", ".json"):
            path = os.path.join(self.folder, "cache", "kac", self.entries(ending)[0])
            open(path, "w").write("damaged")
            self.assertEqual(self.kacc("run", "walk.dsl"), 0, self.errors)
        self.write("walk.dsl", WALK.replace("0.1", "0.3"))
        self.assertEqual(self.kacc("run", "walk.dsl"), 0)
        self.assertEqual(len(self.entries(".json")), 2)
        self.assertEqual(self.kacc("cache", "clear"), 0)
        self.assertEqual(os.listdir(os.path.join(self.folder, "cache", "kac")), [])

    def test_cache_sees_other_files(self):
        folder = os.path.join(ROOT, "examples")
        data = os.path.join(self.folder, "ys.npy")
        shutil.copy(os.path.join(folder, "particle-filter", "observations.npy"), data)
        self.write("whole.dsl", 'data ys : real[100] = "ys.npy"\n' + WALK.replace("0.1 * y", "0.1 * ys[0] * y"))
        self.assertEqual(self.kacc("run", "whole.dsl"), 0, self.errors)
        first = self.output
        self.assertEqual(self.kacc("run", "whole.dsl", LD_DEBUG="files"), 0)
        self.assertNotIn("libLLVM", self.errors)
        contents = bytearray(open(data, "rb").read())
        contents[-800:-792] = bytes(8)  # the first number becomes 0
        open(data, "wb").write(contents)
        self.assertEqual(self.kacc("run", "whole.dsl"), 0)
        self.assertNotEqual(self.output, first)
        self.assertEqual(len(self.entries(".so")), 2)
        os.remove(data)
        self.assertEqual(self.kacc("run", "whole.dsl"), 1)

    def test_runs_without_a_cache(self):
        for folder in ("/proc/nothing", "relative"):
            self.assertEqual(self.kacc("run", "walk.dsl", XDG_CACHE_HOME=folder, HOME="/proc/nothing"), 0, self.errors)

    def test_warnings_come_from_the_cache_too(self):
        self.write("warned.dsl", "fn relu(x : real) -> real = x\n" + WALK)
        self.kacc("run", "warned.dsl")
        first = self.errors
        self.assertEqual(self.kacc("run", "warned.dsl"), 0, self.errors)
        self.assertIn("W0201", first)
        self.assertEqual(self.errors, first)

    def test_warnings_are_of_the_sampler_that_runs(self):
        self.write("warned.dsl", """model q = (variance_exploding(0.1, 10)) with data = normal(0, 1)
sampler good { target = q; steps = 10; particles = 10 }
sampler bare { target = q^2; steps = 10; particles = 10; weights = unweighted }
sampler own { target = q^2; steps = 10; particles = 10; kernel(x, t, dt) = normal(x, sqrt(dt)) }
sampler made = own with { steps = 5 }
""")
        # Twice, since the second comes from the cache.
        for name, codes in [("good", []), ("bare", ["W0404"]), ("own", ["W0405"]), ("made", ["W0405"])] * 2:
            self.assertEqual(self.kacc("run", "warned.dsl", "--quiet", "--sampler", name), 0, self.errors)
            self.assertEqual(sorted(set(re.findall("W[0-9]{4}", self.errors))), codes, (name, self.errors))
        self.assertEqual(self.kacc("check", "warned.dsl"), 0)
        self.assertEqual(sorted(set(re.findall("W[0-9]{4}", self.errors))), ["W0404", "W0405"])

    def test_sizes_that_no_run_has(self):
        self.write("long.dsl", WALK.replace("steps = 10", "steps = 2147483647"))
        self.assertEqual(self.kacc("run", "long.dsl"), 1)
        self.assertIn("steps = 2147483647; there may be 0 to 2147483646", self.errors)
        self.assertEqual(self.kacc("run", "walk.dsl", "--steps", "2147483647"), 2)
        self.assertIn("below 2^31 - 1", self.errors)

    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "the address sanitizer reserves more than that")
    def test_more_memory_than_there_is(self):
        self.write("wide.dsl", "sampler wide { steps = 0; init() { x : real[10_000] ~ normal(0, 1); x } }\n")
        self.assertEqual(self.kacc("run", "wide.dsl", "--quiet", "-n", "1"), 0, self.errors)
        # In so little room that what is not refused at once has another message.
        limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))
        result = subprocess.run([KACC, "run", "wide.dsl", "-n", "2000000000"], cwd=self.folder, env=self.environment,
                                text=True, capture_output=True, timeout=300, preexec_fn=limit)
        self.assertEqual(result.returncode, 3, result.stderr)
        said = re.fullmatch(r"error: 2000000000 particles and 0 steps need (\S+) GB; this machine has (\S+) GB\n",
                            result.stderr)
        self.assertTrue(said, result.stderr)
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
        self.assertAlmostEqual(float(said.group(2)) / there, 1, places=3)
        self.assertGreater(float(said.group(1)), 2e9 * 4e4 * 2 / 1e9)  # the state, and the samples

    def test_build(self):
        self.assertEqual(self.kacc("build", "walk.dsl", "-o", "lib"), 0, self.errors)
        self.assertEqual(sorted(os.listdir(os.path.join(self.folder, "lib"))),
                         ["libwalk.a", "libwalk.so", "walk.h", "walk.hpp", "walk.json", "walk.pc"])
        first = {name: open(os.path.join(self.folder, "lib", name), "rb").read() for name in ("libwalk.a", "libwalk.so")}
        self.assertEqual(self.kacc("build", "walk.dsl", "-o", "again"), 0, self.errors)
        for name, contents in first.items():
            self.assertEqual(open(os.path.join(self.folder, "again", name), "rb").read(), contents)

    def test_tests(self):
        self.write("good.dsl", 'test "sums" = 1 + 1 == 2\n')
        self.write("bad.dsl", 'test "sums" = 1 + 1 == 2\ntest "fails" = 1 + 1 == 3\n')
        self.assertEqual(self.kacc("test", "good.dsl"), 0, self.errors)
        self.assertEqual(self.kacc("test", "bad.dsl"), 3, self.errors)
        self.assertIn("fails", self.output)
        self.assertEqual(self.kacc("test", "walk.dsl"), 0, self.errors)

    def test_trouble_of_the_machine(self):
        self.assertEqual(self.kacc("build", "walk.dsl", "-o", "lib", "--cpu", "abacus"), 2, self.errors)
        self.assertEqual(self.kacc("build", "walk.dsl", "-o", "walk.dsl"), 3, self.errors)
        self.assertEqual(self.kacc("build", "walk.dsl", "-o", "/proc/nothing"), 3, self.errors)

    def test_times(self):
        self.assertEqual(self.kacc("run", "walk.dsl", "--time"), 0)
        for verb in ("parse", "check", "import", "derive", "lower", "emit"):
            self.assertIn(verb, self.errors)


unittest.main(argv=sys.argv[:1], verbosity=2)
