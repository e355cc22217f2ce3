# Small programs in which lineages part company in, what each of them stores and which of them break, judged by the same
# program in Python, out. And forms that a pass does not take: it ends with an error.
import ast
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT, PROGRAMS = sys.argv[1], sys.argv[2]
KACC, OPT = os.path.join(PROGRAMS, "kacc"), os.path.join(PROGRAMS, "kac-opt")
LINEAGES = 10
A = "a = [1.0 + 0 * i, 2, 3, 4, 5, 6]; "


def read(path):
    """The arrays of an archive of real or whole numbers, each as a flat list."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            start = 10 + struct.unpack_from("<H", data, 8)[0]
            header = ast.literal_eval(data[10:start].decode())
            letter = {"<f8": "d", "<f4": "f", "<i4": "i"}[header["descr"]]
            numbers = (len(data) - start) // struct.calcsize(letter)
            arrays[name.removesuffix(".npy")] = struct.unpack_from("<%d%s" % (numbers, letter), data, start)
    return arrays


class Masks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        with open(os.path.join(self.folder, "ys.npy"), "wb") as file:
            header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (4,)}".ljust(117) + b"\n"
            file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + struct.pack("<4d", 1, 2, 4, 8))

    def outputs(self, text, *words):
        with open(os.path.join(self.folder, "model.dsl"), "w") as file:
            file.write(text)
        environment = dict(os.environ, NO_COLOR="1", XDG_CACHE_HOME=os.path.join(self.folder, "cache"))
        result = subprocess.run([KACC, "run", "model.dsl", "-o", "out.npz", "--report", "report.json", "--f64", *words],
                                cwd=self.folder, env=environment, text=True, capture_output=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(os.path.join(self.folder, "report.json")) as file:
            self.report = json.load(file)
        return read(os.path.join(self.folder, "out.npz"))

    def check(self, body, expected, before=""):
        """`expected` of a lineage: its value, or none where it breaks."""
        with self.subTest(body=body):
            sampler = "sampler s { steps = 0; particles = %d; init(i) { %s } }" % (LINEAGES, body)
            found = self.outputs(before + "\n" + sampler)
            for i in range(LINEAGES):
                alive = found["log_weight"][i] != float("-inf")
                self.assertEqual(alive, expected(i) is not None, "lineage %d" % i)
                if alive:
                    self.assertAlmostEqual(found["x"][i], expected(i), msg="lineage %d" % i, delta=1e-10)

    def test_an_element_is_stored_by_those_who_take_the_turn(self):
        self.check("y = [0.0 * i for k in 20]; for c in i % 4 { y[3] = 9.0 }; y[3]", lambda i: 9 * (i % 4 > 0))
        self.check("y = [0.0 * i for k in 20]; for c in 4 while c < i { y[2] = y[2] + 1 }; y[2]", lambda i: min(i, 4))
        self.check("y = [0.0 * i for k in 20]; for c in i { y[c] = y[c] + 1 }; sum(y)", lambda i: i)
        self.check("y = [[0.0 * i for j in 3] for k in 20]; for c in i { y[5] = [1.0 * c for j in 3]; y[6, 1] = 2.0 }; "
                   "y[5, 2] + y[6, 1]", lambda i: i + 1 if i else 0)
        self.check("y = [0.0 * i for k in 20]; if i > 3 { for c in 9 { y[c] = y[c] + c } }; sum(y)",
                   lambda i: 36 * (i > 3))

    def test_an_array_is_made_for_all_who_define_it(self):
        walk = """fn f(k : real) -> real {
          y = 0.0
          for j in 10 while y < 4 { y = y + 0.1 + exp(sin(k) + cos(j * k)) }
          y
        }
        """

        def f(k):
            y = 0
            for j in range(10):
                if y < 4:
                    y += 0.1 + math.exp(math.sin(k) + math.cos(j * k))
            return y

        for size in (3, 40):
            def all_of(i):
                return [f(k + i) for k in range(size)]
            self.check("z = [f(k + i) for k in %d]; if i > 3 { weigh -sum(z) }; z[2] + z[1]" % size,
                       lambda i: f(2 + i) + f(1 + i), walk)
            self.check("z = [f(k + i) for k in %d]; s = 0.0; for j in i { s = s + max(z) }; s + sum(z)" % size,
                       lambda i: i * max(all_of(i)) + sum(all_of(i)), walk)
            self.check("z = [f(k + i) for k in %d]; s = if i > 3 { max(z) } else { 0.0 }; s + sum(z)" % size,
                       lambda i: max(all_of(i)) * (i > 3) + sum(all_of(i)), walk)

    def test_an_array_is_made_before_an_earlier_list_that_holds_it(self):
        self.check("z = tanh([0.1 * k * i for k in 20]); p = [z, [1.0 * k for k in 20]]; q = sum(z); "
                   "sum(p[i % 2, k] for k in 20) - (if i % 2 == 0 { q } else { 190.0 })", lambda i: 0)

    def test_a_branch_answers_for_its_own_lineages(self):
        zeros = "[0.0 for k in 40]"
        reads = "[a[i + k % 3] for k in 40]"
        total = lambda i: sum(1 + i + k % 3 for k in range(40))
        self.check(A + "y = if i > 3 { %s } else { %s }; sum(y)" % (zeros, reads), lambda i: 0 if i > 3 else total(i))
        self.check(A + "y = if i <= 3 { %s } else { %s }; sum(y)" % (reads, zeros), lambda i: 0 if i > 3 else total(i))
        self.check(A + "y = if i > 3 { a[i] } else { a[i + 1] }; y",
                   lambda i: 1 + i if 3 < i < 6 else 2 + i if i < 4 else None)
        self.check("y = if i != 3 { quotient(12, i - 3) } else { 7 }; 1.0 * y",
                   lambda i: 12 // (i - 3) if i != 3 else 7)
        self.check("y = if i != 3 { 12 % (i - 3) } else { 7 }; 1.0 * y", lambda i: 12 % (i - 3) if i != 3 else 7)

    def test_what_is_the_same_for_all_answers_under_its_condition(self):
        text = """data ys : real[4] = "ys.npy"
          sampler s { steps = 4; particles = 3; init() = 0.0
            step(x, n) { y = if %s { ys[%s] } else { 0.5 }; x + y } }"""
        for condition, index, total in (("n < 3", "n + 1", 2 + 4 + 8 + 0.5), ("n != 0", "n - 1", 0.5 + 1 + 2 + 4),
                                        ("n != 2", "quotient(3, n - 2) % 4", 4 + 2 + 0.5 + 8)):
            with self.subTest(index=index):
                self.assertEqual(self.outputs(text % (condition, index))["x"], (total,) * 3)
                self.assertEqual(self.report["non_finite"], 0)

    def test_a_filter_guards_its_element(self):
        self.check(A + "sum(a[k + 1] for k in 6 if k < 5) + 0 * i", lambda i: 20)
        self.check(A + "sum(a[i + k] for k in 6 if i + k < 6)", lambda i: sum(range(i + 1, 7)))
        self.check(A + "max(a[k - i] for k in 9 if k >= i && k < i + 6)", lambda i: min(6, 9 - i) if i < 9 else None)
        self.check("1.0 * sum(quotient(12, i - j) for j in 6 if i > j)",
                   lambda i: sum(12 // (i - j) for j in range(min(i, 6))))
        self.check(A + "y = sum([a[i + j + k % 2] for k in 40] for j in 4 if i + j + 1 < 6); y[1]",
                   lambda i: sum(i + j + 2 for j in range(4) if i + j + 1 < 6))
        self.check(A + "sum(sum(a[i + k] for q in 9) for k in 6 if sum(1.0 * (i + k) for q in 9) < 54)",
                   lambda i: 9 * sum(range(i + 1, 7)))
        # An index that a filter lets through breaks those whose it is.
        self.check(A + "sum(a[i + k] for k in 6 if k < 2)", lambda i: 2 * i + 3 if i < 5 else None)

    def test_turns_that_a_lineage_does_not_take_are_not_asked(self):
        bounds = A + "n = if i < 5 { 5 } else { 1 }; m = if i < 5 { 1 } else { 5 }; "
        self.check(bounds + "y = [0.0 for k in 40]; for j in n { y = [a[j * m + k % 2] for k in 40] }; y[1]",
                   lambda i: 6 if i < 5 else 2)
        self.check(bounds + "y = sum([a[j * m + k % 2] for k in 40] for j in n); y[1]", lambda i: 20 if i < 5 else 2)
        self.check(A + "s = 0.0; for j in 6 while a[j] < i { s = s + a[j] }; s",
                   lambda i: sum(q for q in range(1, 7) if q < i))
        self.check("s = 0.0; for j in 4 while ys[j] < 9 { s = s + ys[j] }; s + i", lambda i: 15 + i,
                   'data ys : real[4] = "ys.npy"')

    def test_the_left_side_guards_the_right(self):
        self.check(A + "y = if i < 5 && a[i] > 2 { a[i] } else { 0.0 }; y", lambda i: 1 + i if 2 <= i < 5 else 0)
        self.check(A + "y = 0.0; if i > 5 || a[i] > 2 { y = 1.0 }; y", lambda i: 1 if i > 1 else 0)
        self.check(A + "k = i; s = 0.0; for j in 10 while k < 6 && a[k] < 4 { s = s + a[k]; k = k + 1 }; s",
                   lambda i: sum(range(i + 1, 4)))
        self.check(A + "y = if i == 0 || 6 % i == 0 || a[i - 2] > 2 && i < 7 { 1.0 } else { 0.0 }; y",
                   lambda i: None if i > 7 else 1 if i == 0 or 6 % i == 0 or 4 <= i < 7 else 0)
        self.check(A + "y = if a[i] > 2 && i < 5 { a[i] } else { 0.0 }; y",
                   lambda i: None if i > 5 else 1 + i if 2 <= i < 5 else 0)


class Passes(unittest.TestCase):
    def test_no_pass_dies_of_a_form_that_is_not_its_own(self):
        listed = subprocess.run([OPT, "--help"], text=True, capture_output=True, timeout=300).stdout
        passes = sorted({word for word in listed.split() if word.startswith("--kac-")})
        self.assertIn("--kac-lower-lineages", passes)
        stages = subprocess.run([KACC, "--print", "stages"], text=True, capture_output=True, timeout=300).stdout
        forms = [word for row in stages.splitlines()[2:] for word in row.split("|")[3].split() if word != "library"]
        self.assertIn("derived", forms)
        for program in ("02-product", "08-particle-filter"):
            for form in forms:
                printed = subprocess.run([KACC, "--emit=" + form, program + ".dsl"], timeout=300, text=True,
                                         cwd=os.path.join(ROOT, "tests", "programs"), capture_output=True)
                self.assertEqual(printed.returncode, 0, printed.stderr)
                for each in passes:
                    with self.subTest(program=program, form=form, each=each):
                        result = subprocess.run([OPT, each], input=printed.stdout, text=True, capture_output=True,
                                                timeout=300)
                        self.assertIn(result.returncode, (0, 1), result.stderr)
                        if result.returncode:
                            self.assertIn("error:", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
