"""Two runs' memories, word by word: what must be equal, and what may drift.

Called by   tests.simulation.twin.study.
Knows       which words must be equal to the last bit: whole numbers (modes, states, steps, alarm states), what counts
            seconds, and totals of a flow that no sensor measures. Other numbers follow measurements: they drift.
            What the pair says of itself (it has no standby now) is no part of the plant.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dcs.blocks.declare import BlockType
from dcs.core.clock import NS_PER_S
from dcs.engine.plan import Record
from tests.simulation.twin.plant import UNMEASURED
from tests.simulation.twin.run import Run

Words = NDArray[np.int64]

_NUMBER_IN_A_WORD = 2**61
"""A whole number from here on is a real number in a word of a program: no counter, time or state is as large."""


def judge_states(mine: Run, twin: Run, since_ns: int) -> tuple[list[str], list[str]]:
    """(What must be equal and is not, in any scan since then; numbers that differ at the end, the largest first)."""
    exact = np.zeros(len(next(iter(twin.looks.values()))), np.bool_)
    of_the_plant = [record for record in twin.plan.records if not record.name.startswith(f"{twin.plan.strategy.name}.")]
    words = [_Word(record, name, record.at + at) for record in of_the_plant for at, name in _names(record.type)]
    for word in words:
        exact[word.at] = word.is_exact
    both = sorted(time_ns for time_ns in set(mine.looks) & set(twin.looks) if time_ns >= since_ns)
    others: dict[int, int] = {}  # word: when it was other than the twin's for the first time
    for time_ns in both:
        found = np.flatnonzero(exact & (mine.looks[time_ns] != twin.looks[time_ns]))
        others |= {int(at): time_ns for at in found if int(at) not in others}
    ours, theirs = mine.looks[both[-1]], twin.looks[both[-1]]
    states, drift = [], []
    for word in words:
        since_ns = others.get(word.at, 0)
        if since_ns and word.differs(mine.looks[since_ns], twin.looks[since_ns]):
            text = word.text(mine.looks[since_ns], twin.looks[since_ns])
            states.append(f"{text}, {(since_ns - mine.struck_ns) / NS_PER_S:.1f} s after the fault")
        elif not word.is_exact and ours[word.at] != theirs[word.at]:
            drift.append((word.share(ours, theirs), word.text(ours, theirs)))
    return states, [text for _, text in sorted(drift, reverse=True)]


@dataclass(frozen=True)
class _Word:
    """Of a block's memory."""

    record: Record
    name: str
    at: int

    @cached_property
    def is_exact(self) -> bool:
        """No measurement has a part in it."""
        f = self.record.type.field(self.name.partition("[")[0])
        counts_seconds = f.unit == "s" and f.role == "state" and f.name not in _ESTIMATES
        return f.dtype == "i8" or counts_seconds or self.record.name.startswith(UNMEASURED)

    @cached_property
    def is_whole(self) -> bool:
        return self.record.type.field(self.name.partition("[")[0]).dtype == "i8"

    def differs(self, ours: Words, theirs: Words) -> bool:
        """A real number in a word of a program is none that must be equal."""
        return not self.is_whole or max(abs(ours[self.at]), abs(theirs[self.at])) < _NUMBER_IN_A_WORD

    def _real(self, words: Words) -> float:
        return float(words[self.at : self.at + 1].view(np.float64)[0])

    def share(self, ours: Words, theirs: Words) -> float:
        """How far they are apart, of the twin's."""
        return abs(self._real(ours) - self._real(theirs)) / max(1.0, abs(self._real(theirs)))

    def text(self, ours: Words, theirs: Words) -> str:
        if self.is_whole:
            return f"{self.record.name}.{self.name}: {theirs[self.at]} -> {ours[self.at]}"
        return f"{self.record.name}.{self.name}: {self._real(theirs):.17g} -> {self._real(ours):.17g}"


_ESTIMATES = ("tune_pu_s", "tune_t_s", "tune_l_s")
"""Seconds that were computed from measurements."""


def _names(kind: BlockType) -> list[tuple[int, str]]:
    return sorted((at, name) for name, at in kind.index.items())
