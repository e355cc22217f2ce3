# Reproduces three rows of a published comparison of samplers on forty modes: the folder of kacc in, for each number what is
# measured over the seeds, the table's value, and how many standard deviations lie between out. Run by hand; takes minutes.
import array
import bisect
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "tests", "programs"))
sys.path.insert(0, os.path.join(here, "..", "examples"))
from make_data import forty_modes  # noqa: E402
from write_npy import write_npy  # noqa: E402

kacc = os.path.join(os.path.abspath(sys.argv[1]), "kacc")
particles, seeds, subset, bins, power, deviation = 10_000, 5, 1500, 200, 3, 2.126928
numbers = forty_modes()
centers = list(zip(numbers[::2], numbers[1::2]))

# The noise ends at none: a variance of 0.25 (1000^(2 s) - 1) at noise time s. On this process `summed` is the drift of the
# paper.
program = """data centers : real[40, 2] = "centers.npy"
param noise : real = 1   // its square: relative to that of the process
density gmm = mixture(normal(c, %.17g) for c in centers)
fn deviation(t : real) -> real = 0.5 * sqrt(1000^(2 * (1 - t)) - 1)
process ve = gaussian(alpha(t) = 1, sigma(t) = deviation(t)) with {
  diffusion(t) = 0.5 * sqrt(2 * log(1000)) * 1000^(1 - t)
}
model q = ve with data = gmm
sampler common {
  target = q^3
  steps = 1000; particles = %d; resample = systematic when ess < 0.5
  diffusion(t) = noise * ve.diffusion(t)
}
sampler paper = common with { drift = summed }
sampler centroids = common with { drift = centroid }
""" % (deviation, particles)

columns = ["EW2", "MMD", "TV", "W1", "W2"]
# name, sampler, noise squared, the table's value and standard deviation (none: not given) of each column
rows = [("paper, 3 G2", "paper", 3, [(0.006, None), (0.003, None), (0.360, None), (2.23, 0.84), (5.33, 1.95)]),
        ("centroid, G2", "centroids", 1, [(0.002, None), (0.002, None), (0.366, None), (2.01, 0.46), (4.82, 1.11)]),
        ("centroid, 3 G2", "centroids", 3, [(0.002, None), (0.002, None), (0.343, None), (1.89, 0.54), (4.33, 0.94)])]
floor = [0.001, 0.0018, 0.328, 1.81, 4.14]  # independent exact draws


def cube():
    """The components of the cube of the mixture: means and cumulated weights."""
    means, total, cumulated = [], 0.0, []
    for i, a in enumerate(centers):
        for j, b in enumerate(centers[:i + 1]):
            for k, c in enumerate(centers[:j + 1]):
                mean = tuple((a[d] + b[d] + c[d]) / 3 for d in (0, 1))
                apart = sum((p[d] - mean[d]) ** 2 for p in (a, b, c) for d in (0, 1))
                orders = 6 / (math.factorial(3) if i == j == k else 2 if i == j or j == k else 1)
                total += orders * math.exp(-apart / (2 * deviation ** 2))
                means.append(mean)
                cumulated.append(total)
    return means, cumulated


def exact(source):
    result = []
    for _ in range(particles):
        mean = means[bisect.bisect(cumulated, source.random() * cumulated[-1])]
        result.append(tuple(m + source.gauss(0, deviation / math.sqrt(power)) for m in mean))
    return result


def log_target(points):
    return sorted(power * math.log(sum(math.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * deviation ** 2)) for a, b in centers))
                  for x, y in points)


def histogram(points, edges):
    counts = {}
    for point in points:
        cell = tuple(int((point[d] - edges[d][0]) / (edges[d][1] - edges[d][0]) * bins) for d in (0, 1))
        counts[cell] = counts.get(cell, 0) + 1 / len(points)
    return counts


def compare(points, reference, source):
    """The five distances. Bins reach as far as the reference does, and what lies beyond is in bins of its own."""
    edges = [(min(p[d] for p in reference), max(p[d] for p in reference) + 1e-9) for d in (0, 1)]
    one, other = histogram(points, edges), histogram(reference, edges)
    tv = sum(abs(one.get(cell, 0) - other.get(cell, 0)) for cell in one.keys() | other.keys()) / 2
    energy = statistics.fmean((a - b) ** 2 for a, b in zip(log_target(points), log_target(reference)))
    words = [os.path.join(folder, "transport")]
    for name, sample in (("x", points), ("y", reference)):
        words.append(os.path.join(folder, name))
        with open(words[-1], "wb") as file:  # a random order: the first are the subset
            array.array("d", [c for point in source.sample(sample, len(sample)) for c in point]).tofile(file)
    result = subprocess.run(words + [str(subset)], check=True, capture_output=True, text=True)
    mmd, w1, w2 = map(float, result.stdout.split())
    return [energy, mmd, tv, w1, w2]


def sample(sampler, noise, seed):
    """Equally weighted samples: the last resampling is kacc's."""
    path = os.path.join(folder, "x.npy")
    subprocess.run([kacc, "run", os.path.join(folder, "modes.dsl"), "--sampler", sampler, "--seed", str(seed), "--set",
                    "noise=%.17g" % math.sqrt(noise), "--quiet", "-o", path], check=True)
    with open(path, "rb") as file:
        file.seek(8)
        file.seek(10 + int.from_bytes(file.read(2), "little"))
        values = array.array("f")
        values.frombytes(file.read())
    return list(zip(values[::2], values[1::2]))


def show(name, runs, wanted):
    for column, (value, spread) in enumerate(wanted):
        seen = [run[column] for run in runs]
        own = statistics.stdev(seen)
        used = spread or math.hypot(own, 0.0005 / math.sqrt(3))  # without one ours, and the rounding of the table
        print("%-16s %-4s measured %8.4f  table %7.4f  sd %7.4f %-7s  distance %5.2f sd" %
              (name, columns[column], statistics.fmean(seen), value, used, "" if spread else "(ours)",
               (statistics.fmean(seen) - value) / used), flush=True)


with tempfile.TemporaryDirectory(prefix="kac-table-") as folder:
    with open(os.path.join(folder, "modes.dsl"), "w") as file:
        file.write(program)
    write_npy(os.path.join(folder, "centers.npy"), (40, 2), numbers)
    subprocess.run(["cc", "-std=c11", "-O3", "-march=native", "-ffast-math", os.path.join(here, "transport.c"), "-o",
                    os.path.join(folder, "transport"), "-lm"], check=True)
    means, cumulated = cube()
    source = random.Random(1)
    references = [exact(source) for _ in range(seeds)]
    show("exact draws", [compare(exact(source), reference, source) for reference in references],
         [(value, None) for value in floor])
    for name, sampler, noise, wanted in rows:
        show(name, [compare(sample(sampler, noise, seed), reference, source) for seed, reference in enumerate(references)],
             wanted)
