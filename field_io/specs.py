"""What a field device is and which points it has: one declaration for the driver and for the simulated device.

Made by     ``dcs.config`` from field.yaml, map files and point tables (units resolved, defaults filled in).
Used by     drivers (controller side), simulated devices (field side), the tools that probe and watch devices.
Knows       addresses, types, ranges, time-outs. No codec, no link, no clock.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dcs.core.errors import Place
from field_io.access_specs import EpochSpec as EpochSpec
from field_io.access_specs import OpcUaAccess as OpcUaAccess
from field_io.access_specs import SerialLine as SerialLine
from field_io.access_specs import TlsFiles as TlsFiles
from field_io.behaviours import BehaviourSpec
from field_io.instruments import STRAIGHT, InstrumentSpec
from field_io.opc_ua.nodes import node_problems
from field_io.served_specs import ReplaySpec as ReplaySpec
from field_io.served_specs import ServerLimits as ServerLimits
from field_io.station import StationSpec

TABLES = ("coil", "discrete", "input", "holding")
"""The four address spaces of Modbus; ``out`` points live in coil or holding."""

NODE = "node"
"""In place of a table: the point is a node of an OPC UA server (``PointSpec.node``)."""

DIAGNOSIS = "diagnosis"
"""In place of a table: the point is what is known of the device's redundancy (``PointSpec.node`` names what)."""

DIAGNOSES = ("redundancy_lost", "fail_action", "card_failed")
"""One of two links, couplers or duplex cards is out; outputs are in their fail action; a card has failed."""

MODBUS_PROTOCOLS = ("modbus-tcp", "modbus-tls", "modbus-rtu", "modbus-rtu-over-tcp")
OPC_UA = "opc-ua"
PROTOCOLS = (*MODBUS_PROTOCOLS, OPC_UA)

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
"""Type of a number -> (struct letter, 16-bit words)."""

STRING = "string"
"""The one type that is no number; it has ``PointSpec.length`` words, of two characters each."""

POINT_TYPES = (*TYPES, STRING)

ORDERS = ("high_first", "low_first")


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
    instrument: InstrumentSpec = STRAIGHT

    @property
    def slope(self) -> float:
        """Field units per plant unit."""
        return (self.field_high - self.field_low) / (self.plant_high - self.plant_low)

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
    table: str  # coil | discrete | input | holding, or NODE, or DIAGNOSIS
    address: int = 0  # 0-based, as in the PDU
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
    node: str = ""  # OPC UA: `nsu=URI;s=name`; the namespace by its URI, never by an index that a server may change
    bit: int = -1  # a bool that is one bit of a register: 0 is the lowest; -1: the whole word or a table of bits
    length: int = 0  # words of a string
    poll: str = ""  # poll group (``DeviceSpec.polls``); "" = the device's own period
    verify: bool = False  # what was written is read back and compared
    write: str = "multiple"  # multiple (FC 15, 16) | single (5, 6) | masked (22: a bit) | read_write (23: verified)
    fail_value: float | None = None  # simulated: where an output goes when its watchdog has expired; None = it holds
    status: str = ""  # the point of the same device that carries the NE 107 status of this one
    ne107: str = "code"  # how a status point says it: code (0 … 4) | bits (0 … 3 of the word)
    choices: tuple[tuple[int, str], ...] = ()  # codes of an enumeration, and what they mean
    plausible: tuple[float, float] | None = None  # what is to be expected of it, in ``unit``
    of_map: str = ""  # its name in the map of the device's type

    @property
    def is_bit(self) -> bool:
        """True in the tables addressed by bits."""
        return self.table in ("coil", "discrete")

    @property
    def is_text(self) -> bool:
        """True for a string: it is shown to people and is no number."""
        return self.type == STRING

    @property
    def count(self) -> int:
        """Addresses it occupies: bits, or 16-bit words."""
        if self.is_text:
            return self.length
        return 1 if self.is_bit else TYPES[self.type][1]

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.count


@dataclass(frozen=True, slots=True)
class PollGroup:
    """Points that are read together with a period of their own, at ``k × period_ns + phase_ns``."""

    name: str
    period_ns: int
    phase_ns: int = 0


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one device can take (defaults: the Modbus application protocol V1.1b3)."""

    registers_per_read: int = 125
    registers_per_write: int = 123
    bits_per_read: int = 2000
    bits_per_write: int = 1968
    in_flight: int = 0  # requests that may be under way; 0 = one of this device, eight on a shared connection
    spacing_ns: int = 0  # between an answer and the next request, which are then one after the other


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Addresses that no request may touch, though neighbours may be read together."""

    table: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class DeviceAlarm:
    """An alarm that is made by itself: COMM of a device that gives no values, and those of lost redundancy.

    Texts that are "" are made from the device's name.
    """

    enable: bool = True
    priority: int = 2  # 1 critical … 4 low
    on_delay_ns: int = 2_000_000_000  # after its last value turned Bad, which is two polls and a time-out already
    off_delay_ns: int = 5_000_000_000
    description: str = ""
    consequence: str = ""
    cause: str = ""
    action: str = ""


