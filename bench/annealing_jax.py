# The annealing benchmark as users of JAX write it: particles and steps in, a line of JSON for each way out. The time is that
# of a second run, so without compilation.
import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

particles, steps = int(sys.argv[1]), int(sys.argv[2])
power = 3.0
generator = np.random.MT19937()
generator._legacy_seeding(0)
words = generator.random_raw(80)
centers = jnp.asarray((((words & 0xFFFFFF) / 2**24 - 0.5) * 80).reshape(40, 2), jnp.float32)
ratio = float(np.log(6000.0))


def logp(x, variance):
    d = x - centers
    return jax.nn.logsumexp(-(d * d).sum(-1) / (2 * variance)) - jnp.log(40 * 2 * jnp.pi * variance)


def by_gradient(x, variance):
    score = jax.grad(logp)
    return jax.vmap(lambda y: (score(y, variance), jnp.trace(jax.jacfwd(score)(y, variance))))(x)


def by_formula(x, variance):
    d = centers[None] - x[:, None]
    weights = jax.nn.softmax(-(d * d).sum(-1) / (2 * variance), axis=-1)
    mean = (weights[..., None] * d).sum(1)
    square = (weights * (d * d).sum(-1)).sum(1)
    return mean / variance, ((square - (mean * mean).sum(-1)) / variance - 2) / variance


def by_products(x, variance):
    """The same as two matrix products, without differences that are as large as particles times modes."""
    scale = 1 / variance
    norms = (centers * centers).sum(-1)
    weights = jax.nn.softmax(x @ (centers * scale).T - 0.5 * scale * norms, axis=-1)
    sums = weights @ jnp.concatenate([centers, norms[:, None]], axis=1)
    mean, square = sums[:, :2], sums[:, 2]
    return (mean - x) * scale, ((square - (mean * mean).sum(-1)) * scale - 2) * scale


def sampler(moments):
    def step(carry, number):
        x, w, key = carry
        key, place, noise = jax.random.split(key, 3)
        p = jax.nn.softmax(w)

        def resampled(_):
            points = (jnp.arange(particles) + jax.random.uniform(place)) / particles
            ancestors = jnp.clip(jnp.searchsorted(jnp.cumsum(p), points), 0, particles - 1)
            return x[ancestors], jnp.zeros_like(w)

        x, w = jax.lax.cond(1 / (p * p).sum() < 0.5 * particles, resampled, lambda _: (x, w), None)
        dt = 1 / steps
        sigma2 = 0.01**2 * jnp.exp(2 * ratio * (1 - number * dt))
        g2 = 2 * sigma2 * ratio
        score, divergence = moments(x, 1 + sigma2)
        w = w - 0.5 * (power - 1) * g2 * dt * divergence
        x = x + 0.5 * (1 + power) * g2 * dt * score + jnp.sqrt(g2 * dt) * jax.random.normal(noise, x.shape)
        return (x, w, key), None

    def run(key):
        key, first = jax.random.split(key)
        x = jax.random.normal(first, (particles, 2)) * (60 / power**0.5)
        return jax.lax.scan(step, (x, jnp.zeros(particles), key), jnp.arange(steps, dtype=jnp.float32))[0][0]

    return jax.jit(run)


for name, moments in (("JAX, grad and scan", by_gradient), ("JAX, closed form", by_formula), ("JAX, matrix products", by_products)):
    run = sampler(moments)
    run(jax.random.key(1)).block_until_ready()
    start = time.perf_counter()
    run(jax.random.key(2)).block_until_ready()
    print(json.dumps({"name": name, "seconds": time.perf_counter() - start}), flush=True)
