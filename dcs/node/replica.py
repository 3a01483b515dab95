"""One controller's copy of the controlled state: executes scan records, on the active and on the standby alike.

Called by   ``dcs.node.controller`` (active: from the scan; standby: from the pair link).
Knows       the engine, the command book, the scan counter. The same record on the same state gives the same bytes, so
            copying the state is the whole handover.
"""

import hashlib
import json
import struct
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import Event, Reply
from dcs.engine.engine import Engine
from dcs.node.command_book import CommandBook
from dcs.node.scan_record import InputImage, ScanRecord

Outputs = tuple[NDArray[np.float64], NDArray[Any], NDArray[np.bool_]]
"""Values, statuses, and which of them may be written; in the order of the plan's output channels."""

_KEPT_EVENTS = 2000
_DIGEST_PARTS = 16
_COPY_HEADER = struct.Struct("<4sI")
_COPY_MAGIC = b"DCC1"


@dataclass(eq=False, slots=True)
class ScanOutcome:
    """What one scan brought: all of it is the same on both sides, the digest proves it."""

    outputs: Outputs
    digest: bytes
    replies: list[Reply]
    events: list[Event]


class Replica:
    """State that must survive a takeover, and the only way to change it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lock = threading.RLock()  # the scan thread executes, the event loop copies
        self.scan = 0
        self.inputs: InputImage | None = None
        self.recent_events: deque[Event] = deque(maxlen=_KEPT_EVENTS)
        self._book = CommandBook()
        self._last_time_ns: dict[int, int] = {}

    def last_time_ns(self, class_index: int) -> int:
        """UTC of the class's last scan; 0 before the first."""
        return self._last_time_ns.get(class_index, 0)

    def execute(self, record: ScanRecord) -> ScanOutcome:
        """Run one scan. Raises ``ValueError`` when the record does not follow the last one."""
        if record.scan != self.scan + 1:
            raise ValueError(f"scan {record.scan} cannot follow scan {self.scan}")
        engine = self.engine
        engine.set_inputs(record.inputs.values, record.inputs.statuses, record.inputs.times_ns)
        replies = []
        for command in record.commands:
            reply = self._book.find(command.id)
            if reply is None:
                ok, text = engine.apply(command, record.time_ns)
                reply = Reply(command.id, ok, text, record.scan)
                self._book.add(reply)
            replies.append(reply)
        engine.scan(record.class_index, record.time_ns, record.slips)
        self.scan = record.scan
        self.inputs = record.inputs
        self._last_time_ns[record.class_index] = record.time_ns
        events = engine.take_events()
        self.recent_events.extend(events)
        outputs = engine.outputs()
        return ScanOutcome(outputs, self._digest(outputs), replies, events)

    def _digest(self, outputs: Outputs) -> bytes:
        """The outputs of every scan, and the whole state in rolling parts: a silent one shows within 16 scans."""
        values, _, valid = outputs
        part = self.engine.digest(self.scan % _DIGEST_PARTS, _DIGEST_PARTS)
        return hashlib.blake2b(b"".join((values.tobytes(), valid.tobytes(), part)), digest_size=8).digest()

    def snapshot(self) -> bytes:
        """The full copy: everything a standby needs to go on with the next scan."""
        inputs = self.inputs
        record = b""
        if inputs is not None:
            record = ScanRecord(self.scan, 0, 0, 0, inputs, []).to_bytes()
        head = json.dumps(
            {
                "scan": self.scan,
                "times": sorted(self._last_time_ns.items()),
                "commands": self._book.to_list(),
                "inputs": len(record),
            }
        ).encode()
        return _COPY_HEADER.pack(_COPY_MAGIC, len(head)) + head + record + self.engine.snapshot()

    def restore(self, copy: bytes) -> None:
        """Replace everything by a full copy. Raises ``ValueError`` when it is not one of this plan."""
        magic, head_bytes = _COPY_HEADER.unpack_from(copy)
        if magic != _COPY_MAGIC:
            raise ValueError(f"not a full copy: it starts with {magic!r}")
        at = _COPY_HEADER.size
        head = json.loads(copy[at : at + head_bytes])
        at += head_bytes
        inputs = copy[at : at + head["inputs"]]
        self.engine.restore(copy[at + head["inputs"] :])
        self.scan = head["scan"]
        self._last_time_ns = {int(index): time_ns for index, time_ns in head["times"]}
        self._book.load(head["commands"])
        self.inputs = ScanRecord.from_bytes(inputs).inputs if inputs else None
        self.recent_events.clear()
