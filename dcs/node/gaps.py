"""Where samples are missing: declared, never filled in by anything but the samples themselves.

Called by   ``dcs.node.history_service`` with every frame, live or late.
Knows       times of frames of one scan class; the shortest time between two is taken for its period.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass

GAPS_MAX = 1000
"""Newest gaps that are remembered of a scan class."""
_PERIODS = 1.5


@dataclass(frozen=True, order=True, slots=True)
class Gap:
    """Nothing is known between these two samples (UTC, ns)."""

    from_ns: int
    to_ns: int


class Gaps:
    """The gaps of one scan class."""

    def __init__(self) -> None:
        self._gaps: list[Gap] = []
        self._last_ns = 0
        self._period_ns = 0

    def put(self, time_ns: int) -> None:
        """A sample of that time is there."""
        if not self._last_ns:
            self._last_ns = time_ns
        elif time_ns > self._last_ns:
            step_ns = time_ns - self._last_ns
            self._period_ns = min(self._period_ns or step_ns, step_ns)
            self._add(self._last_ns, time_ns)
            self._last_ns = time_ns
            del self._gaps[:-GAPS_MAX]
        else:
            self._split(time_ns)

    def _add(self, from_ns: int, to_ns: int) -> None:
        if to_ns - from_ns > _PERIODS * self._period_ns:
            insort(self._gaps, Gap(from_ns, to_ns))

    def _split(self, time_ns: int) -> None:
        """A late sample: the gap it falls into becomes two smaller ones, or none."""
        at = bisect_right(self._gaps, time_ns, key=lambda gap: gap.from_ns) - 1
        if at >= 0 and time_ns < self._gaps[at].to_ns:
            gap = self._gaps.pop(at)
            self._add(gap.from_ns, time_ns)
            self._add(time_ns, gap.to_ns)

    def between(self, from_ns: int, to_ns: int) -> tuple[tuple[int, int], ...]:
        """Gaps that touch a window, oldest first."""
        return tuple((gap.from_ns, gap.to_ns) for gap in self._gaps if gap.to_ns > from_ns and gap.from_ns < to_ns)
