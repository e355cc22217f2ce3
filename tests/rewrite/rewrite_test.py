# The library written differently (tests/rewrite/prelude over a copy of it): log Z of five programs is the same to rounding.
import json, os, shutil, subprocess, sys, tempfile

root, binaries = sys.argv[1], sys.argv[2]
if not os.path.isdir(os.path.join(binaries, "bin")):
    binaries = os.path.dirname(binaries)
kacc = os.path.join(binaries, "bin", "kacc")
prelude = os.path.join(root, "dsl", "prelude")
source = os.path.join(root, "tests", "programs")
programs = {"01-annealing": ["-n", "1000", "--steps", "20"], "02-product": ["--steps", "50"], "04-reward": ["--steps", "50"],
            "08-particle-filter": ["-n", "1000"], "33-scale-mixture": ["-n", "1000"]}


def evidence(name, options, library, place):
    report = os.path.join(place, "report.json")
    subprocess.run([kacc, "run", os.path.join(source, name + ".dsl"), "--prelude", library, "--quiet", "--seed", "3", "--f64",
                    "--report", report] + options, check=True, capture_output=True)
    with open(report) as file:
        found = json.load(file)
    assert found["non_finite"] == 0
    return found["log_z"]


with tempfile.TemporaryDirectory() as place:
    os.environ["XDG_CACHE_HOME"] = place
    other = os.path.join(place, "prelude")
    shutil.copytree(prelude, other)
    for file in os.listdir(os.path.join(root, "tests", "rewrite", "prelude")):
        shutil.copy(os.path.join(root, "tests", "rewrite", "prelude", file), other)
    failed = False
    for name, options in programs.items():
        ours, theirs = evidence(name, options, prelude, place), evidence(name, options, other, place)
        # Rounding alone: 1e-16 an operation, some thousand of them a lineage.
        close = abs(ours - theirs) <= 1e-8 * (1 + abs(ours))
        print(name, ours, theirs, "" if close else "differ")
        failed |= not close
    sys.exit(failed)
