# The data files of the programs out: beside the programs those that are small, or (DIR given) every program that can run
# with its data in a folder of its own. The same bits at every call.
import array
import math
import os
import random
import shutil
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "examples"))
from write_npy import write_npy  # noqa: E402


def mersenne_bits(count):
    """The 32-bit outputs of std::mt19937 seeded with 0."""
    state = [0]
    for i in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + i) & 0xFFFFFFFF)
    source = random.Random()
    source.setstate((3, tuple(state) + (624,), None))
    return [source.getrandbits(32) for _ in range(count)]


def forty_modes():
    """The means of the usual 40-mode mixture, in single precision."""
    return list(array.array("f", (((bits & 0xFFFFFF) / 2**24 - 0.5) * 80 for bits in mersenne_bits(80))))


def observations(seed, count):
    source = random.Random(seed)
    x, ys = source.gauss(0, 1), []
    for _ in range(count):
        x = 0.9 * x + 0.5 * source.gauss(0, 1)
        ys.append(x + 0.3 * source.gauss(0, 1))
    return ys


def normals(seed, count, sd=1.0):
    source = random.Random(seed)
    return [sd * source.gauss(0, 1) for _ in range(count)]


def cats(seed, count):
    source = random.Random(seed)
    return [v for _ in range(count) for v in (source.gauss(-2, 0.3), source.gauss(source.choice((-1, 1)), 0.3))]


def kernel(a, b):
    """The arc-cosine kernel of program 33."""
    size = math.hypot(*a) * math.hypot(*b)
    c = min(max((a[0] * b[0] + a[1] * b[1]) / size, -0.999999), 0.999999)
    return size * (math.sqrt(1 - c * c) + (math.pi - math.acos(c)) * c) / (2 * math.pi)


def drawn_from_kernel(inputs, noise, seed):
    """Targets that the process of program 33 with scale 1 would give, by the Cholesky factor of its covariance."""
    rows = [inputs[k:k + 2] for k in range(0, len(inputs), 2)]
    factor = []
    for i, a in enumerate(rows):
        row = []
        for j in range(i + 1):
            other = row if i == j else factor[j]
            rest = kernel(a, rows[j]) + (noise if i == j else 0) - sum(row[k] * other[k] for k in range(j))
            row.append(math.sqrt(rest) if i == j else rest / other[j])
        factor.append(row)
    z = normals(seed, len(rows))
    return [sum(row[k] * z[k] for k in range(len(row))) for row in factor]


def leading(centers, sd, rows, columns, count):
    """Mean, leading eigenvectors and eigenvalues of the covariance of a mixture, by powers."""
    mean = [sum(centers[i * columns + k] for i in range(rows)) / rows for k in range(columns)]
    off = [[centers[i * columns + k] - mean[k] for k in range(columns)] for i in range(rows)]
    cov = [[sum(r[a] * r[b] for r in off) / rows + (sd**2 if a == b else 0) for b in range(columns)]
           for a in range(columns)]
    basis, values = [], []
    for j in range(count):
        v = normals(100 + j, columns)
        for _ in range(2000):
            v = [sum(cov[a][b] * v[b] for b in range(columns)) for a in range(columns)]
            for u in basis:
                share = sum(x * y for x, y in zip(u, v))
                v = [y - share * x for x, y in zip(u, v)]
            size = math.sqrt(sum(x * x for x in v))
            v = [x / size for x in v]
        basis.append(v)
        values.append(size)
    return mean, [x for v in basis for x in v], values


inputs = normals(33, 60)
wide = normals(11, 128, 2.0)
mean, basis, eigenvalues = leading(wide, 0.5, 8, 16, 4)
# program, file, shape, contents
FILES = [
    ("01-annealing", "centers", (40, 2), forty_modes()),
    ("08-particle-filter", "observations", (100,), observations(8, 100)),
    ("19-infedit", "sources", (256, 2), cats(19, 256)),
    ("33-scale-mixture", "inputs", (30, 2), inputs),
    ("33-scale-mixture", "targets", (30,), drawn_from_kernel(inputs, 0.01, 34)),
    ("33-scale-mixture", "query", (2,), [0.4, -0.7]),
]
# What is large, or has the name of another program's file.
LARGE = [
    ("23-kernel-density", "cloud", (1808, 50), normals(23, 1808 * 50)),
    ("43-twisted", "centers", (8, 2), normals(43, 16, 1.5)),
    ("11-gaussian-jump", "centers", (8, 16), wide),
    ("11-gaussian-jump", "mean", (16,), mean),
    ("11-gaussian-jump", "basis", (4, 16), basis),
    ("11-gaussian-jump", "eigenvalues", (4,), eigenvalues),
]
WITHOUT = ["02-product", "03-guidance", "04-reward"]

if len(sys.argv) < 2:
    for program, name, shape, numbers in FILES:
        write_npy(os.path.join(here, name + ".npy"), shape, numbers)
else:
    for program in sorted(set(WITHOUT + [row[0] for row in FILES + LARGE])):
        os.makedirs(os.path.join(sys.argv[1], program), exist_ok=True)
        shutil.copyfile(os.path.join(here, program + ".dsl"), os.path.join(sys.argv[1], program, program + ".dsl"))
    for program, name, shape, numbers in FILES + LARGE:
        write_npy(os.path.join(sys.argv[1], program, name + ".npy"), shape, numbers)
