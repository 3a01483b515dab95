"""Where samples are missing: declared, never filled in by anything but the samples themselves.

Called by   ``dcs.node.sample_history`` with every frame, live or late.
Knows       times of frames of one scan class, and with each the period that its layout declares. It is not guessed from
            the frames: the first scan after a takeover may come early, and a period may be changed online.
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

    def put(self, time_ns: int, period_ns: int) -> None:
        """A sample of that time is there; the one before it should be no older than a period."""
        if not self._last_ns:
            self._last_ns = time_ns
        elif time_ns > self._last_ns:
            self._add(self._last_ns, time_ns, period_ns)
            self._last_ns = time_ns
            del self._gaps[:-GAPS_MAX]
        else:
            self._split(time_ns, period_ns)

    def _add(self, from_ns: int, to_ns: int, period_ns: int) -> None:
        if to_ns - from_ns > _PERIODS * period_ns:
            insort(self._gaps, Gap(from_ns, to_ns))

    def _split(self, time_ns: int, period_ns: int) -> None:
        """A late sample: the gap it falls into becomes two smaller ones, or none."""
        at = bisect_right(self._gaps, time_ns, key=lambda gap: gap.from_ns) - 1
        if at >= 0 and time_ns < self._gaps[at].to_ns:
            gap = self._gaps.pop(at)
            self._add(gap.from_ns, time_ns, period_ns)
            self._add(time_ns, gap.to_ns, period_ns)

    def between(self, from_ns: int, to_ns: int) -> tuple[tuple[int, int], ...]:
        """Gaps that touch a window, oldest first."""
        return tuple((gap.from_ns, gap.to_ns) for gap in self._gaps if gap.to_ns > from_ns and gap.from_ns < to_ns)
