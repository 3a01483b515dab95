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
        return b"".join(
            (
                header,
                self.inputs.values.tobytes(),
                self.inputs.statuses.astype(np.uint8).tobytes(),
                self.inputs.times_ns.tobytes(),
                commands,
            )
        )

    @classmethod
    def from_bytes(cls, payload: bytes) -> "ScanRecord":
        """Inverse of ``to_bytes``. Raises ``ValueError`` when it is not a whole record."""
        if len(payload) < _HEADER.size:
            raise ValueError(f"a scan record has at least {_HEADER.size} bytes, this has {len(payload)}")
        scan, time_ns, class_index, slips, channels, command_bytes = _HEADER.unpack_from(payload)
        at = _HEADER.size
        if len(payload) != at + 17 * channels + command_bytes:
            raise ValueError(f"a scan record of {channels} channels was cut to {len(payload)} bytes")
        values = np.frombuffer(payload, "<f8", channels, at)
        statuses = np.frombuffer(payload, "u1", channels, at + 8 * channels).astype(np.int64)
        times_ns = np.frombuffer(payload, "<i8", channels, at + 9 * channels)
        text = payload[at + 17 * channels :]
        commands = [Command(**raw) for raw in json.loads(text)] if text else []
        return cls(scan, time_ns, class_index, slips, InputImage(values, statuses, times_ns), commands)
