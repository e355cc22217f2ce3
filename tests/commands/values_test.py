# Small programs whose numbers are known in closed form, of shapes that were once got wrong; the report of kacc run judged.
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

KACC = os.path.join(sys.argv[2], "kacc")

# log of the integral of N(1, .25) N(-1, 1): the density of N(0, 1.25) at 2.
PRODUCT = -2 * 4 / (2 * 2 * 1.25) - math.log(2 * math.pi * 1.25) / 2

TWICE = """process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
model m(c : real, s : real) = vp with data = normal(c, s)
model a = m(1, 0.5)
model b = m(-1, 1)
sampler s { target = %s; steps = 800; particles = 10_000; monitor(x) = x }
"""


class Values(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def report(self, text, *words):
        with open(os.path.join(self.folder, "model.dsl"), "w") as file:
            file.write(text)
        environment = dict(os.environ, NO_COLOR="1", XDG_CACHE_HOME=os.path.join(self.folder, "cache"))
        result = subprocess.run([KACC, "run", "model.dsl", "--report", "report.json", *words],
                                cwd=self.folder, env=environment, text=True, capture_output=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.summary = result.stdout
        with open(os.path.join(self.folder, "report.json")) as file:
            return json.load(file)

    def test_two_structures_of_one_template(self):
        named = self.report(TWICE % "a * b")
        # Euler's bias in 800 steps is below .005.
        self.assertLess(abs(named["log_z"] - PRODUCT), 4 * named["log_z_se"] + 0.005)
        for target in ("m(1, 0.5) * m(-1, 1)", "(vp with data = normal(1, 0.5)) * (vp with data = normal(-1, 1))"):
            self.assertAlmostEqual(self.report(TWICE % target)["log_z"], named["log_z"], delta=1e-6)

    def test_without_weights_nothing_estimates_the_evidence(self):
        bare = self.report(TWICE % "a * b; weights = unweighted; resample = systematic", "--steps", "20", "-n", "50",
                           "--plot", "picture.svg")
        self.assertEqual((bare["scheme"], bare["log_z"], bare["log_z_se"]), ("unweighted", None, None))
        self.assertIn("log Z        not estimated: unweighted\n", self.summary)
        self.assertEqual(self.summary.count("log Z"), 1)
        self.assertIsNotNone(bare["monitors"]["monitor"]["mean"])
        with open(os.path.join(self.folder, "picture.svg")) as picture:
            self.assertIn("unweighted: not log Z", picture.read())

    def test_where_all_descend_from_one_no_error_is_known(self):
        walk = """sampler s { steps = 400; particles = %d
          init() { x ~ normal(0, 1); x }
          step(x) { y ~ normal(0.9 * x, 0.4); weigh -y^2; y }
          resample = systematic when %s; monitor(x) = x }
        """
        for count, when, reason in ((5, "true", "all weight descends from one lineage"),
                                    (1, "false", "there is one particle")):
            one = self.report(walk % (count, when), "--plot", "picture.svg")
            self.assertIsNotNone(one["log_z"])
            self.assertIsNone(one["log_z_se"])
            self.assertIsNone(one["monitors"]["monitor"]["se"])
            self.assertIn("errors       not known: " + reason, self.summary)
            self.assertEqual(self.summary.count("(error not known)"), 2)
            self.assertNotIn("+-", self.summary)
            with open(os.path.join(self.folder, "picture.svg")) as picture:
                self.assertIn("error not known", picture.read())
        many = self.report(walk % (1000, "ess < 0.5"), "--steps", "20")
        self.assertGreater(many["log_z_se"], 0)
        self.assertGreater(many["monitors"]["monitor"]["se"], 0)
        self.assertNotIn("not known", self.summary)

    def test_two_laws_of_one_density(self):
        moving = self.report("""sampler s { target(t) = normal(0, 1)^(1 - t) * normal(3, 0.5)^t; diffusion(t) = 2
          start = normal(0, 1); steps = 1000; particles = 10_000; resample = systematic when ess < 0.5
          monitor(x) = x }
        """)
        self.assertLess(abs(moving["log_z"]), 4 * moving["log_z_se"] + 0.02)

    def test_lists_of_every_length(self):
        for size in (1, 7, 8, 9, 12, 16, 17, 40):
            with self.subTest(size=size):
                weights = ", ".join("%g" % (0.1 * k) for k in range(size))
                seen = self.report("""sampler s {
                  init() { x : real[%d] ~ normal(0, 1); x }
                  step(x) = x
                  particles = 4000; steps = 1
                  monitor(x) = sum(x * [%s])
                }
                """ % (size, weights))
                monitor = seen["monitors"]["monitor"]
                self.assertLess(abs(monitor["mean"]), 4 * monitor["se"] + 1e-9)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
