"""A controller's view of its field devices: one input image in, one output image out.

Called by   ``dcs.node.controller``.
Knows       which point of which driver is which channel of the plan; after a takeover, the last mirrored inputs.
Behaviour   a new holder has polled nothing yet: until a point is read for the first time the value that the old holder
            saw stands in for it, for no longer than that value may be called fresh. So the first scan after a takeover
            starts from the same inputs and does not bump.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import Command, LinkReport, Reply
from dcs.core.clock import NS_PER_MS, Clock, sleep
from dcs.core.status import STATUS_NO_COMM_LAST_USABLE, STATUS_NOT_CONNECTED
from dcs.engine.strategy import device_of, is_of_pair
from dcs.node.device_view import DeviceView
from dcs.node.field_watch import FieldWatch
from dcs.node.pair_view import PairFacts, PairView
from dcs.node.scan_record import InputImage
from field_io.drivers.backoff import FIRST_NS
from field_io.drivers.driver import FieldDriver
from field_io.drivers.gate import Gate
from field_io.drivers.modbus.redundant import RedundantDriver, link_reports
from field_io.specs import DeviceSpec

_GOOD = 128
"""Status bytes from here on are Good or Good (cascade)."""


_RAISE_NS = 500 * NS_PER_MS
"""Longest time in which voters agree on a higher epoch; a few messages."""

_SECOND_CHANCE_NS = FIRST_NS + 50 * NS_PER_MS
"""Until an answer that was lost has been asked for again."""


def ahead_max_ns(spec: DeviceSpec) -> int:
    """How far ahead of its limit a value may be called stale: not before it can have been read once more."""
    groups = ["", *(poll.name for poll in spec.polls)]
    spare_ns = min(spec.stale_after(group) - spec.period_of(group) for group in groups)
    return max(0, spare_ns - spec.timeout_ns - _SECOND_CHANCE_NS)


class _Device:
    """One driver and what is on its way through it."""

    def __init__(self, driver: FieldDriver) -> None:
        self.driver = driver
        self.ahead_max_ns = ahead_max_ns(driver.spec)
        self.fresh = True  # every point was read by this controller since it took over
        # The newest outputs that are not on their way yet, and whom to ask before they go.
        self.pending: tuple[dict[str, float], Gate] | None = None
        self.parting: dict[str, float] = {}  # last values for points that no block drives any more
        self.writing: asyncio.Task[None] | None = None
        self.silent = False  # it gave no values at the last scan


class _Part:
    """Where the points of one device go in the input image, and where its outputs come from."""

    def __init__(self, device: _Device, reads: Sequence[tuple[int, int]], writes: Sequence[tuple[int, str]]) -> None:
        """``reads``: (channel, point of the device); ``writes``: (channel, its name)."""
        self.device = device
        self.channels = np.array([channel for channel, _ in reads], np.intp)
        self.points = np.array([point for _, point in reads], np.intp)
        spec = device.driver.spec
        groups = {point.name: point.poll for point in spec.points}
        limits_ns = [spec.stale_after(groups.get(device.driver.names[point], "")) for _, point in reads]
        self.stale_after_ns = np.array(limits_ns, np.int64)  # each by its poll group
        self.outputs = writes


class Wiring:
    """Which point is which channel of one plan. A scan's outputs belong to the wiring that it was executed with."""

    def __init__(
        self, devices: Sequence[_Device], bits: set[str], inputs: Sequence[str], outputs: Sequence[str]
    ) -> None:
        self.inputs = tuple(inputs)
        self.parts = _parts(devices, inputs, outputs)
        self.never_read = InputImage.empty(len(inputs), STATUS_NOT_CONNECTED)
        self.view = DeviceView(
            [part.device.driver for part in self.parts], [part.channels for part in self.parts], inputs
        )
        self.pair = PairView(inputs)
        self.key = zlib.crc32("\n".join(inputs).encode())  # of the channels of an image and their order
        self.as_it_is = np.array([name in bits or device_of(name) != "" for name in inputs], np.bool_)  # no measurement

    def reordered(self, image: InputImage, names: Sequence[str]) -> InputImage:
        """An image with the channels ``names`` in this wiring's order; what is new in it was never read."""
        place = {name: i for i, name in enumerate(names)}
        pairs = [(i, place[name]) for i, name in enumerate(self.inputs) if name in place]
        to, source = np.array(pairs, np.intp).reshape(-1, 2).T
        found = InputImage(*(column.copy() for column in self.never_read.columns))
        for mine, theirs in zip(found.columns, image.columns, strict=True):
            mine[to] = theirs[source]
        return found


