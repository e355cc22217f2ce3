# The repository in, the C and C++ files that clang-format would lay out otherwise out. `make format` puts them right.
import os
import subprocess
import sys

root = sys.argv[1]
sources = []
for folder in ("dsl", "compiler", "runtime", "tests", "bench", "examples"):
    for place, inner, names in os.walk(os.path.join(root, folder)):
        sources += sorted(os.path.join(place, name) for name in names if name.endswith((".cpp", ".h", ".c")))
result = subprocess.run(["clang-format", "--dry-run", "-Werror", *sources], capture_output=True, text=True)
files = {line.split(":")[0] for line in result.stderr.splitlines() if "error:" in line}
for path in sorted(files):
    print("%s: `make format` would change it" % os.path.relpath(path, root))
sys.exit(result.returncode)
