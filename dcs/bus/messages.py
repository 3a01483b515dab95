"""What travels on the bus: subjects, layouts, frames, events, commands, node reports.

Called by   controllers (write), HMI, command line and logs (read).
Knows       bytes and dataclasses only; no bus, no clock, no Qt.

A *layout* names the columns of a controller once; a *frame* carries the packed columns of one scan and the layout's
hash, so that a reader can tell when it must ask for the layout again.
"""

import hashlib
import json
import struct
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


# --- subjects -------------------------------------------------------------------------------------------
def frame_subject(plant: str, pair: str, scan_class: str) -> str:
    """Live frames of one scan class of one controller (pair): one message per scan, from the active only."""
    return f"dcs.{plant}.frame.{pair}.{scan_class}"


def late_subject(frame: str) -> str:
    """For whoever keeps history: frames that could not be delivered live on their subject ``frame``."""
    return frame.replace(".frame.", ".late.", 1)


def layout_subject(plant: str, pair: str) -> str:
    """Request: answered by the active with ``Layout.to_bytes()``, one layout per scan class (JSON list)."""
    return f"dcs.{plant}.layout.{pair}"


def latest_subject(plant: str, pair: str) -> str:
    """Request: answered by the active with its latest frame of every scan class (``frames_to_bytes``)."""
    return f"dcs.{plant}.latest.{pair}"


def status_subject(plant: str, node: str) -> str:
    """Request: answered by the node with its ``NodeReport``."""
    return f"dcs.{plant}.status.{node}"


def command_subject(plant: str, pair: str) -> str:
    """Request: a ``Command``; answered by the active with a ``Reply`` once applied and mirrored."""
    return f"dcs.{plant}.command.{pair}"


def event_subject(plant: str, source: str) -> str:
    """Live and durable events (stream ``events``)."""
    return f"dcs.{plant}.event.{source}"


def node_subject(plant: str, node: str) -> str:
    """Live ``NodeReport`` of every node, every two seconds and at once on a change of role or state."""
    return f"dcs.{plant}.node.{node}"


EVENT_STREAM = "events"

# --- layout and frame -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TagInfo:
    """One published value: ``LIC-101.PV``."""

    name: str
    unit: str = ""
    low: float = 0.0
    high: float = 100.0
    description: str = ""
    decimals: int = 2
    kind: str = "float"  # float | mode | bool | int
    writable: bool = False
    choices: tuple[str, ...] = ()  # names of the codes 0, 1, 2 … of an int; "" where a code has none


@dataclass(frozen=True, slots=True)
class AlarmInfo:
    """One configured alarm: ``LIC-101.HI`` on tag ``LIC-101.PV``."""

    name: str
    tag: str
    kind: str  # HIHI HI LO LOLO DEV_HI DEV_LO BAD_PV ...
    priority: int  # 1 critical … 4 low
    limit: float
    unit: str = ""
    description: str = ""
    consequence: str = ""
    cause: str = ""
    action: str = ""
    limit_tag: str = ""  # the published tag that holds the limit in force; "" when it is fixed


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """One control module as a faceplate needs it; ``parts`` maps PV, SP, OUT, MODE … to published tag names."""

    name: str
    description: str
    kind: str  # loop | indicator | output | device
    parts: dict[str, str]
    permitted_modes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """The columns of the frames of one scan class."""

    plant: str
    pair: str
    scan_class: str
    period_ns: int
    tags: tuple[TagInfo, ...]
    alarms: tuple[AlarmInfo, ...] = ()
    modules: tuple[ModuleInfo, ...] = ()

    @cached_property
    def hash(self) -> bytes:
        """Eight bytes that change when any column changes."""
        return hashlib.blake2b(self.to_bytes(), digest_size=8).digest()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        plain: dict[str, Any] = _plain(self)
        return plain

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Layout":
        """Inverse of ``to_dict``."""
        modules = tuple(
            ModuleInfo(**{**module, "permitted_modes": tuple(module["permitted_modes"])}) for module in raw["modules"]
        )
        return cls(
            plant=raw["plant"],
            pair=raw["pair"],
            scan_class=raw["scan_class"],
            period_ns=raw["period_ns"],
            tags=tuple(TagInfo(**{**tag, "choices": tuple(tag["choices"])}) for tag in raw["tags"]),
            alarms=tuple(AlarmInfo(**alarm) for alarm in raw["alarms"]),
            modules=modules,
        )


