"""What one scan changed in the memory, word by word and exactly: for a standby that cannot repeat the scan.

Called by   ``dcs.node.replica``.
Knows       words. A bit for each word of the memory, whether it changed, and then the changed words.
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]


def pack_changes(words: Words, known: Words) -> bytes:
    """The way from ``known`` to ``words``; ``known`` then equals ``words``."""
    changed = words != known
    places = np.flatnonzero(changed)  # a mask would be walked through once more for every use
    values = words[places]
    known[places] = values
    return b"".join((np.packbits(changed).tobytes(), values.tobytes()))


def apply_changes(words: Words, payload: bytes | memoryview) -> None:
    """Go that way. Raises ``ValueError`` when the payload belongs to a memory of another size."""
    marks_bytes = -(-len(words) // 8)
    if len(payload) >= marks_bytes:
        marks = np.frombuffer(payload, np.uint8, marks_bytes)
        places = np.flatnonzero(np.unpackbits(marks, count=len(words)))
        if len(payload) == marks_bytes + 8 * len(places):
            words[places] = np.frombuffer(payload, np.int64, len(places), marks_bytes)
            return
    raise ValueError(f"{len(payload)} bytes do not say what changed in {len(words)} words")
