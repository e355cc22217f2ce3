# README.md and docs/*.md in, what they say wrongly out: each `kac` block is compiled and its samplers run for a few steps,
# each `$ command` of a `console` block is run and what it prints compared, each quoted file and printed table compared.
#
# Before a block, `<!-- file: PATH -->` says that it is that file, `<!-- printed: COMMAND -->` that it is what the command
# prints. In printed output `...` stands for anything, and numbers may differ by a twentieth.
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

root, programs = sys.argv[1], sys.argv[2]
faults, judged = [], {}
environment = dict(os.environ, NO_COLOR="1", PATH=programs + os.pathsep + os.environ["PATH"])
NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"


def run(command, folder):
    return subprocess.run(command, shell=True, cwd=folder, env=environment, text=True, capture_output=True, timeout=600)


def blocks(text):
    """(line, what the comment before says, language, contents)"""
    pattern = r"(?:^<!-- *(file|printed): *(.*?) *-->\n)?(?:^```(\w*)\n(.*?)^```$|((?:^\|[^\n]*\n)+))"
    for match in re.finditer(pattern, text, re.M | re.S):
        kind, argument, language, fenced, table = match.groups()
        yield text.count("\n", 0, match.start()) + 1, (kind, argument), language, fenced if fenced is not None else table


def alike(wanted, got):
    pieces = wanted.split("...")
    for i, piece in enumerate(pieces):
        pieces[i] = re.escape(re.sub(NUMBER, "\0", piece)).replace("\0", "(%s)" % NUMBER)
    match = re.fullmatch(r"[\s\S]*?".join(pieces), got)
    if not match:
        return False
    numbers = re.findall(NUMBER, wanted.replace("...", " "))
    return all(abs(float(a) - float(b)) <= 0.05 * max(abs(float(a)), 0.01) for a, b in zip(numbers, match.groups()))


def console(text, folder):
    """The commands of a block, each with what it should print."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, wanted = part.partition("\n")
        result = run(command, folder)
        got = result.stdout + result.stderr
        if not alike(wanted.strip(), got.strip()):
            yield "`%s` printed (status %d)\n%s\nin place of\n%s" % (command, result.returncode, got, wanted)


def program(text, folder):
    path = os.path.join(folder, "block.dsl")
    with open(path, "w") as file:
        file.write(text)
    samplers = re.findall(r"^sampler (\w+) *[{=]", text, re.M)
    commands = ["kacc check block.dsl", "kacc test block.dsl"]
    commands += ["kacc run block.dsl --sampler %s -n 64 --quiet" % name for name in samplers]
    for command in commands:
        result = run(command, folder)
        if result.returncode:
            yield "`%s` ended with %d:\n%s" % (command, result.returncode, result.stdout + result.stderr)


pages = [os.path.join(root, "README.md")] + sorted(glob.glob(os.path.join(root, "docs", "*.md")))
with tempfile.TemporaryDirectory() as folder:
    environment["XDG_CACHE_HOME"] = os.path.join(folder, "cache")
    shutil.copytree(os.path.join(root, "examples"), os.path.join(folder, "examples"))
    for data in glob.glob(os.path.join(root, "examples", "*", "*.npy")):
        shutil.copy(data, folder)
    for page in pages:
        for line, (kind, argument), language, text in blocks(open(page, encoding="utf-8").read()):
            found = []
            sort = kind or language
            judged[sort] = judged.get(sort, 0) + 1
            if kind == "file" and open(os.path.join(root, argument), encoding="utf-8").read() != text:
                found.append("is not %s" % argument)
            elif kind == "printed" and run(argument, root).stdout.strip() != text.strip():
                found.append("is not what `%s` prints" % argument)
            elif kind is None and language == "kac":
                found += program(text, folder)
            elif language == "console":
                found += console(text, folder)
            for fault in found:
                faults.append("%s:%d: %s" % (os.path.relpath(page, root), line, fault))

# So that a block that is no longer seen as one is missed.
for sort, least in (("file", 1), ("printed", 1), ("kac", 5), ("console", 1)):
    if judged.get(sort, 0) < least:
        faults.append("%d blocks of sort %s were found" % (judged.get(sort, 0), sort))
print("\n".join(faults))
sys.exit(1 if faults else 0)
