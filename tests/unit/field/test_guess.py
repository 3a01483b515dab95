"""What stands in unknown registers: types and orders are recovered from samples of process values."""

import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from field_io.onboarding.evidence import ORDERS, Order
from field_io.onboarding.guess import Guess, guess
from field_io.onboarding.orders import judge
from field_io.specs import PointSpec

from .probe_bench import words_in

SAMPLES = 5
KINDS = ("measured", "set", "raw", "counter")
LETTER = {"measured": "f", "set": "f", "raw": "H", "counter": "I"}
TYPE = {"measured": "float32", "set": "float32", "raw": "uint16", "counter": "uint32"}


def series(kind: str, random_: random.Random) -> list[float]:
    """A process value, sampled: measured with noise, set by a person, raw counts, a counter."""
    size = random_.choice([1.0, 10.0, 100.0, 1000.0]) * random_.uniform(0.2, 9.0)
    if kind == "measured":
        return [size * (1.0 + random_.gauss(0.0, 0.003)) for _ in range(SAMPLES)]
    if kind == "set":
        return [float(f"{size:.3g}")] * SAMPLES
    if kind == "raw":
        return [int(min(size, 4000.0)) + 5 + random_.randrange(4) for _ in range(SAMPLES)]
    start, step = random_.randrange(1 << 17, 1 << 27), random_.randrange(1, 50)
    return [start + step * at for at in range(SAMPLES)]


def registers_of(values: list[tuple[str, list[float]]], order: Order, gaps: list[int]) -> tuple[Any, dict[int, str]]:
    registers: dict[int, list[int]] = {}
    truth: dict[int, str] = {}
    at = 3
    for (kind, numbers), gap in zip(values, gaps, strict=True):
        sampled = [words_in(LETTER[kind], number, order) for number in numbers]
        truth[at] = TYPE[kind]
        for offset in range(len(sampled[0])):
            registers[at + offset] = [words[offset] for words in sampled]
        at += len(sampled[0]) + gap
    return registers, truth


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), order=st.sampled_from(ORDERS))
def test_order_and_nearly_all_types_of_a_device_are_recovered(seed: int, order: Order) -> None:
    """Promise: with six measured floats among its values the order of a device is told, and its types are found."""
    random_ = random.Random(seed)
    kinds = ["measured"] * 6 + [random_.choice(KINDS) for _ in range(12)]
    random_.shuffle(kinds)
    gaps = [random_.choice([0, 0, 0, 1, 5]) for _ in kinds]
    registers, truth = registers_of([(kind, series(kind, random_)) for kind in kinds], order, gaps)

    found, told = guess(registers)

    assert told == order
    by_address = {one.address: one for one in found}
    right = [at for at, name in truth.items() if at in by_address and by_address[at].type == name]
    assert len(right) >= 0.8 * len(truth), (order, {at: by_address.get(at) for at in truth if at not in right})
    orders = [by_address[at].order == order for at in right if by_address[at].length > 1]
    assert sum(orders) >= 0.8 * len(orders)  # the bytes of some values make sense in two orders


def test_over_many_devices_hardly_a_value_is_taken_for_something_else() -> None:
    """Promise: 97 of 100 values are found with type and order; of those that are not, few claim to be sure."""
    total = wrong = sure = 0
    for seed in range(40):
        random_ = random.Random(seed)
        order = random_.choice(ORDERS)
        kinds = [random_.choice(KINDS) for _ in range(14)]
        registers, truth = registers_of([(k, series(k, random_)) for k in kinds], order, [0] * len(kinds))
        by_address = {one.address: one for one in guess(registers)[0]}
        for at, name in truth.items():
            one = by_address.get(at)
            total += 1
            if one is None or one.type != name or (one.length > 1 and one.order != order):
                wrong += 1
                sure += one is not None and one.score >= 90
    assert wrong <= 0.03 * total, f"{wrong} of {total}"
    assert sure <= 0.01 * total, f"{sure} of {total} are wrong and say that they are sure"


