# The stage table and the tests of its stages in, whether each does its job out: without any one of our passes some test of
# its stage fails; every printed form that kac-opt reads is read back as it was; after `lower` only upstream dialects are left.
import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT, PROGRAMS = sys.argv[1], sys.argv[2]
EXAMPLE = os.path.join(ROOT, "examples", "annealing", "annealing.dsl")
UPSTREAM = {"arith", "func", "llvm", "math", "scf", "vector", "memref", "cf", "builtin", "module", "return", "call"}


def stages():
    """Verb, endings of what is printed, and passes of each row."""
    text = pathlib.Path(ROOT, "compiler", "Stages.def").read_text()
    rows = re.findall(r'^KAC_STAGE\((\w+), "[^"]*", "([^"]*)", "([^"]*)",\s*"([^"]*)"', text, re.M)
    return [(verb, dict(zip(products.split(), endings.split())), re.findall(r"[\w-]+(?=,|\{|$)", re.sub(r"\{[^}]*\}", "", passes)))
            for verb, products, endings, passes in rows]


def tools():
    """The folder of FileCheck, as lit was told."""
    for path in glob.glob(os.path.join(os.path.dirname(PROGRAMS), "tests", "*", "lit.site.cfg.py")):
        found = re.search(r'config.llvm_tools = "([^"]+)"', pathlib.Path(path).read_text())
        if found:
            return found.group(1)
    return ""


class Stages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def shell(self, command):
        path = os.pathsep.join([PROGRAMS, tools(), os.environ["PATH"]])
        return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=self.folder, text=True, capture_output=True,
                              env=dict(os.environ, PATH=path, NO_COLOR="1"), timeout=300)

    def fails(self, test, without):
        """Whether a test of a stage fails where kac-opt is not told of the pass."""
        for line in pathlib.Path(test).read_text().splitlines():
            run = re.match(r"// RUN: (.*)", line)
            if not run:
                continue
            command = run.group(1).replace("%s", test).replace("%t", os.path.join(self.folder, "t")).replace("%root", ROOT)
            if without:
                command = re.sub(r" --%s(=\S+)?(?= |$)" % without, "", command)
            if self.shell(command).returncode != 0:
                return True
        return False

    def test_each_pass_is_missed(self):
        tested = 0
        for verb, _, passes in stages():
            ours = [name for name in passes if name.startswith("kac-")]
            if not ours:
                continue
            tests = sorted(glob.glob(os.path.join(ROOT, "tests", verb, "*.mlir")) + glob.glob(os.path.join(ROOT, "tests", verb, "*.test")))
            self.assertTrue(tests, "no printed form of `%s` is tested" % verb)
            for test in tests:
                self.assertFalse(self.fails(test, None), test)
            for name in ours:
                named = [test for test in tests if "--" + name in pathlib.Path(test).read_text()]
                self.assertTrue(any(self.fails(test, name) for test in named), "no test of `%s` misses %s" % (verb, name))
                tested += 1
        # The table is whole: what kac-opt offers of ours is in it.
        offered = set(re.findall(r"--(kac-[\w-]+)", self.shell("kac-opt --help").stdout))
        self.assertEqual(offered, {name for _, _, passes in stages() for name in passes if name.startswith("kac-")})
        self.assertEqual(tested, len(offered))

    def test_the_table_needs_each_pass(self):
        """The list of a stage, run by kac-opt on what the stage before it prints, gives what the driver prints; without one
        of our passes it does not, for some program that has work for it."""
        before, missed, ours = None, set(), set()
        for verb, products, passes in stages():
            product = next((p for p, ending in products.items() if ending == ".mlir"), None)
            if before and passes and product:
                ours |= {name for name in passes if name.startswith("kac-") and name != "kac-check-requirements"}
                for program in (EXAMPLE, os.path.join(ROOT, "tests", "check", "programs", "recurrences.dsl")):
                    self.assertEqual(self.shell("kacc --emit=%s %s > in.mlir" % (before, program)).returncode, 0)

                    def through(list_):
                        options = " ".join("--" + name for name in list_)
                        return self.shell("kac-opt %s in.mlir | grep -v '^//'" % options)

                    whole = through(passes)
                    self.assertEqual(whole.returncode, 0, whole.stderr)
                    for name in ours.intersection(passes) - missed:
                        if through([other for other in passes if other != name]).stdout != whole.stdout:
                            missed.add(name)
            before = product
        self.assertEqual(ours, missed)

    def test_printed_forms(self):
        for verb, products, _ in stages():
            for product, ending in products.items():
                printed = self.shell("kacc --emit=%s %s" % (product, EXAMPLE))
                self.assertEqual(printed.returncode, 0, (product, printed.stderr))
                self.assertTrue(printed.stdout, product)
                if ending == ".mlir":
                    with open(os.path.join(self.folder, "p.mlir"), "w") as file:
                        file.write(printed.stdout)
                    again = self.shell("kac-opt p.mlir > q.mlir && kac-opt q.mlir | diff - q.mlir")
                    self.assertEqual(again.returncode, 0, (product, again.stderr, again.stdout[:500]))

    def test_upstream_dialects_alone(self):
        lowered = [verb for verb, _, _ in stages()].index("lower")
        for _, products, _ in stages()[lowered:]:
            for product in [p for p, ending in products.items() if ending == ".mlir"]:
                for program in sorted(glob.glob(os.path.join(ROOT, "examples", "*", "*.dsl"))):
                    printed = self.shell("kacc --emit=%s %s" % (product, program)).stdout
                    operations = re.findall(r'^ *(?:%[^=\n]*= )?"?([a-z_]\w*)(?:\.[\w.]+)?\b', printed, re.M)
                    self.assertGreater(len(operations), 100, program)
                    self.assertEqual(set(operations) - UPSTREAM, set(), (product, program))
                    self.assertNotRegex(printed, r"[!=] ?kac\.\w+ ", (product, program))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
