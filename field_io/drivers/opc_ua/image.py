"""The values of an OPC UA device as the driver holds them: number, status, time, and until when they may be shown.

Called by   ``drivers.opc_ua``.
Knows       points, samples, ages; no session and no clock.
Times       a change carries the source's time when that is believable, which is not before the point was confirmed the
            last time and not after now. A value that the server confirms is as it was stands at the time of that
            confirmation, since that is when the device was last known to measure it.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from dcs.core.clock import NS_PER_S
from dcs.core.status import (
    BAD,
    SENSOR_FAILURE,
    STATUS_NO_COMM_LAST_USABLE,
    STATUS_NOT_CONNECTED,
    is_good,
    make_status,
)
from field_io.drivers.diagnosis import Diagnosis
from field_io.drivers.driver import Image
from field_io.drivers.opc_ua.session import Change
from field_io.opc_ua.messages import NodeInfo, UaSample
from field_io.opc_ua.status import code_name, ff_status, is_bad, overflowed
from field_io.registers import current_status
from field_io.specs import DeviceSpec

NEVER_NS = -(2**62)
CLOCK_SLACK_NS = 2 * NS_PER_S
"""A source time so far in the future says that the clock of the device is wrong."""

_NOT_A_NUMBER = make_status(BAD, SENSOR_FAILURE)


class UaImage:
    """All points of one device, in the order of its spec."""

    def __init__(self, spec: DeviceSpec) -> None:
        count = len(spec.points)
        self.texts: dict[int, str] = {}
        self.overflow = ""  # point whose queue overflowed in the last ``take``
        self.clock_off_s = 0.0  # how far the clock of the device is ahead, when it is by much
        self._points = spec.points
        self._diagnosis = Diagnosis(spec.points)
        self._values = np.full(count, np.nan)
        self._statuses = np.full(count, STATUS_NOT_CONNECTED, np.uint8)
        self._times_ns = np.zeros(count, np.int64)
        self._confirmed_ns = np.full(count, NEVER_NS, np.int64)  # for the age of a value
        self._heard_ns = np.full(count, NEVER_NS, np.int64)  # the same, but forgotten when all is to be read again
        self._stale_ns = np.array([spec.stale_after(point.poll) for point in spec.points], np.int64)
        periods_ns = np.array([spec.period_of(point.poll) for point in spec.points], np.int64)
        self._poll_ns = periods_ns - periods_ns // 8  # a reading may come a little early
        self._patience_ns = periods_ns
        self._since_utc_ns = 0
        self._watched = np.zeros(count, np.bool_)

    def at(self, now_ns: int) -> Image:
        """A copy, in which what is too old is Bad."""
        statuses = self._statuses.copy()
        stale = (now_ns - self._confirmed_ns >= self._stale_ns) & (self._confirmed_ns != NEVER_NS)
        statuses[stale] = STATUS_NO_COMM_LAST_USABLE
        if self._diagnosis:
            self._diagnosis.apply(self._values, statuses)
        return Image(self._values.copy(), statuses, self._times_ns.copy())

    def watch(self, points: Sequence[int]) -> None:
        """These are watched by the subscription; no others are."""
        self._watched[:] = False
        self._watched[np.array(points, np.intp)] = True

    def forget_confirmations(self) -> None:
        """All is to be read again; until then values keep the age they have."""
        self._heard_ns[:] = NEVER_NS

    def begin(self, now_utc_ns: int) -> None:
        """From now on the controller lives by these values: all is read, and nothing counts as of before."""
        self._since_utc_ns = now_utc_ns
        self.forget_confirmations()

    def unconfirmed(self, now_ns: int) -> list[int]:
        """Points to be read: for one of their periods nobody has told of them."""
        wait_ns = np.where(self._watched, self._patience_ns, self._poll_ns)
        due: list[int] = np.nonzero(now_ns - self._heard_ns >= wait_ns)[0].tolist()
        return due

    def remarks(self, infos: Sequence[NodeInfo]) -> list[str]:
        """What a person should know: nodes that are missing, a clock that is wrong."""
        found = []
        missing = [
            f"{point.name} ({code_name(info.code)})"
            for point, info in zip(self._points, infos, strict=True)
            if is_bad(info.code)
        ]
        if missing:
            found.append(f"not on the server: {', '.join(missing[:5])}" + (" …" if len(missing) > 5 else ""))
        if self.clock_off_s:
            found.append(f"its clock is {self.clock_off_s:.0f} s ahead of ours")
        return found

    def confirm(self, now_ns: int, now_utc_ns: int, changed: Sequence[int]) -> None:
        """A message of the subscription: what is watched and not among ``changed`` is as it was."""
        known = self._watched & (self._confirmed_ns != NEVER_NS) & (self._heard_ns != NEVER_NS)
        known[np.array(changed, np.intp)] = False
        self._confirmed_ns[known] = self._heard_ns[known] = now_ns
        self._times_ns[known] = now_utc_ns

    def take(self, changes: Iterable[Change], now_ns: int, now_utc_ns: int) -> bool:
        """Samples came, asked for at ``now``; True when the server says that it dropped some before them."""
        self.overflow = ""
        for at, sample in changes:
            self._take(at, sample, now_ns, now_utc_ns)
        return bool(self.overflow)

    def _take(self, at: int, sample: UaSample, now_ns: int, now_utc_ns: int) -> None:
        point = self._points[at]
        status = ff_status(sample.code)
        value = sample.value
        if isinstance(value, str):
            self.texts[at] = value
        elif value is not None:
            number = float(value) if point.type == "bool" else value * point.scale + point.offset
            if not math.isfinite(number):
                status = _NOT_A_NUMBER
            else:
                self._values[at] = number
                if point.unit == "mA" and is_good(status):
                    status = current_status(number)
        elif is_good(status):
            status = _NOT_A_NUMBER  # a Good value that is none
        self._statuses[at] = status
        old_ns = int(self._times_ns[at]) or now_utc_ns - int(self._stale_ns[at])
        believable = max(old_ns, self._since_utc_ns) <= sample.source_ns <= now_utc_ns
        self._times_ns[at] = sample.source_ns if believable else now_utc_ns
        ahead_ns = sample.source_ns - now_utc_ns
        self.clock_off_s = ahead_ns / NS_PER_S if ahead_ns > CLOCK_SLACK_NS else 0.0
        self._confirmed_ns[at] = self._heard_ns[at] = now_ns
        if overflowed(sample.code):
            self.overflow = point.name
