"""The hash that the two controllers compare: the same everywhere, and no flipped bit passes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.engine import memory
from dcs.engine.word_hash import hash_of, hash_words

WORDS = 61  # not a multiple of what vector instructions take


def random_memory(seed: int, words: int = WORDS) -> np.ndarray:
    buffer = memory.aligned_bytes(8 * words)
    buffer[:] = np.random.default_rng(seed).integers(0, 256, 8 * words, np.uint8)
    return buffer


@settings(deadline=None)  # the first example may compile
@given(st.integers(0, 2**32), st.integers(0, WORDS), st.integers(0, WORDS))
def test_compiled_and_uncompiled_give_the_same_number(seed: int, first: int, last: int) -> None:
    buffer = random_memory(seed)
    first, last = sorted((first, last))
    compiled, uncompiled = hash_of(buffer, compiled=True), hash_of(buffer, compiled=False)
    assert compiled(first, last - first) == uncompiled(first, last - first)


def test_the_number_is_the_same_on_every_machine() -> None:
    """Promise: two controllers with other processors or other versions of Numba can be compared."""
    assert hash_words(np.arange(5, dtype=np.uint64)) == 0x4D91EA48CE347496


def test_every_single_bit_counts() -> None:
    buffer = random_memory(1)
    hash_now = hash_of(buffer, compiled=True)
    before = hash_now(0, WORDS)
    for bit in range(64 * WORDS):
        buffer[bit // 8] ^= 1 << bit % 8
        assert hash_now(0, WORDS) != before, f"bit {bit} can be flipped unnoticed"
        buffer[bit // 8] ^= 1 << bit % 8
    assert hash_now(0, WORDS) == before


def test_two_bits_do_not_cancel() -> None:
    """The sign of two numbers, and any pair of bits of neighbouring words."""
    words = random_memory(2).view(np.uint64)
    before = hash_words(words)
    for first in range(64):
        for second in range(64):
            words[3] ^= np.uint64(1 << first)
            words[4] ^= np.uint64(1 << second)
            assert hash_words(words) != before
            words[3] ^= np.uint64(1 << first)
            words[4] ^= np.uint64(1 << second)


def test_the_place_of_a_word_counts() -> None:
    words = np.zeros(WORDS, np.uint64)
    words[7] = 1
    moved = np.roll(words, 1)
    assert hash_words(words) != hash_words(moved)
    assert hash_words(words[:8]) != hash_words(words[:9])
