# The library and wrong rows of a user in, what `kacc test` makes of their kinds out: each wrong row fails in the way that it
# is wrong, and the library's hold.
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = sys.argv[2]

# Each row, a test that builds it, and what is said against it; nothing for a row that is right.
ROWS = [
    ("density twice(m : real) { logp(x : real) = normal(m, 1).logp(x) + log(2); draw() = normal(m, 1).draw() }",
     "twice(0.5).logp(0) < 0", r"twice\(0.5\): its density integrates to 2 "),
    ("density wide(m : real) { logp(x : real) = normal(m, 1).logp(x); draw() = normal(m, 1.1).draw() }",
     "wide(0.5).logp(0) < 0", r"wide\(0.5\): its draws do not follow its density"),
    ("density slanted(m : real) { logp(x : real) = normal(m, 1).logp(x); draw() = normal(m, 1).draw(); score(x) = m - 2 * x }",
     "slanted(0.5).logp(0) < 0", r"slanted\(0.5\): its score is not the derivative of its log density"),
    ("density late(r : real) { logp(x : positive) = log(r) - r * x; draw() { x ~ exponential(0.9 * r); x } }",
     "late(2).logp(0.5) < 0", r"late\(2\): its draws do not follow its density"),
    ("density plane(m : real[2]) { logp(x : real[2]) = normal(m, 1).logp(x) + 0.1; draw() = normal(m, 1).draw() }",
     "plane([0, 1]).logp([0, 0]) < 0", r"plane\(\[0, 1\]\): its density integrates to 1.105"),
    ("density space(m : real[3]) { logp(x : real[3]) = normal(m, 1).logp(x); draw() = normal(m, 1.1).draw() }",
     "space([0, 1, 2]).logp([0, 0, 0]) < 0", r"space\(\[0, 1, 2\]\): its draws do not follow its density"),
    ("density heavy(m : real[3]) { logp(x : real[3]) = normal(m, 1).logp(x) + 0.1; draw() = normal(m, 1).draw() }",
     "heavy([0, 1, 2]).logp([0, 0, 0]) < 0", r"heavy\(\[0, 1, 2\]\): its density integrates to 1.1"),
    ("density share(a : real) { logp(x : simplex[2]) = dirichlet([a, 2]).logp(x); draw() { x ~ dirichlet([2, a]); x } }",
     "share(1.5).logp([0.5, 0.5]) < 1", r"share\(1.5\): its draws do not follow its density"),
    ("density letter(p : real) { logp(k : token[3]) = log([p, 0.3, 0.5][k]); draw() { k ~ categorical([0.2, 0.3, 0.5]); k } }",
     "letter(0.4).logp(0) < 0", r"letter\(0.4\): its probabilities sum to 1.2\n"),
    ("density coin(p : real) { logp(x : bool) = bernoulli(p).logp(x); draw() { x ~ bernoulli(1 - p); x } }",
     "coin(0.3).logp(true) < 0", r"coin\(0.3\): its draws do not follow its density"),
    ("process off() = gaussian(alpha(t) = t, sigma(t) = 1 - t) with { law(t) = data.noised(t, 1.2 * (1 - t)) }",
     "(off() with data = normal(1, 0.5)).logp(0.7, 0.3) < 0",
     r"off\(\) with data = normal\(1, 0.5\): its law at 0.8, simulated by its steps from its law at 0.2"),
    ("process loud() = gaussian(alpha(t) = t, sigma(t) = 1 - t) with { diffusion(t) = 1.3 * sqrt(2 * (1 - t) / t) }",
     "(loud() with data = normal(1, 0.5)).logp(0.7, 0.3) < 0",
     r"loud\(\) with data = normal\(1, 0.5\): its law at 0.2, simulated by its noise from its law at 0.8"),
    # Right, in ways that could be taken for wrong.
    ("density energy(m : real) { logp(x : real) = -(x - m)^4 }", "energy(1).logp(1) == 0", None),
    ("process mine() = gaussian(alpha(t) = t, sigma(t) = 1 - t)",
     "(mine() with data = mixture([normal(-1, 0.3), normal(2, 0.5)])).logp(0.7, 0.3) < 0", None),
    ("process pushed() = rectified_flow() with data = normal(1, 0.5)",
     "guided(pushed(), by(x, t) = t * x).velocity(0.7, 0.3) < 9", None),
    ("density far(m : real) { logp(x : real) = normal(m, 1e-3).logp(x); draw() = normal(m, 1e-3).draw() }",
     "far(1e5).logp(1e5) > 0 && all([far(c).logp(c) for c in [1.0, 2.0]] > 0)", None),
]


