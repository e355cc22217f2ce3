# The library and five programs with every declaration renamed but kinds and their fields: the same bits come out.
import os, shutil, subprocess, sys, tempfile

root, binaries = sys.argv[1], sys.argv[2]
if not os.path.isdir(os.path.join(binaries, "bin")):
    binaries = os.path.dirname(binaries)
kacc = os.path.join(binaries, "bin", "kacc")
prelude = os.path.join(root, "dsl", "prelude")
source = os.path.join(root, "tests", "programs")
programs = {"01-annealing": ["-n", "1000", "--steps", "20"], "02-product": ["--steps", "50"], "04-reward": ["--steps", "50"],
            "08-particle-filter": ["-n", "1000"], "33-scale-mixture": ["-n", "1000"]}


def samples(folder, library, out):
    results = {}
    for name, options in programs.items():
        program = os.path.join(folder, name + ".dsl")
        path = os.path.join(out, name + ".npz")
        subprocess.run([kacc, "run", program, "--prelude", library, "--quiet", "--seed", "3", "-o", path] + options,
                       check=True, capture_output=True)
        with open(path, "rb") as file:
            results[name] = file.read()
    return results


with tempfile.TemporaryDirectory() as place:
    os.environ["XDG_CACHE_HOME"] = place
    subprocess.run([sys.executable, "-B", os.path.join(root, "tests", "rename", "rename.py"), place, prelude] +
                   [os.path.join(source, name + ".dsl") for name in programs], check=True)
    renamed = os.path.join(place, "programs")
    for file in os.listdir(source):
        if file.endswith(".npy"):
            shutil.copy(os.path.join(source, file), renamed)
    for name in programs:
        with open(os.path.join(renamed, name + ".dsl")) as new, open(os.path.join(source, name + ".dsl")) as old:
            assert new.read() != old.read(), name + " was not renamed"
    ours, theirs = samples(source, prelude, place), samples(renamed, os.path.join(place, "prelude"), place)
    different = [name for name in programs if ours[name] != theirs[name]]
    print("different bits:", different)
    sys.exit(bool(different))
