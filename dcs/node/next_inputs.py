"""What has been measured for the next scan, known to both controllers before it is due.

Called by   ``dcs.node.controller``: it runs beside the scans, and is asked at a takeover.
Knows       the polls before a scan, and what the active told of them. Nothing of what a scan does with it.
Why         a scan that falls due while nobody holds the lease is run late, with the measurements of its due time. When
            the active dies its polls are lost, and a straight line between the samples before and after is wrong by
            0.1 % of span where the plant has just been moved. So the active tells what it has measured as soon as it
            has; a standby that is told nothing measures itself, at nearly the same moment.
Costs       a message a scan of slow scans. With scans as fast as the lease the straight line is short enough.
"""

import asyncio
import struct
from collections.abc import Callable

from dcs.core.clock import NS_PER_S, Clock, sleep
from dcs.engine.strategy import ScanClass
from dcs.node.drivers import poll_lead_ns
from dcs.node.field_side import FieldSide
from dcs.node.plant_time import PlantTime
from dcs.node.scan_record import InputImage, ScanRecord
from dcs.redundancy.runtime import RedundantMember

_KEY = struct.Struct("<I")  # of the channels

_SILENT_PERIODS = 3
"""So long a standby measures; if nobody has taken over by then, it is the pair link that is silent."""
_LOOK_AGAIN_S = 1.0


class NextInputs:
    """One controller's. Called on the event loop only."""

    def __init__(
        self,
        member: RedundantMember,
        field_side: FieldSide,
        time: PlantTime,
        clock: Clock,
        classes: Callable[[], tuple[ScanClass, ...]],
    ) -> None:
        self._member = member
        self._field_side = field_side
        self._time = time
        self._clock = clock
        self._classes = classes
        self._told: ScanRecord | None = None  # the last that the active has told; of a scan it has time and inputs only
        self._told_ns = 0  # when
        self._measuring_since_ns = 0

    # --- the active ---------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Tell, or listen, until cancelled."""
        if not self._member.config.paired:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell())
            group.create_task(self._listen())

    def _fastest(self) -> ScanClass | None:
        """None: scans are so fast that nothing is told."""
        fastest = min(self._classes(), key=lambda scan_class: scan_class.period_ns)
        return fastest if fastest.period_ns > self._member.config.timing.promise_ns else None

    async def _tell(self) -> None:
        while True:
            fastest = self._fastest()
            if fastest is None:
                await sleep(self._clock, _LOOK_AGAIN_S)
                continue
            before_ns = poll_lead_ns(fastest.period_ns) * 4 // 5
            own_ns = self._time.own_ns()
            left_ns = fastest.period_ns - (own_ns + before_ns - fastest.phase_ns) % fastest.period_ns
            await self._clock.sleep_until(self._clock.monotonic_ns() + left_ns)
            if self._member.active and self._member.standby_ready:
                due_ns = own_ns + left_ns + before_ns + self._time.shift_ns
                wiring = self._field_side.wiring
                record = ScanRecord(0, due_ns, 0, 0, self._field_side.read(fastest.period_ns), [])
                self._member.tell_measured(_KEY.pack(wiring.key) + record.to_bytes())

    # --- the standby --------------------------------------------------------------------------------------------
    def heard(self, data: bytes) -> None:
        """What the active has measured. Raises ``ValueError`` when that is no image."""
        if _KEY.unpack_from(data)[0] != self._field_side.wiring.key:
            return  # a change of the program is on its way
        self._told, self._told_ns = ScanRecord.from_bytes(data[_KEY.size :]), self._clock.monotonic_ns()
        self._stop_measuring()

    def _stop_measuring(self) -> None:
        if self._measuring_since_ns:
            self._measuring_since_ns = 0
            self._field_side.measure(False)

    async def _listen(self) -> None:
        while True:
            fastest = self._fastest()
            if fastest is None or self._told is None:
                await sleep(self._clock, _LOOK_AGAIN_S if fastest is None else fastest.period_ns / NS_PER_S)
                continue
            # By when the last one came, not by our clock: it may differ from the active's.
            silent_ns = self._told_ns + fastest.period_ns + poll_lead_ns(fastest.period_ns) // 5
            if self._clock.monotonic_ns() < silent_ns:
                await self._clock.sleep_until(silent_ns)
                continue
            if not self._measuring_since_ns:
                self._measuring_since_ns = self._clock.monotonic_ns()
                self._field_side.measure(True)
            elif self._clock.monotonic_ns() - self._measuring_since_ns > _SILENT_PERIODS * fastest.period_ns:
                self.forget()
            await sleep(self._clock, fastest.period_ns / NS_PER_S)

    def forget(self) -> None:
        """We do not follow, or by another program."""
        self._told = None
        self._stop_measuring()

    def take(self) -> tuple[int, InputImage] | None:
        """At a takeover: (time of a scan of the plant, what is known of its inputs); the newest there is."""
        told, measuring = self._told, bool(self._measuring_since_ns)
        self._told, self._measuring_since_ns = None, 0
        if told is None or len(told.inputs.values) != len(self._field_side.wiring.inputs):
            return None
        if not measuring:
            return told.time_ns, told.inputs
        fastest = self._fastest()
        return (told.time_ns + fastest.period_ns, self._field_side.read()) if fastest else None
