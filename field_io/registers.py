"""How words become numbers and back.

Used by     the drivers (controller side) and the simulated devices (field side).
Knows       types, word and byte order, linear scaling, the limits of a 4–20 mA signal. No link, no clock.
"""

import math
import struct
from collections.abc import Sequence
from operator import itemgetter

from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    GOOD,
    LIMIT_HIGH,
    LIMIT_LOW,
    RANGE_VIOLATION,
    SENSOR_FAILURE,
    STATUS_GOOD,
    UNCERTAIN,
    make_status,
)
from field_io.specs import TYPES, PointSpec

_LIMITS: dict[str, tuple[float, float]] = {
    "bool": (0, 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
    "float32": (-3.4028234663852886e38, 3.4028234663852886e38),
    "float64": (-1.7976931348623157e308, 1.7976931348623157e308),
}
"""What a type can hold, in raw counts."""


# --- codecs ------------------------------------------------------------------------------------------------
def _byte_order(point: PointSpec) -> list[int]:
    """Where byte i of the big-endian number stands among the bytes of the point's words."""
    words = list(range(point.count))
    if point.word_order == "low_first":
        words.reverse()
    low_byte_first = point.byte_order == "low_first"
    return [2 * word + (byte ^ low_byte_first) for word in words for byte in (0, 1)]


_SATURATED_LOW = make_status(UNCERTAIN, RANGE_VIOLATION, LIMIT_LOW)
_SATURATED_HIGH = make_status(UNCERTAIN, RANGE_VIOLATION, LIMIT_HIGH)
_BURNT_OUT_LOW = make_status(BAD, SENSOR_FAILURE, LIMIT_LOW)
_BURNT_OUT_HIGH = make_status(BAD, SENSOR_FAILURE, LIMIT_HIGH)
_NOT_A_NUMBER = make_status(BAD, SENSOR_FAILURE)
_CLAMPED_LOW = make_status(GOOD, 0, LIMIT_LOW)
_CLAMPED_HIGH = make_status(GOOD, 0, LIMIT_HIGH)
_UNSENDABLE = make_status(BAD, CONFIGURATION_ERROR)


def current_status(current_ma: float) -> int:
    """Status of a 4–20 mA signal by NAMUR NE 43: Good within 3.8–20.5, Bad from 3.6 down and from 21.0 up."""
    if 3.799999 <= current_ma <= 20.500001:  # a scaled integer at the limit may miss it by a rounding error
        return STATUS_GOOD
    if current_ma <= 3.6:
        return _BURNT_OUT_LOW
    if current_ma >= 21.0:
        return _BURNT_OUT_HIGH
    return _SATURATED_LOW if current_ma < 3.8 else _SATURATED_HIGH


class BlockDecoder:
    """Words of one contiguous read -> values and statuses of the points in it."""

    def __init__(self, points: Sequence[PointSpec], address: int, count: int) -> None:
        self._pack = struct.Struct(f">{count}H").pack
        pick: list[int] = []
        for point in points:
            first = 2 * (point.address - address)
            pick += [first + at for at in _byte_order(point)]
        self._pick = itemgetter(*pick)
        self._unpack = struct.Struct(">" + "".join(TYPES[point.type][0] for point in points)).unpack
        self._columns = tuple((point.scale, point.offset, point.unit == "mA", point.type == "bool") for point in points)

    def decode(self, words: Sequence[int]) -> tuple[list[float], list[int]]:
        """Values in the points' units, and their statuses. A float that is no number is Bad, sensor failure."""
        raws = self._unpack(bytes(self._pick(self._pack(*words))))
        values, statuses = [], []
        for raw, (scale, offset, is_current, is_bool) in zip(raws, self._columns, strict=True):
            value = (1.0 if raw else 0.0) if is_bool else raw * scale + offset
            if not math.isfinite(value):
                status = _NOT_A_NUMBER
            elif is_current:
                status = current_status(value)
            else:
                status = STATUS_GOOD
            values.append(value)
            statuses.append(status)
        return values, statuses


def decode(point: PointSpec, words: Sequence[int]) -> tuple[float, int]:
    """One point's words -> (value in its unit, status)."""
    values, statuses = BlockDecoder([point], point.address, point.count).decode(words)
    return values[0], statuses[0]


def decode_bit(point: PointSpec, bit: bool | int) -> tuple[float, int]:
    """A coil or discrete input -> (0.0 or 1.0, status)."""
    return (1.0 if bit else 0.0), STATUS_GOOD


class BlockEncoder:
    """Values of contiguous points -> the words of one write; made once, used every scan."""

    def __init__(self, points: Sequence[PointSpec]) -> None:
        """``points`` by address and without a gap."""
        pick: list[int] = []
        at = 0
        for point in points:
            order = _byte_order(point)
            pick += [at + order.index(byte) for byte in range(len(order))]
            at += len(order)
        self._pick = itemgetter(*pick)
        self._pack = struct.Struct(">" + "".join(TYPES[point.type][0] for point in points)).pack
        self._unpack = struct.Struct(f">{at // 2}H").unpack
        self._columns = tuple(
            (p.scale, p.offset, *_LIMITS[p.type], p.type in ("float32", "float64"), p.type == "bool") for p in points
        )

    def encode(self, values: Sequence[float]) -> tuple[tuple[int, ...], list[int]]:
        """(words, statuses): Good; or Good, low/high limited where a value was clamped to what its type can hold.

        NaN cannot be sent to a device: its status is Bad, configuration error, and there are no words.
        """
        numbers: list[float] = []
        statuses = []
        for value, (scale, offset, low, high, is_float, is_bool) in zip(values, self._columns, strict=True):
            raw = (value - offset) / scale
            status = STATUS_GOOD
            if is_bool:
                number: float = 1 if value >= 0.5 else 0
            elif low <= raw <= high:
                number = raw if is_float else min(round(raw), high)
            elif raw > high:
                number, status = high, _CLAMPED_HIGH if scale > 0.0 else _CLAMPED_LOW
            else:
                number, status = low, _CLAMPED_LOW if scale > 0.0 else _CLAMPED_HIGH
            if value != value:
                status = _UNSENDABLE
            numbers.append(number)
            statuses.append(status)
        if _UNSENDABLE in statuses:
            return (), statuses
        return self._unpack(bytes(self._pick(self._pack(*numbers)))), statuses


def encode(point: PointSpec, value: float) -> tuple[tuple[int, ...], int]:
    """One value in the point's unit -> (words, status); see ``BlockEncoder.encode``."""
    words, statuses = BlockEncoder([point]).encode([value])
    return words, statuses[0]