REDUNDANCY_ALARM = DeviceAlarm(priority=4, on_delay_ns=10_000_000_000, off_delay_ns=10_000_000_000)


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One field device and its points. ``port`` is a number: ``auto`` has been resolved before."""

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
    polls: tuple[PollGroup, ...] = ()  # besides the device's own period
    limits: RequestLimits = RequestLimits()
    forbidden: tuple[Forbidden, ...] = ()
    shared: bool = False  # a gateway: all units behind one address share a connection
    unknown_unit: str = "refuse"  # simulated: other units get exception 0x0B (refuse) or no answer (silent)
    serial: SerialLine | None = None
    tls: TlsFiles | None = None
    opc_ua: OpcUaAccess | None = None
    write_when: str = "scan"  # scan: outputs are sent at every scan | change: only what the device does not hold yet
    backoff_ns: int = 10_000_000_000  # longest time between two attempts to reach it
    health_ns: int = 1_000_000_000  # between two questions that prove a path nobody polls: a standby's, a spare link
    identity: tuple[tuple[int, str], ...] = ()  # simulated: objects of function code 43/14, by number
    server: ServerLimits = ServerLimits()  # simulated
    replay: ReplaySpec | None = None  # simulated: answers come from a recording
    record: str = ""  # folder for the traffic of this device, one file a controller; "" = it is not recorded
    alarm: DeviceAlarm = DeviceAlarm()
    redundancy_alarm: DeviceAlarm = REDUNDANCY_ALARM  # only of one that ``is_redundant``
    backup: tuple[str, int] | None = None  # host and port of its second address
    station: StationSpec | None = None  # a node unit with cards
    map: str = ""  # map of its type (``field_io.maps``)
    untaken: tuple[PointSpec, ...] = ()  # simulated: points of its map without a tag, served all the same
    behaviours: tuple[BehaviourSpec, ...] = ()  # simulated: what makes values that no plant makes
    epoch: EpochSpec | None = None  # it checks the epoch of whoever writes its outputs

    @property
    def stale_after_ns(self) -> int:
        """Age at which a value of the device's own period is no longer shown as good."""
        return self.stale_ns or 2 * self.poll_ns + self.timeout_ns

    def stale_after(self, group: str) -> int:
        """Age at which a value of a poll group is no longer shown as good."""
        return self.stale_ns or 2 * self.period_of(group) + self.timeout_ns

    def period_of(self, group: str) -> int:
        """Time from reading to reading of a poll group ("" = the device's own)."""
        return next((poll.period_ns for poll in self.polls if poll.name == group), self.poll_ns)

    @property
    def is_redundant(self) -> bool:
        """It has a second address, or cards in pairs."""
        cards = self.station.cards if self.station else ()
        return self.backup is not None or any(card.duplex for card in cards)

    @property
    def is_modbus(self) -> bool:
        """False: it speaks OPC UA."""
        return self.protocol in MODBUS_PROTOCOLS

    @property
    def address(self) -> tuple[str, int]:
        """Where it is reached: all units with one address are behind one gateway, or on one serial line."""
        return (self.host, self.port) if self.serial is None else (self.serial.port, 0)

    @property
    def repeat_after_ns(self) -> int:
        """Time after which outputs that nobody has sent meanwhile are repeated; 0 = never."""
        return self.repeat_ns or self.watchdog_ns // 2

    @property
    def url(self) -> str:
        """For people: ``modbus://127.0.0.1:5020/1``, ``modbus-rtu:///dev/ttyUSB0/7``, ``opc.tcp://host:4840/path``."""
        if self.protocol == OPC_UA:
            path = self.opc_ua.path if self.opc_ua else ""
            return f"opc.tcp://{self.host}:{self.port}{path}"
        if self.serial is not None:
            return f"modbus-rtu://{self.serial.port}/{self.unit}"
        scheme = "modbus" if self.protocol == "modbus-tcp" else self.protocol
        return f"{scheme}://{self.host}:{self.port}/{self.unit}"


def at_backup(device: DeviceSpec) -> DeviceSpec:
    """The same device at its second address, as a device without one. Raises ``ValueError`` when it has none."""
    if device.backup is None:
        raise ValueError(f"{device.name} has no second address")
    host, port = device.backup
    return replace(device, name=f"{device.name}.B", host=host, port=port, backup=None)


