"""Samples of all tags of one scan class, as this station has received them.

Called by   ``hmi.model.trends``.
Knows       one preallocated ring, tag by tag in memory, so that drawing a pen reads one stretch.
"""

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import Layout
from dcs.core.clock import NS_PER_S

from .decimate import Floats

_SAME_S = 1e-4
"""Times that differ by less are those of one scan: a double holds seconds since 1970 to a quarter of a microsecond."""


class Ring:
    """Samples of all tags of one scan class; when full, the oldest makes room."""

    def __init__(self, layout: Layout, capacity: int) -> None:
        tags = len(layout.tags)
        self.period_s = layout.period_ns / NS_PER_S
        self.column = {tag.name: number for number, tag in enumerate(layout.tags)}
        self.capacity = capacity
        self.count = 0
        self._next = 0
        self._time_s = np.zeros(capacity)
        self._values = np.zeros((tags, capacity))
        self._bad = np.zeros((tags, capacity), np.bool_)
        self._epochs = np.zeros(capacity, np.int64)

    def append(self, time_s: float, values: Floats, bad: NDArray[np.bool_], epoch: int = 0) -> None:
        """Add one sample; a time that went back (the plant was restored to an earlier state) drops what is later."""
        while self.count and self._time_s[(self._next - 1) % self.capacity] >= time_s:
            self._next = (self._next - 1) % self.capacity
            self.count -= 1
        at = self._next
        self._time_s[at] = time_s
        self._values[:, at] = values
        self._bad[:, at] = bad
        self._epochs[at] = epoch
        self._next = (at + 1) % self.capacity
        self.count = min(self.count + 1, self.capacity)

    def insert(self, time_s: float, values: Floats, bad: NDArray[np.bool_], epoch: int) -> bool:
        """Put a late sample in its place; False where there is one, or before the first."""
        order = self._order()
        at = int(np.searchsorted(self._time_s[order], time_s - _SAME_S))
        if at == 0 or (at < self.count and self._time_s[order[at]] < time_s + _SAME_S):
            return False
        later = order[at:]
        moved = [(self._time_s[n], self._values[:, n].copy(), self._bad[:, n].copy(), self._epochs[n]) for n in later]
        self.count -= len(later)
        self._next = (self._next - len(later)) % self.capacity
        for sample in ((time_s, values, bad, epoch), *moved):
            self.append(*sample)
        return True

    def written(self, start_s: float, end_s: float) -> tuple[Floats, NDArray[np.int64]]:
        """Times of the samples and the epoch that wrote each, oldest first, with one beyond each edge."""
        order = self._order()
        times = self._time_s[order]
        first = max(int(np.searchsorted(times, start_s, "left")) - 1, 0)
        last = min(int(np.searchsorted(times, end_s, "right")) + 1, len(times))
        return times[first:last], self._epochs[order[first:last]]

    def between(self, name: str, start_s: float, end_s: float) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Copies of times, values and bad marks, oldest first, with one sample beyond each edge."""
        order = self._order()
        times = self._time_s[order]
        first = max(int(np.searchsorted(times, start_s, "left")) - 1, 0)
        last = min(int(np.searchsorted(times, end_s, "right")) + 1, len(times))
        picked = order[first:last]
        column = self.column[name]
        return times[first:last], self._values[column][picked], self._bad[column][picked]

    def ends(self) -> tuple[float, float]:
        """Times of the oldest and of the newest sample; there is one."""
        newest = (self._next - 1) % self.capacity
        return float(self._time_s[(self._next - self.count) % self.capacity]), float(self._time_s[newest])

    def take_over(self, older: "Ring") -> None:
        """Copy what an earlier layout of the same scan class has kept of the tags that both have."""
        order = older._order()[-self.capacity :]
        self.count, self._next = len(order), len(order) % self.capacity
        self._time_s[: len(order)] = older._time_s[order]
        self._epochs[: len(order)] = older._epochs[order]
        self._values[:, : len(order)] = np.nan
        self._bad[:, : len(order)] = True
        for name, column in self.column.items():
            if name in older.column:
                self._values[column, : len(order)] = older._values[older.column[name]][order]
                self._bad[column, : len(order)] = older._bad[older.column[name]][order]

    def _order(self) -> NDArray[np.int64]:
        return (np.arange(self.count, dtype=np.int64) + self._next - self.count) % self.capacity
