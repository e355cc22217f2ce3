# The annealing benchmark as users of PyTorch write it: particles and steps in, a line of JSON for each way out.
import json
import sys
import time

import numpy as np
import torch

particles, steps = int(sys.argv[1]), int(sys.argv[2])
power = 3.0
generator = np.random.MT19937()
generator._legacy_seeding(0)
words = generator.random_raw(80)
centers = torch.tensor((((words & 0xFFFFFF) / 2**24 - 0.5) * 80).reshape(40, 2), dtype=torch.float32)
ratio = float(np.log(6000.0))


def by_gradient(x, variance):
    x = x.detach().requires_grad_(True)
    d = x[:, None] - centers[None]
    logp = torch.logsumexp(-(d * d).sum(-1) / (2 * variance), dim=1)
    (score,) = torch.autograd.grad(logp.sum(), x, create_graph=True)
    divergence = sum(torch.autograd.grad(score[:, k].sum(), x, retain_graph=True)[0][:, k] for k in range(2))
    return score.detach(), divergence.detach()


def by_formula(x, variance):
    d = centers[None] - x[:, None]
    weights = torch.softmax(-(d * d).sum(-1) / (2 * variance), dim=1)
    mean = (weights[..., None] * d).sum(1)
    square = (weights * (d * d).sum(-1)).sum(1)
    return mean / variance, ((square - (mean * mean).sum(-1)) / variance - 2) / variance


def run(moments, seed):
    torch.manual_seed(seed)
    x, w = torch.randn(particles, 2) * (60 / power**0.5), torch.zeros(particles, dtype=torch.float64)
    dt = 1 / steps
    for step in range(steps):
        p = torch.softmax(w, 0)
        if 1 / (p * p).sum() < 0.5 * particles:
            places = (torch.arange(particles) + torch.rand(())) / particles
            x, w = x[torch.searchsorted(p.cumsum(0), places.double()).clamp(max=particles - 1)], torch.zeros_like(w)
        sigma2 = 0.01**2 * float(np.exp(2 * ratio * (1 - step * dt)))
        g2 = 2 * sigma2 * ratio
        score, divergence = moments(x, 1 + sigma2)
        w = w - 0.5 * (power - 1) * g2 * dt * divergence
        x = x + 0.5 * (1 + power) * g2 * dt * score + (g2 * dt) ** 0.5 * torch.randn_like(x)
    return x


for name, moments in (("PyTorch, autograd", by_gradient), ("PyTorch, closed form", by_formula),
                      ("torch.compile, closed form", torch.compile(by_formula))):
    run(moments, 1) if "compile" in name else None
    start = time.perf_counter()
    run(moments, 2)
    print(json.dumps({"name": name, "seconds": time.perf_counter() - start}), flush=True)
