# Nothing in, observations.npy beside this file out: 100 noisy sights of the random walk that the model assumes.
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from write_npy import write_npy

numbers = random.Random(1)
x = numbers.gauss(0, 1)
observations = []
for _ in range(100):
    x = numbers.gauss(0.9 * x, 0.5)
    observations.append(numbers.gauss(x, 0.3))
write_npy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "observations.npy"), (100,), observations)
