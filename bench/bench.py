# Measures what design promises as ratios on this machine: the folder of kacc in, one line a measurement out. What is compared
# runs in turn and the shortest run of each counts; opponents that are not installed are named and left out.
import array
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(here)
kacc = os.path.join(os.path.abspath(sys.argv[1]), "kacc")
quick = "--quick" in sys.argv[2:]
repeats, particles, steps = (3, 20_000, 200) if quick else (5, 100_000, 1000)
annealing = os.path.join(root, "examples", "annealing", "annealing.dsl")
programs = os.path.join(root, "tests", "programs")
threads = os.cpu_count()
folder = tempfile.mkdtemp(prefix="kac-bench-")
environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(folder, "cache"))
hand_flags = "-std=c++20 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -pthread".split()


evidence = {}  # log Z of the last run of each side: both must have done the same work


def call(*command, **options):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, env=environment, **options)


def wall(*command):
    start = time.perf_counter()
    call(*command)
    return time.perf_counter() - start


def forget():
    shutil.rmtree(environment["XDG_CACHE_HOME"], ignore_errors=True)


def row(work, seen, bar="-", goal="-"):
    print("%-66s %12s   bar %-12s goal %s" % (work, seen, bar, goal), flush=True)


def best(measure):
    """The shortest of several: what the machine can do when nothing else runs."""
    return min(measure() for _ in range(repeats))


def in_turn(*measures):
    """The shortest of several runs of each, all within the same minutes; each part of a tuple by itself."""
    for measure in measures:
        measure()  # compiles
    runs = [[measure() for measure in measures] for _ in range(repeats)]
    return [tuple(map(min, zip(*column))) for column in zip(*runs)]


def processor_time():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ran(program, *options):
    """Seconds of a run, and of processor time (with what loading the compiled program takes)."""
    path = os.path.join(folder, "report.json")
    before = processor_time()
    call(kacc, "run", program, "--quiet", "--report", path, *options)
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    assert report["non_finite"] == 0 and not report["partial"]
    evidence["ours"] = report["log_z"], report["log_z_se"]
    return report["seconds_run"], processor_time() - before


def by_hand(name):
    """A hand-written program of this folder, as a function of its arguments; none where there is no compiler."""
    compiler = os.environ.get("CXX", "c++")
    if not shutil.which(compiler):
        print("  %s is not installed" % compiler)
        return None
    binary = os.path.join(folder, name)
    call(compiler, *hand_flags, os.path.join(here, name + ".cpp"), "-o", binary)

    def run(*arguments, **options):
        result = json.loads(call(binary, *arguments, **options).stdout)
        evidence["theirs"] = result["log_z"]
        return result["seconds"], result["cpu"]

    return run


def against(name, size, ours, theirs, bar, goal):
    """Rows of one program of ours and its hand-written opponent; how long ours took."""
    if not theirs:
        (seconds, _), = in_turn(ours)
        row("%s: ns a particle-step" % name, "%.2f" % (seconds / size))
        return seconds
    (seconds, processor), (hand, hand_processor) = in_turn(ours, theirs)
    row("%s: ns a particle-step" % name, "%.2f" % (seconds / size))
    row("  against hand-written C++ (%.2f ns)" % (hand / size), "%.2fx" % (seconds / hand), bar, goal)
    row("  the same in processor time (%.2f, %.2f ns)" % (processor / size, hand_processor / size),
        "%.2fx" % (processor / hand_processor), bar, goal)
    (log_z, error), other = evidence["ours"], evidence["theirs"]
    assert abs(log_z - other) <= 6 * 2 ** 0.5 * error, "log Z %.4f +- %.4f here, %.4f there" % (log_z, error, other)
    return seconds


def filtered():
    program = os.path.join(programs, "08-particle-filter.dsl")
    with open(os.path.join(programs, "observations.npy"), "rb") as file:
        seen = array.array("d", file.read()[-800:])
    hand = by_hand("filter")
    for count in sorted({1, threads}):
        against("particle filter, %d x %d, threads %d" % (particles, len(seen), count), particles * len(seen) * 1e-9,
                lambda: ran(program, "-n", particles, "--threads", count),
                hand and (lambda: hand(particles, count, input=" ".join(map(str, seen)))), "<= 2x", "<= 1.2x")


def with_drift(drift):
    """The example with a drift that it names."""
    program = os.path.join(folder, drift + ".dsl")
    with open(annealing, encoding="utf-8") as example, open(program, "w", encoding="utf-8") as file:
        file.write(example.read().replace("sampler annealed {", "sampler annealed {\n  drift = " + drift))
    shutil.copy(os.path.join(os.path.dirname(annealing), "centers.npy"), folder)
    return program


