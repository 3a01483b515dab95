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

from dcs.bus.messages import Command
from dcs.node.columns import pack_column, pack_times, unpack_column, unpack_times

_HEADER = struct.Struct("<QqiiII")


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
class ScanRecord:
    """One scan's inputs."""

    scan: int
    time_ns: int  # UTC of the due time
    class_index: int
    slips: int
    inputs: InputImage
    commands: list[Command]

    def to_bytes(self) -> bytes:
        """Header, three input columns, commands as JSON."""
        commands = json.dumps([asdict(command) for command in self.commands]).encode() if self.commands else b""
        header = _HEADER.pack(
            self.scan, self.time_ns, self.class_index, self.slips, len(self.inputs.values), len(commands)
        )
        statuses = pack_column(self.inputs.statuses.astype(np.uint8))
        times = pack_times(self.inputs.times_ns, self.time_ns)
        return b"".join((header, self.inputs.values.tobytes(), statuses, times, commands))

    @classmethod
    def from_bytes(cls, payload: bytes) -> "ScanRecord":
        """Inverse of ``to_bytes``. Raises ``ValueError`` when it is not a whole record."""
        if len(payload) < _HEADER.size:
            raise ValueError(f"a scan record has at least {_HEADER.size} bytes, this has {len(payload)}")
        scan, time_ns, class_index, slips, channels, command_bytes = _HEADER.unpack_from(payload)
        at = _HEADER.size + 8 * channels
        if len(payload) < at:
            raise ValueError(f"a scan record of {channels} channels was cut to {len(payload)} bytes")
        values = np.frombuffer(payload, "<f8", channels, _HEADER.size)
        statuses, at = unpack_column(payload, at, channels, "u1")
        times_ns, at = unpack_times(payload, at, channels, time_ns)
        if len(payload) != at + command_bytes:
            raise ValueError(f"a scan record of {channels} channels was cut to {len(payload)} bytes")
        commands = [Command(**raw) for raw in json.loads(payload[at:])] if command_bytes else []
        image = InputImage(values, statuses.astype(np.int64), times_ns)
        return cls(scan, time_ns, class_index, slips, image, commands)
