"""Random numbers: the published generator to the bit, and where it starts.

Called by   ``walks``, ``noise``, ``plant``.
Knows       integers.

The published generator multiplies in IEEE double precision: ``G ← fmod(9228907 G, 2³²)``, where the product can exceed
2⁵³ and is rounded. An integer product turned into a double is rounded the same way (to nearest, ties to even), so three
integer operations give the same bits as the floating remainder in a tenth of the time.
"""

from plant_models.kernel import kernel

MULTIPLIER = 9228907
MODULUS = 4294967296.0
_MASK = 0xFFFFFFFF

PUBLISHED_START = 4651207995
"""Start of the reference trajectories (above 2³², which is allowed)."""
FIRST_START = 1431655765
"""Start in the first publication of the simulator."""
_AS_IT_IS = 1 << 30
_BELOW = 1 << 33


@kernel
def next_state(state: int) -> int:
    """The state after ``state``; the random number is ``state / 2³²``, in [0, 1)."""
    return int(float(state * MULTIPLIER)) & _MASK


def start_of(seed: int) -> int:
    """Where the generator starts for a seed.

    0 is the start of the reference trajectories; a seed from 2³⁰ to 2³³ is the start itself, so that any published one
    can be had; other seeds are scrambled, so that 1, 2, 3 … have nothing in common.
    """
    if seed == 0:
        return PUBLISHED_START
    if _AS_IT_IS <= seed < _BELOW:
        return seed
    word = (seed ^ (seed >> 32)) & _MASK
    for _ in range(3):
        word = ((word ^ (word >> 16)) * 0x45D9F3B + 0x9E3779B9) & _MASK
    return (word ^ (word >> 16)) | 1