def layouts_to_bytes(layouts: list[Layout]) -> bytes:
    """The answer on ``layout_subject``."""
    return json.dumps([layout.to_dict() for layout in layouts], separators=(",", ":")).encode()


def layouts_from_bytes(payload: bytes) -> list[Layout]:
    """Inverse of ``layouts_to_bytes``."""
    return [Layout.from_dict(raw) for raw in json.loads(payload)]


ALARM_DTYPE = np.dtype([("state", "u1"), ("time_ns", "<i8"), ("value", "<f8")])
"""One alarm in a frame: ISA-18.2 state (0 = A normal, 1 = B unacknowledged, 2 = C acknowledged, 3 = D returned
unacknowledged …), UTC time of the last transition into alarm, value at that moment."""

_HEADER = struct.Struct("<4s8sQqQB3xII")
_MAGIC = b"DCF1"


@dataclass(frozen=True, eq=False)
class Frame:
    """All published values of one scan class after one scan."""

    layout_hash: bytes
    scan: int
    time_ns: int  # UTC of the scan's due time
    epoch: int
    role: int  # 1 = active, 0 = standby
    values: NDArray[np.float64]  # (tags,)
    statuses: NDArray[np.uint8]  # (tags,)
    alarms: NDArray[Any] = field(default_factory=lambda: np.zeros(0, ALARM_DTYPE))  # (alarms,) of ALARM_DTYPE

    def to_bytes(self) -> bytes:
        """Header, values, statuses, alarms; little endian, packed."""
        header = _HEADER.pack(
            _MAGIC,
            self.layout_hash,
            self.scan,
            self.time_ns,
            self.epoch,
            self.role,
            len(self.values),
            len(self.alarms),
        )
        return header + self.values.tobytes() + self.statuses.tobytes() + self.alarms.tobytes()

    @classmethod
    def from_bytes(cls, payload: bytes) -> "Frame":
        """Inverse of ``to_bytes``. Raises ``ValueError`` on anything that is not a whole frame."""
        if len(payload) < _HEADER.size:
            raise ValueError(f"a frame has at least {_HEADER.size} bytes, this has {len(payload)}")
        magic, layout_hash, scan, time_ns, epoch, role, tags, alarms = _HEADER.unpack_from(payload)
        expected = _HEADER.size + tags * 9 + alarms * ALARM_DTYPE.itemsize
        if magic != _MAGIC or len(payload) != expected:
            raise ValueError(f"not a frame: {magic!r}, {len(payload)} bytes where {expected} were announced")
        at = _HEADER.size
        values = np.frombuffer(payload, "<f8", tags, at)
        statuses = np.frombuffer(payload, "u1", tags, at + 8 * tags)
        alarm_rows = np.frombuffer(payload, ALARM_DTYPE, alarms, at + 9 * tags)
        return cls(layout_hash, scan, time_ns, epoch, role, values, statuses, alarm_rows)


def frames_to_bytes(frames: list[Frame]) -> bytes:
    """Several frames, each with its length before it: the answer on ``latest_subject``."""
    packed = [frame.to_bytes() for frame in frames]
    return b"".join(len(one).to_bytes(4, "little") + one for one in packed)


def frames_from_bytes(payload: bytes) -> list[Frame]:
    """Inverse of ``frames_to_bytes``. Raises ``ValueError`` on anything else."""
    frames, at = [], 0
    while at < len(payload):
        length = int.from_bytes(payload[at : at + 4], "little")
        frames.append(Frame.from_bytes(payload[at + 4 : at + 4 + length]))
        at += 4 + length
    return frames


# --- events, commands, reports --------------------------------------------------------------------------


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))


def _plain(message: Any) -> Any:
    """Dataclasses as dicts, all the way down; ``dataclasses.asdict`` copies every leaf as well and takes five times."""
    if isinstance(message, tuple | list):
        return [_plain(item) for item in message]
    if is_dataclass(message):
        kind: Any = type(message)
        return {name: _plain(getattr(message, name)) for name in _field_names(kind)}
    return message