def _parts(devices: Sequence[_Device], inputs: Sequence[str], outputs: Sequence[str]) -> list[_Part]:
    """One for each device; every channel is looked at once, however many devices there are."""
    owner = {name: (at, point) for at, one in enumerate(devices) for point, name in enumerate(one.driver.names)}
    reads: list[list[tuple[int, int]]] = [[] for _ in devices]
    writes: list[list[tuple[int, str]]] = [[] for _ in devices]
    for channel, name in enumerate(inputs):
        if name in owner:
            at, point = owner[name]
            reads[at].append((channel, point))
    for channel, name in enumerate(outputs):
        if name in owner:
            writes[owner[name][0]].append((channel, name))
    return [_Part(*part) for part in zip(devices, reads, writes, strict=True)]


class FieldSide:
    """All drivers of one controller."""

    def __init__(
        self, drivers: Sequence[FieldDriver], inputs: Sequence[str], outputs: Sequence[str], clock: Clock
    ) -> None:
        self.drivers = list(drivers)
        self._bits = {point.name for driver in drivers for point in driver.spec.points if point.type == "bool"}
        self._clock = clock
        self._devices = [_Device(driver) for driver in drivers]
        self.wiring = Wiring(self._devices, self._bits, inputs, outputs)
        self._inherited = self.wiring.never_read
        self._since_utc_ns = 0
        self._term = 0  # how often the outputs were given up
        self.replaced_writes = 0
        self.on_stale_epoch: Callable[[int], None] = lambda epoch: None  # a device refused us and knows this higher one
        self.watch: FieldWatch | None = None  # knows more of the ways to the devices
        self.pair: Callable[[], PairFacts] = PairFacts  # asked in every read: how the pair is that we belong to

    def rewire(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Another plan with other channels on the same devices; what is on its way to the field stays on its way."""
        old = self.wiring
        self.wiring = Wiring(self._devices, self._bits, inputs, outputs)
        self._inherited = self.wiring.reordered(self._inherited, old.inputs)

    def unreachable(self, channels: Sequence[str]) -> list[str]:
        """Those of the channels that no driver of this controller has."""
        here = {name for driver in self.drivers for name in driver.names}
        devices = {driver.spec.name for driver in self.drivers}
        return [
            name for name in channels if name not in here and device_of(name) not in devices and not is_of_pair(name)
        ]

    # --- inputs -----------------------------------------------------------------------------------------------
    def read(self, period_ns: int = 0) -> InputImage:
        """A fresh image of all channels, each with status and source time; stale values are Bad.

        ``period_ns``: when the reader looks again. What will be stale before that is Bad now, so that everything
        downstream is Bad in time as well; but a single lost answer makes no value Bad.
        """
        now_ns, now_utc_ns = self._clock.monotonic_ns(), self._clock.time_ns()
        wiring = self.wiring
        image = InputImage(*(column.copy() for column in wiring.never_read.columns))
        for part in wiring.parts:
            ahead_ns = min(period_ns, part.device.ahead_max_ns)
            values, statuses, times_ns = part.device.driver.image(now_ns + ahead_ns)
            if part.device.fresh:
                image.values[part.channels] = values[part.points]
                image.statuses[part.channels] = statuses[part.points]
                image.times_ns[part.channels] = times_ns[part.points]
            else:
                self._read_inherited(part, image, values, statuses, times_ns, now_utc_ns)
        wiring.view.fill(image, now_ns, now_utc_ns)
        wiring.pair.fill(image, self.pair, now_utc_ns)
        return image

    def read_later(self, elapsed_ns: int, known: InputImage | None = None) -> InputImage:
        """The image as it was ``elapsed_ns`` after the inherited one, for a scan that is run late.

        ``known`` was measured for that scan, before it was due. What is missing there comes from a poll of now: a
        measurement that moved meanwhile is taken where it was then, by a straight line between its inherited and its
        new sample. What is not Good on both sides, or a bit, is taken as it is.
        """
        old, image = self._inherited, self.read()
        if known is not None:
            newer = known.times_ns > old.times_ns
            for mine, theirs in zip(image.columns, known.columns, strict=True):
                mine[newer] = theirs[newer]
        span_ns = image.times_ns - old.times_ns
        share = np.clip(elapsed_ns / np.maximum(span_ns, 1), 0.0, 1.0)
        between = (
            (share < 1.0) & (span_ns > 0) & (old.statuses >= _GOOD) & (image.statuses >= _GOOD) & ~self.wiring.as_it_is
        )
        image.values[between] = (old.values + share * (image.values - old.values))[between]
        return image

    def is_newer(self, known: InputImage) -> bool:
        """Was every point in it measured after the inherited one?"""
        parts = self.wiring.parts
        return all(bool((known.times_ns > self._inherited.times_ns)[part.channels].all()) for part in parts)

    def _read_inherited(
        self,
        part: _Part,
        image: InputImage,
        values: NDArray[np.float64],
        statuses: NDArray[np.uint8],
        times_ns: NDArray[np.int64],
        now_utc_ns: int,
    ) -> None:
        own = times_ns[part.points] >= self._since_utc_ns
        channels = part.channels
        old = self._inherited
        limit_ns = part.stale_after_ns
        stale = (now_utc_ns - old.times_ns[channels] >= limit_ns) & (old.statuses[channels] >= 64)
        old_statuses = np.where(stale, STATUS_NO_COMM_LAST_USABLE, old.statuses[channels])
        image.values[channels] = np.where(own, values[part.points], old.values[channels])
        image.statuses[channels] = np.where(own, statuses[part.points], old_statuses)
        image.times_ns[channels] = np.where(own, times_ns[part.points], old.times_ns[channels])
        part.device.fresh = bool(own.all())

    def is_fresh(self) -> bool:
        """True when every point was read by this controller since it took over."""
        now_ns = self._clock.monotonic_ns()
        return all(
            part.device.fresh
            or bool((part.device.driver.image(now_ns).times_ns[part.points] >= self._since_utc_ns).all())
            for part in self.wiring.parts
        )

    def take_over(self, inherited: InputImage | None) -> None:
        """This controller became active: poll everything at once; meanwhile what the other one saw holds."""
        self._inherited = inherited or self.wiring.never_read
        self._since_utc_ns = self._clock.time_ns()
        self.wiring.view.forget()
        for device in self._devices:
            device.fresh, device.silent = False, False
            device.driver.set_polling(False)  # it may have measured for the other one: everything is read anew
            device.driver.set_polling(True)

    def measure(self, measuring: bool) -> None:
        """As the standby, while the active says nothing of its measurements: poll as it would, or stop that."""
        for device in self._devices:
            device.driver.set_polling(measuring)

    def stand_by(self, abort: bool) -> None:
        """This controller is not active: only health reads. ``abort`` drops connections with writes in flight."""
        self._term += 1
        for device in self._devices:
            device.driver.set_polling(False)
            device.pending = None
            device.parting = {}
            if abort:
                device.driver.abort()

    # --- outputs ----------------------------------------------------------------------------------------------
    def write(
        self,
        wiring: Wiring,
        values: NDArray[np.float64],
        valid: NDArray[np.bool_],
        may_write: Gate,
        more: Mapping[str, float] | None = None,
    ) -> None:
        """Send the valid outputs, one request in flight per device; returns at once.

        ``more`` are last values for points that no block drives any more. A device that gives no values is sent
        nothing, and nothing is repeated to it: when it is back, blocks see where its outputs are before they move them.
        """
        loop, term = asyncio.get_running_loop(), self._term

        def gate() -> int:
            # What still waits when the authority is lost must not go out when it comes back: the other one has written.
            return may_write() if term == self._term else 0

        for part in wiring.parts:
            device = part.device
            chosen = {name: float(values[i]) for i, name in part.outputs if valid[i]}
            device.parting |= {name: value for name, value in (more or {}).items() if name in device.driver.names}
            was_silent, device.silent = device.silent, device.driver.spec.name in wiring.view.silent
            if (was_silent and device.silent) or not (chosen or device.parting):
                continue
            if device.pending is not None:
                self.replaced_writes += 1  # the device is slower than the scans; the newest values count
            device.pending = chosen, gate
            if device.writing is None or device.writing.done():
                device.writing = loop.create_task(self._send(device))

    async def _send(self, device: _Device) -> None:
        """Write what is pending until nothing is; the gate is asked by the transport at every send."""
        while device.pending is not None:
            (chosen, gate), device.pending = device.pending, None
            wanted = {} if device.silent else {**device.parting, **chosen}
            outcome = await device.driver.write(wanted, gate)
            if outcome.stale_epoch:
                self.on_stale_epoch(outcome.stale_epoch)
                if await self._raised(gate, outcome.stale_epoch) and device.pending is None:
                    device.pending = chosen, gate  # at once: the next scan may be a watchdog away
            device.parting = {name: value for name, value in device.parting.items() if name not in outcome.written}

    async def _raised(self, gate: Gate, above: int) -> bool:
        """Wait for the pair to agree on an epoch above that of a device; False: it does not, or we have lost."""
        deadline_ns = self._clock.monotonic_ns() + _RAISE_NS
        while (epoch := gate()) and epoch <= above and self._clock.monotonic_ns() < deadline_ns:
            await sleep(self._clock, 0.005)
        return gate() > above

    # --- health -----------------------------------------------------------------------------------------------
    def all_tried(self) -> bool:
        """True when every device has answered or failed at least once."""
        return all(driver.requests or driver.errors for driver in self.drivers)

    @property
    def timeout_ns(self) -> int:
        """The longest time-out of a device."""
        return max((driver.spec.timeout_ns for driver in self.drivers), default=0)

    async def change_link(self, command: Command) -> Reply:
        """Command ``link DEVICE A|B``: use that link from now on. Refused unless it is up."""
        name, link = command.subject, str(command.value or "").upper()
        driver = next((driver for driver in self.drivers if driver.spec.name == name), None)
        if not isinstance(driver, RedundantDriver) or driver.pair is None:
            known = [d.spec.name for d in self.drivers if isinstance(d, RedundantDriver) and d.pair is not None]
            text = f"{name} has no second link here. Devices with two: {', '.join(known) or 'none'}."
            return Reply(command.id, False, text)
        if link not in ("A", "B"):
            return Reply(command.id, False, f"{name} has the links A and B, not `{command.value}`.")
        if not driver.pair.prefer(link):
            return Reply(command.id, False, f"link {link} of {name} does not answer; nothing was changed.")
        return Reply(command.id, True, f"{name} is reached by link {link}")

    def detail(self) -> str:
        """What a person should know of devices and outputs; "" when all is well."""
        outdated = f"{self.replaced_writes} outputs outdated before they could be sent" if self.replaced_writes else ""
        return ", ".join(filter(None, (self.watch.detail() if self.watch else "", outdated)))

    def reports(self) -> list[LinkReport]:
        """One line per device, and one for each link of a device that has two."""
        return [line for driver in self.drivers for line in (self._report(driver), *link_reports(driver))]

    def _report(self, driver: FieldDriver) -> LinkReport:
        report = driver.report()
        remark = self.watch.remark(driver.spec.name) if self.watch else ""
        return replace(report, detail="; ".join(filter(None, (report.detail, remark)))) if remark else report

    async def run(self) -> None:
        """Run all drivers until cancelled."""
        async with asyncio.TaskGroup() as group:
            for driver in self.drivers:
                group.create_task(driver.run())
