# One sign changed in a copy of the library that --prelude names: log Z or a mean is another one, by the same kacc; with
# the copy unchanged it is not.
import json, os, shutil, subprocess, sys, tempfile

root, binaries = sys.argv[1], sys.argv[2]
if not os.path.isdir(os.path.join(binaries, "bin")):
    binaries = os.path.dirname(binaries)
kacc = os.path.join(binaries, "bin", "kacc")
program = os.path.join(root, "tests", "programs", "02-product.dsl")
# The sign before the divergence of the rate, that before the noise's share of the drift, and that of the normal law's square.
changes = [("kinds.dsl", " + div(drift(x, t), x) + ", " - div(drift(x, t), x) + ", "log Z"),
           ("kinds.dsl", "velocity(x, t) / mass(t) + langevin(x, t)", "velocity(x, t) / mass(t) - langevin(x, t)", "mean"),
           ("normals.dsl", "logp(x : real) = -0.5 * ((x - mean) / sd)^2", "logp(x : real) = 0.5 * ((x - mean) / sd)^2", "log Z")]


def results(library, place):
    """log Z and the mean of the samples, each with its standard error. Without a folder: with the library of kacc."""
    report = os.path.join(place, "report.json")
    subprocess.run([kacc, "run", program, "--quiet", "--seed", "3", "--steps", "50", "--f64", "--report", report, "-o",
                    os.path.join(place, "samples.npz")] + (["--prelude", library] if library else []),
                   check=True, capture_output=True)
    with open(report) as file:
        said = json.load(file)
    return {"log Z": (said["log_z"], said["log_z_se"]),
            "mean": (said["monitors"]["mean"]["mean"], said["monitors"]["mean"]["se"])}


with tempfile.TemporaryDirectory() as place:
    os.environ["XDG_CACHE_HOME"] = place
    built_in = results(None, place)
    library = os.path.join(place, "prelude")
    shutil.copytree(os.path.join(root, "dsl", "prelude"), library)
    failed = results(library, place) != built_in
    print("unchanged:", built_in, "differs" if failed else "")
    for file, right, wrong, moved in changes:
        path = os.path.join(library, file)
        with open(path) as source:
            text = source.read()
        assert text.count(right) == 1, right
        with open(path, "w") as source:
            source.write(text.replace(right, wrong))
        there, (value, error) = results(library, place), built_in[moved]
        print(wrong, there)
        # Far outside the error bar of the right library; NaN does not count.
        failed |= not abs(there[moved][0] - value) > 10 * error
        with open(path, "w") as source:
            source.write(text)
    failed |= results(library, place) != built_in
    sys.exit(failed)