def _to_json(message: Any) -> bytes:
    return json.dumps(_plain(message), sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal."""

    id: str  # unique and the same whoever publishes it: "<pair>:<event sequence>" or "<node>:<start>:<n>"
    time_ns: int
    source: str  # pair or node
    kind: str  # alarm | operator | process | system | redundancy | field | config
    subject: str  # tag, alarm, node or device it is about
    text: str
    priority: int = 0  # 1–4 for alarms, 0 = journal only
    user: str = ""
    station: str = ""
    old: float | str | None = None
    new: float | str | None = None
    late: bool = False  # the journal got it long after it happened: the bus or its own node was away

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return _to_json(self)

    @classmethod
    def from_bytes(cls, payload: bytes) -> "Event":
        """Inverse of ``to_bytes``."""
        return cls(**json.loads(payload))


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator (or a script) wants of a controller.

    ``verb`` = ``set`` (tag, value), ``ack`` (subject = alarm name), ``ack_all``, ``switchover``, ``standby_out``,
    ``standby_in``, ``apply`` (subject =
    key of a program that was prepared).
    Modes are written by name: ``set LIC-101.MODE "AUTO"``.
    """

    id: str  # unique; a repeated id is answered from memory and not applied twice
    verb: str
    subject: str = ""
    value: float | str | None = None
    user: str = "operator"
    station: str = ""

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return _to_json(self)

    @classmethod
    def from_bytes(cls, payload: bytes) -> "Command":
        """Inverse of ``to_bytes``. Raises ``ValueError`` or ``TypeError`` on anything else; anybody may send one."""
        command = cls(**json.loads(payload))
        for name in ("id", "verb", "subject", "user", "station"):
            if not isinstance(getattr(command, name), str):
                raise ValueError(f"`{name}` must be a text, not {getattr(command, name)!r}")
        value: Any = command.value
        if isinstance(value, int):
            try:
                return replace(command, value=float(value))
            except OverflowError:
                raise ValueError("`value` is larger than any number that a controller holds") from None
        if not isinstance(value, float | str | None):
            raise ValueError(f"`value` must be a number or a text, not {value!r}")
        return command


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command, sent after the scan that applied it was mirrored (DESIGN rule 7)."""

    id: str
    ok: bool
    text: str  # what happened, or why not, with the limit that was broken
    scan: int = 0

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return _to_json(self)

    @classmethod
    def from_bytes(cls, payload: bytes) -> "Reply":
        """Inverse of ``to_bytes``."""
        return cls(**json.loads(payload))


@dataclass(frozen=True, slots=True)
class LinkReport:
    """One link as its owner sees it: a field device, the bus, the pair link."""

    name: str
    kind: str  # modbus | bus | pair | witness
    state: str  # up | down | backing off | unused
    url: str = ""
    detail: str = ""
    round_trip_ms: float | None = None
    errors: int = 0


@dataclass(frozen=True, slots=True)
class ScanReport:
    """Figures of one scan class since start; times in ms."""

    scan_class: str
    period_ms: float
    scans: int
    overruns: int
    time_p50_ms: float
    time_p99_ms: float
    time_max_ms: float
    jitter_p50_ms: float
    jitter_p99_ms: float
    jitter_max_ms: float


@dataclass(frozen=True, slots=True)
class NodeReport:
    """How a node is: what ``dcs status`` and the HMI's node display show."""

    node: str
    kind: str  # bus | field | controller | witness | hmi
    pid: int
    time_ns: int
    state: str  # starting | running | synchronising | ready | out | failed …
    role: str = ""  # active | standby | "" where it has none
    pair: str = ""
    epoch: int = 0
    sync_pct: float = 0.0
    scans: tuple[ScanReport, ...] = ()
    links: tuple[LinkReport, ...] = ()
    endpoints: dict[str, str] = field(default_factory=dict)
    detail: str = ""
    standby: str = ""  # of the active of a pair: ready | synchronising | missing | suspended | out; else ""

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return _to_json(self)

    @classmethod
    def from_bytes(cls, payload: bytes) -> "NodeReport":
        """Inverse of ``to_bytes``."""
        raw = json.loads(payload)
        raw["scans"] = tuple(ScanReport(**scan) for scan in raw["scans"])
        raw["links"] = tuple(LinkReport(**link) for link in raw["links"])
        return cls(**raw)
