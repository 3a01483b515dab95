"""How words become numbers and back.

Used by     the drivers (controller side) and the simulated devices (field side).
Knows       types, word and byte order, linear scaling, the limits of a 4–20 mA signal. No link, no clock.
"""

import math
import struct
from collections.abc import Callable, Sequence
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
from field_io.modbus.pdu import bytes_of, words_of
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
def byte_order_of(point: PointSpec) -> list[int]:
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
    if current_ma <= 3.600001:
        return _BURNT_OUT_LOW
    if current_ma >= 20.999999:
        return _BURNT_OUT_HIGH
    return _SATURATED_LOW if current_ma < 3.8 else _SATURATED_HIGH


class BlockDecoder:
    """Bytes of one contiguous read -> values and statuses of the points in it."""

    def __init__(self, points: Sequence[PointSpec], address: int, count: int) -> None:
        """Registers or bits, as ``modbus.pdu`` gives them: two bytes a register, one a bit. No strings."""
        self.size = count if points[0].is_bit else 2 * count
        if points[0].is_bit:
            pick = [point.address - address for point in points]
            letters = "B" * len(points)
        else:
            pick = [2 * (point.address - address) + at for point in points for at in byte_order_of(point)]
            letters = "".join(TYPES[point.type][0] for point in points)
        self._pick = None if pick == list(range(self.size)) else itemgetter(*pick) if len(pick) > 1 else _first(pick[0])
        self._unpack = struct.Struct(">" + letters).unpack
        self._columns = tuple(
            (p.scale, p.offset, p.unit == "mA", 0 if p.type != "bool" else 1 << p.bit if p.bit >= 0 else 0xFFFF)
            for p in points
        )

    def decode(self, data: bytes) -> tuple[list[float], list[int]]:
        """Values in the points' units, and their statuses. A float that is no number is Bad, sensor failure."""
        raws = self._unpack(data if self._pick is None else bytes(self._pick(data)))
        values, statuses = [], []
        for raw, (scale, offset, is_current, mask) in zip(raws, self._columns, strict=True):
            value = (1.0 if raw & mask else 0.0) if mask else raw * scale + offset
            if not math.isfinite(value):
                status = _NOT_A_NUMBER
            elif is_current:
                status = current_status(value)
            else:
                status = STATUS_GOOD
            values.append(value)
            statuses.append(status)
        return values, statuses


def _first(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[at : at + 1]


def decode(point: PointSpec, words: Sequence[int]) -> tuple[float, int]:
    """One point's words -> (value in its unit, status)."""
    values, statuses = BlockDecoder([point], point.address, point.count).decode(bytes_of(words))
    return values[0], statuses[0]


def decode_text(point: PointSpec, data: bytes) -> str:
    """A string: two characters a register, in the point's byte and word order, up to the first zero."""
    ordered = bytes(data[at] for at in byte_order_of(point))
    return ordered.split(b"\0", 1)[0].decode("ascii", "replace").strip()


def encode_text(point: PointSpec, text: str) -> bytes:
    """Inverse of ``decode_text``; what is too long is cut off, what is no ASCII becomes ``?``."""
    size = 2 * point.length
    ordered = text.encode("ascii", "replace")[:size].ljust(size, b"\0")
    order = byte_order_of(point)
    return bytes(ordered[order.index(at)] for at in range(size))


class BlockEncoder:
    """Values of contiguous points -> the bytes of one write; made once, used every scan."""

    def __init__(self, points: Sequence[PointSpec]) -> None:
        """``points`` by address and without a gap; registers or coils, no strings and no bits of a register."""
        bits = points[0].is_bit
        pick: list[int] = []
        at = 0
        for point in points:
            order = [0] if bits else byte_order_of(point)
            pick += [at + order.index(byte) for byte in range(len(order))]
            at += len(order)
        self._pick = itemgetter(*pick) if pick != list(range(at)) else None
        self._pack = struct.Struct(">" + "".join("B" if bits else TYPES[point.type][0] for point in points)).pack
        self._columns = tuple(
            (p.scale, p.offset, *_LIMITS[p.type], p.type in ("float32", "float64"), p.type == "bool") for p in points
        )

    def encode(self, values: Sequence[float]) -> tuple[bytes, list[int]]:
        """(data, statuses): Good; or Good, low/high limited where a value was clamped to what its type can hold.

        NaN cannot be sent to a device: its status is Bad, configuration error, and there is no data.
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
            return b"", statuses
        packed = self._pack(*numbers)
        return packed if self._pick is None else bytes(self._pick(packed)), statuses


def encode(point: PointSpec, value: float) -> tuple[tuple[int, ...], int]:
    """One value in the point's unit -> (words, status); see ``BlockEncoder.encode``."""
    data, statuses = BlockEncoder([point]).encode([value])
    return tuple(words_of(data)), statuses[0]
