"""What a Modbus driver has read: planned reads by poll group, and the image that their answers fill.

Called by   ``drivers.modbus``. Pure: bytes and times come in; what a value may still be called is decided here.
Knows       the register map of one device, how old a value of each poll group may become.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    DEVICE_FAILURE,
    STATUS_GOOD,
    STATUS_NO_COMM_LAST_USABLE,
    STATUS_NOT_CONNECTED,
    is_good,
    make_status,
)
from field_io.array_decoder import ARRAY_FROM, ArrayDecoder
from field_io.drivers.diagnosis import Diagnosis
from field_io.drivers.driver import Image
from field_io.modbus.pdu import BUSY, ILLEGAL_ADDRESS, NO_ANSWER, NO_PATH
from field_io.planning import Block, plan_reads
from field_io.registers import BlockDecoder, decode_text
from field_io.specs import DeviceSpec, PointSpec, PollGroup

UNREACHED = (NO_PATH, NO_ANSWER)
"""Exceptions by which a gateway says that the unit does not answer it."""

MAY_PASS = (4, 5, BUSY)
"""Exceptions that say nothing against the request: the device is not ready now."""

_STATUS_OF_EXCEPTION = {
    1: make_status(BAD, CONFIGURATION_ERROR),
    2: make_status(BAD, CONFIGURATION_ERROR),
    3: make_status(BAD, CONFIGURATION_ERROR),
    NO_PATH: STATUS_NO_COMM_LAST_USABLE,
    NO_ANSWER: STATUS_NO_COMM_LAST_USABLE,
}
_STATUS_DEVICE_FAILURE = make_status(BAD, DEVICE_FAILURE)
_NEVER_NS = -(2**62)
_ALWAYS_NS = 2**62


_NO_PARTS = (np.empty(0), np.empty(0, np.uint8))


class _Decoder(Protocol):
    def decode(self, data: bytes) -> tuple[ArrayLike, ArrayLike]: ...


@dataclass(slots=True, eq=False)
class Reading:
    """One planned read and where its points go in the image."""

    block: Block
    group: str
    stale_ns: int
    period_ns: int
    decoder: _Decoder | None  # None: strings only
    index: NDArray[np.intp] | slice
    texts: tuple[tuple[int, PointSpec], ...] = ()
    array: ArrayDecoder | None = None  # in place of ``decoder``, for many points in a row of the image
    parts: tuple[NDArray[np.float64], NDArray[np.uint8]] = _NO_PARTS  # that row: values and statuses
    all_good: bool = False  # so is every status in it
    sampled_ns: int = _NEVER_NS  # monotonic


class Readings:
    """All reads of one device and the image they fill."""

    def __init__(self, spec: DeviceSpec) -> None:
        self.names = tuple(point.name for point in spec.points)
        self.at = {name: at for at, name in enumerate(self.names)}
        self.texts: dict[str, str] = {}
        self.trouble: dict[int, int] = {}  # position -> status, of outputs that do not hold what was written
        self._spec = spec
        self._diagnosis = Diagnosis(spec.points)
        self._values = np.full(len(self.names), np.nan)
        self._statuses = np.full(len(self.names), STATUS_NOT_CONNECTED, np.uint8)
        self._times_ns = np.zeros(len(self.names), np.int64)
        self._stale_from_ns = _ALWAYS_NS  # nothing is stale before; later it is worth a look
        self.again: dict[Reading, None] = {}  # refused for a reason that may pass; in order
        self.groups: dict[str, list[Reading]] = {}
        for group in ("", *(poll.name for poll in spec.polls)):
            points = [point for point in spec.points if point.poll == group]
            if points or not group:
                self.groups[group] = [self._reading(block, group) for block in self._plan(points, spec.gap_max)]

    @property
    def slowest_ns(self) -> int:
        """Longest poll period of them."""
        return max((reading.period_ns for reading in self.all), default=0)

    @property
    def all(self) -> list[Reading]:
        """Of all poll groups."""
        return [reading for group in self.groups.values() for reading in group]

    @property
    def poll_groups(self) -> list[PollGroup]:
        """Those with points, besides the device's own period."""
        return [poll for poll in self._spec.polls if poll.name in self.groups]

    def image(self, now_ns: int) -> Image:
        """All points; ``now_ns`` is monotonic and decides what is stale."""
        statuses = self._statuses.copy()
        for at, status in self.trouble.items():
            if is_good(statuses[at]):
                statuses[at] = status
        if now_ns >= self._stale_from_ns:
            self._stale_from_ns = _ALWAYS_NS
            for reading in self.all:
                if reading.sampled_ns == _NEVER_NS:
                    continue
                stale_from_ns = reading.sampled_ns + reading.stale_ns
                self._stale_from_ns = min(self._stale_from_ns, stale_from_ns)
                if now_ns >= stale_from_ns:
                    statuses[reading.index] = STATUS_NO_COMM_LAST_USABLE
                    for at, _ in reading.texts:
                        statuses[at] = STATUS_NO_COMM_LAST_USABLE
        if self._diagnosis:
            self._diagnosis.apply(self._values, statuses)
        return Image(self._values.copy(), statuses, self._times_ns.copy())

    # --- answers ----------------------------------------------------------------------------------------------
    def take(self, reading: Reading, data: bytes, asked_ns: int, asked_utc_ns: int) -> None:
        """An answer: registers or bits of one planned read."""
        self.again.pop(reading, None)
        index = reading.index
        if reading.array is not None:
            reading.all_good = reading.array.decode_into(data, *reading.parts, reading.all_good)
            self._times_ns[index] = asked_utc_ns
        elif reading.decoder is not None:
            values, statuses = reading.decoder.decode(data)
            self._values[index] = values
            self._statuses[index] = statuses
            self._times_ns[index] = asked_utc_ns
        for at, point in reading.texts:
            offset = 2 * (point.address - reading.block.address)
            self.texts[point.name] = decode_text(point, data[offset : offset + 2 * point.count])
            self._statuses[at] = STATUS_GOOD
            self._times_ns[at] = asked_utc_ns
        self._sampled(reading, asked_ns)

    def refused(self, reading: Reading, code: int, asked_ns: int) -> list[Reading]:
        """An exception in place of an answer; returns the reads to try instead."""
        if code in MAY_PASS:
            self.again[reading] = None
        else:
            self.again.pop(reading, None)
        if code == BUSY:
            return []  # it will have time again: the values age meanwhile
        block = reading.block
        wanted = {address for point in block.points for address in range(point.address, point.end)}  # bits share one
        if code == ILLEGAL_ADDRESS and len(wanted) < block.count:
            # It may lack the unused registers we read along: from now on only what the map names.
            parts = [self._reading(part, reading.group) for part in self._plan(block.points, 0)]
            for part in parts:
                part.sampled_ns = reading.sampled_ns
            group = self.groups[reading.group]
            if reading in group:
                at = group.index(reading)
                group[at : at + 1] = parts
            return parts
        self.unusable(reading, _STATUS_OF_EXCEPTION.get(code, _STATUS_DEVICE_FAILURE), asked_ns)
        return []

    def unusable(self, reading: Reading, status: int, asked_ns: int) -> None:
        """Its points have this status until they are read again."""
        self._statuses[reading.index] = status
        reading.all_good = False
        for at, _ in reading.texts:
            self._statuses[at] = status
        self._sampled(reading, asked_ns)

    def unreached(self, asked_ns: int) -> None:
        """A gateway says that the unit does not answer: nothing of it is known any more."""
        for reading in self.all:
            self.unusable(reading, STATUS_NO_COMM_LAST_USABLE, asked_ns)

    def _sampled(self, reading: Reading, asked_ns: int) -> None:
        if reading.sampled_ns == _NEVER_NS:
            self._stale_from_ns = min(self._stale_from_ns, asked_ns + reading.stale_ns)
        reading.sampled_ns = asked_ns

    # --- plans ------------------------------------------------------------------------------------------------
    def _plan(self, points: "list[PointSpec] | tuple[PointSpec, ...]", gap_max: int) -> list[Block]:
        limits = self._spec.limits
        return plan_reads(points, gap_max, limits.registers_per_read, limits.bits_per_read, self._spec.forbidden)

    def _reading(self, block: Block, group: str) -> Reading:
        numbers = [point for point in block.points if not point.is_text]
        decoder: _Decoder | None = None
        if numbers:
            kind = ArrayDecoder if len(numbers) >= ARRAY_FROM else BlockDecoder
            decoder = kind(numbers, block.address, block.count)
        at = [self.at[point.name] for point in numbers]
        in_order = bool(at) and at == list(range(at[0], at[0] + len(at)))
        index = slice(at[0], at[0] + len(at)) if in_order else np.array(at, np.intp)
        texts = tuple((self.at[point.name], point) for point in block.points if point.is_text)
        period_ns = self._spec.period_of(group)
        reading = Reading(block, group, self._spec.stale_after(group), period_ns, decoder, index, texts)
        if isinstance(decoder, ArrayDecoder) and isinstance(index, slice):
            reading.array, reading.parts = decoder, (self._values[index], self._statuses[index])
        return reading
