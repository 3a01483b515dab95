"""A full copy of a controller's state: taken between two scans, sent in slices, kept on a disk, read by the other one.

Called by   ``dcs.node.replica`` (takes and reads), the pair link and the checkpoint (through it).
Knows       the memory as bytes and the little beside it: scan counter, times, answered commands, late events, inputs.

The room for a copy is kept: to find 12 MB anew takes the system ten to a hundred times as long as to copy them, and the
scan waits meanwhile. Only ``take`` needs the scan to wait; the little is put into bytes afterwards.
Layout: header | JSON head | last inputs as a scan record | memory.
"""

import json
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import Event, Reply
from dcs.engine import memory
from dcs.node.scan_record import InputImage, ScanRecord

_HEADER = struct.Struct("<4sI")  # magic, length of the head
_MAGIC = b"DCC2"
_LINE = 64  # the memory begins on one, where the copy does
_ROOM_BESIDE, _SHARE_BESIDE = 1 << 19, 32
"""Room for what is beside the memory: so many bytes, and this share of the memory (inputs)."""

_ROWS_KEPT = 4096
"""Of which the text is kept: more than one controller has in its copies; about 1 kB each."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What belongs to the state and is not in the memory."""

    scan: int
    times: list[tuple[int, int]]  # (scan class, UTC of its last scan)
    commands: list[Reply]
    program: str  # key, hexadecimal
    parting: dict[str, float]
    events: list[Event]  # that may not have been published yet
    inputs: InputImage | None


class StateCopy:
    """Room for one copy at a time."""

    def __init__(self) -> None:
        self._room: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._memory_at = self._memory_bytes = 0
        self._beside: Beside | None = None

    def make_room(self, memory_bytes: int) -> None:
        """Find the room now, and not when the scan waits."""
        if len(self._room) < self._memory_at + memory_bytes:
            self._memory_at = _LINE * ((_ROOM_BESIDE + memory_bytes // _SHARE_BESIDE) // _LINE)
            self._room = memory.aligned_bytes(self._memory_at + memory_bytes)
            self._room.fill(0)  # the system gives memory when it is touched

    def take(self, state: NDArray[np.uint8], beside: Beside) -> None:
        """Copy; the scan must not run meanwhile."""
        self.make_room(len(state))
        self._room[self._memory_at : self._memory_at + len(state)] = state
        self._memory_bytes = len(state)
        self._beside = beside

    @property
    def scan(self) -> int:
        """The last one in the copy; -1 = there is none."""
        return -1 if self._beside is None else self._beside.scan

    @property
    def program(self) -> str:
        """Key of the program whose memory this is, hexadecimal."""
        return "" if self._beside is None else self._beside.program

    def packed(self) -> memoryview:
        """All of it as bytes; good until the next ``take``."""
        beside = self._beside
        assert beside is not None, "take() comes first"
        inputs = b"" if beside.inputs is None else ScanRecord(beside.scan, 0, 0, 0, beside.inputs, []).to_bytes()
        head = json.dumps(
            {
                "scan": beside.scan,
                "times": beside.times,
                "program": beside.program,
                "parting": beside.parting,
                "inputs": len(inputs),
            }
        )[:-1]
        commands, events = ",".join(map(_text, beside.commands)), ",".join(map(_text, beside.events))
        head_bytes = f'{head}, "commands": [{commands}], "events": [{events}]}}'.encode()
        head_bytes += b" " * (-(_HEADER.size + len(head_bytes) + len(inputs)) % _LINE)
        before = b"".join((_HEADER.pack(_MAGIC, len(head_bytes)), head_bytes, inputs))
        if len(before) > self._memory_at:
            self._move_memory(len(before))
        first, last = self._memory_at - len(before), self._memory_at + self._memory_bytes
        self._room[first : self._memory_at] = np.frombuffer(before, np.uint8)
        return memoryview(self._room.data)[first:last]

    def _move_memory(self, at: int) -> None:
        """More is beside it than was thought."""
        room = memory.aligned_bytes(2 * at + self._memory_bytes)
        room[2 * at :] = self._room[self._memory_at : self._memory_at + self._memory_bytes]
        self._room, self._memory_at = room, 2 * at


@lru_cache(maxsize=_ROWS_KEPT)
def _text(row: Reply | Event) -> str:
    """As JSON, once: a row never changes, and is in many copies. The interpreter that does it is the scan's as well."""
    return json.dumps({name: getattr(row, name) for name in row.__slots__})


@dataclass(frozen=True, slots=True)
class ReadCopy:
    """A copy that came from somewhere: the JSON head, and views of the rest."""

    head: dict[str, Any]
    inputs: memoryview
    memory: memoryview


def read_copy(copy: bytes | memoryview) -> ReadCopy:
    """Raises ``ValueError`` for bytes that are not a full copy."""
    view = memoryview(copy)
    if len(view) < _HEADER.size or bytes(view[:4]) != _MAGIC:
        raise ValueError(f"not a full copy: it starts with {bytes(view[:4])!r}")
    _, head_bytes = _HEADER.unpack_from(view)
    inputs_at = _HEADER.size + head_bytes
    head = json.loads(bytes(view[_HEADER.size : inputs_at]))
    memory_at = inputs_at + head["inputs"]
    return ReadCopy(head, view[inputs_at:memory_at], view[memory_at:])
