# Programs in; what `kacc --emit=model` prints of each, compiled and run as a program of its own, gives the same numbers out:
# the same bits where the sampler writes its own steps, up to rounding where its weights are derived from a target.
import glob
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT, KACC = sys.argv[1], os.path.join(sys.argv[2], "kacc")
PROGRAMS = os.path.join(ROOT, "tests", "programs")

# Everything that a procedure may hold, under names that are those of fields, parameters, inputs and the library.
PROCEDURE = """
param time : real = 0.25
param gains : real[2, 2] = [[1, -0.5], [0.25, 2]]
param scale : positive = 1.5
data c : real[3] = "c.npy"
const n = [exp(v) for v in c]
fn grade(a : real) -> (real, int) = (a^2, if a < 0 { -1 } else { 1 })
fn total(k : int) -> real {
  s = 0.0
  for j in k while s < 40 {
    if j % 2 == 0 { s = s + n[j % 3] } else { s = s - 1 }
  }
  s
}
fn shuffled[m](w : simplex[m]) -> token[m, m] {
  u ~ uniform(0, 1)
  even = spread(m)
  [search(cumsum(w + 0 * even), (i + u) / m) for i in m]
}
fn spread(m : int) -> real[m] = [1 / m for i in m]
density ring(r : real) {
  require r > 0, "a \\"radius\\" is\\npositive"
  draw() { a ~ uniform(0, 2 * pi); [r * cos(a), r * sin(a)] }
}
require scale < 10, "the scale is small"
sampler walk {
  steps = 6; particles = 50
  resample = shuffled when ess < 0.75 || n == 2
  init(i) {
    x ~ ring(scale)
    weigh -0.1 * i / 50
    (x = x, k = i % 3, inner = [x[0], time])
  }
  step(s, t, dt, n) {
    dist = norm(s.x)
    y ~ ring(dist + 0.125)
    z = y
    for j in 2 { z[j] = dot(gains[j], y) + total(n) * dt - lgamma(1 + dist) }
    (square, side) = grade(z[0])
    at = s.x
    weigh -0.01 * square - 0.02 * indicator(side < 0) + 0.001 * sum(grad(erf(at[0]) * at[1]^3, at)) - 1e-3 * max(z)
    (x = z / (1 + norm(z)), k = s.k + side, inner = [s.inner[1], t])
  }
  output(s) = (s.x, s.k)
  monitor(s, t) = (s.x[0], indicator(s.k > t))
}
sampler alone {
  steps = 0; particles = 20
  init() {
    k ~ categorical([0.5, 0.25, 0.25])
    y ~ gamma(2.5, 1)
    weigh select(y < 0.5, -inf, log(y))
    (k = k, y = y)
  }
}
"""


def npy(numbers):
    header = ("{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }" % len(numbers)).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<%dd" % len(numbers), *numbers)


