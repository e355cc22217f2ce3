# The library written differently (tests/rewrite/prelude over a copy of it): log Z, samples, log weights and monitors of
# five programs are the same to rounding, lineage by lineage.
import array, ast, json, os, shutil, struct, subprocess, sys, tempfile, zipfile

root, binaries = sys.argv[1], sys.argv[2]
if not os.path.isdir(os.path.join(binaries, "bin")):
    binaries = os.path.dirname(binaries)
kacc = os.path.join(binaries, "bin", "kacc")
prelude = os.path.join(root, "dsl", "prelude")
source = os.path.join(root, "tests", "programs")
programs = {"01-annealing": ["-n", "1000", "--steps", "20"], "02-product": ["--steps", "50"], "04-reward": ["--steps", "50"],
            "08-particle-filter": ["-n", "1000"], "33-scale-mixture": ["-n", "1000"]}
# Rounding alone: 1e-16 an operation, some thousand of them a lineage. A draw of a resampling that lies within that of
# the border of two lineages could hand on the other one; with this seed none does.
rounding = 1e-10


def numbers(path):
    """The arrays of doubles of an .npz by name, and their shapes."""
    found = {}
    with zipfile.ZipFile(path) as file:
        for name in file.namelist():
            content = file.read(name)
            length = struct.unpack("<H", content[8:10])[0]
            head = ast.literal_eval(content[10:10 + length].decode())
            assert head["descr"] == "<f8" and not head["fortran_order"], head
            found[name] = head["shape"], array.array("d", content[10 + length:])
    return found


def run(name, options, library, place):
    report, samples = os.path.join(place, "report.json"), os.path.join(place, "samples.npz")
    subprocess.run([kacc, "run", os.path.join(source, name + ".dsl"), "--prelude", library, "--quiet", "--seed", "3", "--f64",
                    "--report", report, "-o", samples] + options, check=True, capture_output=True)
    with open(report) as file:
        said = json.load(file)
    assert said["non_finite"] == 0
    return {"log Z": ((), [said["log_z"]]), **numbers(samples)}, said["resamplings"]


with tempfile.TemporaryDirectory() as place:
    os.environ["XDG_CACHE_HOME"] = place
    other = os.path.join(place, "prelude")
    shutil.copytree(prelude, other)
    for file in os.listdir(os.path.join(root, "tests", "rewrite", "prelude")):
        shutil.copy(os.path.join(root, "tests", "rewrite", "prelude", file), other)
    failed, resampled = False, 0
    for name, options in programs.items():
        (ours, often), (theirs, as_often) = run(name, options, prelude, place), run(name, options, other, place)
        assert often == as_often and ours.keys() == theirs.keys() and {"x.npy", "log_weight.npy"} <= ours.keys()
        resampled += often
        for part, (shape, a) in ours.items():
            assert theirs[part][0] == shape, part
            # Written so that a NaN counts as different.
            apart = [abs(x - y) / (1 + abs(x)) for x, y in zip(a, theirs[part][1])]
            different = sum(not d <= rounding for d in apart)
            print(name, part, "differs by at most %.1e;" % max(apart), different, "of", len(apart), "differ by more than rounding")
            failed |= different > 0
    assert resampled > 0
    sys.exit(failed)
