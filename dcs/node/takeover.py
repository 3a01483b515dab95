"""What a new holder does between its lease and its first scan at a due time.

Called by   ``dcs.node.controller`` when it becomes the active with data of its own.
Promise     if no scan is overdue, the last mirrored outputs go out at once: the old holder wrote them or was about to.
            If one is, the old holder may have written its results before it was cut off, and the older outputs would
            be a step back: the scan is run late and its results are the first write. It works on what was measured for
            it, if that is known (``dcs.node.next_inputs``), else the devices are read at once and the measurements
            are taken as they were when it was due. Devices that do not answer in time get the older outputs.
Source      rule 14 of docs/explanations/redundancy.md.
"""

from collections.abc import Callable, Coroutine
from functools import partial

from dcs.core.clock import NS_PER_MS, Clock, sleep
from dcs.engine.strategy import ScanClass
from dcs.node.field_side import FieldSide
from dcs.node.plant_time import PlantTime
from dcs.node.replica import Replica
from dcs.node.scan_record import InputImage
from field_io.drivers.gate import Gate

_FIRST_POLL_NS = 50 * NS_PER_MS
"""How long the overdue scan waits for fresh measurements; without them the last outputs go, the next scan as usual."""

Known = tuple[int, InputImage]
"""(time of a scan of the fastest class, what was measured for it)"""

RunScan = Callable[[int, int, int, int, Callable[[], InputImage]], None]
"""(class, due on our clock, time of the plant, slips, how the inputs are read); the caller holds the lock."""


class Takeover:
    """Called on the event loop; ``scan`` runs one scan of the controller."""

    def __init__(
        self, replica: Replica, field_side: FieldSide, time: PlantTime, clock: Clock, gate: Gate, scan: RunScan
    ) -> None:
        self._replica = replica
        self._field_side = field_side
        self._time = time
        self._clock = clock
        self._gate = gate
        self._scan = scan

    def begin(self, classes: tuple[ScanClass, ...], known: Known | None) -> Coroutine[None, None, None] | None:
        """The first write, or what leads to it; the caller holds the lock."""
        if self.overdue(classes):
            return self.catch_up(classes, known)
        self.write_last_outputs()
        return None

    def write_last_outputs(self) -> None:
        """What the old holder commanded last, as far as we know; the caller holds the lock."""
        values, _, valid = self._replica.engine.outputs()
        self._field_side.write(self._field_side.wiring, values, valid, self._gate, self._replica.parting)

    def overdue(self, classes: tuple[ScanClass, ...]) -> list[tuple[int, int]]:
        """(class, missed periods) of every class that had a scan due while nobody scanned."""
        now_ns = self._time.now_ns()
        found = []
        for index, scan_class in enumerate(classes):
            last_ns = self._replica.last_time_ns(index)
            missed = (now_ns - last_ns) // scan_class.period_ns if last_ns else 0
            if missed > 0:
                found.append((index, missed))
        return found

    async def catch_up(self, classes: tuple[ScanClass, ...], known: Known | None) -> None:
        """A scan was missed: poll, run it late, write."""
        field_side = self._field_side
        deadline_ns = self._clock.monotonic_ns() + _FIRST_POLL_NS
        while not (field_side.is_fresh() or self._is_known(classes, known)):
            if self._clock.monotonic_ns() >= deadline_ns:
                with self._replica.lock:
                    self.write_last_outputs()
                return
            await sleep(self._clock, 0.001)
        with self._replica.lock:
            polls = _Polls(classes)
            mirrored_ns = polls.before(max(self._replica.last_time_ns(index) for index in range(len(classes))))
            for time_ns, index, missed in self._missed_scans(classes):
                due_ns = time_ns - self._time.shift_ns - self._time.utc_minus_monotonic_ns
                elapsed_ns = polls.before(time_ns) - mirrored_ns
                image = known[1] if known and known[0] == polls.before(time_ns) else None
                read_then: Callable[[], InputImage] = partial(field_side.read_later, elapsed_ns, image)
                if self._time.shift_ns and image is None:
                    read_then = field_side.read
                self._scan(index, due_ns, time_ns, missed - 1, read_then)

    def _missed_scans(self, classes: tuple[ScanClass, ...]) -> list[tuple[int, int, int]]:
        """(time of the plant, class, missed periods) of the scans that are run late, in their order."""
        last_ns = self._replica.last_time_ns
        return sorted(
            (last_ns(index) + missed * classes[index].period_ns, index, missed)
            for index, missed in self.overdue(classes)
        )

    def _is_known(self, classes: tuple[ScanClass, ...], known: Known | None) -> bool:
        """Was it all measured for the very scans that are overdue?"""
        if known is None:
            return False
        polls = _Polls(classes)
        due = [polls.before(time_ns) for time_ns, _, _ in self._missed_scans(classes)]
        return all(one == known[0] for one in due) and self._field_side.is_newer(known[1])


class _Polls:
    """The devices are polled once for each scan of the fastest class; slower classes work on the same measurements."""

    def __init__(self, classes: tuple[ScanClass, ...]) -> None:
        self._fastest = min(classes, key=lambda scan_class: scan_class.period_ns)

    def before(self, time_ns: int) -> int:
        """The time of the fastest class's scan whose measurements a scan at ``time_ns`` works on."""
        return time_ns - (time_ns - self._fastest.phase_ns) % self._fastest.period_ns
