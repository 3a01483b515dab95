"""Everything a scan depends on, as bytes: what the active sends and the standby re-executes.

Called by   ``dcs.node.replica`` on both sides of the pair link.
Knows       the input image, the commands, the scan's class, number, time and slips. A scan is a pure function of this
            and of the state before it (DESIGN rule 1).
"""

import json
import struct
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import Command, Event, Reply
from dcs.node.columns import pack_column, pack_times, unpack_column, unpack_times

_HEADER = struct.Struct("<QqiiIII")  # scan, time, class, slips, channels, bytes of commands, bytes of the result
_RESULT = struct.Struct("<I")


@dataclass(eq=False)
class InputImage:
    """The field as one scan sees it, frozen; columns in the order of the plan's input channels."""

    values: NDArray[np.float64]
    statuses: NDArray[np.int64]
    times_ns: NDArray[np.int64]

    @property
    def columns(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Values, statuses, times."""
        return self.values, self.statuses, self.times_ns

    @classmethod
    def empty(cls, channels: int, status: int) -> "InputImage":
        """NaN with the given status: nothing was ever read."""
        return cls(np.full(channels, np.nan), np.full(channels, status, np.int64), np.zeros(channels, np.int64))


@dataclass(eq=False)
class ScanResult:
    """What came out of a scan, for a standby that does not repeat it."""

    replies: list[Reply]
    events: list[Event]
    changes: bytes  # of the memory, see ``dcs.node.changes``

    def to_bytes(self) -> bytes:
        """JSON with its length, then the changes."""
        head = json.dumps(
            {"replies": [asdict(reply) for reply in self.replies], "events": [asdict(event) for event in self.events]}
        ).encode()
        return b"".join((_RESULT.pack(len(head)), head, self.changes))

    @classmethod
    def from_bytes(cls, payload: bytes) -> "ScanResult":
        """Inverse of ``to_bytes``. Raises ``ValueError``."""
        if len(payload) < _RESULT.size:
            raise ValueError(f"the result of a scan was cut to {len(payload)} bytes")
        (head_bytes,) = _RESULT.unpack_from(payload)
        end = _RESULT.size + head_bytes
        head = json.loads(payload[_RESULT.size : end])
        return cls([Reply(**raw) for raw in head["replies"]], [Event(**raw) for raw in head["events"]], payload[end:])


@dataclass(eq=False)
class ScanRecord:
    """One scan's inputs; with its result when the standby is mirrored by copy."""

    scan: int
    time_ns: int  # UTC of the due time
    class_index: int
    slips: int
    inputs: InputImage
    commands: list[Command]
    result: ScanResult | None = None

    def to_bytes(self) -> bytes:
        """Header, three input columns, commands as JSON, the result if there is one."""
        commands = json.dumps([asdict(command) for command in self.commands]).encode() if self.commands else b""
        result = self.result.to_bytes() if self.result else b""
        channels = len(self.inputs.values)
        header = _HEADER.pack(
            self.scan, self.time_ns, self.class_index, self.slips, channels, len(commands), len(result)
        )
        statuses = pack_column(self.inputs.statuses, "u1")
        times = pack_times(self.inputs.times_ns, self.time_ns)
        return b"".join((header, self.inputs.values.tobytes(), statuses, times, commands, result))

    @classmethod
    def from_bytes(cls, payload: bytes) -> "ScanRecord":
        """Inverse of ``to_bytes``. Raises ``ValueError`` when it is not a whole record."""
        if len(payload) < _HEADER.size:
            raise ValueError(f"a scan record has at least {_HEADER.size} bytes, this has {len(payload)}")
        scan, time_ns, class_index, slips, channels, command_bytes, result_bytes = _HEADER.unpack_from(payload)
        at = _HEADER.size + 8 * channels
        if len(payload) < at:
            raise ValueError(f"a scan record of {channels} channels was cut to {len(payload)} bytes")
        values = np.frombuffer(payload, "<f8", channels, _HEADER.size)
        statuses, at = unpack_column(payload, at, channels, "u1")
        times_ns, at = unpack_times(payload, at, channels, time_ns)
        end = at + command_bytes
        if len(payload) != end + result_bytes:
            raise ValueError(f"a scan record of {channels} channels was cut to {len(payload)} bytes")
        commands = [Command(**raw) for raw in json.loads(payload[at:end])] if command_bytes else []
        image = InputImage(values, statuses.astype(np.int64), times_ns)
        result = ScanResult.from_bytes(payload[end:]) if result_bytes else None
        return cls(scan, time_ns, class_index, slips, image, commands, result)
