"""What the active has just published, as the standby made it too: samples that may have died with the active.

Called by   ``dcs.node.controller``: as the standby after every scan that it repeated, as the new active once.
Knows       frames. The standby repeats every scan, so its columns are the active's to the bit; that the bus has them
            nobody but the active knows, and the active may die between its mirror and its bus.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from dcs.bus.messages import Frame, Layout, frame_subject, late_subject
from dcs.core.clock import NS_PER_S, Clock, sleep
from dcs.node.sample_store import CONFIRM_S, SampleStore

KEPT_NS = round(2 * CONFIRM_S * NS_PER_S)
"""Older frames the active has made sure of, or keeps itself because the bus is away."""
TAGS_MAX = 20_000
"""Columns of a larger class cost the standby more than a millisecond a scan: only its last scan is handed on, from the
state (520,000 tags: 11 ms)."""
BYTES_MAX = 32 * 1024 * 1024
HAND_ON_AFTER_S = 0.3
"""After a takeover the outputs come first."""


class RecentFrames:
    """Frames with the names of their scan classes, oldest first; the last one is always kept."""

    def __init__(self) -> None:
        self._frames: deque[tuple[str, Frame]] = deque()
        self._bytes = 0
        self._epochs: dict[str, int] = {}

    def ran(self, layout: Layout, epoch: int, frame: Callable[[], Frame]) -> None:
        """The active of that epoch has run a scan, and so have we; ``frame`` makes its columns."""
        self._epochs[layout.scan_class] = epoch
        if len(layout.tags) <= TAGS_MAX:
            self.add(layout.scan_class, frame())

    def add(self, scan_class: str, frame: Frame) -> None:
        """One more; what is too old or too much goes."""
        self._frames.append((scan_class, frame))
        self._bytes += _size(frame)
        while len(self._frames) > 1 and (
            self._bytes > BYTES_MAX or frame.time_ns - self._frames[0][1].time_ns > KEPT_NS
        ):
            self._bytes -= _size(self._frames.popleft()[1])

    def clear(self) -> None:
        """They were of another state."""
        self._frames.clear()
        self._epochs.clear()
        self._bytes = 0

    def take(self, newest: Mapping[str, Frame]) -> list[tuple[str, Frame]]:
        """All of them, once; ``newest``: the last of every class, made of the state, for those that are too large."""
        taken = list(self._frames)
        kept = {name for name, _ in taken}
        taken += [
            (name, replace(frame, epoch=self._epochs[name]))
            for name, frame in newest.items()
            if name in self._epochs and name not in kept
        ]
        self.clear()
        return taken

    async def hand_on(
        self, newest: Mapping[str, Frame], samples: SampleStore, plant: str, pair: str, clock: Clock
    ) -> None:
        """As the new active: deliver them, late, with their own times and the epoch that ran those scans."""
        taken = self.take(newest)
        await sleep(clock, HAND_ON_AFTER_S)
        for scan_class, frame in taken:
            samples.inherit(late_subject(frame_subject(plant, pair, scan_class)), frame.to_bytes(), frame.time_ns)
            await sleep(clock, 0.0)


def _size(frame: Frame) -> int:
    return frame.values.nbytes + frame.statuses.nbytes + frame.alarms.nbytes