def part_names(device: DeviceSpec) -> tuple[str, ...]:
    """What in a simulated device can fail by a name of its own: ``NODE-1.A`` a coupler, ``NODE-1.S3`` a card."""
    if device.backup is None and device.station is None:
        return ()
    slots = [f"S{slot}" for card in (device.station.cards if device.station else ()) for slot in card.slots]
    return tuple(f"{device.name}.{part}" for part in ("A", *(["B"] if device.backup else []), *slots))


def with_backups(devices: Sequence[DeviceSpec]) -> list[DeviceSpec]:
    """Every address as a device: the second one of a device behind its first."""
    return [one for device in devices for one in ((device, at_backup(device)) if device.backup else (device,))]


# --- checks for the configuration --------------------------------------------------------------------------
def point_problems(point: PointSpec) -> list[str]:
    """Sentences about what cannot work with this point alone; [] when it is fine."""
    problems: list[str] = []
    if point.table == DIAGNOSIS:
        return problems
    if point.table == NODE:
        return _node_problems(point)
    if point.table not in TABLES:
        return [f"table is `{point.table}`, but a Modbus table is one of {', '.join(TABLES)}"]
    if point.type not in POINT_TYPES:
        return [f"type is `{point.type}`, but a point is one of {', '.join(POINT_TYPES)}"]
    for key, order in (("word_order", point.word_order), ("byte_order", point.byte_order)):
        if order not in ORDERS:
            problems.append(f"{key} is `{order}`, but it is one of {', '.join(ORDERS)}")
    if point.is_bit and point.type != "bool":
        problems.append(f"type is `{point.type}`, but a point in table {point.table} is a bool")
    if point.direction not in ("in", "out"):
        problems.append(f"direction is `{point.direction}`, but it is in or out")
    if point.is_text and not 1 <= point.length <= 125:
        problems.append(f"length is {point.length}, but a string has 1 to 125 registers, of two characters each")
    if point.bit >= 0 and (point.is_bit or point.type != "bool" or point.bit > 15):
        problems.append("bit is the place, 0 to 15, of a bool in a register of table holding or input")
    if point.bit >= 0 and point.direction == "out" and point.write != "masked":
        problems.append("write must be `masked`: a plain write of one bit would clear its neighbours in the register")
    if point.write == "masked" and (point.bit < 0 or point.table != "holding"):
        problems.append("write `masked` (function code 22) is for a point with `bit` in table holding")
    if point.write == "read_write" and point.table != "holding":
        problems.append("write `read_write` (function code 23) is for registers of table holding")
    if point.write == "single" and point.count != 1:
        problems.append(
            f"write `single` (function codes 5, 6) carries one register, but {point.type} has {point.count}"
        )
    if point.direction == "out" and point.table in ("discrete", "input"):
        writable = "coil" if point.is_bit else "holding"
        problems.append(f"direction is out, but table {point.table} can only be read; use table {writable}")
    if point.address < 0 or point.end > 65536:
        problems.append(f"occupies address {point.address} to {point.end - 1}, but a Modbus table goes from 0 to 65535")
    if point.scale == 0.0 or not math.isfinite(point.scale) or not math.isfinite(point.offset):
        problems.append("scale and offset must be finite and scale not 0, otherwise values cannot be converted")
    return problems


def _node_problems(point: PointSpec) -> list[str]:
    """The same for a node of an OPC UA server."""
    problems = [f"node {sentence}" for sentence in node_problems(point.node)]
    if point.type not in POINT_TYPES:
        problems.append(f"type is `{point.type}`, but a point is one of {', '.join(POINT_TYPES)}")
    if point.direction not in ("in", "out"):
        problems.append(f"direction is `{point.direction}`, but it is in or out")
    if point.is_text and point.direction == "out":
        problems.append("direction is out, but a text cannot be written")
    if point.scale == 0.0 or not math.isfinite(point.scale) or not math.isfinite(point.offset):
        problems.append("scale and offset must be finite and scale not 0, otherwise values cannot be converted")
    return problems


def overlaps(points: Sequence[PointSpec]) -> list[tuple[PointSpec, PointSpec]]:
    """Pairs of points that share an address of the same table, in address order; (earlier, later) in the file.

    Different bits of one register do not overlap.
    """
    found = []
    order = {point.name: at for at, point in enumerate(points)}
    for table in TABLES:
        in_table = sorted((p for p in points if p.table == table), key=lambda p: (p.address, order[p.name]))
        for at, first in enumerate(in_table):
            for later in range(at + 1, len(in_table)):  # no slice: a copy for every point makes long lists slow
                second = in_table[later]
                if second.address >= first.end:
                    break
                if first.bit >= 0 and second.bit >= 0 and first.bit != second.bit:
                    continue
                a, b = sorted((first, second), key=lambda p: order[p.name])
                found.append((a, b))
    return found
