# Targets, drifts and noises in; of the weight that `kacc explain` prints: which densities, values of rewards, time
# derivatives, divergences and scores along x are left in it, where the rest of what the definition names cancels.
import os, re, subprocess, sys, tempfile

root, binaries = sys.argv[1], sys.argv[2]
if not os.path.isdir(os.path.join(binaries, "bin")):
    binaries = os.path.dirname(binaries)
kacc = os.path.join(binaries, "bin", "kacc")

MODELS = """process vp = variance_preserving(beta_min = 0.1, beta_max = 20)
process ve = variance_exploding(sigma_min = 0.01, sigma_max = 10)
param w : real = 0.5
model a = vp with data = mixture([normal(-2, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3])
model b = vp with data = normal(2, 0.6)
model c = vp with data = normal(0, 2)
model e = ve with data = mixture([normal(-2, 0.5), normal(1.5, 0.8)], weights = [0.7, 0.3])
fn r(x : real) -> real = -(x - 1)^2 / 1.6
fn moving(x : real, t : real) -> real = -(x - t)^2 / 1.6
"""
# What may cancel: evaluations and derivatives of their own, and scores along x. Other products of scores and gradients,
# which the drift has anyhow, are not looked for.
PARTS = re.compile(r"\w+\.logp\(|\br\(|\bmoving\(|\bjvp\(|\bdiv\(\w+(?:\.\w+)?|\bx \* \w+\.score")
GRADIENT = re.compile(r"\bgrad\((?:[^()]|\([^()]*\))*\)")
A, B, E, ALONG_A, ALONG_B = "div(a.score", "div(b.score", "div(e.score", "x * a.score", "x * b.score"
ROWS = [
    # one model
    ("target = a", set()),
    ("target = a; diffusion(t) = 0", set()),
    ("target = a^3", {A}),
    ("target = e^3", {E}),
    ("target = e^w", {E}),
    ("target(t) = a^(0.5 + t)", {"a.logp(", A}),
    ("target(t) = e^(1 + 2 * t)", {"e.logp(", E}),
    ("target = a^3; drift = summed", {ALONG_A}),
    ("target = a^3; drift = reverse", set()),
    ("target = a^3; diffusion(t) = 1", {A}),
    # products and quotients
    ("target = a * b", {A, B}),
    ("target = a^w * b", {A, B}),
    ("target = a * b; drift = summed", {ALONG_A, ALONG_B}),
    ("target = a * b / c", set()),
    ("target = (a * b)^2 / b^2", {A}),
    ("target = a^(-1.5) * b^2.5", set()),
    ("target = a^(1 - w) * b^w", set()),
    ("target = a^(1 - w) * b^w; diffusion(t) = sqrt(3) * vp.diffusion(t)", set()),
    ("target(t) = a^t * b^(1 - t)", {"a.logp(", "b.logp("}),
    # rewards by name
    ("target = a * exp(r)", set()),
    ("target = a * exp(r)^w", set()),
    ("target(t) = a * exp(r)^t", {"r("}),
    ("target(t) = e * exp(r)^t", {"r("}),
    ("target(t) = a * b / c * exp(r)^(t^2)", {"r("}),
    ("target(t) = a^3 * exp(r)^t", {A, "r("}),
    ("target(t) = a^3 * exp(r)^t; drift = summed", {ALONG_A, "r("}),
    ("target(t) = a * exp(r)^(-t) * exp(r)^t", set()),
    ("target(t) = e * exp(f(x) = t * r(x))", {"r("}),
    ("target(t) = e * exp(f(x) = moving(x, t))", {"jvp(", "moving("}),
    # drifts of one's own
    ("target = a; drift(x, t) = centroid(x, t) + 0.3 * x", {ALONG_A}),
    ("target(t) = a * exp(f(x) = -x^2)", set()),
    ("target(t) = a * exp(f(x) = -x^2)^t", set()),
    ("target(t) = e * exp(f(x) = -x^2)^t", set()),
    ("target(t) = a * normal(t, 1)", set()),
]
# Right by their numbers, which other tests judge; what is left in their formulas is shown alone.
SHOWN = [
    "target = a * exp(normal(0, 1).logp)",
    "target = a; drift(x, t) = vp.slope(t) * x",
]


def weight(text):
    path = os.path.join(place, "program.dsl")
    with open(path, "w") as file:
        file.write(MODELS + "sampler s { %s; steps = 10 }\n" % text)
    said = subprocess.run([kacc, "explain", path], check=True, capture_output=True, text=True).stdout
    return re.search(r"^  weight +(.*)$", said, re.M)[1]


failed = False
with tempfile.TemporaryDirectory() as place:
    os.environ["XDG_CACHE_HOME"] = place
    for text, wanted in ROWS + [(text, None) for text in SHOWN]:
        found = weight(text)
        left = set(PARTS.findall(GRADIENT.sub("gradient", found)))
        good = wanted is None or left == wanted
        print(text, "leaves", sorted(left), "" if good else "and not %s" % sorted(wanted), "\n  ", found)
        failed |= not good
sys.exit(failed)
