# The programs and examples/embed-c in: the application builds against the library in C and C++, by hand and through
# find_package(Kac), with warnings as errors, and runs; both ways give the same numbers.
import os
import re
import subprocess
import sys
import tempfile

root, programs = sys.argv[1], sys.argv[2]
example = os.path.join(root, "examples", "embed-c")


def run(*words, **more):
    result = subprocess.run(words, text=True, capture_output=True, timeout=900, **more)
    if result.returncode:
        sys.exit("%s ended with %d:\n%s%s" % (" ".join(words), result.returncode, result.stdout, result.stderr))
    return result.stdout


with tempfile.TemporaryDirectory() as folder:
    run(os.path.join(programs, "kacc"), "build", os.path.join(root, "examples", "annealing", "annealing.dsl"), "-o", folder)
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", folder]
    archive, link = os.path.join(folder, "libannealing.a"), ["-lm", "-pthread"]
    outputs = []
    for name, words in (("static", [archive, *link]), ("shared", ["-L", folder, "-lannealing", "-Wl,-rpath," + folder, "-lm"])):
        program = os.path.join(folder, name)
        run("gcc", "-std=c11", *strict, os.path.join(example, "main.c"), "-o", program, *words)
        outputs.append(run(program))
    unit = os.path.join(folder, "header.cpp")
    with open(unit, "w") as file:
        file.write('#include "annealing.h"\nint main() { return annealing_abi_version() ? 0 : 1; }\n')
    run("g++", "-std=c++17", *strict, unit, archive, *link, "-o", os.path.join(folder, "cpp"))
    run(os.path.join(folder, "cpp"))

    # As an installed Kac offers it.
    prefix, build = os.path.join(folder, "prefix"), os.path.join(folder, "build")
    run("cmake", "--install", os.path.dirname(programs), "--prefix", prefix)
    run("cmake", "-S", example, "-B", build, "-DCMAKE_PREFIX_PATH=" + prefix)
    run("cmake", "--build", build)
    outputs.append(run(os.path.join(build, "embed")))

    if len(set(outputs)) != 1 or not re.match(r"log Z  -?\d+\.\d+ \+- \d", outputs[0]):
        sys.exit("the applications printed\n%s" % "\n".join(outputs))
