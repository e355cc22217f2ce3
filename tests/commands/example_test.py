# The annealing example and programs with data in, what a user sees of their runs out: progress, the picture, what is said
# of data files that cannot be taken, and the formulas of `kacc explain`.
import json
import math
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
from xml.etree import ElementTree

ROOT, PROGRAMS = sys.argv[1], sys.argv[2]
ANNEALING = os.path.join(ROOT, "examples", "annealing")
SVG = "{http://www.w3.org/2000/svg}"
DATA = 'data c : real[3] = "c.npy"\nsampler s { steps = 0; particles = 10; init() { x ~ normal(c[0], 1); x + sum(c) } }\n'


def npy(kind, shape, body):
    header = ("{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body


def numbers_of(contents):
    """The numbers of a .npy file and its shape."""
    length = struct.unpack("<H", contents[8:10])[0]
    header = contents[10:10 + length].decode()
    kind = re.search(r"'descr': '<(f[48])'", header).group(1)
    shape = [int(n) for n in re.findall(r"\d+", re.search(r"'shape': \(([^)]*)\)", header).group(1))]
    body = contents[10 + length:]
    size = int(kind[1])
    return struct.unpack("<%d%s" % (len(body) // size, "f" if size == 4 else "d"), body), shape


class Panel:
    """A frame of the picture, with the numbers at its ticks."""

    def __init__(self, picture, frame):
        self.left, self.top, self.width, self.height = (float(frame.get(k)) for k in ("x", "y", "width", "height"))
        self.across, self.up = [], []
        for text in picture.iter(SVG + "text"):
            x, y = float(text.get("x")), float(text.get("y"))
            try:
                number = float(text.text)
            except (TypeError, ValueError):
                continue
            if text.get("text-anchor") == "middle" and abs(y - self.top - self.height - 15) < 1:
                if self.left <= x <= self.left + self.width:
                    self.across.append((x, number))
            if text.get("text-anchor") == "end" and abs(x - self.left + 6) < 1:
                if self.top <= y <= self.top + self.height + 4:
                    self.up.append((y - 4, number))

    def at(self, x, y):
        def along(ticks, place):
            (a, low), (b, high) = ticks[0], ticks[-1]
            return low + (place - a) / (b - a) * (high - low)
        return along(self.across, x), along(self.up, y)


class Example(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = dict(os.environ, NO_COLOR="1", XDG_CACHE_HOME=os.path.join(self.folder, "cache"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def kacc(self, *words):
        result = subprocess.run([os.path.join(PROGRAMS, "kacc"), *words], cwd=self.folder, env=self.environment, text=True,
                                capture_output=True, timeout=600)
        self.said, self.shown = result.stderr, result.stdout
        return result.returncode

    def anneal(self, particles, *more):
        self.assertEqual(self.kacc("run", os.path.join(ANNEALING, "annealing.dsl"), "-n", str(particles), "--report",
                                   "report.json", *more), 0, self.said)
        return json.loads(pathlib.Path(self.path("report.json")).read_text())

    def test_progress(self):
        particles = 20000
        report = self.anneal(particles)
        for _ in range(4):  # as many as take three seconds on this machine, now
            if report["seconds_run"] >= 3:
                break
            particles = int(particles * min(10, 4.5 / report["seconds_run"]))
            report = self.anneal(particles)
        self.assertGreaterEqual(report["seconds_run"], 3)
        steps = [int(n) for n in re.findall(r"^step (\d+) of 1000 \(\d+ %\), ess \d\.\d\d, log Z \S+, .* left$", self.said, re.M)]
        self.assertEqual(len(steps), len(self.said.splitlines()), self.said)
        self.assertGreaterEqual(len(steps), 10, self.said)
        self.assertEqual(steps, sorted(set(steps)))

    def test_picture(self):
        report = self.anneal(20000, "--plot", "picture.svg", "-o", "samples.npz")
        picture = ElementTree.parse(self.path("picture.svg")).getroot()
        frames = [r for r in picture.iter(SVG + "rect") if r.get("fill") == "none"]
        samples, ess, evidence = [Panel(picture, frame) for frame in frames]
        centers, _ = numbers_of(pathlib.Path(ANNEALING, "centers.npy").read_bytes())
        centers = list(zip(centers[::2], centers[1::2]))

        def mode_of(x, y):
            return min(range(len(centers)), key=lambda k: (centers[k][0] - x) ** 2 + (centers[k][1] - y) ** 2)

        with zipfile.ZipFile(self.path("samples.npz")) as archive:
            x, shape = numbers_of(archive.read("x.npy"))
            weights, _ = numbers_of(archive.read("log_weight.npy"))
        self.assertEqual(shape, [20000, 2])
        most = max(weights)
        masses, total = [0.0] * len(centers), 0.0
        for i, w in enumerate(weights):
            masses[mode_of(x[2 * i], x[2 * i + 1])] += math.exp(w - most)
            total += math.exp(w - most)

        marks = [samples.at(float(c.get("cx")), float(c.get("cy"))) for c in picture.iter(SVG + "circle")]
        self.assertGreaterEqual(len(marks), 1000)
        counts = [0] * len(centers)
        for mark in marks:
            mode = mode_of(*mark)
            counts[mode] += math.dist(mark, centers[mode]) < 4
        heavy = [k for k in range(len(centers)) if masses[k] / total > 0.5 / len(centers)]
        self.assertGreater(len(heavy), 20)
        for k in heavy:  # marks are drawn at equal distances along the sum of the weights
            expected = len(marks) * masses[k] / total
            self.assertLess(abs(counts[k] - expected), 4 * math.sqrt(expected), (k, centers[k]))

        curves = [[tuple(map(float, point.split(","))) for point in line.get("points").split()]
                  for line in picture.iter(SVG + "polyline")]
        self.assertEqual(len(curves), 2)
        for panel, curve, final in ((ess, curves[0], report["ess_final"]), (evidence, curves[1], report["log_z"])):
            self.assertGreaterEqual(len(curve), 500)
            places = [x for x, _ in curve]
            self.assertEqual(places, sorted(places))
            step, value = panel.at(*curve[-1])
            self.assertAlmostEqual(step, 1000, delta=5)
            low, high = (panel.at(panel.left, panel.top + h)[1] for h in (panel.height, 0))
            self.assertAlmostEqual(value, final, delta=0.01 * (high - low))
        self.assertLess(min(ess.at(*point)[1] for point in curves[0]), 0.55)

    def test_data_files(self):
        three = struct.pack("<3d", 1, 2, 3)
        files = {
            "E0801": [None],
            "E0802": [b"1,2,3\n", b"", b"PK\x03\x04" + bytes(100)],
            "E0803": [npy("<f8", "(3,)", three[:-1]), npy("<f8", "(3,)", b""), npy("<f8", "(3,)", three)[:60], b"\x93NUMPY\x01\x00"],
            "E0804": [npy("<f8", "(4,)", three + three[:8]), npy("<f8", "(3, 1)", three), npy("<f8", "()", three[:8])],
            "E0805": [npy("<c16", "(3,)", three + three), npy("<U1", "(3,)", b"abcdefghijkl"), npy("|O", "(3,)", three)],
            "E0806": [npy("<f8", "(3,)", struct.pack("<3d", 1, math.nan, 3)), npy("<f4", "(3,)", struct.pack("<3f", 1, math.inf, 3))],
        }
        with open(self.path("data.dsl"), "w") as file:
            file.write(DATA)
        for code, list_ in files.items():
            for contents in list_:
                if os.path.exists(self.path("c.npy")):
                    os.remove(self.path("c.npy"))
                if contents is not None:
                    with open(self.path("c.npy"), "wb") as file:
                        file.write(contents)
                self.assertEqual(self.kacc("run", "data.dsl"), 1, (code, contents, self.said))
                self.assertTrue(self.said.startswith("data.dsl:1:20: error[%s]: " % code), (code, contents, self.said))
                self.assertEqual(self.shown, "")
        for kind, letter in (("<f8", "d"), ("<f4", "f"), ("<i4", "i"), ("|u1", "B"), (">f8", ">d")):
            with open(self.path("c.npy"), "wb") as file:
                file.write(npy(kind, "(3,)", struct.pack((letter if letter[0] == ">" else "<" + letter).replace("d", "3d")
                                                         .replace("f", "3f").replace("i", "3i").replace("B", "3B"), 1, 2, 3)))
            self.assertEqual(self.kacc("run", "data.dsl"), 0, (kind, self.said))

    def test_explain(self):
        """A variance exploding model does not drift: v = g^2 / 2 score, so that with q^b the centroid is (1 + b) g^2 / 2
        score, and what is weighed (1 - b) g^2 / 2 div score."""
        self.assertEqual(self.kacc("explain", os.path.join(ANNEALING, "annealing.dsl")), 0, self.said)
        first = self.shown.splitlines()[0].split()
        program = pathlib.Path(ANNEALING, "annealing.dsl").read_text().splitlines()
        line = next(n for n, text in enumerate(program, 1) if text.startswith("sampler annealed"))
        self.assertEqual(first[0:2], ["sampler", "annealed"])
        self.assertTrue(first[2].endswith("annealing.dsl:%d" % line), first)
        rows = dict(re.findall(r"^  (\w+) +(.*)$", self.shown, re.M))
        self.assertEqual(rows["noise"], "q.diffusion(t)")
        self.assertIn("q.score", rows["cost"])
        self.assertIn("2 normals", rows["cost"])

        # Two floats a lineage. Each of the 40 modes is met in two loops, of at least four operations together.
        self.assertEqual(rows["memory"], "8 bytes of state, kept twice for resampling; 8 bytes of scratch; for each lineage")
        self.assertGreater(int(re.search(r"; (\d+) operations$", rows["cost"]).group(1)), 40 * 4)

        # The lines that the formulas come from are where the library defines these fields.
        for place, field in zip(rows["from"].split(", "), ("drift", "diffusion", "rate")):
            file, line = re.fullmatch(r"\w+ (\S+):(\d+)", place).groups()
            self.assertTrue(pathlib.Path(ROOT, "dsl", file).read_text().splitlines()[int(line) - 1].strip().startswith(
                field + "("), place)

        def coefficient(text, factor):
            """Of the factor at the end, as a function of beta and the noise."""
            self.assertTrue(text.endswith(" * " + factor), text)
            formula = text[:-len(" * " + factor)].replace("q.diffusion(t)", "g").replace("^", "**")
            self.assertRegex(formula, r"^[\w\s()*/+.-]+$")
            return lambda beta, g: eval(formula, {"__builtins__": {}}, {"beta": beta, "g": g})

        drift = coefficient(rows["drift"].removeprefix("centroid: "), "q.score(x, t)")
        weight = coefficient(rows["weight"], "div(q.score(x, t), x)")
        for beta, g in ((3.0, 1.7), (0.25, 0.4)):
            self.assertAlmostEqual(drift(beta, g), (1 + beta) * g * g / 2)
            self.assertAlmostEqual(weight(beta, g), (1 - beta) * g * g / 2)

    def test_the_cost_of_a_step_that_the_program_writes(self):
        """What is called and drawn for each lineage, by the step or by a function that it calls; not what is the same for all."""
        with open(self.path("step.dsl"), "w") as file:
            file.write("""process ve = variance_exploding(sigma_min = 0.01, sigma_max = 60)
model a = ve with data = normal(0, 1)
fn turned(x : real, t : real) -> real = a.noise(x, t) + a.score(0, t)
fn many(x : real) -> real = sum(exp(x * k) for k in %d)
sampler walk {
  steps = 4
  init() { x ~ normal(0, 1); y : real[3] ~ uniform(0, 1); (x = x, y = y) }
  step(s, t) { d : real[3] ~ normal(0, 1); u ~ uniform(0, 1); (x = turned(s.x, t) + a.diffusion(t) + many(u), y = d) }
}
sampler start { steps = 0; init() { x ~ normal(0, 1); x } }
""")
        costs = []
        for turns in (100, 200):
            text = pathlib.Path(self.path("step.dsl")).read_text()
            pathlib.Path(self.path("turns.dsl")).write_text(text % turns)
            self.assertEqual(self.kacc("explain", "turns.dsl", "--sampler", "walk"), 0, self.said)
            rows = dict(re.findall(r"^  (\w+) +(.*)$", self.shown, re.M))
            costs.append(re.fullmatch(r"a\.noise; 3 normals, 1 uniform; (\d+) operations", rows["cost"]))
            self.assertTrue(costs[-1], rows)
            self.assertEqual(rows["memory"], "16 bytes of state; for each lineage")
        # A turn multiplies, takes an exponential and adds; all turns cost the same.
        more = int(costs[1].group(1)) - int(costs[0].group(1))
        self.assertGreaterEqual(more, 300)
        self.assertEqual(more % 100, 0)
        self.assertEqual(self.kacc("explain", "turns.dsl", "--sampler", "start"), 0, self.said)
        self.assertIn("no steps", self.shown)
        self.assertNotIn("cost", self.shown)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