def constant(words: list[int]) -> list[Guess]:
    return guess({at: [word] * SAMPLES for at, word in enumerate(words)})[0]


def of_type(found: list[Guess]) -> dict[int, str]:
    return {one.address: one.type for one in found}


def text_words(text: str, words: int) -> list[int]:
    data = text.encode().ljust(2 * words, b"\0")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, 2 * words, 2)]


def test_a_serial_number_is_read_as_text_and_spares_as_nothing() -> None:
    found = constant([*text_words("SN-20417-B", 8), 0x8000, 0, 1250, 0xFFFF])
    assert of_type(found) == {0: "string", 8: "spare", 9: "spare", 10: "uint16", 11: "spare"}
    assert found[0].samples[0] == "SN-20417-B"


def test_small_negative_numbers_are_signed() -> None:
    found = constant([0x10000 - 40, 215, 0x10000 - 3])
    assert [one.type for one in found] == ["int16", "uint16", "int16"]
    assert found[0].samples[0] == -40


def test_doubles_are_found() -> None:
    values = [230.4 + at * 0.013 for at in range(SAMPLES)]
    sampled = [struct.unpack(">4H", struct.pack(">d", value)) for value in values]
    found, order = guess({at: [words[at] for words in sampled] for at in range(4)})
    assert [(one.type, one.order) for one in found] == [("float64", ORDERS[0])]
    assert order == ORDERS[0]
    assert found[0].behaviour == "moves"


def test_a_counter_counts_up_also_over_the_edge_of_its_low_word() -> None:
    numbers = [0x0003F000 + 0x0800 * at for at in range(SAMPLES)]
    (one,), _ = guess({at: [words_in("I", n, ORDERS[0])[at] for n in numbers] for at in (0, 1)})
    assert (one.type, one.behaviour) == ("uint32", "counts up")


def test_zeros_between_floats_are_floats_that_say_that_they_are_guessed() -> None:
    words = [*words_in("f", 49.98, ORDERS[1]), 0, 0, *words_in("f", 231.4, ORDERS[1])]
    found = constant(words)
    assert [(one.type, one.order) for one in found] == [("float32", ORDERS[1])] * 3
    assert found[1].score < 80 < found[0].score


# --- is the configured order right? ------------------------------------------------------------------------
@settings(max_examples=60, deadline=None)
@given(
    size=st.floats(0.2, 5000.0),
    right=st.sampled_from(ORDERS),
    configured=st.sampled_from(ORDERS),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_wrong_word_order_is_called_wrong_and_the_right_one_never(
    size: float, right: Order, configured: Order, seed: int
) -> None:
    """Promise: over a dozen samples of a measured value a wrong word order is seen, the right one not accused."""
    random_ = random.Random(seed)
    samples = [words_in("f", size * (1.0 + random_.gauss(0.0, 0.002)), right) for _ in range(12)]
    point = PointSpec("P", "holding", 0, "float32", word_order=configured[0], byte_order=configured[1])
    verdict = judge(point, samples)
    plausible = {reading.order for reading in verdict.readings if reading.plausible}
    assert right in plausible
    if configured == right:
        assert verdict.better is None
        assert verdict.hint == ""
    if configured[0] != right[0]:  # turned words make wild steps; turned bytes may by chance look like a value
        assert configured not in plausible
        assert verdict.better is not None
        assert verdict.better.order[0] == right[0]
        assert f"word_order: {right[0]}" in verdict.hint


@pytest.mark.parametrize("words", [[0, 0], [0, 0, 0, 0]])
def test_zero_says_nothing_of_an_order(words: list[int]) -> None:
    point = PointSpec("P", "input", 0, "float32" if len(words) == 2 else "float64")
    verdict = judge(point, [words] * 3)
    assert not any(reading.plausible for reading in verdict.readings)
    assert verdict.better is None
