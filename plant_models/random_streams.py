r"""Random numbers that are counted, not drawn: number ``index`` of stream ``stream`` of a seed.

Called by   plants with noise or random disturbances.
Knows       integers. A number has an index (the sample it belongs to), not a place in a queue: it does not depend on
            the step size, on other streams, or on how often anybody looked, and a snapshot needs no generator.

A number is the hash of (seed, stream, index): the 32-bit finaliser of MurmurHash3 over the four words, one after the
other. Normal numbers by Box and Muller, :math:`\sqrt{-2 \ln u_1} \sin 2 \pi u_2`.
Reference: J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC'11 (counter-based generators).
"""

import math

from plant_models.kernel import kernel

_MASK = 0xFFFFFFFF
_TWO_PI = 2.0 * math.pi


@kernel
def _mixed(word: int) -> int:
    """32 bits in, 32 other bits out; products are masked, so that 64 bits that overflow and Python's agree."""
    word ^= word >> 16
    word = (word * 0x85EBCA6B) & _MASK
    word ^= word >> 13
    word = (word * 0xC2B2AE35) & _MASK
    return word ^ (word >> 16)


@kernel
def uniform(seed: int, stream: int, index: int) -> float:
    """In (0, 1), 32 bits of it; all three are whole numbers from 0 to 2⁵³."""
    word = _mixed((seed & _MASK) ^ 0x9E3779B9)
    word = _mixed(word ^ _mixed(((seed >> 32) & _MASK) ^ (stream & _MASK)))
    word = _mixed(word ^ _mixed(index & _MASK))
    word = _mixed((word + ((index >> 32) & _MASK) * 0x27D4EB2F + 0x165667B1) & _MASK)
    return (word + 0.5) / 4294967296.0


@kernel
def normal(seed: int, stream: int, index: int) -> float:
    """Mean 0, standard deviation 1."""
    distance = math.sqrt(-2.0 * math.log(uniform(seed, stream, 2 * index)))
    return distance * math.sin(_TWO_PI * uniform(seed, stream, 2 * index + 1))
