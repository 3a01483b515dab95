"""Random numbers that need no state: the n-th number of a stream is a function of the stream and n.

Called by   behaviours with noise. A snapshot holds the number of the step, and the same step gives the same noise.
Source      SplitMix64 (Steele, Lea, Flood 2014: Fast splittable pseudorandom number generators); Box and Muller (1958).
"""

import math
import zlib

_MASK = (1 << 64) - 1


def stream(seed: int, name: str) -> int:
    """A stream by a seed and a name: another device has other noise, whatever else there is."""
    return (seed * 0x9E3779B97F4A7C15 + zlib.crc32(name.encode())) & _MASK


def _mixed(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def uniform(stream: int, number: int) -> float:
    """Above 0 and up to 1."""
    return (_mixed((stream + (number + 1) * 0x9E3779B97F4A7C15) & _MASK) + 1) / 2.0**64


def gaussian(stream: int, number: int) -> float:
    """Mean 0, standard deviation 1."""
    radius = math.sqrt(-2.0 * math.log(uniform(stream, 2 * number)))
    return radius * math.cos(2.0 * math.pi * uniform(stream, 2 * number + 1))
