"""How much a reading of some registers explains: the length, in bits, of the shortest telling of their samples.

Called by   ``onboarding.guess`` (which type has a register?), ``onboarding.orders`` (which byte order is right?).
Knows       one value, sampled a few times. A right reading of process values is short to tell: numbers of a human
            size, few digits, small steps from sample to sample. A wrong byte order makes digits that nobody chose, and
            wild steps.
Method      minimum description length (Rissanen 1978): costs are prior code lengths, differences are evidence in bits.
"""

import math
import struct
from collections.abc import Sequence
from itertools import pairwise

IMPOSSIBLE = 1e9
SPARE_COST = 2.0
_PRIOR = {"uint16": 1.0, "float32": 3.0, "uint32": 4.0, "float64": 6.0, "uint64": 7.0, "string": 12.0}
"""Bits that a type costs by itself: how rare it is in register maps."""
_ODD_ORDER = 2.0
"""Bits that a byte order costs in which the low byte of a word comes first."""
_USUAL_MOST, _SCALED_MOST = 10_000, 32_767
"""Larger numbers are rare in one register: scaled values end at 10000, some at 27648 or 32767."""
_LARGE = 0.7
"""Bits that each power of two costs beyond 16 million in one number."""
_COUNTER = 8.0
"""Bits that speak for a counter of more than one word: those of one word would run over too soon."""
_JUMP, _WILD = 4096, 10.0
"""Steps that no value in one register makes sample after sample, and the bits that they cost: it is half of a float."""
_LETTER, _SIGN = 4.5, 7.0
_ORDERS = (
    ("high_first", "high_first"),
    ("low_first", "high_first"),
    ("high_first", "low_first"),
    ("low_first", "low_first"),
)

ORDERS = _ORDERS
"""(word order, byte order): ABCD, CDAB, BADC, DCBA."""
ORDER_LETTERS = dict(zip(_ORDERS, ("ABCD", "CDAB", "BADC", "DCBA"), strict=True))

Order = tuple[str, str]
Words = Sequence[int]
Samples = Sequence[Words]
"""The words of one candidate, sample by sample."""


def number_of(type_name: str, words: Words, order: Order) -> float | int:
    """Words read as one number."""
    letter = {"float32": "f", "float64": "d"}.get(type_name)
    data = ordered(words, order)
    if letter:
        return float(struct.unpack(">" + letter, data)[0])
    return int.from_bytes(data, "big", signed=type_name.startswith("int"))


def ordered(words: Words, order: Order) -> bytes:
    """The bytes of some words, the highest first."""
    turned = reversed(words) if order[0] == "low_first" else words
    return b"".join(word.to_bytes(2, "little" if order[1] == "low_first" else "big") for word in turned)


def cost_of(type_name: str, order: Order, samples: Samples) -> float:
    """Bits to tell the samples as a value of this type and order; ``IMPOSSIBLE`` when they cannot be one."""
    if type_name == "string":
        return _text_cost(order, samples)
    cost = _PRIOR[type_name] + (_ODD_ORDER if order[1] == "low_first" else 0.0)
    numbers = [number_of(type_name, words, order) for words in samples]
    if type_name.startswith("float"):
        return cost + _float_cost([float(number) for number in numbers], type_name)
    return cost + _integer_cost([int(number) for number in numbers], 16 * len(samples[0]))


def spare_cost(samples: Samples) -> float:
    """One register that holds nothing: always 0, FFFF or 8000."""
    values = {words[0] for words in samples}
    return SPARE_COST if len(values) == 1 and values <= {0, 0xFFFF, 0x8000} else IMPOSSIBLE


# --- integers ---------------------------------------------------------------------------------------------
def signed(number: int, bits: int) -> int:
    """Two's complement."""
    return number - (1 << bits) if number >= 1 << (bits - 1) else number


def _integer_cost(numbers: list[int], bits: int) -> float:
    """Unsigned or signed, whichever is shorter to tell."""
    size = min(_size(number) for number in (numbers[0], signed(numbers[0], bits)))
    cost = size + math.log2(bits)
    if bits == 16 and size > _size(_USUAL_MOST):
        cost += 3.0 if size > _size(_SCALED_MOST) else 1.5
    elif bits > 16:
        cost += _LARGE * max(0.0, size - 24.0)
    cost += min(_steps(numbers), _steps([signed(number, bits) for number in numbers]))
    if bits == 16 and _is_wild(numbers):
        cost += _WILD
    if bits > 16 and _counts(numbers, bits):
        cost -= _COUNTER
    return cost


