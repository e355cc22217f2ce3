# The repository in, what breaks the rules of its layout out: sizes, first lines, directions of includes, names of passes,
# codes of messages, prelude names in the compiler. Ends with 1 if anything does.
import os
import re
import sys

root = sys.argv[1]
faults = []
SOURCES = (".cpp", ".h", ".c", ".td", ".def", ".dsl", ".py", ".sh", ".cmake")


def files(*folders, endings=SOURCES):
    for folder in folders:
        for place, inner, names in os.walk(os.path.join(root, folder)):
            inner[:] = sorted(d for d in inner if not d.startswith((".", "build", "__")))
            for name in sorted(names):
                if name.endswith(endings):
                    path = os.path.relpath(os.path.join(place, name), root)
                    yield path, open(os.path.join(root, path), encoding="utf-8").read()


def fault(path, text):
    faults.append("%s: %s" % (path, text))


OURS = ("dsl", "compiler", "runtime", "tests", "examples", "bench", "cmake")

for path, text in files(*OURS):
    lines = text.splitlines()
    if len(lines) > 600:
        fault(path, "%d lines; 600 are the most" % len(lines))
    first = next((line for line in lines if not line.startswith("#!")), "")
    program = path.startswith("tests" + os.sep) and path.endswith(".dsl")
    if not program and not re.match(r'(//|/\*|#) ?\S|"""', first):
        fault(path, "does not open with a sentence that says what comes in and what goes out")
    if path.endswith(".h") and not re.search(r"#pragma once|#ifndef \w+_H\b", text):
        fault(path, "a header without a guard")
    if re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b", text):
        fault(path, "a loose end")
    if re.search(r"(^|[_/])(utils?|helpers?|common|misc|manager)(\.|$)", path, re.I):
        fault(path, "a name that says nothing")

# Who may include what: a folder, and the beginnings of the quoted names that it may not include.
CLOSED = {
    "dsl": ("compiler/", "runtime/", "tests/", "mlir/", "llvm/"),
    "runtime": ("compiler/", "dsl/", "tests/", "mlir/", "llvm/"),
    "compiler": ("tests/",),
    os.path.join("tests", "oracle"): ("compiler/", "mlir/", "llvm/"),
}
for folder, forbidden in CLOSED.items():
    for path, text in files(folder, endings=(".cpp", ".h", ".c")):
        for name in re.findall(r'#include [<"]([^>"]+)[>"]', text):
            if name.startswith(forbidden):
                fault(path, "includes %s, which %s must not know" % (name, folder))
            if folder == "compiler" and name.startswith("runtime/") and not re.match(r"runtime/kac_(abi|runtime|run|status|cpu\.def)", name):
                fault(path, "includes %s; of the runtime it knows the interface alone" % name)

# A type of a header has a name that no other header has: two of one name in one program would be silently taken for one.
places = {}
for path, text in files("dsl", "compiler", endings=(".h",)):
    for name in re.findall(r"^(?:struct|class|enum class) (\w+)(?: final)?(?: :[^;]*)?(?: *\{|$)", text, re.M):
        places.setdefault(name, []).append(path)
for name, where in places.items():
    if len(set(where)) > 1:
        fault(where[1], "%s is also a type of %s" % (name, where[0]))

# A pass has one name in four spellings: record, file, argument, test.
records = os.path.join(root, "compiler", "passes", "Passes.td")
if os.path.exists(records):
    stages = "".join(text for _, text in files("tests", endings=(".mlir", ".test")))
    for record, argument in re.findall(r'def (\w+)\s*:\s*Pass<"([^"]+)"', open(records).read()):
        if argument != "kac" + re.sub(r"([A-Z])", lambda m: "-" + m.group(1).lower(), record):
            fault("compiler/passes/Passes.td", "%s is called %s" % (record, argument))
        if not os.path.exists(os.path.join(root, "compiler", "passes", record + ".cpp")):
            fault("compiler/passes/Passes.td", "%s has no file %s.cpp" % (record, record))
        if argument not in stages:
            fault("compiler/passes/Passes.td", "%s has no test" % argument)

# A code stands in the catalogue and is given by some line, or in neither.
catalogue = os.path.join(root, "dsl", "Diagnostics.def")
if os.path.exists(catalogue):
    rows = set(re.findall(r"^DIAGNOSTIC\((\w+)", open(catalogue, encoding="utf-8").read(), re.M))
    given = {}
    for path, text in files("dsl", "compiler", "runtime", endings=(".cpp", ".c", ".h")):
        for code in re.findall(r'"([EW]0\d{3})', re.sub(r"//.*", "", text)):
            given.setdefault(code, path)
    for code in sorted(rows - set(given)):
        fault("dsl/Diagnostics.def", "%s is given nowhere" % code)
    for code in sorted(set(given) - rows):
        fault(given[code], "gives %s, which has no row" % code)

# The compiler knows operations and kinds, and no other name of the library; these are words of its own that happen to be
# names there too: a rule of the grammar, and an operation of the model.
OWN = {"index", "select"}
names = set()
for path, text in files(os.path.join("dsl", "prelude"), endings=(".dsl",)):
    names |= set(re.findall(r"^\s*(?:density|process|fn|network|sampler|optimizer|train)\s+([a-z]\w{4,})", text, re.M))
for path, text in files("dsl", "compiler", endings=(".cpp", ".h", ".td")):
    for name in re.findall(r'"(\w+)"', "" if path.endswith(".td") else text):
        if name in names - OWN:
            fault(path, 'names "%s" of the library' % name)

for line in faults:
    print(line)
sys.exit(1 if faults else 0)
