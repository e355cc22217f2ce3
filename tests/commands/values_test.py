# Small programs whose numbers are known in closed form, of shapes that were once got wrong; the report of kacc run judged.
import json
import math
import os
import shutil
import struct
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
        self.assertLess(named["log_z_se"], 0.05)
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
        # And 0.02 for Euler's bias in 1000 steps.
        self.assertLess(abs(moving["log_z"]), 4 * moving["log_z_se"] + 0.02)
        self.assertLess(moving["log_z_se"], 0.05)

    def test_powers_that_are_known_at_the_first_time(self):
        flow = "process flow { start = normal(0, 1); velocity(x : real, t) = 0.5 * x }\n"
        prior = "density prior = normal(0, 1)\n"
        for text, evidence in ((prior + "sampler s { target(t) = prior * exp(f(x) = -x^2)^t; diffusion(t) = 1", -math.log(3) / 2),
                               (prior + "sampler s { target(t) = prior^(1 - t) * exp(f(x) = -x^2)^t; diffusion(t) = 1",
                                math.log(math.pi) / 2),
                               (flow + "sampler s { target(t) = flow * exp(f(x) = -x^2 / 2)^(t^2)", -math.log(1 + math.e) / 2)):
            seen = self.report(text + "; steps = 400; particles = 10_000; resample = systematic when ess < 0.5 }\n")
            # And 0.01 for Euler's bias in 400 steps.
            self.assertLess(abs(seen["log_z"] - evidence), 4 * seen["log_z_se"] + 0.01)
            self.assertLess(seen["log_z_se"], 0.02)

    def test_what_is_made_sees_values_of_its_time(self):
        seen = self.report("""sampler s { steps = 1; particles = 2
          init() {
            x = 2.0
            law = normal(0, 1) with logp(y) = x * y
            other = normal(x, 1)
            x = 100.0
            [law.logp(1), other.mean, x]
          }
          step(x) = x
          monitor(x) = x
        }
        """)
        self.assertEqual(seen["monitors"]["monitor"]["mean"], [2, 2, 100])
        seen = self.report("""sampler s { steps = 1; particles = 2
          init() {
            x = 2.0
            c = [1.0, 2, 3]
            laws = [normal(x * c[k], 1) for k in 3]
            all = mixture(normal(x * c[k], 1) for k in 3)
            first = all.logp(1)
            x = 100.0
            c[1] = 7
            [laws[1].mean, all.logp(1) - first]
          }
          step(x) = x
          monitor(x) = x
        }
        """)
        self.assertEqual(seen["monitors"]["monitor"]["mean"], [4, 0])

    def test_a_step_of_its_own_that_says_unweighted(self):
        seen = self.report("""process ou = ornstein_uhlenbeck()
        model q = ou with data = normal(1, 0.5)
        sampler s { target = q; weights = unweighted; steps = 4; particles = 10; init() { x ~ normal(0, 1); x }
          step(x, t, dt) { y ~ normal(x, sqrt(dt)); y } }
        """)
        self.assertEqual((seen["scheme"], seen["log_z"]), ("unweighted", None))
        seen = self.report("""fn moved(x : real) -> real { y ~ normal(x, 1); weigh -0.5 + 0 * y; y }
        sampler s { weights = unweighted; steps = 4; particles = 10; init() { x ~ normal(0, 1); x }; step(x) = moved(x) }
        """)
        self.assertAlmostEqual(seen["log_z"], -2, delta=1e-6)

    def test_fractions_of_many_digits_leave_the_definition_as_it_stands(self):
        seen = self.report("""param big : real = 0
        process ve = variance_exploding(0.1, 10)
        model q = ve with data = normal(0.5, 1)
        sampler s { target = q^1.5; drift(x, t) = langevin(x, t) * (1 + big / 1e9); steps = 400; particles = 2000
          resample = systematic when ess < 0.5 }
        """)
        exact = -0.25 * math.log(2 * math.pi) - math.log(1.5) / 2  # of the integral of N(0.5, 1)^1.5
        # And 0.1 for the bias of 400 steps of a drift that does not follow the velocity.
        self.assertLess(abs(seen["log_z"] - exact), 4 * seen["log_z_se"] + 0.1)

    def test_an_angle_that_takes_all_digits_is_no_number(self):
        for f64, angle, good in ((False, "2e6", True), (False, "1e7", False), (True, "1e7", True), (True, "2e15", False)):
            seen = self.report("param a : real = %s\nsampler s { steps = 1; particles = 4\n"
                               "init(i) = if i == 0 { 0.0 } else { sin(a * (1 + i / 1000)) }\nstep(x) = x\nmonitor(x) = x }\n" % angle,
                               *(["--f64"] if f64 else []))
            self.assertEqual(seen["non_finite"] == 0, good, (f64, angle))

    def test_lineages_and_steps_are_those_of_the_run(self):
        text = """sampler s { steps = 4; particles = 10; init() = 1.0 * particles; step(x) = x + %s; monitor(x) = x }
        """
        self.assertEqual(self.report(text % "0", "-n", "7", "--steps", "1")["monitors"]["monitor"]["mean"], 7)
        self.assertAlmostEqual(self.report(text % "steps")["monitors"]["monitor"]["mean"], 26, delta=1e-5)
        result = subprocess.run([KACC, "run", "model.dsl", "--steps", "3"], cwd=self.folder, text=True, capture_output=True)
        self.assertEqual((result.returncode, result.stderr),
                         (2, "kacc: the text of `s` fixes its steps; leave out --steps\n"))

    def test_an_output_that_cannot_be_computed_is_no_number(self):
        seen = self.report("""sampler s { steps = 1; particles = 4; init(i) { i }; step(x) = x
          output(x) { a = [1.0 + 0.5 * x, 2]; a[x] }
          monitor(x) { a = [1.0 + 0.5 * x, 2]; a[x] } }
        """, "-o", "samples.npy")
        with open(os.path.join(self.folder, "samples.npy"), "rb") as file:
            values = struct.unpack("<4f", file.read()[-16:])
        self.assertEqual(values[:2], (1, 2))
        self.assertTrue(all(math.isnan(value) for value in values[2:]), values)
        self.assertIsNone(seen["monitors"]["monitor"]["mean"])

    def test_parameters_of_a_sampler_are_set_as_params_are(self):
        text = "sampler s(k : real = 2) { steps = 1; particles = 2; init() = k; step(x) = x; monitor(x) = x }\n"
        self.assertEqual(self.report(text)["monitors"]["monitor"]["mean"], 2)
        self.assertEqual(self.report(text, "--set", "k=3")["monitors"]["monitor"]["mean"], 3)
        # Not where another sampler gives them.
        made = text.replace("sampler s", "sampler base") + "sampler t = base(k = 5)\n"
        self.assertEqual(self.report(made)["monitors"]["monitor"]["mean"], 5)

    def test_laws_that_draw_from_laws(self):
        def chain(length):
            laws = ["density f_0() { draw() { a ~ normal(0, 1); a } }"]
            laws += ["density f_%d() { draw() { a ~ f_%d(); b ~ f_%d(); a + b } }" % (k, k - 1, k - 1)
                     for k in range(1, length + 1)]
            return "\n".join(laws) + ("\nsampler s { steps = 1; particles = 20_000; init() { x ~ f_%d(); x }; step(x) = x;"
                                      " monitor(x) = x^2 }\n" % length)
        square = self.report(chain(6))["monitors"]["monitor"]
        self.assertLess(abs(square["mean"] - 64), 4 * square["se"])  # the variance of 2^6 normals
        self.assertLess(square["se"], 1)
        with open(os.path.join(self.folder, "model.dsl"), "w") as file:
            file.write(chain(40))
        result = subprocess.run([KACC, "check", "model.dsl"], cwd=self.folder, text=True, capture_output=True, timeout=120)
        self.assertEqual(result.returncode, 1)
        self.assertIn("error[E0602]: written out", result.stderr)

    def test_noise_and_drift_of_ones_own(self):
        """Whatever noise a process is given, and whatever drift a sampler takes at a time, the target stays."""
        start = """process base = gaussian(alpha(t) = 1, sigma(t) = 3 - 2.9 * t)
          model q = base with { data = normal(0.5, 1)%s }
          sampler s { target = q^2; steps = 1000; particles = 10_000; monitor(x) = x %s }
        """
        exact = -math.log(2 * math.sqrt(math.pi * 1.01))  # of the square of a normal density of variance 1 + .1^2
        for model, sampler in (("", ""), ("; diffusion(t) = 3", ""), ("", "; diffusion(t) = 3"),
                               ("", "; drift(x, t) = summed(x, t) when t < 0.5"),
                               ("", "; drift = summed when t > 0.5; drift(x, t) = centroid(x, t) + 0.2")):
            with self.subTest(model=model, sampler=sampler):
                seen = self.report(start % (model, sampler))
                self.assertLess(seen["log_z_se"], 0.05)
                self.assertLess(abs(seen["log_z"] - exact), 4 * seen["log_z_se"] + 0.01)
                mean = seen["monitors"]["monitor"]
                self.assertLess(abs(mean["mean"] - 0.5), 4 * mean["se"] + 0.01)

    def test_the_second_of_two_resamplers(self):
        """What holds first is taken; where nothing holds, nobody is resampled."""
        walk = """sampler s { steps = 40; particles = 500
          init() { x ~ normal(0, 1); x }
          step(x) { y ~ normal(0.9 * x, 0.4); weigh -y^2; y }
          %s }
        """
        early, late = "resample = systematic when t < 0.25", "resample = multinomial when t > 0.8"
        counts = [self.report(walk % text)["resamplings"] for text in (early, late, early + "; " + late)]
        self.assertGreater(min(counts), 5)
        self.assertEqual(counts[0] + counts[1], counts[2])

    def test_factors_of_nested_sums_end(self):
        """Factors that could leave one loop, and were taken out and in again without end."""
        seen = self.report("""sampler s { steps = 0; particles = 100; monitor(x) = x
          init(i) {
            a = 0.1 * (i %% 7)
            v = [sin(k + a) for k in 20]
            sum(grad(sum(sum([sin(v[k]) * a * 2 for j in 20]) * v[k] for k in 20), v))
          }
          output(x) = x }
        """ % ())
        self.assertEqual(seen["non_finite"], 0)

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
                # A standard deviation of 4000 numbers is known to 1.1 in a hundred.
                exact = math.sqrt(sum((0.1 * k) ** 2 for k in range(size)) / 4000)
                self.assertAlmostEqual(monitor["se"], exact, delta=0.045 * exact + 1e-12)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