def _is_wild(numbers: list[int]) -> bool:
    """Does it jump through its whole range from sample to sample, forth and back?"""
    steps = [after - before for before, after in pairwise(numbers)]
    both_ways = any(step > 0 for step in steps) and any(step < 0 for step in steps)
    return both_ways and sum(abs(step) > _JUMP for step in steps) * 2 > len(steps)


def _counts(numbers: list[int], bits: int) -> bool:
    """Does it step in one direction, with something in its upper half?"""
    steps = [after - before for before, after in pairwise(numbers)]
    one_way = len(steps) > 1 and (all(step >= 0 for step in steps) or all(step <= 0 for step in steps)) and any(steps)
    return one_way and any(number >> (bits // 2) for number in numbers)


def _size(number: int) -> float:
    return math.log2(abs(number) + 1)


def _steps(numbers: list[int]) -> float:
    return sum(_step(after - before) for before, after in pairwise(numbers))


def _step(step: int) -> float:
    return 0.1 if step == 0 else 1.0 + _size(step)


# --- floats -----------------------------------------------------------------------------------------------
def _float_cost(numbers: list[float], type_name: str) -> float:
    mantissa = 24 if type_name == "float32" else 53
    if any(not math.isfinite(number) for number in numbers):
        return IMPOSSIBLE
    cost = _first_float(numbers[0], type_name, mantissa)
    for before, after in pairwise(numbers):
        if after == before:
            cost += 0.1
            continue
        largest = max(abs(before), abs(after))
        changed = math.frexp(abs(after - before))[1] - math.frexp(largest)[1] + mantissa
        # A step of a few per cent leaves the upper bits alone; one beyond the value itself is no process value's step.
        cost += min(max(changed, 1), mantissa) + 1.0
        if not abs(after) / largest > 0.4 or not abs(before) / largest > 0.4:
            cost += _first_float(after, type_name, mantissa) * 0.5
    return cost


def _first_float(number: float, type_name: str, mantissa: int) -> float:
    """Size beside what people measure in, and digits: a set value has few, a measured one all."""
    if number == 0.0:
        return 4.0
    exponent = math.log2(abs(number))
    if not exponent >= -126:
        return IMPOSSIBLE  # denormal: small integers in both words
    # From 0.05 to 50000 any size is as good as another; beyond, each power of two makes it less likely.
    beyond = max(0.0, -4.0 - exponent, exponent - 16.0)
    digits = _digits(number, type_name)
    return 4.0 + 1.5 * beyond + min(float(mantissa - 1), 3.32 * digits + 2.0) + (1.0 if number < 0.0 else 0.0)


def _digits(number: float, type_name: str) -> int:
    """Significant digits of the shortest decimal that is this number."""
    most = 9 if type_name == "float32" else 17
    letter = "f" if type_name == "float32" else "d"
    for digits in range(1, most):
        text = f"{number:.{digits - 1}e}"
        try:
            same = struct.pack(letter, float(text)) == struct.pack(letter, number)
        except OverflowError:
            continue
        if same:
            return digits
    return most


# --- strings ----------------------------------------------------------------------------------------------
def _text_cost(order: Order, samples: Samples) -> float:
    first = samples[0]
    if any(list(words) != list(first) for words in samples[1:]):
        return IMPOSSIBLE
    data = ordered(first, ("high_first", order[1]))
    text = data.rstrip(b"\0 ")
    if len(text) < 4 or any(not 32 <= byte < 127 for byte in text):
        return IMPOSSIBLE
    cost = _PRIOR["string"] + (_ODD_ORDER if order[1] == "low_first" else 0.0)
    kinds = [_kind(byte) for byte in text]
    cost += sum(_LETTER if kind else _SIGN for kind in kinds) + 0.2 * (len(data) - len(text))
    cost += sum(1.0 for before, after in pairwise(kinds) if before != after)
    return cost


def _kind(byte: int) -> int:
    """1 capital, 2 small letter, 3 digit, 4 what stands between words, 0 any other sign."""
    letter = chr(byte)
    if letter.isalpha():
        return 1 if letter.isupper() else 2
    return 3 if letter.isdigit() else 4 if letter in " -._/" else 0