class Elaborated(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def kacc(self, *words):
        environment = dict(os.environ, NO_COLOR="1", XDG_CACHE_HOME=os.path.join(self.folder, "cache"))
        result = subprocess.run([KACC, *words], cwd=self.folder, env=environment, text=True, capture_output=True, timeout=600)
        self.assertEqual(result.returncode, 0, (words, result.stderr))
        return result

    def printed(self, program):
        """The program as `check` leaves it, beside the data that both read; the checker has nothing to say of it."""
        path = os.path.join(self.folder, "printed.dsl")
        text = self.kacc("--emit=model", program).stdout
        for data in glob.glob(os.path.join(os.path.dirname(program), "*.npy")):
            if os.path.dirname(data) != self.folder:
                shutil.copy(data, self.folder)
        with open(path, "w") as file:
            file.write(text)
        said = self.kacc("check", path)
        # All that there is to say: who is unweighted is so still.
        self.assertEqual(set(re.findall(r"(?:error|warning)\[\w+\]: .*", said.stdout + said.stderr)), {
            "warning[W0404]: `%s` takes its samples unweighted: they need not follow the target" % name
            for name in re.findall(r"^sampler (\w+) \{\n(?:  .*\n)*?  weights\(", text, re.M)}, program)
        return path, dict(re.findall(r"^sampler (\w+) \{\n.*?^  steps = (\d+)$", text, re.M | re.S)), text

    def run_of(self, program, sampler, words):
        samples, report = (os.path.join(self.folder, name) for name in ("samples.npz", "report.json"))
        self.kacc("run", program, "--sampler", sampler, "--quiet", "-n", "200", "-o", samples, "--report", report, *words)
        with zipfile.ZipFile(samples) as archive, open(report) as file:
            return {name: archive.read(name) for name in archive.namelist()}, json.load(file)

    def runs(self, program, only=None, at_most=20):
        """For each sampler both runs, in single and in double precision."""
        path, samplers, _ = self.printed(program)
        self.assertTrue(samplers, program)
        for sampler, steps in samplers.items():
            for precision in ([], ["--f64"]):
                words = precision + (["--steps", str(at_most)] if int(steps) > at_most else [])
                yield sampler, precision, self.run_of(program, sampler, words), self.run_of(path, sampler, words)

    def same_bits(self, program):
        count = 0
        for sampler, precision, (samples, _), (again, _) in self.runs(program):
            self.assertGreater(len(samples["log_weight.npy"]), 500)
            self.assertEqual(samples, again, (program, sampler, precision))
            count += 1
        return count

    def test_procedures_give_the_same_bits(self):
        for name in ("08-particle-filter", "19-infedit", "33-scale-mixture"):
            self.assertGreaterEqual(self.same_bits(os.path.join(PROGRAMS, name + ".dsl")), 2, name)
        for program in (os.path.join(ROOT, "examples", "particle-filter", "particle_filter.dsl"),
                        os.path.join(ROOT, "tests", "check", "programs", "samplers.dsl")):
            self.same_bits(program)

    def test_all_that_a_procedure_may_hold(self):
        program = os.path.join(self.folder, "procedure.dsl")
        with open(program, "w") as file:
            file.write(PROCEDURE)
        with open(os.path.join(self.folder, "c.npy"), "wb") as file:
            file.write(npy([0.5, -1.25, 0.75]))
        self.assertEqual(self.same_bits(program), 4)
        path, _, text = self.printed(program)
        for part in ('data c : real[3] = "c.npy"', "param gains : real[2, 2] = [[1.0, -0.5], [0.25, 2.0]]", "~ kac_uniform()",
                     'require holds, "a \\"radius\\" is\\npositive', "param scale : positive = 1.5"):
            self.assertIn(part, text)
        self.assertEqual(text.count("the scale is small"), 1)
        # Printed once more it is a program of the same numbers still.
        with open(program, "w") as file:
            file.write(text)
        self.assertEqual(self.same_bits(program), 4)

    def test_a_cloud_drawn_anew_for_each_lineage(self):
        with open(os.path.join(PROGRAMS, "23-kernel-density.dsl")) as file:
            text = file.read()
        program = os.path.join(self.folder, "density.dsl")
        with open(program, "w") as file: # the cloud of the other sampler is not there
            file.write(re.sub(r"^(data|process|model|sampler memorise).*\n", "", text, flags=re.M))
        self.assertEqual(self.same_bits(program), 2)

    def test_targets_give_the_same_numbers(self):
        tested = 0
        for program in [os.path.join(PROGRAMS, name + ".dsl") for name in ("01-annealing", "02-product", "03-guidance", "04-reward")] + [
                os.path.join(ROOT, "tests", "check", "programs", "targets.dsl")]:
            for sampler, precision, (samples, report), (again, report_again) in self.runs(program):
                self.assertEqual(sorted(samples), sorted(again))
                self.assertEqual(report_again["log_z"] is None, report["log_z"] is None) # unweighted samples estimate none
                if precision and report["log_z"] is not None:
                    self.assertAlmostEqual(report_again["log_z"] / report["log_z"], 1, delta=1e-6, msg=(program, sampler))
                    tested += 1
                bound = 1e-9 if precision else 2e-3
                for name, values in samples.items():
                    kind, form = ("<d", "<f8") if precision else ("<f", "<f4")
                    if form not in str(values[:80]):
                        continue
                    start = 10 + struct.unpack("<H", values[8:10])[0]
                    for (a,), (b,) in zip(struct.iter_unpack(kind, values[start:]), struct.iter_unpack(kind, again[name][start:])):
                        self.assertLess(abs(a - b), bound * (1 + abs(a)), (program, sampler, precision, name))
        self.assertGreaterEqual(tested, 8)

    def test_what_has_no_sampler(self):
        for program in sorted(glob.glob(os.path.join(ROOT, "tests", "check", "programs", "*.dsl"))):
            self.printed(program)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
