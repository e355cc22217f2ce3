# Programs whose values are not good for a run in, what kacc run says of them out: the code, the place, what to do.
import math
import os
import shutil
import struct
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
        steps = () if "--steps" in words else ("--steps", "8")
        result = subprocess.run([KACC, "run", "model.dsl", "--quiet", "-n", "200", *steps, *words],
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

    def test_a_require_of_each_element_of_a_law(self):
        said = "error[E0405]: a standard deviation is finite and not negative: `normal` does not hold to it"
        for draw in ("x : real[2] ~ normal([0, 1], [1, spread]); x", "z ~ normal(0, 1); x : real[2] ~ normal(z, spread); x",
                     "x : real[100] ~ normal(0, spread); x", "weigh sum(normal([0, 1], spread).logp([0.5, 0.5])); [0, 1]"):
            self.refuses("sampler s {\n  init() { " + draw + " }; step(x) = x }\n", ["spread=-1"], "model.dsl:7:", said)
        self.refuses("const wide = [1, spread]\nmodel q = ve with data = mixture(normal(0, w) for w in wide)\n"
                     "sampler s { target = q }\n", ["spread=-2"], "model.dsl:7:26: " + said)

    def test_an_index_that_no_lineage_decides(self):
        ten = "const ten = [0.1 * k + 0 * spread for k in 10]\n"
        self.refuses("param k : int = 3\n" + ten + "sampler s { init() = ten[k]; step(x) = x }\n", ["k=10"],
                     "model.dsl:8:22: error[E0307]: an index is outside of an axis of length 10")
        walk = ten + "sampler s { steps = 9; init() = 0.0; step(x, n) = x + ten[n + 1] }\n"
        self.assertEqual(self.run_program(walk, "--steps", "9"), 0, self.said)
        self.assertNotEqual(self.run_program(walk, "--steps", "10"), 0)
        self.assertIn("model.dsl:7:55: error[E0307]: an index is outside of an axis of length 10 (at t = 0.9, where step 9 "
                      "begins)", self.said)
        # Where a condition stands before it, it need not hold.
        guarded = ten + "sampler s { init() = 0.0; step(x, n) { if n < 9 { ten[n + 1] } else { x } } }\n"
        self.assertEqual(self.run_program(guarded, "--steps", "20"), 0, self.said)

    def test_a_power_that_has_no_last_value(self):
        model = "model q = ve with data = normal(0, 1)\nsampler s { target(t) = q^(1 / (%s - t)) }\n"
        self.assertEqual(self.run_program(model % "1.1"), 0, self.said)
        self.assertNotEqual(self.run_program(model % "1"), 0)
        self.assertIn("model.dsl:7:25: error[E0406]: a power of the target is not finite at the last time", self.said)

    def test_a_file_for_data(self):
        walk = "data ys : real[2] = \"two.npy\"\nsampler s { init() = ys[0]; step(x) = x }\n"

        def write(name, descr, count, values):
            header = ("{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }" % (descr, count)).ljust(117) + "\n"
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values)

        write("two.npy", "<f8", 2, struct.pack("<2d", 1, 2))
        write("three.npy", "<f8", 3, struct.pack("<3d", 1, 2, 3))
        write("short.npy", "<f8", 2, struct.pack("<d", 1))
        write("infinite.npy", "<f8", 2, struct.pack("<2d", 1, math.inf))
        write("nan.npy", "<f8", 2, struct.pack("<2d", 1, math.nan))
        with open(os.path.join(self.folder, "text.npy"), "w") as file:
            file.write("1, 2")
        for name, code in (("none", "E0801"), ("text", "E0802"), ("short", "E0803"), ("three", "E0804"),
                           ("infinite", "E0806"), ("nan", "E0806")):
            self.refuses(walk, ["ys=%s.npy" % name], "error[%s]: `ys`: `%s.npy`" % (code, name))

    def test_a_parameter_of_the_sampler(self):
        self.refuses("sampler s(k : positive = 2) { init() = k; step(x) = x }\n", ["k=-1"],
                     "model.dsl:6:11: error[E0405]: `k` is a positive")

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
                     "model.dsl:7:1: error[E0406]: `", "is not finite", "(at t = 0, where step 0 begins)",
                     "\n  help: a `time` that leaves this time out, as `time(u) = ")

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
