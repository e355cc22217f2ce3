# Nothing in, centers.npy beside this file out: the 40 means of the usual benchmark mixture, uniform on [-40, 40]^2 in the
# numbers of a Mersenne twister with seed 0 (24 bits a number, rounded as 32-bit floats are).
import array
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from write_npy import write_npy


def twister(seed):
    """The 32-bit numbers of MT19937."""
    state = [seed]
    for i in range(1, 624):
        state.append((1812433253 * (state[-1] ^ state[-1] >> 30) + i) & 0xFFFFFFFF)
    while True:
        for i in range(624):
            high_low = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7FFFFFFF)
            state[i] = state[(i + 397) % 624] ^ high_low >> 1 ^ (0x9908B0DF if high_low & 1 else 0)
        for word in state:
            word ^= word >> 11
            word ^= word << 7 & 0x9D2C5680
            word ^= word << 15 & 0xEFC60000
            yield word ^ word >> 18


words = twister(0)
uniform = array.array("f", ((next(words) & 0xFFFFFF) / 2**24 for _ in range(80)))
centers = array.array("f", ((u - 0.5) * 80 for u in uniform))
write_npy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "centers.npy"), (40, 2), centers)
