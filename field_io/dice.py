"""Random numbers without memory: number n of a stream is a function of the stream's key and of n.

Called by   faults of points, devices and links.
Promise     however often somebody looks, and after a restore, number n is what it was; nothing has to be kept.
Source      SplitMix64: Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA.
"""

import hashlib
import math

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def key_of(seed: int, *names: str | int) -> int:
    """The key of one stream, 64 bits; the same names give the same stream."""
    text = "/".join(map(str, (seed, *names))).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def bits(key: int, number: int) -> int:
    """64 random bits."""
    z = (key + (number + 1) * _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def uniform(key: int, number: int) -> float:
    """Evenly distributed in [0, 1)."""
    return float(bits(key, number) >> 11) * 2.0**-53


def normal(key: int, number: int) -> float:
    """Normally distributed with mean 0 and standard deviation 1 (Box and Muller)."""
    radius = math.sqrt(-2.0 * math.log1p(-uniform(key, 2 * number)))
    return radius * math.cos(2.0 * math.pi * uniform(key, 2 * number + 1))