class Rows(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def kacc_test(self, *names):
        result = subprocess.run([os.path.join(PROGRAMS, "kacc"), "test", *names], cwd=self.folder, text=True,
                                capture_output=True, timeout=900, env=dict(os.environ, NO_COLOR="1"))
        self.assertEqual(result.stderr, "")
        return result.returncode, result.stdout

    def write(self, rows):
        with open(os.path.join(self.folder, "rows.dsl"), "w") as file:
            for i, (row, test, _) in enumerate(rows):
                file.write('%s\ntest "%d" = %s\n' % (row, i, test))

    def test_wrong_rows(self):
        self.write(ROWS)
        status, output = self.kacc_test("rows.dsl")
        self.assertEqual(status, 3, output)
        self.assertIn("%d tests, 0 failed\n" % len(ROWS), output)
        for i, (row, _, complaint) in enumerate(ROWS):
            name = re.match(r"\w+ (\w+)", row).group(1)
            about = [line + "\n" for line in output.splitlines() if re.match(r"rows.dsl:%d: \(?%s\(" % (2 * i + 2, name), line)]
            if complaint is None:
                self.assertEqual(about, [], row)
            else:
                self.assertTrue(any(re.search(complaint, line) for line in about), (complaint, about, output))
        # What a row is made of is not to blame.
        self.assertNotRegex(output, r"rows.dsl:\d+: (normal|mixture|exponential|categorical|bernoulli|dirichlet)\(")

    def test_right_rows(self):
        self.write([row for row in ROWS if row[2] is None])
        status, output = self.kacc_test("rows.dsl")
        self.assertEqual(status, 0, output)
        self.assertRegex(output, r"4 tests, 0 failed\n\d+ more follow from the kinds of \d+ laws and processes in them, 0 failed\n")

    def test_data_beside_the_program(self):
        with open(os.path.join(self.folder, "c.npy"), "wb") as file:
            header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }".ljust(117) + "\n"
            file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
            file.write(bytes(8) + b"\x00\x00\x00\x00\x00\x00\xf0\x3f")
        with open(os.path.join(self.folder, "model.dsl"), "w") as file:
            file.write('data c : real[2] = "c.npy"\ndensity d = mixture(normal(m, 1) for m in c)\ntest "d" = d.logp(0) < 0\n')
        status, output = self.kacc_test("model.dsl")
        self.assertEqual(status, 0, output)
        self.assertIn("4 more follow from the kinds of 1 laws", output)

    def test_names_that_a_test_binds(self):
        with open(os.path.join(self.folder, "rows.dsl"), "w") as file:
            file.write('const s = 3.0\nfn wide(s : real) = normal(0, s)\n'
                       'test "s" = all([normal(0, s).logp(0) for s in [1.0, 2.0]] < 0) && wide(4).logp(0) < 0\n')
        status, output = self.kacc_test("rows.dsl")
        self.assertEqual(status, 0, output)
        self.assertIn("4 more follow from the kinds of 1 laws", output)

    def test_the_library(self):
        status, output = self.kacc_test()
        self.assertEqual(status, 0, output)
        compared, laws = map(int, re.search(r"(\d+) more follow from the kinds of (\d+) laws and", output).groups())
        self.assertGreaterEqual(compared, 200)
        self.assertGreaterEqual(laws, 70)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
