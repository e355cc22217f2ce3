# Programs in, what is in their compiled code out: no loop that is run for each lineage calls anything, a mixture of more
# parts gives no more code, and what is the same for all lineages is computed outside of the loop over them.
import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT, PROGRAMS = sys.argv[1], sys.argv[2]
EXAMPLES = sorted(glob.glob(os.path.join(ROOT, "examples", "*", "*.dsl")))

MIXTURE = """data centers : real[%d, %d] = "centers.npy"
process ve = variance_exploding(sigma_min = 0.01, sigma_max = 60)
model q = ve with data = mixture(normal(c, 1) for c in centers)
sampler annealed { target = q^3; steps = 10; particles = 100; resample = systematic when ess < 0.5 }
"""

# 71 and 73 terms depend on the time alone, 79 on the lineage.
UNIFORM = """fn drift(t : real) -> real = sum(exp(-t * k) for k in 71)
sampler s {
  steps = 5
  init() = 0.0
  step(x, t) {
    wave = [cos(t * k) for k in 73]
    y ~ normal(x * drift(t) + mean(wave) + sum(sin(x * k) for k in 79), 0.1)
    y
  }
}
"""


def functions(assembly):
    """The lines of each function, by its name."""
    found, lines = {}, []
    for line in assembly.splitlines():
        start = re.match(r"([A-Za-z_][\w.$]*):", line)
        if start:
            lines = found.setdefault(start.group(1), [])
        lines.append(line.split("#")[0].rstrip())
    return found


def instructions(lines):
    return [line for line in lines if re.match(r"\t[a-z]", line)]


def calls_in_loops(lines):
    """The calls between a label and a jump back to it."""
    place, loops = {}, []
    for i, line in enumerate(lines):
        label = re.match(r"(\.L\w+):", line)
        if label:
            place[label.group(1)] = i
        jump = re.match(r"\tj\w+\s+(\.L\w+)", line)
        if jump and jump.group(1) in place:
            loops.append((place[jump.group(1)], i))
    return [lines[i] for i in range(len(lines)) if re.match(r"\tcall", lines[i]) and any(a <= i <= b for a, b in loops)], loops


class Code(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def emit(self, product, program, *more):
        result = subprocess.run([os.path.join(PROGRAMS, "kacc"), "--emit=" + product, *more, program], cwd=self.folder,
                                text=True, capture_output=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def test_calls_are_seen(self):
        loop = ["f:", ".LBB0_1:", "\taddl\t$1, %eax", "\tcallq\texp", "\tjne\t.LBB0_1", "\tcallq\tfree", "\tretq"]
        self.assertEqual(calls_in_loops(loop)[0], ["\tcallq\texp"])

    def test_no_loop_over_lineages_calls(self):
        self.assertGreaterEqual(len(EXAMPLES), 4)
        self.sizes(200, 50)
        self.write("wide.dsl", "sampler s { init() { x : real[20] ~ normal(0, 1); x }; step(x, t) { y ~ normal(x, 1); y }\n"
                               "  monitor(x) = x }\n")
        for program in EXAMPLES + ["mixture.dsl", "wide.dsl"]:
            for precision in ([], ["--f64"]):
                code = functions(self.emit("asm", program, *precision))
                tiles = [name for name in code if name.endswith((".tiles", ".values", ".weights"))]
                self.assertGreaterEqual(len(tiles), 4, program)
                self.assertTrue(any(name.endswith(".step.tiles") for name in tiles), program)
                for name in tiles:
                    calls, loops = calls_in_loops(code[name])
                    self.assertEqual(calls, [], (program, precision, name))
                    self.assertTrue(loops, (program, name))

    def sizes(self, parts, axes):
        header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }" % (parts, axes)
        self.write("centers.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + (header.ljust(117) + "\n").encode() +
                   struct.pack("<%dd" % (parts * axes), *[i * 37 % 101 / 3 for i in range(parts * axes)]))
        self.write("mixture.dsl", MIXTURE % (parts, axes))
        code = functions(self.emit("asm", "mixture.dsl"))
        return sum(len(instructions(lines)) for lines in code.values())

    def test_more_parts_are_no_more_code(self):
        small, many, large = self.sizes(40, 2), self.sizes(1808, 2), self.sizes(1808, 50)
        self.assertGreater(small, 1000)
        self.assertLess(many, 1.1 * small)
        self.assertLess(large, 1.6 * small)

    def test_what_is_uniform_is_computed_once_a_step(self):
        self.write("uniform.dsl", UNIFORM)
        text = self.emit("tensor", "uniform.dsl")
        bodies = dict(re.findall(r"^  func\.func (@[\w.]+)(.*?)^  }", text, re.M | re.S))
        once, each = bodies["@s.step.prepare"], bodies["@s.step.tiles"]
        for terms in (71, 73):
            self.assertRegex(once, r"constant %d : i(32|64|ndex)\b" % terms)
            self.assertNotRegex(each, r"constant %d : i(32|64|ndex)\b" % terms)
        self.assertRegex(each, r"constant 79 : i(32|64|ndex)\b")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
