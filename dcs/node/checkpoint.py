"""The controller's memory on its own disk, for the day on which nobody else has it any more.

Called by   ``dcs.node.controller`` (writes now and then, and at an orderly stop), ``dcs.node.assembly`` (reads it).
Knows       a replica and a ``Keep``. The memory is kept with its shape, so that a changed configuration, or changed
            software, can still read it.
Promise     a damaged or half-written checkpoint is never read; at most ``DIRTY_S`` of operators' changes are lost when
            both controllers of a pair die at once.
"""

import json
import struct
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from dcs.core.clock import NS_PER_S, Clock, sleep
from dcs.core.errors import Missing
from dcs.engine.shape import Shape
from dcs.node.keep import Keep
from dcs.node.program import Program
from dcs.node.replica import Replica
from dcs.node.state_copy import StateCopy
from dcs.redundancy.messages import Generation
from dcs.redundancy.protocol.cold_start import Rank

DIRTY_S = 1.0
"""Shortest time between two checkpoints: after a command the next one comes so soon."""
QUIET_S = 10.0
"""Time between two checkpoints when nobody changes anything."""

_HEADER = struct.Struct("<4sIII")  # magic, length of the head, length of the rest, CRC of both
_MAGIC = b"DCK1"
Apart = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A copy of a replica, and when it was made."""

    time_ns: int
    rank: Rank
    shape: Shape
    copy: bytes
    joins: bool = False  # the field stands where this memory left it: nothing needs to be initialised again


def write_checkpoint(
    keep: Keep,
    plan: str,
    shape: Callable[[], bytes],
    rank: Rank,
    time_ns: int,
    copy: bytes | memoryview,
    joins: bool = False,
) -> None:
    """Make it durable. ``plan``: digest of the plan of the memory, hexadecimal. Raises ``Missing``."""
    shape_name = f"shape-{plan}"
    if shape_name not in keep.names("shape-"):
        keep.write(shape_name, shape())
    generation, scan = rank
    head = json.dumps(
        {"time_ns": time_ns, "generation": generation, "scan": scan, "shape": shape_name, "joins": joins}
    ).encode()
    body = head + zlib.compress(copy, 1)
    keep.write("checkpoint", _HEADER.pack(_MAGIC, len(head), len(body) - len(head), zlib.crc32(body)) + body)
    for name in keep.names("shape-"):
        if name != shape_name:
            keep.remove(name)


class Checkpoints:
    """The checkpoint of one node: the newest counts, older ones are not kept."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    def write(self, program: Program, rank: Rank, time_ns: int, copy: bytes | memoryview) -> None:
        """Make it durable. ``copy`` is the snapshot of a replica with that program. Raises ``Missing``."""
        write_checkpoint(self._keep, program.plan.digest.hex(), program.shape.to_bytes, rank, time_ns, copy)

    def read(self) -> Checkpoint | None:
        """The newest; None when there is none. Raises ``ValueError`` for one that is damaged."""
        packed = self._keep.read("checkpoint")
        if packed is None:
            return None
        try:
            magic, head_size, rest_size, crc = _HEADER.unpack_from(packed)
            body = packed[_HEADER.size :]
            if magic != _MAGIC or len(body) != head_size + rest_size or zlib.crc32(body) != crc:
                raise ValueError("it was not written whole")
            head = json.loads(body[:head_size])
            shape = Shape.from_bytes(self._keep.read(head["shape"]) or b"")
            rank = (Generation(*head["generation"]), head["scan"])
            return Checkpoint(head["time_ns"], rank, shape, zlib.decompress(body[head_size:]), bool(head.get("joins")))
        except (struct.error, zlib.error, KeyError, TypeError) as error:
            raise ValueError(f"it cannot be understood: {error}") from error


def read_checkpoint(checkpoints: Checkpoints, tell: Callable[[str, str, str], None]) -> Checkpoint | None:
    """The checkpoint to start with; one that cannot be read is told and left alone."""
    try:
        return checkpoints.read()
    except ValueError as error:
        tell("system", "checkpoint", f"the checkpoint of this controller is not used: {error}")
        return None


class Checkpointer:
    """Writes checkpoints of a running controller, apart from its scan."""

    def __init__(
        self, checkpoints: Checkpoints, replica: Replica, rank: Callable[[], Rank], clock: Clock, apart: Apart
    ) -> None:
        self._checkpoints = checkpoints
        self._replica = replica
        self._rank = rank
        self._clock = clock
        self._apart = apart
        self._written: tuple[int, int] = (-1, -1)  # scan and number of changes at the last one
        self._written_ns = 0
        self._copy = StateCopy()
        self.trouble = ""

    async def run(self) -> None:
        """Until cancelled. A disk that takes nothing is told by ``trouble`` and tried again."""
        while True:
            await sleep(self._clock, DIRTY_S)
            replica = self._replica
            is_old = self._clock.monotonic_ns() - self._written_ns >= QUIET_S * NS_PER_S
            if replica.changes != self._written[1] or (is_old and replica.scan != self._written[0]):
                await self._apart(self.write)

    def write(self) -> None:
        """Now; the replica is held only while its memory is copied."""
        replica = self._replica
        with replica.lock:
            self._written = (replica.scan, replica.changes)
            self._written_ns = self._clock.monotonic_ns()
            if not replica.scan:
                return
            replica.freeze(self._copy)
            program = replica.program
            rank = (self._rank()[0], replica.scan)
        try:
            self._checkpoints.write(program, rank, self._clock.time_ns(), self._copy.packed())
            self.trouble = ""
        except Missing as error:
            self.trouble = f"no checkpoint: {error}"
