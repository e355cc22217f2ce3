# The acceptance programs of the checker, and the library itself: every `test` that they declare holds.
import glob, os, subprocess, sys

root, binaries = sys.argv[1], sys.argv[2]
if not os.path.isdir(os.path.join(binaries, "bin")):
    binaries = os.path.dirname(binaries)
kacc = os.path.join(binaries, "bin", "kacc")
programs = sorted(glob.glob(os.path.join(root, "tests", "check", "programs", "*.dsl")))
assert len(programs) > 10
failed = 0
for program in [None] + programs:
    run = subprocess.run([kacc, "test"] + ([program] if program else []), capture_output=True, text=True)
    if run.returncode != 0:
        failed += 1
        print(program or "the library", run.stdout[-2000:], run.stderr[-2000:], sep="\n")
sys.exit(failed > 0)
