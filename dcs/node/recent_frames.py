"""What the active has just published, as the standby made it too: samples that may have died with the active.

Called by   ``dcs.node.controller``: as the standby after every scan that it repeated, as the new active once.
Knows       frames. The standby repeats every scan, so its columns are the active's to the bit; that the bus has them
            nobody but the active knows, and the active may die between its mirror and its bus.
"""

from collections import deque

from dcs.bus.messages import Frame, frame_subject, late_subject
from dcs.core.clock import NS_PER_S, Clock, sleep
from dcs.node.sample_store import CONFIRM_S, SampleStore

KEPT_NS = round(2 * CONFIRM_S * NS_PER_S)
"""Older frames the active has made sure of, or keeps itself because the bus is away."""
BYTES_MAX = 32 * 1024 * 1024
HAND_ON_AFTER_S = 0.3
"""After a takeover the outputs come first."""


class RecentFrames:
    """Frames with the names of their scan classes, oldest first; the last one is always kept."""

    def __init__(self) -> None:
        self._frames: deque[tuple[str, Frame]] = deque()
        self._bytes = 0

    def add(self, scan_class: str, frame: Frame) -> None:
        """One more; what is too old or too much goes."""
        self._frames.append((scan_class, frame))
        self._bytes += _size(frame)
        while len(self._frames) > 1 and (
            self._bytes > BYTES_MAX or frame.time_ns - self._frames[0][1].time_ns > KEPT_NS
        ):
            self._bytes -= _size(self._frames.popleft()[1])

    def take(self) -> list[tuple[str, Frame]]:
        """All of them, once."""
        taken = list(self._frames)
        self._frames.clear()
        self._bytes = 0
        return taken

    async def hand_on(self, samples: SampleStore, plant: str, pair: str, clock: Clock) -> None:
        """As the new active: deliver them, late, with their own times and the epoch that ran those scans."""
        taken = self.take()
        await sleep(clock, HAND_ON_AFTER_S)
        for scan_class, frame in taken:
            samples.inherit(late_subject(frame_subject(plant, pair, scan_class)), frame.to_bytes(), frame.time_ns)
            await sleep(clock, 0.0)


def _size(frame: Frame) -> int:
    return frame.values.nbytes + frame.statuses.nbytes + frame.alarms.nbytes
