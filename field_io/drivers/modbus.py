"""Modbus driver: points in, values out, always an answer.

Called by   a controller: ``run`` as a task of its node, ``image`` and ``write`` around every scan.
Knows       one device, its register map, its link and a clock; what a value may still be called is decided here.
Behaviour   polls on absolute deadlines; a lost answer drops the connection (a late one must never meet the next
            request); back-off and circuit in ``drivers.backoff``; requests never overlap on one connection.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import LinkReport
from dcs.core.clock import NS_PER_MS, NS_PER_S, Clock
from dcs.core.errors import LinkDown
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    DEVICE_FAILURE,
    STATUS_NO_COMM_LAST_USABLE,
    STATUS_NOT_CONNECTED,
    limits_of,
    make_status,
)
from dcs.core.value import ProcessValue
from field_io.drivers.backoff import Backoff, Rng
from field_io.drivers.driver import Image, WriteOutcome
from field_io.drivers.link import DeviceRefused, GateClosed, ModbusLink
from field_io.drivers.repeat import OutputRepeat
from field_io.planning import Block, plan_reads, plan_writes
from field_io.registers import BlockDecoder, BlockEncoder
from field_io.specs import DeviceSpec

HEALTH_PERIOD_NS = 2 * NS_PER_S
"""How often a standby asks for one point, so that its path to the device is proven and not assumed."""

ILLEGAL_ADDRESS, BUSY, NO_PATH, NO_ANSWER = 2, 6, 10, 11
_STATUS_OF_EXCEPTION = {
    1: make_status(BAD, CONFIGURATION_ERROR),
    2: make_status(BAD, CONFIGURATION_ERROR),
    3: make_status(BAD, CONFIGURATION_ERROR),
    NO_PATH: STATUS_NO_COMM_LAST_USABLE,
    NO_ANSWER: STATUS_NO_COMM_LAST_USABLE,
}
_STATUS_DEVICE_FAILURE = make_status(BAD, DEVICE_FAILURE)
_NEVER_NS = -(2**62)


@dataclass(slots=True)
class _Reader:
    """One planned read and where its points go in the image."""

    block: Block
    decoder: BlockDecoder
    index: NDArray[np.intp] | slice
    sampled_ns: int = _NEVER_NS  # monotonic


@dataclass(frozen=True, slots=True)
class _Writer:
    """One planned write."""

    block: Block
    names: tuple[str, ...]
    encoder: BlockEncoder


class ModbusDriver:
    """Everything a controller does with one Modbus device."""

    def __init__(
        self,
        spec: DeviceSpec,
        link: ModbusLink,
        clock: Clock,
        rng: Rng,
        phase_ns: int = 0,
        health_ns: int = HEALTH_PERIOD_NS,
    ) -> None:
        """Polls are due at ``k × spec.poll_ns + phase_ns`` of ``clock.monotonic_ns()``."""
        self.spec = spec
        self.names = tuple(point.name for point in spec.points)
        self._link = link
        self._clock = clock
        self._backoff = Backoff(rng, cap_ns=spec.backoff_ns)
        self._period_ns = spec.poll_ns
        self._phase_ns = phase_ns
        self._health_ns = health_ns
        self._at = {name: at for at, name in enumerate(self.names)}
        self._values = np.full(len(self.names), np.nan)
        self._statuses = np.full(len(self.names), STATUS_NOT_CONNECTED, np.uint8)
        self._times_ns = np.zeros(len(self.names), np.int64)
        self._readers = [self._reader(block) for block in plan_reads(spec.points, spec.gap_max)]
        self._oldest_ns = _NEVER_NS
        self._write_plans: dict[tuple[str, ...], list[_Writer]] = {}
        self._repeat = OutputRepeat(spec.repeat_after_ns, clock, self._send)
        self._lock = asyncio.Lock()
        self._polling = True
        self._group: asyncio.TaskGroup | None = None
        self._answered_ns = _NEVER_NS
        self._aborts = 0
        self._dropped_by_us = False
        self._round_trip_ns: float | None = None
        self._last_trouble = ""
        self._refusal = 0  # exception code of the last answer, 0 = none
        self.requests = 0
        self.errors = 0

    # --- reading ----------------------------------------------------------------------------------------------
    def image(self, now_ns: int) -> Image:
        """All points; ``now_ns`` is ``clock.monotonic_ns()`` and decides what is stale."""
        statuses = self._statuses.copy()
        if now_ns - self._oldest_ns >= self.spec.stale_after_ns:
            for reader in self._readers:
                if reader.sampled_ns != _NEVER_NS and now_ns - reader.sampled_ns >= self.spec.stale_after_ns:
                    statuses[reader.index] = STATUS_NO_COMM_LAST_USABLE
        return Image(self._values.copy(), statuses, self._times_ns.copy())

    def read(self, name: str, now_ns: int) -> ProcessValue:
        """One point; Bad, no communication, last usable value once it is ``spec.stale_after_ns`` old."""
        at = self._at[name]
        image = self.image(now_ns)
        return ProcessValue(float(image.values[at]), int(image.statuses[at]), int(image.times_ns[at]))

    def readback(self, name: str, now_ns: int | None = None) -> ProcessValue:
        """What the device itself says an output stands at (now, unless ``now_ns`` is given)."""
        return self.read(name, self._clock.monotonic_ns() if now_ns is None else now_ns)

    def reached(self, now_ns: int) -> bool:
        """True while the device keeps answering, polled or only asked for its health."""
        # A poller must not notice a dead device before a standby with its slower health reads does: otherwise the
        # standby would look better for a while, and a switchover would follow that helps nobody.
        health_ns = max(self._health_ns, self._period_ns)
        age_max_ns = max(self.spec.stale_after_ns, health_ns + 2 * self.spec.timeout_ns)
        if self._polling:
            age_max_ns += self._period_ns
        return self._refusal not in (NO_PATH, NO_ANSWER) and now_ns - self._answered_ns < age_max_ns

    @property
    def state(self) -> str:
        """Up, down or backing off."""
        # A connection that we dropped ourselves says nothing of the device.
        usable = self._link.connected or self._dropped_by_us
        if usable and self._backoff.failures == 0 and self._answered_ns != _NEVER_NS:
            return "down" if self._refusal in (NO_PATH, NO_ANSWER) else "up"
        return "backing off" if self._backoff.circuit_open else "down"

    def report(self) -> LinkReport:
        """The link as ``dcs status`` and the HMI show it."""
        state = self.state
        detail = self._last_trouble or "the connection was lost"
        if state == "up" and not self._refusal:
            detail = "" if self._polling else "standby: health reads only"
        round_trip_ms = None if self._round_trip_ns is None else round(self._round_trip_ns / NS_PER_MS, 3)
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
        self._repeat.forget()
        if polling:
            if not self._backoff.circuit_open:
                self._backoff.try_now()
            if self._group is not None:
                self._group.create_task(self._tick())

    def abort(self) -> None:
        """Drop the connection at once (authority lost): a write in flight is not repeated. ``run`` connects anew."""
        self._aborts += 1
        self._repeat.forget()
        self._dropped_by_us = self._dropped_by_us or self._link.connected
        self._link.abort()
        self._backoff.try_now()

    async def run(self) -> None:
        """Connect and poll until cancelled; leaves no connection behind."""
        try:
            async with asyncio.TaskGroup() as self._group:
                if self.spec.repeat_after_ns:
                    self._group.create_task(self._repeat.run())
                await self._tick()
                while True:
                    await self._clock.sleep_until(self._next_due_ns())
                    await self._tick()
        finally:
            self._group = None
            self._link.abort()

    def _next_due_ns(self) -> int:
        now_ns = self._clock.monotonic_ns()
        # From the grid, not from now: lateness cannot add up, and a poll that took too long slips to the next one.
        due_ns = ((now_ns - self._phase_ns) // self._period_ns + 1) * self._period_ns + self._phase_ns
        if not self._link.connected and self._backoff.attempt_ns < due_ns:
            return max(now_ns, self._backoff.attempt_ns)
        return due_ns

    async def _tick(self) -> None:
        if not self._link.connected and not await self._open():
            return
        if self._polling:
            await self.poll_once()
        elif self._clock.monotonic_ns() - self._answered_ns >= self._health_ns - self._period_ns // 2:
            async with self._lock:
                await self._probe()

    async def _open(self) -> bool:
        async with self._lock:
            if self._link.connected:
                return True
            if self._clock.monotonic_ns() < self._backoff.attempt_ns:
                return False
            aborts, self._dropped_by_us = self._aborts, False
            try:
                await self._link.connect()
            except LinkDown as exc:
                self._failed(str(exc), aborts)
                return False
            # A device that was dead gets one small question before the whole poll.
            return await self._probe() if self._backoff.circuit_open else True

    # --- requests ---------------------------------------------------------------------------------------------
    async def poll_once(self) -> None:
        """Read every block now; for callers that keep the schedule themselves. Never raises for field trouble."""
        at = 0
        while at < len(self._readers):
            reader = self._readers[at]
            async with self._lock:
                if not self._link.connected:
                    return
                await self._read(reader)
            if at < len(self._readers) and self._readers[at] is reader:  # else it was split: read the parts as well
                at += 1

    async def _read(self, reader: _Reader) -> None:
        block = reader.block
        asked_ns, asked_utc_ns, aborts = self._clock.monotonic_ns(), self._clock.time_ns(), self._aborts
        self.requests += 1
        try:
            answer = await self._link.read(block.table, block.address, block.count)
        except DeviceRefused as exc:
            self._refused(exc, f"reading {block.table} {block.address}…{block.address + block.count - 1}", asked_ns)
            self._mark_refused(reader, exc.code, asked_ns)
            return
        except LinkDown as exc:
            self._failed(str(exc), aborts)
            return
        self._answered(asked_ns)
        values, statuses = reader.decoder.decode(answer)
        index = reader.index
        self._values[index] = values
        self._statuses[index] = statuses
        self._times_ns[index] = asked_utc_ns
        reader.sampled_ns = asked_ns
        self._oldest_ns = min(each.sampled_ns for each in self._readers)

    async def _probe(self) -> bool:
        """Ask for one point; True when the device answers."""
        asked_ns, aborts = self._clock.monotonic_ns(), self._aborts
        if not self.spec.points:
            self._answered(asked_ns)
            return True
        point = self.spec.points[0]
        self.requests += 1
        try:
            await self._link.read(point.table, point.address, point.count)
        except DeviceRefused as exc:
            self._refused(exc, f"reading {point.name}", asked_ns)
        except LinkDown as exc:
            self._failed(str(exc), aborts)
            return False
        else:
            self._answered(asked_ns)
        return True

    async def write(self, values: Mapping[str, float], may_write: Callable[[], bool]) -> WriteOutcome:
        """Send outputs in the points' units; contiguous ones share a request. Never raises for field trouble.

        ``may_write`` is asked at every send call, with nothing queued behind it. Raises ``KeyError`` for a name that
        is no output of this device. Repeated every ``spec.repeat_after_ns`` until the next call.
        """
        self._repeat.note(values, may_write)
        return await self._send(values, may_write)

    async def _send(self, values: Mapping[str, float], may_write: Callable[[], bool]) -> WriteOutcome:
        written: tuple[str, ...] = ()
        limited: tuple[str, ...] = ()
        trouble = ""
        numbers = {name: value for name, value in values.items() if value == value}
        if len(numbers) < len(values):
            trouble = "not a number: " + ", ".join(name for name in values if name not in numbers)
        for writer in self._plan_write(tuple(numbers)):
            data, statuses = writer.encoder.encode([numbers[name] for name in writer.names])
            limited += tuple(name for name, status in zip(writer.names, statuses, strict=True) if limits_of(status))
            async with self._lock:
                if not self._link.connected:
                    return WriteOutcome("failed", f"link down: {self._last_trouble}", written, limited)
                asked_ns, aborts = self._clock.monotonic_ns(), self._aborts
                try:
                    await self._link.write(writer.block.table, writer.block.address, data, may_write)
                except GateClosed as exc:
                    return WriteOutcome("refused", str(exc), written, limited)
                except DeviceRefused as exc:
                    self.requests += 1
                    self._refused(exc, f"writing {', '.join(writer.names)}", asked_ns)
                    trouble = self._last_trouble
                except LinkDown as exc:
                    self._failed(str(exc), aborts)
                    return WriteOutcome("failed", str(exc), written, limited)
                else:
                    self.requests += 1
                    self._answered(asked_ns)
                    written += writer.names
        return WriteOutcome("failed" if trouble else "written", trouble, written, limited)

    # --- what an answer, or none, means -----------------------------------------------------------------------
    def _answered(self, asked_ns: int) -> None:
        self._backoff.answered()
        self._refusal = 0
        self._answered_ns = now_ns = self._clock.monotonic_ns()
        round_trip_ns = now_ns - asked_ns
        old = self._round_trip_ns
        self._round_trip_ns = round_trip_ns if old is None else old + 0.1 * (round_trip_ns - old)

    def _refused(self, exc: DeviceRefused, doing: str, asked_ns: int) -> None:
        self._answered(asked_ns)
        self.errors += 1
        self._refusal = exc.code
        self._last_trouble = f"{doing}: {exc}"

    def _failed(self, reason: str, aborts: int) -> None:
        self._last_trouble = reason
        if aborts != self._aborts:  # we dropped it ourselves: the device is not to blame
            return
        self.errors += 1
        self._link.abort()
        self._backoff.failed(self._clock.monotonic_ns())

    def _mark_refused(self, reader: _Reader, code: int, asked_ns: int) -> None:
        if code == BUSY:
            return  # it will have time again: the values age meanwhile
        block = reader.block
        if code == ILLEGAL_ADDRESS and sum(point.count for point in block.points) < block.count:
            # It may lack the unused registers we read along: from now on only what the map names.
            at = self._readers.index(reader)
            self._readers[at : at + 1] = [self._reader(part) for part in plan_reads(block.points, 0)]
            self._oldest_ns = _NEVER_NS
            return
        self._statuses[reader.index] = _STATUS_OF_EXCEPTION.get(code, _STATUS_DEVICE_FAILURE)
        reader.sampled_ns = asked_ns
        self._oldest_ns = min(each.sampled_ns for each in self._readers)

    # --- plans ------------------------------------------------------------------------------------------------
    def _reader(self, block: Block) -> _Reader:
        decoder = BlockDecoder(block.points, block.address, block.count)
        at = [self._at[point.name] for point in block.points]
        in_order = at == list(range(at[0], at[0] + len(at)))
        return _Reader(block, decoder, slice(at[0], at[0] + len(at)) if in_order else np.array(at, np.intp))

    def _plan_write(self, names: tuple[str, ...]) -> list[_Writer]:
        plan = self._write_plans.get(names)
        if plan is None:
            points = [self.spec.points[self._at[name]] for name in names]
            for point in points:
                if point.direction != "out":
                    raise KeyError(f"{point.name} is an input of {self.spec.name} and cannot be written")
            plan = [
                _Writer(block, tuple(p.name for p in block.points), BlockEncoder(block.points))
                for block in plan_writes(points)
            ]
            self._write_plans[names] = plan
        return plan
