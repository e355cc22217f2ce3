# Functions of the state and of time in; which of them `kacc check` warns of as jumping: those that do, and no others.
import os, subprocess, sys, tempfile

root, binaries = sys.argv[1], sys.argv[2]
if not os.path.isdir(os.path.join(binaries, "bin")):
    binaries = os.path.dirname(binaries)
kacc = os.path.join(binaries, "bin", "kacc")

MODELS = """model p = variance_exploding(0.01, 5) with data = mixture([normal(-1, 0.5), normal(2, 0.5)])
model q = variance_exploding(0.01, 5) with data = normal([0.0, 1.0], 0.5)
param k : real = 1
"""
# Of the state: a reward, and whether it jumps.
REWARDS = [
    ("if x > 0 { x + 1 } else { x }", True),
    ("if x > 0 { x } else { 0.1 * x }", False),
    ("if x^2 > 4 { 4 } else { x^2 }", False),
    ("if x^2 > 4 { 3 } else { x^2 }", True),
    ("if x > k { 2 * x } else { x + k }", False),
    ("if x > k { 2 * x } else { x + 1 }", True),
    ("if x > 0 { log(1 + x) } else { exp(x) - 1 }", False),
    ("if abs(x) < 1 { x^2 / 2 } else { abs(x) - 1 / 2 }", False),
    ("if x > -1 && x < 1 { 1 - x^2 } else { 0 }", False),
    ("if x > -1 && x < 1 { 1 - x^2 / 2 } else { 0 }", True),
    ("if x > 0 && x < 2 { x } else { 0 }", True),
    ("select(x > k, 1, 2)", True),
    ("if x > 0 { 2000000.5 } else { 2000000 }", True),
    ("floor(x)", True),
    ("if x > 300 { 1 } else { 0 }", True),
    ("tanh(x)", False),
]
VECTORS = [
    ("if x[0] > x[1] { x[0] - x[1] } else { 0 }", False),
    ("if x[0] > x[1] { x[0] } else { 0 }", True),
    ("if sum(x) > 1 { sum(x) } else { 1 }", False),
    ("if sum(x^2) > k { 1 } else { sum(x^2) / k }", False),
    ("if sum(x^2) > k { 2 } else { sum(x^2) / k }", True),
    ("max(x)", False),
    ("sum(if x[0] > 0 { x } else { [0, x[1]] })", False),
]
# Of time: a target's power.
POWERS = [
    ("if t > 0.5 { 1 } else { 0 }", True),
    ("if t > 0.5 { 2 * t - 1 } else { 0 }", False),
    ("floor(4 * t)", True),
    ("t^2", False),
]
ROWS = [("fn r(x : real) -> real = %s\nsampler s { target(t) = p * exp(r)^t }" % text, jumps) for text, jumps in REWARDS]
ROWS += [("fn r(x : real[2]) -> real = %s\nsampler s { target(t) = q * exp(r)^t }" % text, jumps) for text, jumps in VECTORS]
ROWS += [("sampler s { target(t) = p * exp(f(x) = -x^2)^(%s) }" % text, jumps) for text, jumps in POWERS]
ROWS += [("sampler s { target = p^2; diffusion(t) = if t > 0.5 { 1 } else { 2 } }", False),
         ("sampler s { target = p^2; drift(x, t) = centroid(x, t) + (if x > 0 { 1 } else { -1 }) }", True)]

failed = 0
with tempfile.TemporaryDirectory() as folder:
    program = os.path.join(folder, "model.dsl")
    for text, jumps in ROWS:
        with open(program, "w") as file:
            file.write(MODELS + text + "\n")
        said = subprocess.run([kacc, "check", program], capture_output=True, text=True)
        if said.returncode != 0 or ("W0407" in said.stderr) != jumps:
            failed += 1
            print(text, "should jump" if jumps else "should not jump", said.stderr, sep="\n")
print(len(ROWS), "rows,", failed, "failed")
sys.exit(failed > 0)
