"""Is the byte and word order of a point the right one?

Called by   ``onboarding.watch``.
Knows       the last few samples of its words. The four orders are told against each other by ``onboarding.evidence``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from field_io.onboarding.evidence import IMPOSSIBLE, ORDER_LETTERS, ORDERS, Order, cost_of, number_of, signed
from field_io.specs import PointSpec

NEARLY, NEARLY_A_SAMPLE = 3.0, 1.5
"""Bits within which an order is as plausible as the best one: at all, and for every sample after the first."""
WRONG, WRONG_A_SAMPLE = 8.0, 3.0
"""The same from which on the configured order is called wrong."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The point read in one order."""

    letters: str  # ABCD, CDAB, BADC, DCBA
    order: Order
    value: float
    plausible: bool
    configured: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """All four readings; ``better`` is the order that is plausible where the configured one is not."""

    readings: tuple[Reading, ...] = ()
    better: Reading | None = None

    @property
    def hint(self) -> str:
        """What to write instead; "" when the configured order is fine."""
        if self.better is None:
            return ""
        word, byte = self.better.order
        return f"{self.better.letters} looks right, not {self._configured}: word_order: {word}, byte_order: {byte}"

    @property
    def _configured(self) -> str:
        return next((reading.letters for reading in self.readings if reading.configured), "")


def judge(point: PointSpec, samples: Sequence[Sequence[int]]) -> Verdict:
    """The four orders of a value of two or four registers; no readings for anything else."""
    if point.is_bit or point.is_text or point.count < 2 or not samples:
        return Verdict()
    kind = point.type if point.type.startswith("float") else f"uint{16 * point.count}"
    costs = {order: cost_of(kind, order, samples) for order in ORDERS}
    best = min(costs.values())
    configured: Order = (point.word_order, point.byte_order)
    empty = all(not any(words) for words in samples)  # zero is zero in every order
    more = len(samples) - 1
    near, wrong = best + NEARLY + NEARLY_A_SAMPLE * more, best + WRONG + WRONG_A_SAMPLE * more
    readings = tuple(
        Reading(
            ORDER_LETTERS[order],
            order,
            _number(point, samples[-1], order) * point.scale + point.offset,
            not empty and costs[order] < IMPOSSIBLE and costs[order] <= near,
            order == configured,
        )
        for order in ORDERS
    )
    better = None
    if not empty and costs[configured] >= wrong:
        better = next(reading for reading in readings if costs[reading.order] == best)
    return Verdict(readings, better)


def _number(point: PointSpec, words: Sequence[int], order: Order) -> float:
    if point.type.startswith("float"):
        return float(number_of(point.type, words, order))
    number = int(number_of(f"uint{16 * point.count}", words, order))
    return float(signed(number, 16 * point.count) if point.type.startswith("int") else number)
