"""What a controller knows of its devices beside their values, as channels of the input image.

Called by   ``dcs.node.field_side``, at the end of every read.
Knows       the channels of every device's points, as they stand in the image: whether a device gives values is
            decided by the very statuses that the blocks see, whatever the driver speaks, and also after a takeover,
            when some of them are inherited. Reads no link and asks no device.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dcs.core.clock import NS_PER_S
from dcs.core.status import (
    BAD,
    DEVICE_FAILURE,
    NO_COMM,
    NO_COMM_LAST_USABLE,
    NOT_CONNECTED,
    STATUS_GOOD,
    STATUS_NO_COMM_LAST_USABLE,
    STATUS_NOT_CONNECTED,
    UNCERTAIN,
    make_status,
    quality_of,
    sub_status_of,
)
from dcs.engine.strategy import ERRORS, LINK, ROUND_TRIP, WHOLE, device_channel
from dcs.node.scan_record import InputImage
from field_io.drivers.driver import FieldDriver
from field_io.drivers.modbus.redundant import RedundantDriver
from field_io.specs import DIAGNOSIS

_FIGURES_EVERY_NS = NS_PER_S
"""Counters are for people: they are read once a second."""
_DEVICES_AT_ONCE = 64
"""So many in one scan, so that a thousand devices do not make every tenth scan a long one."""

# How a value is missing, the more telling the higher: 0 there is one, or it is Bad for a reason of its own.
_REFUSED, _NEVER_READ, _SILENT = 1, 2, 3
_REASONS = {DEVICE_FAILURE: _REFUSED, NOT_CONNECTED: _NEVER_READ, NO_COMM_LAST_USABLE: _SILENT, NO_COMM: _SILENT}
_MISSING = np.array(
    [_REASONS.get(sub_status_of(status), 0) if quality_of(status) == BAD else 0 for status in range(256)], np.int8
)
_STATUS_WHEN_ALL = np.array(
    [STATUS_GOOD, make_status(BAD, DEVICE_FAILURE), STATUS_NOT_CONNECTED, STATUS_NO_COMM_LAST_USABLE], np.int64
)
_STATUS_WHEN_SOME = make_status(UNCERTAIN)


class DeviceView:
    """The link channels of one wiring. ``channels``: of every driver, those of its points, by number."""

    def __init__(
        self, drivers: Sequence[FieldDriver], channels: Sequence[NDArray[np.intp]], inputs: Sequence[str]
    ) -> None:
        place = {name: at for at, name in enumerate(inputs)}
        known = [
            (driver, mine)
            for driver, mine in zip(drivers, channels, strict=True)
            if device_channel(driver.spec.name, LINK) in place
        ]
        shown = [(driver, mine) for driver, mine in known if len(mine)]
        self._written = [driver for driver, mine in known if not len(mine)]  # nothing of them is read: only written
        self._drivers = [driver for driver, _ in shown] + self._written
        self._link, self._errors, self._round_trip = (
            np.array([place[device_channel(driver.spec.name, what)] for driver in self._drivers], np.intp)
            for what in (LINK, ERRORS, ROUND_TRIP)
        )
        self._redundant = [
            (place[device_channel(driver.spec.name, WHOLE)], int(link), driver)
            for link, driver in zip(self._link, self._drivers, strict=True)
            if isinstance(driver, RedundantDriver) and device_channel(driver.spec.name, WHOLE) in place
        ]  # where it is told, where its link is, who knows
        self._channels = [mine for _, mine in shown]
        fastest = [_fastest(driver, mine, inputs) for driver, mine in shown]
        self._points = np.concatenate(fastest) if fastest else np.zeros(0, np.intp)
        counts = np.array([len(mine) for mine in fastest], np.intp)
        self._counts = counts
        self._starts = np.cumsum(counts) - counts
        self.silent: frozenset[str] = frozenset()  # devices that are not to be written now
        self._silent_ns: dict[str, int] = {}  # when each of them last gave no values at all; monotonic
        parts = max(1, -(-len(known) // _DEVICES_AT_ONCE))
        self._figures_every_ns = _FIGURES_EVERY_NS // parts
        self._figures_ns = -_FIGURES_EVERY_NS
        self._next = 0
        self._figures = np.stack((np.zeros(len(known)), np.full(len(known), np.nan)))

    def fill(self, image: InputImage, now_ns: int, now_utc_ns: int) -> None:
        """Write the link channels of an image whose points are there."""
        if not self._drivers:
            return
        if now_ns - self._figures_ns >= self._figures_every_ns:
            self._figures_ns = now_ns
            self._count()
        read = self._link[: len(self._counts)]
        if len(read):
            missing = _MISSING[image.statuses[self._points] & 0xFF]
            without = np.add.reduceat(missing != 0, self._starts, dtype=np.int64)
            statuses = _STATUS_WHEN_ALL[np.maximum.reduceat(missing, self._starts)]
            statuses[(without > 0) & (without < self._counts)] = _STATUS_WHEN_SOME
            image.values[read] = 100.0 * (self._counts - without) / self._counts
            image.statuses[read] = statuses
            self._note_silent(image, statuses, now_ns)
        for at, driver in zip(self._link[len(self._counts) :].tolist(), self._written, strict=True):
            reached = driver.reached(now_ns)
            image.values[at] = 100.0 * reached
            image.statuses[at] = STATUS_GOOD if reached else STATUS_NO_COMM_LAST_USABLE
        image.values[self._errors], image.values[self._round_trip] = self._figures
        image.statuses[self._errors] = STATUS_GOOD
        image.statuses[self._round_trip] = np.where(np.isfinite(self._figures[1]), STATUS_GOOD, STATUS_NOT_CONNECTED)
        for where in (self._link, self._errors, self._round_trip):
            image.times_ns[where] = now_utc_ns
        for at, link, driver in self._redundant:
            is_silent = quality_of(int(image.statuses[link])) == BAD
            image.values[at] = not driver.redundancy_lost
            image.statuses[at] = STATUS_NO_COMM_LAST_USABLE if is_silent else STATUS_GOOD
            image.times_ns[at] = now_utc_ns

    def _count(self) -> None:
        """Counters of the next devices; of all of them once in a second."""
        first, self._next = self._next, (self._next + _DEVICES_AT_ONCE) % max(1, len(self._drivers))
        if self._next < first:
            self._next = 0
        for at, driver in enumerate(self._drivers[first : first + _DEVICES_AT_ONCE], first):
            trip_ms = driver.report().round_trip_ms
            self._figures[:, at] = driver.errors, np.nan if trip_ms is None else trip_ms

    def _note_silent(self, image: InputImage, statuses: NDArray[np.int64], now_ns: int) -> None:
        """A device is silent from its last value on, until every point in use has been answered for again.

        Its first answers may be about other points than the read-backs of its outputs. What is still missing when the
        others could have turned Bad again is no reason any more.
        """
        nothing = np.flatnonzero((statuses == STATUS_NOT_CONNECTED) | (statuses == STATUS_NO_COMM_LAST_USABLE))
        dead = {self._drivers[at].spec.name for at in nothing.tolist()}
        if not dead and not self._silent_ns:
            return
        self._silent_ns |= dict.fromkeys(dead, now_ns)
        for driver, channels in zip(self._drivers, self._channels, strict=False):
            since_ns = self._silent_ns.get(driver.spec.name)
            if since_ns is None or driver.spec.name in dead:
                continue
            missing = (_MISSING[image.statuses[channels] & 0xFF] > _REFUSED).any()
            if not missing or now_ns - since_ns >= driver.spec.stale_after_ns:
                del self._silent_ns[driver.spec.name]
        self.silent = frozenset(self._silent_ns)

    def forget(self) -> None:
        """Nothing is known of before: this controller has taken over."""
        self._silent_ns = {}
        self.silent = frozenset()


def _fastest(driver: FieldDriver, channels: NDArray[np.intp], inputs: Sequence[str]) -> NDArray[np.intp]:
    """Those of the channels that are read most often: they tell first that a device is dead.

    What the driver itself finds out about the device (a diagnosis) has a value also when nothing comes from it.
    """
    spec = driver.spec
    found_out = {point.name for point in spec.points if point.table == DIAGNOSIS}
    read = np.array([inputs[at] not in found_out for at in channels], np.bool_)
    channels = channels[read] if read.any() else channels
    if not spec.polls:
        return channels
    group = {point.name: point.poll for point in spec.points}
    periods = np.array([spec.period_of(group[inputs[at]]) for at in channels], np.int64)
    chosen: NDArray[np.intp] = channels[periods == periods.min()]
    return chosen
