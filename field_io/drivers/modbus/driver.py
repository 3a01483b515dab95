"""Modbus driver: points in, values out, always an answer.

Called by   a controller: ``run`` as a task of its node, ``image`` and ``write`` around every scan.
Knows       one device, its link and a clock. What was read is in ``drivers.modbus.reading``, what is written in
            ``drivers.modbus.outputs``, what is known of the way to the device in ``drivers.modbus.health``.
Behaviour   polls on absolute deadlines, each poll group on its own; a lost answer ends the connection, or this unit's
            use of it (a late one must never meet the next request); back-off and circuit in ``drivers.backoff``.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

from dcs.bus.messages import LinkReport
from dcs.core.clock import NS_PER_S, Clock
from dcs.core.errors import LinkDown
from dcs.core.value import ProcessValue
from field_io.drivers.backoff import Backoff, Rng
from field_io.drivers.contact import Contact
from field_io.drivers.driver import Image, WriteOutcome
from field_io.drivers.gate import Gate
from field_io.drivers.links.link import DeviceRefused, ModbusLink
from field_io.drivers.links.shared_link import starts_backing_off_at_ns
from field_io.drivers.modbus.asking_again import ask_again
from field_io.drivers.modbus.health import Health
from field_io.drivers.modbus.outputs import Outputs
from field_io.drivers.modbus.reading import Reading, Readings
from field_io.specs import DeviceSpec, PollGroup

LOOK_EVERY_NS = NS_PER_S
"""How long a lost connection may go unnoticed between polls that are further apart."""


class ModbusDriver:
    """Everything a controller does with one Modbus device."""

    def __init__(
        self,
        spec: DeviceSpec,
        link: ModbusLink,
        clock: Clock,
        rng: Rng,
        phase_ns: int = 0,
        health_ns: int = 0,
    ) -> None:
        """Polls are due at ``k × spec.poll_ns + phase_ns`` of ``clock.monotonic_ns()``.

        ``health_ns``: how often a standby asks for one point, so that its path to the device is proven and not
        assumed; 0 = ``spec.health_ns``. Those of a poll group at ``k × period + its own phase + phase_ns``.
        """
        self.spec = spec
        self.names = tuple(point.name for point in spec.points)
        self._link = link
        self._clock = clock
        self._health = Health(Backoff(rng, starts_backing_off_at_ns(spec), spec.backoff_ns))
        self._period_ns = spec.poll_ns
        self._slow_ns = 0  # what the last poll took, if that was more than its period
        self._phase_ns = phase_ns
        self._health_ns = health_ns or spec.health_ns
        self._readings = Readings(spec)
        self._look_every_ns = min([LOOK_EVERY_NS, *(group.period_ns for group in self._readings.poll_groups)])
        self._in_flight = spec.limits.in_flight or 1
        self._turn = asyncio.Semaphore(self._in_flight)
        self._outputs = Outputs(spec, self._readings, clock, self._turn, self._ask)
        self._opening = asyncio.Lock()
        self._polling = True
        self._group: asyncio.TaskGroup | None = None
        self._losses = 0  # how often the connection was lost or dropped
        self._dropped_by_us = False
        self.contact = Contact(lambda: self._health.backoff.failures > 0)
        link.on_lost = self._link_lost
        self.requests = 0
        self.errors = 0

    # --- reading ----------------------------------------------------------------------------------------------
    @property
    def texts(self) -> Mapping[str, str]:
        """Points that are strings, as they were read last."""
        return self._readings.texts

    def image(self, now_ns: int) -> Image:
        """All points; ``now_ns`` is ``clock.monotonic_ns()`` and decides what is stale."""
        return self._readings.image(now_ns)

    def read(self, name: str, now_ns: int) -> ProcessValue:
        """One point; Bad, no communication, last usable value once it is too old for its poll group."""
        at = self._readings.at[name]
        image = self.image(now_ns)
        return ProcessValue(float(image.values[at]), int(image.statuses[at]), int(image.times_ns[at]))

    def readback(self, name: str, now_ns: int | None = None) -> ProcessValue:
        """What the device itself says an output stands at (now, unless ``now_ns`` is given)."""
        return self.read(name, self._clock.monotonic_ns() if now_ns is None else now_ns)

    def reached(self, now_ns: int) -> bool:
        """True while the device keeps answering, polled or only asked for its health."""
        age_max_ns = max(self.spec.stale_after_ns, self._health_ns + 2 * self.spec.timeout_ns)
        return not self._health.unreached and now_ns - self._health.answered_ns < age_max_ns

    @property
    def answered_ns(self) -> int:
        """Monotonic time of the last answer."""
        return self._health.answered_ns

    @property
    def degraded(self) -> bool:
        """Never: one link is all there is."""
        return False

    def look(self) -> None:
        """Ask for one point now; where the last attempt failed, in the middle of its back-off."""
        if self._group is not None:
            self._group.create_task(self._look())

    async def _look(self) -> None:
        with self.contact.looking():
            if not self._link.connected:
                self._health.backoff.try_now()  # one attempt out of turn
            if self._link.connected or await self._open():
                await self._probe()

    @property
    def state(self) -> str:
        """Up, down or backing off."""
        # A connection that we dropped ourselves says nothing of the device.
        usable = self._link.connected or self._dropped_by_us
        health = self._health
        if usable and health.backoff.failures == 0 and health.ever_answered:
            return "up"
        return "backing off" if health.backoff.circuit_open and not health.unreached else "down"

    def report(self) -> LinkReport:
        """The link as ``dcs status`` and the HMI show it."""
        state = self.state
        detail = self._health.last_trouble or "the connection was lost"
        if state == "up" and not self._health.refusal:
            detail = "" if self._polling else "standby: health reads only"
            if self._outputs.not_held:
                detail = f"written, but not held: {', '.join(self._outputs.not_held)}"
            elif self._slow_ns:
                took_s, period_s = self._slow_ns / NS_PER_S, self._period_ns / NS_PER_S
                detail = (
                    f"a poll takes {took_s:.2g} s, more than its {period_s:g} s: values may be Bad; lengthen `poll`"
                )
        round_trip_ms = self._health.round_trip_ms
        return LinkReport(self.spec.name, "modbus", state, self.spec.url, detail, round_trip_ms, self.errors)

    # --- schedule ---------------------------------------------------------------------------------------------
    def set_schedule(self, period_ns: int, phase_ns: int) -> None:
        """Poll at ``k × period_ns + phase_ns`` from the next deadline on."""
        self._period_ns = period_ns
        self._phase_ns = phase_ns

    def set_polling(self, polling: bool) -> None:
        """False (standby): only one small read every ``health_ns``. True: poll at once, then on schedule."""
        if polling == self._polling:
            return
        self._polling = polling
        self._outputs.forget()
        if polling:
            if not self._health.backoff.circuit_open:
                self._health.backoff.try_now()
            if self._group is not None:
                self._group.create_task(self._tick(everything=True))

    def abort(self) -> None:
        """Drop the connection at once (authority lost): a write in flight is not repeated. ``run`` connects anew."""
        self._losses += 1
        self._outputs.forget()
        self._dropped_by_us = self._dropped_by_us or self._link.connected
        self._link.abort()
        self._health.backoff.try_now()

    async def run(self) -> None:
        """Connect and poll until cancelled; leaves no connection behind."""
        try:
            async with asyncio.TaskGroup() as self._group:
                if self.spec.repeat_after_ns:
                    self._group.create_task(self._outputs.repeat.run())
                for group in self._readings.poll_groups:
                    self._group.create_task(self._poll_group(group))
                probe_ns = self._health.backoff.probe_ns
                self._group.create_task(ask_again(self._clock, probe_ns, self._readings, self._usable, self._poll))
                await self._tick()
                while True:
                    await self._until_due()
                    await self._tick()
        finally:
            self._group = None
            self._link.abort()

    async def _poll_group(self, group: PollGroup) -> None:
        readings = self._readings.groups
        while True:
            await self._clock.sleep_until(self._grid_ns(group.period_ns, group.phase_ns + self._phase_ns))
            if self._usable():
                await self._poll(readings[group.name])

    def _usable(self) -> bool:
        return self._polling and self._link.connected and not self._health.backoff.failures

    def _grid_ns(self, period_ns: int, phase_ns: int) -> int:
        # From the grid, not from now: lateness cannot add up, and a poll that took too long slips to the next one.
        return ((self._clock.monotonic_ns() - phase_ns) // period_ns + 1) * period_ns + phase_ns

    def _next_due_ns(self) -> int:
        # A standby proves its path in time, however rarely the values are wanted.
        period_ns = self._period_ns if self._polling else min(self._period_ns, self._health_ns)
        due_ns = self._grid_ns(period_ns, self._phase_ns)
        backoff = self._health.backoff
        if (not self._link.connected or backoff.failures) and backoff.attempt_ns < due_ns:
            return max(self._clock.monotonic_ns(), backoff.attempt_ns)
        return due_ns

    async def _until_due(self) -> None:
        """Sleep until the next poll, or until an attempt is due: a poll group, or a write, may lose the connection."""
        due_ns, polling = self._next_due_ns(), self._polling
        while (now_ns := self._clock.monotonic_ns()) < due_ns:
            # Who is standby now may be the active when the next poll is due; its scan must not work on older values.
            poll_ns = self._grid_ns(self._period_ns, self._phase_ns)
            wake_ns = min(due_ns, poll_ns, now_ns + self._look_every_ns)
            await self._clock.sleep_until(wake_ns)
            if polling != self._polling:
                polling = self._polling
                due_ns = poll_ns if polling and wake_ns == poll_ns else self._next_due_ns()
            if not self._link.connected or self._health.backoff.failures:
                due_ns = min(due_ns, self._next_due_ns())

    async def _tick(self, everything: bool = False) -> None:
        backoff = self._health.backoff
        if not self._link.connected:
            if not await self._open():
                return
            everything = True  # nothing of it has been read for a while
        elif backoff.failures:  # a gateway says that it does not answer
            if self._clock.monotonic_ns() < backoff.attempt_ns:
                return
            if (backoff.circuit_open or not self._polling) and not await self._probe():
                return
            everything = True
        due = self._readings.all if everything else self._readings.groups[""]
        if self._polling and due:
            await self._poll(due)
        elif self._clock.monotonic_ns() - self._health.answered_ns >= self._health_ns - self._health_ns // 4:
            await self._probe()

    async def _open(self) -> bool:
        async with self._opening:
            if self._link.connected:
                return True
            if self._clock.monotonic_ns() < self._health.backoff.attempt_ns:
                return False
            losses, self._dropped_by_us = self._losses, False
            self._outputs.unknown()  # a device that was gone may have lost what it was told
            try:
                await self._link.connect()
            except LinkDown as exc:
                self._failed(str(exc), losses)
                return False
            # A device that was dead gets one small question before the whole poll.
            return await self._probe() if self._health.backoff.circuit_open else True

    # --- requests ---------------------------------------------------------------------------------------------
    async def poll_once(self) -> None:
        """Read every block now; for callers that keep the schedule themselves. Never raises for field trouble."""
        await self._poll(self._readings.all)

    async def _poll(self, readings: Sequence[Reading]) -> None:
        left, began_ns = deque(readings), self._clock.monotonic_ns()
        if self._in_flight == 1 or len(left) < 2:
            await self._read_all(left)
        else:
            await asyncio.gather(*(self._read_all(left) for _ in range(min(self._in_flight, len(left)))))
        if readings is self._readings.groups[""]:
            took_ns = self._clock.monotonic_ns() - began_ns
            self._slow_ns = took_ns if took_ns > self._period_ns else 0

    async def _read_all(self, left: deque[Reading]) -> None:
        while left:
            async with self._turn:
                if not self._link.connected or not left:
                    return
                parts = await self._read(left.popleft())
                if parts:
                    left.extendleft(reversed(parts))
            if self._health.unreached:
                left.clear()  # the next question would have the same answer

    async def _read(self, reading: Reading) -> list[Reading]:
        """Ask once; returns the reads to try instead."""
        block = reading.block
        asked_ns, asked_utc_ns, losses = self._clock.monotonic_ns(), self._clock.time_ns(), self._losses
        self.requests += 1
        try:
            answer = await self._link.read(block.table, block.address, block.count)
        except DeviceRefused as exc:
            self._refused(exc, f"reading {block.table} {block.address}…{block.address + block.count - 1}", asked_ns)
            return [] if self._health.unreached else self._readings.refused(reading, exc.code, asked_ns)
        except LinkDown as exc:
            self._failed(str(exc), losses)
            return []
        self._answered(asked_ns)
        self._readings.take(reading, answer, asked_ns, asked_utc_ns)
        return []

    async def _probe(self) -> bool:
        """Ask for one point; True when the device answers."""
        async with self._turn:
            asked_ns, losses = self._clock.monotonic_ns(), self._losses
            reading = next(iter(self._readings.all), None)
            if reading is None:
                self._answered(asked_ns)
                return True
            point = reading.block.points[0]
            self.requests += 1
            try:
                await self._link.read(point.table, point.address, point.count)
            except DeviceRefused as exc:
                self._refused(exc, f"reading {point.name}", asked_ns)
                return not self._health.unreached
            except LinkDown as exc:
                self._failed(str(exc), losses)
                return False
            self._answered(asked_ns)
            return True

    # --- writing ----------------------------------------------------------------------------------------------
    async def write(self, values: Mapping[str, float], may_write: Gate) -> WriteOutcome:
        """Send outputs in the points' units; contiguous ones share a request. Never raises for field trouble.

        ``may_write`` is asked at every send call, with nothing queued behind it. Raises ``KeyError`` for a name that
        is no output of this device. Repeated every ``spec.repeat_after_ns`` until the next call.
        """
        if self._opening.locked():  # connecting: it may be there in a moment
            async with self._opening:
                pass
        return await self._outputs.write(values, may_write)

    async def _ask(self, request: bytes, doing: str, may_write: Gate | None = None) -> bytes:
        if not self._link.connected:
            raise LinkDown(f"link down: {self._health.last_trouble}")
        asked_ns, losses = self._clock.monotonic_ns(), self._losses
        try:
            answer = await self._link.ask(request, may_write)
        except DeviceRefused as exc:
            self.requests += 1
            self._refused(exc, doing, asked_ns)
            raise
        except LinkDown as exc:
            self._failed(str(exc), losses)
            raise
        self.requests += 1
        self._answered(asked_ns)
        return answer

    # --- what an answer, or none, means -----------------------------------------------------------------------
    def _answered(self, asked_ns: int) -> None:
        self._health.answered(asked_ns, self._clock.monotonic_ns())
        self.contact.attempt_over()

    def _refused(self, exc: DeviceRefused, doing: str, asked_ns: int) -> None:
        self.errors += 1
        self._health.refused(exc, doing, asked_ns, self._clock.monotonic_ns())
        if self._health.unreached:
            self._outputs.unknown()
            self._readings.unreached(asked_ns)
        self.contact.attempt_over()

    def _failed(self, reason: str, losses: int) -> None:
        if losses != self._losses:  # we dropped it ourselves, or another request has told already
            return
        self._losses += 1
        self.errors += 1
        self._health.failed(reason, self._clock.monotonic_ns())
        self.contact.attempt_over()

    def _link_lost(self, reason: str) -> None:
        self._health.last_trouble = reason
        if self.contact.connection_ended(self._clock.monotonic_ns()):
            self.look()
