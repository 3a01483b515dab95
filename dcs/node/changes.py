"""What one scan changed in the memory, word by word and exactly: for a standby that cannot repeat the scan.

Called by   ``dcs.node.replica``.
Knows       words. A bit for each word of the memory, whether it changed, and then the changed words.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]


def pack_changes(words: Words, known: Words) -> bytes:
    """The way from ``known`` to ``words``; ``known`` then equals ``words``."""
    changed = words != known
    values = words[changed]
    known[changed] = values
    return b"".join((np.packbits(changed).tobytes(), values.tobytes()))


def apply_changes(words: Words, payload: bytes | memoryview) -> None:
    """Go that way. Raises ``ValueError`` when the payload belongs to a memory of another size."""
    marks_bytes = -(-len(words) // 8)
    marks: NDArray[Any] = np.frombuffer(payload, np.uint8, marks_bytes) if len(payload) >= marks_bytes else np.zeros(0)
    changed = np.unpackbits(marks.astype(np.uint8), count=len(words)).astype(bool) if len(marks) else np.zeros(0, bool)
    count = int(np.count_nonzero(changed))
    if not len(marks) or len(payload) != marks_bytes + 8 * count:
        raise ValueError(f"{len(payload)} bytes do not say what changed in {len(words)} words")
    words[changed] = np.frombuffer(payload, np.int64, count, marks_bytes)
