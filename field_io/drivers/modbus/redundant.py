"""A Modbus device with two links, or a station with cards, as a controller sees it: the driver, and what is redundant.

Called by   ``dcs.node.field_side`` as any driver; ``redundant_driver`` builds it where something is redundant.
Knows       the driver of the values, the composite link below it, the diagnosis of the station.
Behaviour   points of a card that is out are Bad (device failure) though their registers can be read; outputs that have
            to follow the field (``links.station``) read back with *initialisation request*; points of table
            ``diagnosis`` say what is lost. Lost redundancy is a word to those who maintain, and no value turns Bad.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dcs.bus.messages import LinkReport
from dcs.core.clock import NS_PER_MS, Clock
from dcs.core.status import (
    BAD,
    DEVICE_FAILURE,
    GOOD_CASCADE,
    IR,
    LIMIT_NONE,
    STATUS_GOOD,
    STATUS_NO_COMM_LAST_USABLE,
    make_status,
    quality_of,
)
from dcs.core.value import ProcessValue
from field_io.drivers.backoff import Rng
from field_io.drivers.driver import FieldDriver, Image, WriteOutcome
from field_io.drivers.gate import Gate
from field_io.drivers.links.link import ModbusLink
from field_io.drivers.links.redundant_link import RedundantLink
from field_io.drivers.links.station import StationLink
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.modbus import pdu as codes
from field_io.specs import DIAGNOSES, DIAGNOSIS, TABLES, DeviceSpec, with_backups

STATUS_CARD_FAILED = make_status(BAD, DEVICE_FAILURE)
STATUS_FOLLOW = make_status(GOOD_CASCADE, IR, LIMIT_NONE)


def link_reports(driver: FieldDriver) -> list[LinkReport]:
    """One line for each link of a device that has two."""
    return driver.link_reports() if isinstance(driver, RedundantDriver) else []


class RedundantDriver:
    """``FieldDriver`` around a ``ModbusDriver``; at least one of ``pair`` and ``station`` is there."""

    def __init__(
        self, inner: ModbusDriver, clock: Clock, pair: RedundantLink | None, station: StationLink | None
    ) -> None:
        self.spec = inner.spec
        self.names = inner.names
        self.pair = pair
        self.station = station
        self.on_event: Callable[[str], None] = lambda text: None
        self._inner = inner
        self._clock = clock
        points = list(enumerate(self.spec.points))
        self._diagnoses = [(at, DIAGNOSES.index(point.node)) for at, point in points if point.table == DIAGNOSIS]
        self._outputs = [(at, point) for at, point in points if point.direction == "out"]
        self._on_cards = [(at, point) for at, point in points if station is not None and station.card_of(point)]
        self.contact = inner.contact
        if pair is not None:
            pair.on_event = self._tell_of_link
        if station is not None:
            station.on_event = self._tell

    def _tell(self, text: str) -> None:
        self.on_event(text)

    def _tell_of_link(self, text: str) -> None:
        self.on_event(text)
        self.contact.changed()  # whether redundancy is left may have changed

    # --- values -----------------------------------------------------------------------------------------------
    def image(self, now_ns: int) -> Image:
        """All points; ``now_ns`` is ``clock.monotonic_ns()``."""
        image = self._inner.image(now_ns)
        if self.station is not None:
            self._mark(self.station, image)
        if self._diagnoses:
            self._say(image, now_ns)
        return image

    def _mark(self, station: StationLink, image: Image) -> None:
        statuses = image.statuses
        for at, point in self._on_cards:
            if not station.serves(point):
                statuses[at] = STATUS_CARD_FAILED
        for at, point in self._outputs:
            since_ns = station.follows_since(point.name)
            if since_ns is not None and quality_of(int(statuses[at])) != BAD:
                statuses[at] = STATUS_FOLLOW if image.times_ns[at] >= since_ns else STATUS_NO_COMM_LAST_USABLE

    def _say(self, image: Image, now_ns: int) -> None:
        station, found = self.station, self.station.diagnosis if self.station else None
        known = station is not None and found is not None and now_ns - station.asked_ns < self.spec.stale_after_ns
        said = (
            (float(self.redundancy_lost), True),
            (float(found.fail_action) if found else np.nan, known),
            (float(bool(found.failed)) if found else np.nan, known),
        )
        for at, which in self._diagnoses:
            value, is_known = said[which]
            image.values[at] = value
            image.statuses[at] = STATUS_GOOD if is_known else STATUS_NO_COMM_LAST_USABLE
            image.times_ns[at] = self._clock.time_ns()

    @property
    def redundancy_lost(self) -> bool:
        """One of two links, or a card of a pair, could not take over."""
        return bool(self.pair is not None and self.pair.lost) or bool(
            self.station is not None and self.station.cards_lost
        )

    def read(self, name: str, now_ns: int) -> ProcessValue:
        """One point."""
        at = self.names.index(name)
        image = self.image(now_ns)
        return ProcessValue(float(image.values[at]), int(image.statuses[at]), int(image.times_ns[at]))

    async def write(self, values: Mapping[str, float], may_write: Gate) -> WriteOutcome:
        """See ``FieldDriver.write``; ``refused`` also while outputs have to follow the field first."""
        return await self._inner.write(values, may_write)

    # --- as any driver ----------------------------------------------------------------------------------------
    @property
    def requests(self) -> int:
        """Sent so far, without those that test the idle link."""
        return self._inner.requests

    @property
    def errors(self) -> int:
        """Refused or unanswered so far, on both links."""
        return self._inner.errors + (sum(member.errors for member in self.pair.members) if self.pair else 0)

    @property
    def state(self) -> str:
        """``up`` while one of the links is."""
        return self._inner.state

    def reached(self, now_ns: int) -> bool:
        """True while the device keeps answering, by whichever link."""
        return self._inner.reached(now_ns)

    @property
    def answered_ns(self) -> int:
        """Monotonic time of the last answer, by whichever link."""
        return self._inner.answered_ns

    @property
    def degraded(self) -> bool:
        """One of two links is lost."""
        return self.pair is not None and bool(self.pair.lost)

    def look(self) -> None:
        """Ask the device now."""
        self._inner.look()

    def report(self) -> LinkReport:
        """The device as a whole."""
        report = self._inner.report()
        words = [report.detail] if report.detail else []
        if self.pair is not None and report.state == "up":
            words += [f"by link {self.pair.in_use.name}"]
        if self.redundancy_lost and report.state == "up":
            lost = [f"link {member.name}" for member in self.pair.lost] if self.pair else []
            lost += [f"card S{slot}" for slot in self.station.cards_lost] if self.station else []
            words += [f"redundancy lost: {', '.join(lost)}"]
        found = self.station.diagnosis if self.station else None
        if found is not None and found.fail_action:
            words += ["outputs in their fail action"]
        url = self.pair.in_use.url if self.pair else report.url
        return LinkReport(
            report.name, report.kind, report.state, url, "; ".join(words), report.round_trip_ms, report.errors
        )

    def link_reports(self) -> list[LinkReport]:
        """One line for each of two links, below that of the device."""
        if self.pair is None:
            return []
        return [
            LinkReport(
                f"{self.spec.name}.{member.name}",
                "link",
                {"unknown": "unused"}.get(member.state, member.state),
                member.url,
                member.trouble if member.state == "down" else "in use" if member is self.pair.in_use else "spare",
                None if member.round_trip_ns is None else round(member.round_trip_ns / NS_PER_MS, 3),
                member.errors,
            )
            for member in self.pair.members
        ]

    def set_polling(self, polling: bool) -> None:
        """See ``FieldDriver.set_polling``; of cards and fail actions the journal hears by who polls alone."""
        if self.station is not None:
            self.station.on_event = self._tell if polling else None
        self._inner.set_polling(polling)

    def abort(self) -> None:
        """Drop both connections at once."""
        self._inner.abort()

    async def run(self) -> None:
        """Poll, and keep the idle link proven, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._inner.run())
                if self.pair is not None:
                    group.create_task(self.pair.watch())
        finally:
            if self.pair is not None:
                self.pair.abort()


def redundant_driver(
    spec: DeviceSpec, links: Sequence[ModbusLink], clock: Clock, rng: Rng, phase_ns: int = 0
) -> RedundantDriver:
    """The driver over one link or two of them, with the diagnosis of a station where the device is one."""
    link = links[0]
    pair = station = None
    if len(links) > 1:
        urls = [one.url for one in with_backups([spec])]
        points = [point for point in spec.points if point.table in TABLES]
        probe = (
            codes.read(points[0].table, points[0].address, points[0].count) if points else codes.read("holding", 0, 1)
        )
        link = pair = RedundantLink(
            links, urls, clock, rng, probe, health_ns=spec.health_ns, backoff_ns=spec.backoff_ns
        )
    if spec.station is not None:
        link = station = StationLink(link, spec, clock)
    return RedundantDriver(ModbusDriver(spec, link, clock, rng, phase_ns), clock, pair, station)
