# The library and five programs with every declaration renamed but kinds and their fields: the same code is compiled, and
# the same bits come out.
import os, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rename import library_names  # noqa: E402

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


def code(folder, library, name, old_names):
    """The lines of the compiled code, data and labels included. New names may stand in texts of messages alone, where
    they become the old ones again; what then says how long a text is, is left out."""
    made = subprocess.run([kacc, "--emit=asm", os.path.join(folder, name + ".dsl"), "--prelude", library], check=True,
                          capture_output=True, text=True).stdout
    lines = [line for line in made.splitlines() if not re.match(r"\s*\.size\s", line)]
    line_alone = lambda line: re.sub(r"(\.dsl:\d+):\d+(: E\d+)", r"\1\2", line)  # names before it have other lengths
    return [re.sub("`(entry_\\d+)`", lambda found: "`" + old_names[found[1]] + "`", line_alone(line))
            if re.match(r"\s*\.asciz\s", line) else line for line in lines]


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
    old_names = {f"entry_{number}": name for number, name in enumerate(library_names(
        {file: open(os.path.join(prelude, file)).read() for file in sorted(os.listdir(prelude))}))}
    for name in programs:
        ours = code(source, prelude, name, old_names)
        theirs = code(renamed, os.path.join(place, "prelude"), name, old_names)
        assert len(ours) > 1000, name + " has no code"
        apart = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]]
        print(name, len(ours), "and", len(theirs), "lines of code; first differences:", apart[:3])
        if apart or len(ours) != len(theirs):
            different.append(name)
    sys.exit(bool(different))
