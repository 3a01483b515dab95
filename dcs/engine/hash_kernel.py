"""The compiled hash over words of the memory; ``dcs.engine.word_hash`` says what it is.

Copied into the cache directory and imported from there by ``dcs.engine.kernels``, as ``dcs.engine.driver``.
"""

import numpy as np
from numba import carray, cfunc


@cfunc("uint64(CPointer(uint64), int64)", cache=True)
def hash_words(words_at, count):  # type: ignore[no-untyped-def]
    """Sum over all words, each mixed with its place; the compiler makes vector instructions of it."""
    words = carray(words_at, count)
    key, total = np.uint64(count), np.uint64(0)
    for at in range(np.uint64(count)):
        key += np.uint64(0x9E3779B97F4A7C15)
        mixed = words[at] ^ key
        mixed ^= mixed >> np.uint64(32)
        mixed *= np.uint64(0xD6E8FEB86659FD93)
        mixed ^= mixed >> np.uint64(29)
        total += mixed
    return total