def annealed():
    hand = by_hand("annealing")
    size = particles * steps * 1e-9
    for drift, program in (("summed", with_drift("summed")), ("centroid", annealing)):
        for count in sorted({1, threads}):
            ours = against("annealing, %s, %d x %d, threads %d" % (drift, particles, steps, count), size,
                           lambda: ran(program, "-n", particles, "--steps", steps, "--threads", count),
                           hand and (lambda: hand(particles, steps, count, 1, drift)), "<= 2x", "<= 1.2x")
    for peer in ("numpy", "jax", "torch"):
        script = os.path.join(here, "annealing_%s.py" % peer)
        if subprocess.run([sys.executable, "-c", "import " + peer], capture_output=True).returncode:
            print("  %s is not installed" % peer)
            continue
        for line in call(sys.executable, "-B", script, particles, steps).stdout.splitlines():
            result = json.loads(line)
            row("  %s (%.0f ns)" % (result["name"], result["seconds"] / size), "%.0fx faster" % (result["seconds"] / ours),
                ">= 4x tuned, >= 20x as written")


def rewritten():
    """The library written differently, and what derive chooses written out: a compiler does not notice. Processor time,
    since all runs are on one thread."""
    library, other = os.path.join(root, "dsl", "prelude"), os.path.join(folder, "prelude")
    shutil.copytree(library, other)
    shutil.copytree(os.path.join(root, "tests", "rewrite", "prelude"), other, dirs_exist_ok=True)
    options = ("--threads", 1, "-n", 20_000, "--steps", steps)

    def compared(name, ours, theirs):
        (_, ours), (_, theirs) = in_turn(lambda: ran(*ours), lambda: ran(*theirs))
        row("%s (%.0f ms)" % (name, 1e3 * ours), "%.2fx" % (theirs / ours), "<= 1.3x", "<= 1.0x")

    for name, size in {"01-annealing": options, "02-product": options, "04-reward": options,
                       "08-particle-filter": (*options[:3], 100_000), "33-scale-mixture": (*options[:3], 1_000_000)}.items():
        program = os.path.join(programs, name + ".dsl")
        compared("another library, " + name, (program, "--prelude", library, *size), (program, "--prelude", other, *size))
    compared("the drift that derive chooses, chosen by name", (annealing, *options), (with_drift("centroid"), *options))


def started():
    command = (kacc, "run", annealing, "--quiet", "-n", 1000, "--steps", 100, "-o", os.path.join(folder, "x.npz"))

    def cold():
        forget()
        return wall(*command)

    row("program to first samples, 1000 x 100, nothing cached", "%.3f s" % best(cold), "<= 1 s", "<= 0.3 s")
    row("  the same, cached", "%.3f s" % best(lambda: wall(*command)), "<= 0.1 s", "<= 0.05 s")


def remembered():
    path = os.path.join(folder, "report.json")
    options = ("-n", 1_000_000, "--steps", 10, "--quiet", "--report", path)
    call(kacc, "run", annealing, *options)  # compiles: that is not counted
    call(kacc, "run", annealing, *options)
    with open(path, encoding="utf-8") as file:
        row("memory, 1 000 000 particles in two dimensions", "%.1f MB" % (json.load(file)["bytes_peak"] / 1e6), "<= 100 MB", "<= 40 MB")


def built():
    def build(program):
        forget()
        return wall(kacc, "build", program, "-o", os.path.join(folder, "library"))

    examples = os.path.join(root, "examples")
    for at, _, files in sorted(os.walk(examples)):
        for program in sorted(file for file in files if file.endswith(".dsl")):
            path = os.path.join(at, program)
            row("kacc build %s, cold" % os.path.relpath(path, examples), "%.2f s" % best(lambda: build(path)), "<= 3 s", "<= 1 s")
    forget()
    told = call(kacc, "build", annealing, "-o", os.path.join(folder, "library"), "--time")
    for line in (told.stderr + told.stdout).splitlines():
        if line.endswith(" ms"):
            stage, milliseconds, _ = line.rsplit(None, 2)
            row("  annealing: %s" % stage, milliseconds + " ms")


try:
    for measure in (filtered, annealed, rewritten, started, remembered, built):
        measure()
except subprocess.CalledProcessError as error:
    print(error.stderr or error.stdout or error, file=sys.stderr)
    sys.exit(1)
finally:
    shutil.rmtree(folder, ignore_errors=True)
