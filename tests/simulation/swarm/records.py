"""What is kept of a run: every sample that a controller published, no epoch that falls, no event lost or doubled.

Called by   tests.simulation.swarm.world; listens on the bus as a historian does that never loses its own connection.
Knows       frames (scan, time, epoch) as they leave a controller and as they arrive, live or late; the durable events.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from dcs.bus.memory import MemoryBus
from dcs.bus.messages import EVENT_STREAM, Event, Frame, frame_subject, late_subject
from dcs.core.clock import NS_PER_S
from tests.simulation.swarm.judge import Judge

_COMPUTED_AGAIN = 2
"""Most scans of a class that a new holder computes again because it never saw what the old one did. A record that is
not acknowledged excludes the standby before the next scan; one more may run until a majority has recorded that. With
scans faster than the lease an active that is cut off from everybody runs on until its lease ends."""
_UNSEEN = 1
"""Most scans that nobody has published: the old holder died between mirroring one and publishing it."""

_DELIVERED_NS = 10 * NS_PER_S
"""A sample arrives within that, once the bus is there."""


class Records:
    """Judges what is published and what is stored."""

    def __init__(
        self,
        plant: str,
        pair: str,
        bus: MemoryBus,
        judge: Judge,
        periods_ns: Sequence[int],
        hold_ns: int,
        apart_ns: Callable[[], int] = lambda: 0,
    ) -> None:
        """``periods_ns``: of the scan classes. ``hold_ns``: how long a lease lasts. ``apart_ns``:
        how far the controllers' clocks are apart now."""
        self._apart_ns = apart_ns
        self._dying: set[str] = set()  # whose process has ended: what it still does in that instant reaches nobody
        self._subject = frame_subject(plant, pair, "*")
        self._pair = pair
        self._bus = bus
        self._judge = judge
        self._again_ns = (_COMPUTED_AGAIN + hold_ns // min(periods_ns)) * min(periods_ns)
        again = [_COMPUTED_AGAIN + hold_ns // period_ns for period_ns in periods_ns]
        self._again_max = sum(again)  # scans of all classes may be due together
        self._unseen_max = _UNSEEN * len(periods_ns)
        self._epoch = 0
        self._scan = 0
        self._last: dict[str, tuple[int, int]] = {}  # of each scan class: time, epoch
        self._heard = (0, 0)  # of the newest live frame: epoch, scan
        self._on_their_way: dict[tuple[int, int], tuple[str, int]] = {}  # (epoch, scan) -> published by whom and when
        self._events: dict[str, bytes] = {}
        self._known: set[str] = set()  # events that the newest holder knows of, and that are not in the journal
        self.jump_is_explained = True  # a cold start: scans and events begin anew

    async def start(self) -> None:
        """Listen from now on."""
        await self._bus.subscribe(self._subject, self._on_frame)
        await self._bus.subscribe(late_subject(self._subject), self._on_late)

    # --- at the controllers --------------------------------------------------------------------------------
    def published(self, node: str, subject: str, payload: bytes) -> None:
        """A controller hands a frame to its bus; whatever becomes of that, it has to arrive."""
        if node in self._dying:
            return
        frame, judge, scan_class = Frame.from_bytes(payload), self._judge, subject.rsplit(".", 1)[1]
        if frame.epoch < self._epoch:
            judge.breaks(f"history: {node} publishes scan {frame.scan} with epoch {frame.epoch} after {self._epoch}")
        elif not self.jump_is_explained:
            self._compare(frame, scan_class)
        self.jump_is_explained = False
        self._epoch, self._scan = frame.epoch, frame.scan
        self._last[scan_class] = (frame.time_ns, frame.epoch)
        self._on_their_way[frame.epoch, frame.scan] = (node, judge.now_ns())

    def _compare(self, frame: Frame, scan_class: str) -> None:
        judge = self._judge
        last_ns, last_epoch = self._last.get(scan_class, (0, 0))
        step = frame.scan - self._scan
        if frame.epoch == self._epoch and step != 1:
            judge.breaks(f"history: scan {frame.scan} follows scan {self._scan} in epoch {frame.epoch}")
        elif frame.epoch == last_epoch and frame.time_ns <= last_ns:
            judge.breaks(
                f"history: scan {frame.scan} ({scan_class}) is {last_ns - frame.time_ns} ns older than the last"
            )
        elif frame.epoch > self._epoch:
            again = 1 - step
            judge.counts["scans computed again"] += max(again, 0)
            judge.counts["the most scans computed again"] += again == self._again_max
            judge.counts["scans that nobody published"] += max(-again, 0)
            # What the old holder ran unseen was dated by its own clock; the new one goes on by its own.
            late_ns = last_ns - self._again_ns - self._apart_ns()
            if not -self._unseen_max <= again <= self._again_max or frame.time_ns < late_ns:
                judge.breaks(
                    f"history: epoch {frame.epoch} begins with scan {frame.scan} after scan {self._scan}, "
                    f"{(frame.time_ns - last_ns) / NS_PER_S:g} s after it"
                )

    def begins(self, node: str) -> None:
        """A controller's process has started."""
        self._dying.discard(node)

    def lost_with(self, node: str, kept: set[tuple[int, int]]) -> None:
        """A process is gone, and with it the samples that it still kept for the bus."""
        self._dying.add(node)
        for key in [key for key, (owner, _) in self._on_their_way.items() if owner == node and key in kept]:
            self._judge.counts["samples lost with a process"] += 1
            del self._on_their_way[key]

    # --- at the historian ----------------------------------------------------------------------------------
    async def _on_frame(self, subject: str, payload: bytes) -> None:
        frame = Frame.from_bytes(payload)
        self._judge.counts["frames"] += 1
        if (frame.epoch, frame.scan) <= self._heard:
            self._judge.breaks(f"history: scan {frame.scan} of epoch {frame.epoch} comes live after {self._heard}")
        self._heard = (frame.epoch, frame.scan)
        self._on_their_way.pop((frame.epoch, frame.scan), None)

    async def _on_late(self, subject: str, payload: bytes) -> None:
        frame = Frame.from_bytes(payload)
        if self._on_their_way.pop((frame.epoch, frame.scan), None) is not None:
            self._judge.counts["late samples"] += 1

    def not_stored(self) -> str:
        """A sample that was published and has not arrived; "" = none."""
        for (epoch, scan), (node, published_ns) in self._on_their_way.items():
            if self._judge.now_ns() - published_ns > _DELIVERED_NS:
                return f"scan {scan} of epoch {epoch}, published by {node}, has not arrived"
        return ""

    # --- the journal --------------------------------------------------------------------------------------
    def stored(self, payload: bytes, message_id: str) -> None:
        """An event became durable, or does so once more."""
        known = self._events.setdefault(message_id, payload)
        if known is payload:
            self._judge.counts["events"] += 1
        elif known != payload:
            first, again = Event.from_bytes(known), Event.from_bytes(payload)
            differing = [name for name in Event.__slots__ if getattr(first, name) != getattr(again, name)]
            if differing == ["late"]:  # the same event, told again by the next holder
                return
            self._judge.breaks(
                f"journal: two events are called {message_id}: `{first.subject} {first.text}` and "
                f"`{again.subject} {again.text}` (they differ in {', '.join(differing)})"
            )

    def inherited(self, ids: Iterable[str], cold: bool) -> None:
        """A new holder knows of these events: whoever put them there, they have to get into the journal."""
        new = {name for name in ids if name not in self._events}
        if not cold:
            self._judge.counts["events inherited"] += len(new)
            self._judge.counts["events that no copy had"] += len(self._known - new - self._events.keys())
        self._known = set() if cold else new

    def missing(self) -> str:
        """The first number that is not in the journal of the pair; "" when it is whole."""
        for _, payload in self._bus._hub.entries(EVENT_STREAM):  # also what was stored and never confirmed
            self._events.setdefault(Event.from_bytes(payload).id, payload)
        if lost := self._known - self._events.keys():
            return min(lost)
        parts = [name.rsplit(":", 1) for name in self._events]
        numbers = sorted(int(number) for source, number in parts if source == self._pair and number.isdigit())
        for before, after in pairwise(numbers):
            if 1 < after - before < 1 << 19:
                return f"{self._pair}:{before + 1}"
        return ""
