# Programs whose values are not good for a run in, what kacc run says of them out: the code, the place, what to do.
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

KACC = os.path.join(sys.argv[2], "kacc")

MODELS = """process ve = variance_exploding(0.1, 10)
process flow = rectified_flow()
param spread : real = 1
param power : real = 2
param first : real = 0.01
"""


class Creation(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def run_program(self, text, *words):
        with open(os.path.join(self.folder, "model.dsl"), "w") as file:
            file.write(MODELS + text)
        environment = dict(os.environ, NO_COLOR="1", XDG_CACHE_HOME=os.path.join(self.folder, "cache"))
        result = subprocess.run([KACC, "run", "model.dsl", "--quiet", "-n", "200", "--steps", "8", *words],
                                cwd=self.folder, env=environment, text=True, capture_output=True, timeout=300)
        self.said = result.stderr
        return result.returncode

    def refuses(self, text, settings, begin, *parts):
        """Runs as it stands; with the settings it is refused by a message that begins so and has these parts."""
        self.assertEqual(self.run_program(text), 0, self.said)
        words = [word for setting in settings for word in ("--set", setting)]
        self.assertNotEqual(self.run_program(text, *words), 0)
        self.assertTrue(self.said.startswith(begin), self.said)
        for part in parts:
            self.assertIn(part, self.said)

    def test_a_require_of_the_program(self):
        self.refuses('require spread > 0, "the spread is positive"\n'
                     "sampler s { init() { x ~ normal(0, 1); x * spread }; step(x) = x }\n", ["spread=-1"],
                     "model.dsl:6:1: error[E0405]: the spread is positive")

    def test_an_input_of_a_narrow_type(self):
        for kind, default, use, bad in (("positive", "2", "c", "c=0"), ("token[3]", "1", "[1, 2, 3][c]", "c=3"),
                                        ("token[3]", "1", "[1, 2, 3][c]", "c=1000000000"),
                                        ("simplex[2]", "[0.4, 0.6]", "c[1]", "c=0.4"),
                                        ("onehot[2]", "[0, 1]", "c[1]", "c=0.5")):
            self.refuses("param c : " + kind + " = " + default + "\nsampler s { init() { x ~ normal(0, 1); x + " + use +
                         " }; step(x) = x }\n", [bad], "model.dsl:6:1: error[E0405]: `c` is a " + kind)

    def test_a_require_of_a_law(self):
        for law, state in (("normal(0, spread)", "real"), ("normal([0, 1], spread)", "real[2]")):
            self.refuses("const law = " + law + "\nsampler s { init() -> " + state +
                         " { x ~ law; x }; step(x) = x }\n", ["spread=-1"],
                         "model.dsl:6:13: error[E0405]: a standard deviation", "`normal`")

    def test_a_factor_that_no_lineage_decides(self):
        self.refuses("const factor = cholesky([[4 + spread, 1], [1, 2]])\n"
                     "sampler s { init() { x ~ gaussian_vector([0, 0], factor); x }; step(x) = x }\n", ["spread=-5"],
                     "model.dsl:7:", "E0405", "a Cholesky factor has a positive diagonal")

    def test_a_grid_that_does_not_increase(self):
        self.refuses("sampler s { init() = 0.0; step(x) = x; time(u) = first + (1 - first) * u }\n", ["first=1.5"],
                     "model.dsl:6:40: error[E0403]: time(0 / 8) = 1.5 lies outside [0, 1]")

    def test_a_schedule_that_is_not_finite(self):
        self.refuses("model q = flow with data = normal(0, 1)\n"
                     "sampler s { target = q^2; time(u) = first + (1 - first) * u }\n", ["first=0"],
                     "model.dsl:7:1: error[E0406]: `", "is not finite", "let `time` avoid this time",
                     "(at t = 0, where step 0 begins)")

    def test_a_path_that_does_not_exist_at_an_end(self):
        self.refuses("model q = (gaussian(alpha(t) = t, sigma(t) = sqrt(spread - t))) with data = normal(0, 1)\n"
                     "sampler s { target = q; time(u) = first + 0.9 * u; init() = 0.0 }\n", ["spread=0.5"],
                     "model.dsl:7:1: error[E0406]: `", "where step")

    def test_a_product_that_is_not_normalisable(self):
        self.refuses("model a = ve with data = normal(0, 1)\nmodel b = ve with data = normal(0, 2)\n"
                     "sampler s { target = a^power / b; init() = 0.0; drift = summed }\n", ["power=0.2"],
                     "model.dsl:8:22: error[E0404]: the target is not normalisable", "(at t = ")

    def test_a_start_that_is_not_normalisable(self):
        self.refuses("model a = ve with data = mixture([normal(0, 1), normal(3, 1)])\n"
                     "sampler s { target = a^power; drift = summed }\n", ["power=-1"],
                     "model.dsl:7:1: error[E0404]: the product of the models' starts is not normalisable")

    def test_the_condition_of_a_drift(self):
        self.refuses("model a = ve with data = mixture([normal(0, 1), normal(3, 1)])\n"
                     "sampler s { target = a^0.5 * a^power / a; init() = 0.0 }\n", ["power=-1"],
                     "model.dsl:7:22: error[E0404]: the target is not normalisable: no power is above 0", "(at t = 0, where")
        self.refuses("model a = ve with data = mixture([normal(0, 1), normal(3, 1)])\n"
                     "model b = ve with data = normal(0, 5)\n"
                     "sampler s { target = a^0.5 * b^power; init() = 0.0 }\n", ["power=-1"],
                     "model.dsl:8:1: error[E0506]: `drift = centroid`", "mass(t) > 0", "(at t = 0, where step 0 begins)")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
