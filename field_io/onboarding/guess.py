"""What stands in registers that nobody has described: types, word and byte order, how sure that is.

Called by   ``onboarding.probe``.
Knows       samples of runs of neighbouring registers. Every run is cut into values so that telling all its samples
            takes the fewest bits (``onboarding.evidence``); the order in which the whole device takes the fewest is the
            order of the device.
Limits      16-bit and 32-bit readings of small constant numbers cannot be told apart; the score says so.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from field_io.onboarding.evidence import (
    IMPOSSIBLE,
    ORDERS,
    Order,
    Samples,
    cost_of,
    number_of,
    ordered,
    signed,
    spare_cost,
)

_OTHER_ORDER = 8.0
"""Bits that a value costs whose order is not that of the device."""
_ODD = 6.0
"""Bits that a device costs whose words come with the low byte first."""
_TOLD = 4.0
"""Bits by which the order of a device must be better than the next for anybody to say so."""
_STRING_WORDS_MOST = 32
_PERCENT_BITS_MOST = 10.0


@dataclass(frozen=True, slots=True)
class Guess:
    """One value."""

    address: int
    type: str  # as in ``PointSpec``, or "spare"
    order: Order
    length: int  # words
    evidence: float  # bits that speak for it against the next best reading
    samples: tuple[float | int | str, ...]

    @property
    def score(self) -> int:
        """How sure, in percent; 50 = as good as the next best reading."""
        return round(100.0 / (1.0 + math.exp2(-min(self.evidence, _PERCENT_BITS_MOST))))

    @property
    def behaviour(self) -> str:
        """What the samples did: constant, counts up, counts down, moves."""
        steps = {_sign(b, a) for a, b in zip(self.samples, self.samples[1:], strict=False)} - {0}
        if not steps:
            return "constant"
        whole = self.type.startswith(("int", "uint")) and len(self.samples) > 2
        if whole and len(steps) == 1:
            return "counts up" if steps == {1} else "counts down"
        return "moves"


def _sign(after: float | int | str, before: float | int | str) -> int:
    if isinstance(after, str) or isinstance(before, str):
        return 0 if after == before else 1
    return int(after > before) - int(after < before)


@dataclass(frozen=True, slots=True)
class _Candidate:
    type: str
    order: Order
    length: int
    cost: float


def guess(registers: Mapping[int, Sequence[int]]) -> tuple[list[Guess], Order | None]:
    """Values in the samples of registers (address -> its word, sample by sample), and the order of the device.

    The order is None where nothing in it tells.
    """
    runs = [_Run(first, words) for first, words in _runs(registers)]
    costs = {order: sum(run.cost(order) for run in runs) + _ODD * (order[1] == "low_first") for order in ORDERS}
    best, second = sorted(costs, key=lambda order: costs[order])[:2]
    found = [one for run in runs for one in run.cut(best)]
    return _floats_at_zero(found), best if costs[second] - costs[best] >= _TOLD else None


def _runs(registers: Mapping[int, Sequence[int]]) -> list[tuple[int, list[Sequence[int]]]]:
    out: list[tuple[int, list[Sequence[int]]]] = []
    for address in sorted(registers):
        if out and address == out[-1][0] + len(out[-1][1]):
            out[-1][1].append(registers[address])
        else:
            out.append((address, [registers[address]]))
    return out


class _Run:
    """Registers without a gap, and all that they could be."""

    def __init__(self, first: int, words: Sequence[Sequence[int]]) -> None:
        self._first = first
        self._size = len(words)
        self._by_sample = list(zip(*words, strict=True))
        self._known: dict[tuple[int, str, Order, int], float] = {}
        self._empty = [spare_cost(self._samples(at, 1)) < IMPOSSIBLE for at in range(self._size)]

    def _samples(self, at: int, length: int) -> Samples:
        return [words[at : at + length] for words in self._by_sample]

    def _cost(self, at: int, type_name: str, order: Order, length: int) -> float:
        key = (at, type_name, order, length)
        if key not in self._known:
            self._known[key] = cost_of(type_name, order, self._samples(at, length))
        return self._known[key]

    def _candidates(self, at: int, device: Order) -> list[_Candidate]:
        byte_order = device[1]
        found = [_Candidate("uint16", ("high_first", byte_order), 1,
                            self._cost(at, "uint16", ("high_first", byte_order), 1))]  # fmt: skip
        if self._empty[at]:
            found.append(_Candidate("spare", ORDERS[0], 1, spare_cost(self._samples(at, 1))))
            if all(self._empty[at : at + 4]):
                return found
        for length, names in ((2, ("float32", "uint32")), (4, ("float64", "uint64"))):
            if at + length > self._size:
                continue
            for name in names:
                for order in ORDERS:
                    if name.startswith("uint") and order[1] != byte_order:
                        continue
                    cost = self._cost(at, name, order, length)
                    if order != device:
                        cost += _OTHER_ORDER
                    found.append(_Candidate(name, order, length, cost))
        return found + self._texts(at, device)

    def _texts(self, at: int, device: Order) -> list[_Candidate]:
        first = self._by_sample[0]
        ends = at
        while ends < self._size and ends - at < _STRING_WORDS_MOST and _is_text(first[ends]):
            ends += 1
        found = []
        for end in range(at + 2, ends + 1):
            for order in (ORDERS[0], ORDERS[2]):
                cost = self._cost(at, "string", order, end - at)
                if order[1] != device[1]:
                    cost += _OTHER_ORDER / 2.0
                found.append(_Candidate("string", order, end - at, cost))
        return found

    def cost(self, device: Order) -> float:
        """Bits of the cheapest way to cut the run."""
        return self._cheapest(self._options(device))[0]

    def cut(self, device: Order) -> list[Guess]:
        """The cheapest way to cut the run into values."""
        options = self._options(device)
        _, chosen = self._cheapest(options)
        found = []
        at = 0
        while at < self._size:
            found.append(self._guess(at, chosen[at], options))
            at += chosen[at].length
        return found

    def _options(self, device: Order) -> list[list[_Candidate]]:
        return [self._candidates(at, device) for at in range(self._size)]

    def _cheapest(self, options: list[list[_Candidate]]) -> tuple[float, list[_Candidate]]:
        """(bits, for each register the value that begins there if one does)."""
        best = [0.0] * (self._size + 1)
        chosen = []
        for at in range(self._size - 1, -1, -1):
            one = min(options[at], key=lambda each: each.cost + best[at + each.length])
            best[at] = one.cost + best[at + one.length]
            chosen.append(one)
        return best[0], chosen[::-1]

    def _guess(self, at: int, one: _Candidate, options: list[list[_Candidate]]) -> Guess:
        others = [other.cost for other in options[at] if other.length == one.length and other is not one]
        singles = [min(other.cost for other in each if other.length == 1) for each in options]
        if one.length > 1:
            others.append(sum(singles[at : at + one.length]))
        else:
            for start in (at - 1, at):
                if start < 0:
                    continue
                pairs = [other.cost for other in options[start] if other.length == 2]
                if pairs:
                    others.append(min(pairs) - singles[2 * start + 1 - at])
        evidence = max(0.0, min(others, default=IMPOSSIBLE) - one.cost)
        samples = self._samples(at, one.length)
        type_name, values = _values(one, samples)
        return Guess(self._first + at, type_name, one.order, one.length, evidence, values)


def _is_text(word: int) -> bool:
    return all(byte == 0 or 32 <= byte < 127 for byte in word.to_bytes(2, "big"))


def _values(one: _Candidate, samples: Samples) -> tuple[str, tuple[float | int | str, ...]]:
    """The type with its sign, and the samples as values."""
    if one.type == "string":
        data = ordered(samples[0], ("high_first", one.order[1]))
        return "string", (data.split(b"\0", 1)[0].decode("ascii", "replace").strip(),) * len(samples)
    if one.type == "spare":
        return "spare", tuple(words[0] for words in samples)
    numbers = [number_of(one.type, words, one.order) for words in samples]
    if not one.type.startswith("uint"):
        return one.type, tuple(numbers)
    bits = 16 * one.length
    whole = [int(number) for number in numbers]
    # Near its upper end an unsigned number is more likely a small negative one.
    if any(abs(signed(number, bits)) < number // 2 for number in whole):
        return one.type.removeprefix("u"), tuple(signed(number, bits) for number in whole)
    return one.type, tuple(whole)


def _floats_at_zero(found: list[Guess]) -> list[Guess]:
    """An even number of zeros between two floats of the same order: floats that stand at 0."""
    out: list[Guess] = []
    at = 0
    while at < len(found):
        end = at
        while end < len(found) and _is_zero(found[end]):
            end += 1
        after = found[end] if end < len(found) else None
        if out and after is not None and end > at and _between(out[-1], found[at], after, end - at):
            zeros = (0.0,) * len(after.samples)
            out += [Guess(found[k].address, "float32", after.order, 2, 1.0, zeros) for k in range(at, end, 2)]
            at = end
            continue
        out.append(found[at])
        at += 1
    return out


def _between(before: Guess, first: Guess, after: Guess, zeros: int) -> bool:
    """Do zeros from ``first`` on fill the room between two floats of one kind?"""
    alike = before.type == after.type == "float32" and before.order == after.order
    touches = before.address + 2 == first.address and first.address + zeros == after.address
    return alike and touches and zeros % 2 == 0


def _is_zero(one: Guess) -> bool:
    return one.type == "spare" and not any(one.samples)
