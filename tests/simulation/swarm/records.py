"""What a historian and a journal are given: no gap without a reason, no epoch that falls, no event lost or doubled.

Called by   tests.simulation.swarm.world; listens on the bus as a historian does.
Knows       frames (scan, time, epoch) in the order of their arrival, and the durable events.
"""

from itertools import pairwise

from dcs.bus.memory import MemoryBus
from dcs.bus.messages import Event, Frame, frame_subject
from tests.simulation.swarm.judge import Judge

_UNSEEN_SCANS = 8
"""More scans than this are never unacknowledged: the standby is excluded before."""


class Records:
    """Judges what is stored."""

    def __init__(self, plant: str, pair: str, bus: MemoryBus, judge: Judge, period_ns: int) -> None:
        """``period_ns``: of the fastest scans."""
        self._subject = frame_subject(plant, pair, "*")
        self._pair = pair
        self._bus = bus
        self._judge = judge
        self._period_ns = period_ns
        self._epoch = 0
        self._scan = 0
        self._last: dict[str, tuple[int, int]] = {}  # of each scan class: time, epoch
        self._events: dict[str, bytes] = {}
        self.gap_is_explained = True  # the bus or a process was out of reach since the last frame
        self.jump_is_explained = True  # a cold start: scans and events begin anew

    async def start(self) -> None:
        """Listen from now on."""
        await self._bus.subscribe(self._subject, self._on_frame)

    async def _on_frame(self, subject: str, payload: bytes) -> None:
        frame = Frame.from_bytes(payload)
        judge, scan_class = self._judge, subject.rsplit(".", 1)[1]
        judge.counts["frames"] += 1
        if frame.epoch < self._epoch:
            judge.breaks(f"history: scan {frame.scan} is marked with epoch {frame.epoch} after {self._epoch}")
        elif not self.jump_is_explained:
            self._compare(frame, scan_class)
        self.gap_is_explained = self.jump_is_explained = False
        self._epoch, self._scan = frame.epoch, frame.scan
        self._last[scan_class] = (frame.time_ns, frame.epoch)

    def _compare(self, frame: Frame, scan_class: str) -> None:
        judge = self._judge
        last_ns, last_epoch = self._last.get(scan_class, (0, 0))
        again = self._scan + 1 - frame.scan if frame.epoch > self._epoch else 0
        if frame.epoch > last_epoch:  # what the old holder computed last nobody else has seen: it is computed again
            judge.counts["scans computed again"] += max(again, 0)
            if again > _UNSEEN_SCANS or frame.time_ns < last_ns - _UNSEEN_SCANS * self._period_ns:
                judge.breaks(f"history: epoch {frame.epoch} begins with scan {frame.scan}, {again} were stored already")
        elif frame.time_ns <= last_ns:
            judge.breaks(
                f"history: scan {frame.scan} ({scan_class}) is {last_ns - frame.time_ns} ns older than the last"
            )
        elif frame.scan <= self._scan and not again:
            judge.breaks(f"history: scan {frame.scan} follows scan {self._scan}")
        if frame.scan > self._scan + 1:
            judge.counts["gaps in the history"] += 1
            if not self.gap_is_explained and frame.epoch == self._epoch:
                judge.breaks(f"history: scan {frame.scan} follows scan {self._scan}, and nothing explains the gap")

    # --- the journal --------------------------------------------------------------------------------------
    def stored(self, payload: bytes, message_id: str) -> None:
        """An event became durable, or does so once more."""
        known = self._events.setdefault(message_id, payload)
        if known is payload:
            self._judge.counts["events"] += 1
        elif known != payload:
            first, again = Event.from_bytes(known), Event.from_bytes(payload)
            differing = [name for name in Event.__slots__ if getattr(first, name) != getattr(again, name)]
            # The journal keeps the first of two with one id; how late each sender was is its own affair.
            if differing != ["late"]:
                self._judge.breaks(
                    f"journal: two events are called {message_id}: `{first.subject} {first.text}` and "
                    f"`{again.subject} {again.text}` (they differ in {', '.join(differing)})"
                )

    def missing(self) -> str:
        """The first number that is not in the journal of the pair; "" when it is whole."""
        parts = [name.rsplit(":", 1) for name in self._events]
        numbers = sorted(int(number) for source, number in parts if source == self._pair and number.isdigit())
        for before, after in pairwise(numbers):
            if 1 < after - before < 1 << 19:
                return f"{self._pair}:{before + 1}"
        return ""
