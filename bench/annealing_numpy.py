# The annealing benchmark as a user of NumPy writes it: particles and steps in, a line of JSON out.
import json
import sys
import time

import numpy as np

particles, steps = int(sys.argv[1]), int(sys.argv[2])
power = 3.0
generator = np.random.MT19937()
generator._legacy_seeding(0)
words = generator.random_raw(80)
centers = (((words & 0xFFFFFF) / 2**24 - 0.5) * 80).reshape(40, 2).astype(np.float32)


def moments(x, variance):
    """Score of the noised mixture and its divergence."""
    d = centers[None] - x[:, None]
    logits = -(d * d).sum(-1) / (2 * variance)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    mean = (weights[..., None] * d).sum(1)
    square = (weights * (d * d).sum(-1)).sum(1)
    return mean / variance, ((square - (mean * mean).sum(-1)) / variance - 2) / variance


def run(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 2), dtype=np.float32) * np.float32(60 / np.sqrt(power))
    log_weight = np.zeros(n)
    ratio, dt = np.log(6000.0), 1 / steps
    for step in range(steps):
        w = np.exp(log_weight - log_weight.max())
        w /= w.sum()
        if 1 / (w * w).sum() < 0.5 * n:
            places = (np.arange(n) + rng.random()) / n
            x, log_weight = x[np.minimum(np.searchsorted(np.cumsum(w), places), n - 1)], np.zeros(n)
        sigma2 = 0.01**2 * np.exp(2 * ratio * (1 - step * dt))
        g2 = 2 * sigma2 * ratio
        score, divergence = moments(x, np.float32(1 + sigma2))
        log_weight -= 0.5 * (power - 1) * g2 * dt * divergence
        noise = rng.standard_normal((n, 2), dtype=np.float32)
        x = x + np.float32(0.5 * (1 + power) * g2 * dt) * score + np.float32(np.sqrt(g2 * dt)) * noise
    return x


start = time.perf_counter()
run(particles, 1)
print(json.dumps({"name": "NumPy, closed form", "seconds": time.perf_counter() - start}))
