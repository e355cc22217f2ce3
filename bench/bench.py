# Measures what design promises as ratios on this machine: the folder of kacc in, one line a measurement out. What others
# need of time is measured in the same run, where they are installed.
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(here)
kacc = os.path.join(os.path.abspath(sys.argv[1]), "kacc")
quick = "--quick" in sys.argv[2:]
repeats, particles, steps = (1, 20_000, 200) if quick else (5, 100_000, 1000)
annealing = os.path.join(root, "examples", "annealing", "annealing.dsl")
threads = os.cpu_count()
folder = tempfile.mkdtemp(prefix="kac-bench-")
environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(folder, "cache"))


def call(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def wall(*command):
    start = time.perf_counter()
    call(*command)
    return time.perf_counter() - start


def report(*options):
    path = os.path.join(folder, "report.json")
    call(kacc, "run", annealing, "--quiet", "--report", path, *map(str, options))
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def row(work, seen, bar, goal):
    print("%-58s %12s   bar %-12s goal %s" % (work, seen, bar, goal), flush=True)


def best(measure):
    """The shortest of several: what the machine can do when nothing else runs."""
    return min(measure() for _ in range(repeats))


def hand_written():
    binary = os.path.join(folder, "annealing")
    call(os.environ.get("CXX", "c++"), "-std=c++20", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math",
         "-ffp-contract=fast", "-pthread", os.path.join(here, "annealing.cpp"), "-o", binary)
    return lambda count: json.loads(call(binary, str(particles), str(steps), str(count)))["seconds"]


def annealed():
    by_hand = hand_written()
    for count in sorted({1, threads}):
        ours = best(lambda: report("-n", particles, "--steps", steps, "--threads", count)["seconds_run"])
        theirs = best(lambda: by_hand(count))
        size = particles * steps * 1e-9
        row("annealing, %d x %d, threads %d: ns a particle-step" % (particles, steps, count), "%.2f" % (ours / size), "-", "-")
        row("  against hand-written C++ (%.2f ns)" % (theirs / size), "%.2fx" % (ours / theirs), "<= 1.2x", "<= 1.0x")
    for peer in ("numpy", "jax", "torch"):
        script = os.path.join(here, "annealing_%s.py" % peer)
        if subprocess.run([sys.executable, "-c", "import " + peer], capture_output=True).returncode:
            print("  %s is not installed" % peer)
            continue
        for line in call(sys.executable, "-B", script, str(particles), str(steps)).splitlines():
            result = json.loads(line)
            row("  %s (%.0f ns)" % (result["name"], result["seconds"] / size), "%.0fx faster" % (result["seconds"] / ours),
                ">= 4x tuned, >= 20x as written", "-")


def started():
    shutil.rmtree(environment["XDG_CACHE_HOME"], ignore_errors=True)
    command = (kacc, "run", annealing, "--quiet", "-n", "1000", "--steps", "100", "-o", os.path.join(folder, "x.npz"))
    row("program to first samples, 1000 x 100, nothing cached", "%.3f s" % wall(*command), "<= 1 s", "<= 0.3 s")
    row("  the same, cached", "%.3f s" % best(lambda: wall(*command)), "<= 0.1 s", "<= 0.05 s")


def remembered():
    peak = report("-n", 1_000_000, "--steps", 10)["bytes_peak"]
    row("memory, 1 000 000 particles in two dimensions", "%.1f MB" % (peak / 1e6), "<= 100 MB", "<= 40 MB")


def built():
    for name in sorted(os.listdir(os.path.join(root, "examples"))):
        at = os.path.join(root, "examples", name)
        for program in sorted(os.listdir(at)) if os.path.isdir(at) else []:
            if program.endswith(".dsl"):
                def build():
                    shutil.rmtree(environment["XDG_CACHE_HOME"], ignore_errors=True)
                    return wall(kacc, "build", os.path.join(at, program), "-o", os.path.join(folder, "library"))
                row("kacc build %s/%s" % (name, program), "%.2f s" % best(build), "<= 3 s", "<= 1 s")


try:
    for measure in (annealed, started, remembered, built):
        measure()
except subprocess.CalledProcessError as error:
    print(error.stderr or error.stdout or error, file=sys.stderr)
    sys.exit(1)
finally:
    shutil.rmtree(folder, ignore_errors=True)
