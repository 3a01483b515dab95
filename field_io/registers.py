"""What a device holds at which address, and how words become numbers.

Made by     ``dcs.config`` from field.yaml (units resolved, defaults filled in, places remembered).
Used by     the drivers (controller side) and the simulated devices (field side): one declaration for both.
Knows       Modbus tables, addresses, word and byte order, linear scaling. No link, no clock.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from dcs.core.errors import Place
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

TABLES = ("coil", "discrete", "input", "holding")
"""The four address spaces of Modbus; ``out`` points live in coil or holding."""

TYPES: dict[str, tuple[str, int]] = {
    "bool": ("H", 1),
    "int16": ("h", 1),
    "uint16": ("H", 1),
    "int32": ("i", 2),
    "uint32": ("I", 2),
    "int64": ("q", 4),
    "uint64": ("Q", 4),
    "float32": ("f", 2),
    "float64": ("d", 4),
}
"""Point type -> (struct letter, 16-bit words)."""

ORDERS = ("high_first", "low_first")

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


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """Binds a point to a variable of the simulated plant by a straight line through two points.

    ``plant_low``/``plant_high`` are in the plant's own unit (SI); ``field_low``/``field_high`` in the point's unit:
    4 and 20 for mA, 0 and 100 for %, otherwise the same range in the point's unit.
    """

    variable: str
    plant_low: float
    plant_high: float
    field_low: float
    field_high: float
    noise: float = 0.0  # standard deviation, in the point's unit
    lag_s: float = 0.0  # first-order lag of transmitter (in) or actuator (out)

    def field_from_plant(self, plant_value: float) -> float:
        """SI value -> value in the point's unit, not limited."""
        share = (plant_value - self.plant_low) / (self.plant_high - self.plant_low)
        return self.field_low + share * (self.field_high - self.field_low)

    def plant_from_field(self, field_value: float) -> float:
        """Value in the point's unit -> SI value, not limited."""
        share = (field_value - self.field_low) / (self.field_high - self.field_low)
        return self.plant_low + share * (self.plant_high - self.plant_low)


@dataclass(frozen=True, slots=True)
class PointSpec:
    """One field point: where its words are and what they mean. Field value = raw × scale + offset, in ``unit``."""

    name: str
    table: str  # coil | discrete | input | holding
    address: int  # 0-based, as in the PDU
    type: str = "uint16"
    direction: str = "in"  # in | out
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    word_order: str = "high_first"
    byte_order: str = "high_first"  # within each word; high_first is what the Modbus specification says
    signal: SignalSpec | None = None
    description: str = ""
    place: Place = Place()

    @property
    def is_bit(self) -> bool:
        """True in the tables addressed by bits."""
        return self.table in ("coil", "discrete")

    @property
    def count(self) -> int:
        """Addresses it occupies: bits, or 16-bit words."""
        return 1 if self.is_bit else TYPES[self.type][1]

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.count


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One Modbus device and its points. ``port`` is a number: ``auto`` has been resolved before."""

    name: str
    host: str = "127.0.0.1"
    port: int = 502
    unit: int = 1
    poll_ns: int = 1_000_000_000
    timeout_ns: int = 500_000_000
    stale_ns: int = 0  # 0 = 2 × poll + timeout
    simulate: bool = True
    points: tuple[PointSpec, ...] = ()
    description: str = ""
    protocol: str = "modbus-tcp"
    watchdog_ns: int = 0  # the device goes to its own safe state when it is not written for so long; 0 = it never does
    repeat_ns: int = 0  # outputs are sent again after so long; 0 = half the watchdog, or with the scans alone
    gap_max: int = 16  # unused registers that one read may span rather than split
    place: Place = Place()

    @property
    def stale_after_ns(self) -> int:
        """Age at which a value is no longer shown as good."""
        return self.stale_ns or 2 * self.poll_ns + self.timeout_ns

    @property
    def repeat_after_ns(self) -> int:
        """Time after which outputs that nobody has sent meanwhile are repeated; 0 = never."""
        return self.repeat_ns or self.watchdog_ns // 2

    @property
    def url(self) -> str:
        """For people: ``modbus://127.0.0.1:5020/1``."""
        return f"modbus://{self.host}:{self.port}/{self.unit}"


# --- checks for the configuration --------------------------------------------------------------------------
def point_problems(point: PointSpec) -> list[str]:
    """Sentences about what cannot work with this point alone; [] when it is fine."""
    problems = []
    if point.table not in TABLES:
        return [f"table is `{point.table}`, but a Modbus table is one of {', '.join(TABLES)}"]
    if point.type not in TYPES:
        return [f"type is `{point.type}`, but a point is one of {', '.join(TYPES)}"]
    for key, order in (("word_order", point.word_order), ("byte_order", point.byte_order)):
        if order not in ORDERS:
            problems.append(f"{key} is `{order}`, but it is one of {', '.join(ORDERS)}")
    if point.is_bit and point.type != "bool":
        problems.append(f"type is `{point.type}`, but a point in table {point.table} is a bool")
    if point.direction not in ("in", "out"):
        problems.append(f"direction is `{point.direction}`, but it is in or out")
    if point.direction == "out" and point.table in ("discrete", "input"):
        writable = "coil" if point.is_bit else "holding"
        problems.append(f"direction is out, but table {point.table} can only be read; use table {writable}")
    if point.address < 0 or point.end > 65536:
        problems.append(f"occupies address {point.address} to {point.end - 1}, but a Modbus table goes from 0 to 65535")
    if point.scale == 0.0 or not math.isfinite(point.scale) or not math.isfinite(point.offset):
        problems.append("scale and offset must be finite and scale not 0, otherwise values cannot be converted")
    return problems


def overlaps(points: Sequence[PointSpec]) -> list[tuple[PointSpec, PointSpec]]:
    """Pairs of points that share an address of the same table, in address order; (earlier, later) in the file."""
    found = []
    order = {point.name: at for at, point in enumerate(points)}
    for table in TABLES:
        in_table = sorted((p for p in points if p.table == table), key=lambda p: (p.address, order[p.name]))
        for at, first in enumerate(in_table):
            for second in in_table[at + 1 :]:
                if second.address >= first.end:
                    break
                a, b = sorted((first, second), key=lambda p: order[p.name])
                found.append((a, b))
    return found


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
