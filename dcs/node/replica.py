"""One controller's copy of the controlled state: executes scan records, on the active and on the standby alike.

Called by   ``dcs.node.controller`` (active: from the scan; standby: from the pair link).
Knows       the engine, the command book, the scan counter. The same record on the same state gives the same bytes, so
            copying the state is the whole handover.
"""

import hashlib
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import Command, Event, Reply
from dcs.core.clock import NS_PER_S
from dcs.core.errors import DcsError
from dcs.engine import memory
from dcs.engine.change import Report
from dcs.engine.change_report import report_of
from dcs.engine.engine import Engine
from dcs.engine.migrate import Transfer
from dcs.engine.shape import Shape
from dcs.node.change_events import events_of
from dcs.node.changes import apply_changes, pack_changes
from dcs.node.command_book import CommandBook
from dcs.node.program import Loaded, Program
from dcs.node.scan_record import InputImage, ScanRecord, ScanResult
from dcs.node.state_copy import Beside, StateCopy, read_copy

Outputs = tuple[NDArray[np.float64], NDArray[Any], NDArray[np.bool_]]
"""Values, statuses, and which of them may be written; in the order of the plan's output channels."""

_KEPT_EVENTS = 2000
DIGEST_PARTS = 16
_LATE_EVENTS, _LATE_EVENTS_NS = 100, 10 * NS_PER_S
"""Of the events that go with a copy: the active may die before it has published them."""
_LOADED_MAX = 3
_TERM_EVENTS = 1 << 24
"""Numbers of events that belong to one epoch."""
APPLY = "apply"
"""Verb of the command that changes the program: ``subject`` is the key of the new one, hexadecimal."""


def _order(event: Event) -> tuple[int, int]:
    """By time, then as they were counted: ``C1:17``, the note ``C1:18-lost-5``, a line of a change ``…:2``."""
    return event.time_ns, int(event.id.rpartition(":")[2].partition("-")[0])


class NotLoaded(DcsError, ValueError):
    """A copy or a change names a program that this controller has not loaded."""


@dataclass(eq=False, slots=True)
class ScanOutcome:
    """What one scan brought: all of it is the same on both sides, the digest proves it."""

    outputs: Outputs
    digest: bytes
    replies: list[Reply]
    events: list[Event]
    changed: bool = False  # the program is another one since this scan


class Replica:
    """State that must survive a takeover, and the only way to change it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.loaded: dict[bytes, Loaded] = {}  # programs that wait, the newest last
        self.parting: dict[str, float] = {}  # last values for points that the last change left without a block
        self.lock = threading.RLock()  # the scan thread executes, the event loop copies
        self.scan = 0
        self.changes = 0  # commands and programs so far: what a checkpoint should not miss for long
        self.inputs: InputImage | None = None
        self.recent_events: deque[Event] = deque(maxlen=_KEPT_EVENTS)
        self._shadow: NDArray[np.int64] | None = None  # the memory as a standby holds it that is mirrored by copy
        self._book = CommandBook()
        self._last_time_ns: dict[int, int] = {}

    @property
    def engine(self) -> Engine:
        """Of the program that is executed."""
        return self.program.engine

    def has(self, key: bytes) -> bool:
        """Is that program loaded?"""
        return key == self.program.key or key in self.loaded

    def add(self, loaded: Loaded) -> None:
        """Keep a program for a change, or for a copy that will come."""
        self.loaded.pop(loaded.program.key, None)
        self.loaded[loaded.program.key] = loaded
        while len(self.loaded) > _LOADED_MAX:
            del self.loaded[next(iter(self.loaded))]

    def answered(self, command_id: str) -> bool:
        """Was that command applied before?"""
        return self._book.find(command_id) is not None

    def last_time_ns(self, class_index: int) -> int:
        """UTC of the class's last scan; 0 before the first."""
        return self._last_time_ns.get(class_index, 0)

    def show_results(self, wanted: bool) -> None:
        """From now on: does every record carry its result, for a standby that cannot repeat it?"""
        self._shadow = self.engine.memory.view(np.int64).copy() if wanted else None

    def execute(self, record: ScanRecord) -> ScanOutcome:
        """Run one scan. Raises ``ValueError`` when the record does not follow the last one.

        The record is given its result when a standby is mirrored by copy; one that has a result is not run, but
        followed.
        """
        if record.result is not None:
            return self._follow(record, record.result)
        if record.scan != self.scan + 1:
            raise ValueError(f"scan {record.scan} cannot follow scan {self.scan}")
        before = self.program
        replies = []
        events: list[Event] = []
        for command in record.commands:
            reply = self._book.find(command.id)
            if reply is None:
                if command.verb == APPLY:
                    ok, text = self._change(command, record, events)
                else:
                    ok, text = self.engine.apply(command, record.time_ns)
                reply = Reply(command.id, ok, text, record.scan)
                self._book.add(reply)
                self.changes += 1
            replies.append(reply)
        engine = self.engine
        engine.set_inputs(record.inputs.values, record.inputs.statuses, record.inputs.times_ns)
        engine.scan(record.class_index, record.time_ns, record.slips)
        self.scan = record.scan
        self.inputs = record.inputs
        self._last_time_ns[record.class_index] = record.time_ns
        events += engine.take_events()
        self.recent_events.extend(events)
        if self._shadow is not None:
            words = engine.memory.view(np.int64)
            record.result = ScanResult(replies, events, pack_changes(words, self._shadow))
        return ScanOutcome(engine.outputs(), self._digest(replies), replies, events, self.program is not before)

    def _follow(self, record: ScanRecord, result: ScanResult) -> ScanOutcome:
        if record.scan != self.scan + 1:
            raise ValueError(f"scan {record.scan} cannot follow scan {self.scan}")
        before = self.program
        for command in record.commands:
            if command.verb == APPLY and self._book.find(command.id) is None:
                self._change(command, record, [])
        for reply in result.replies:
            self.changes += self._book.find(reply.id) is None
            self._book.add(reply)
        engine = self.engine
        apply_changes(engine.memory.view(np.int64), result.changes)
        engine.forget_events()
        self.scan = record.scan
        self.inputs = record.inputs
        self._last_time_ns[record.class_index] = record.time_ns
        self.recent_events.extend(result.events)
        digest = self._digest(result.replies)
        return ScanOutcome(engine.outputs(), digest, result.replies, result.events, self.program is not before)

    def begin_term(self, epoch: int) -> None:
        """As the active of this epoch: events get numbers that no other holder has given or will give.

        The last one may have published events of a scan that nobody else has seen, or of years since this checkpoint.
        """
        words = self.engine.memory.view(np.int64)
        first = (epoch - 1) * _TERM_EVENTS
        head = int(words[memory.EVENT_HEAD])
        if head < first:
            # On in the ring where the last term ended: what it holds may still be on its way to the journal.
            words[memory.EVENT_HEAD] = words[memory.EVENT_MARK] = first + head % int(words[memory.RING_SIZE])
            self.engine.forget_events()  # what was taken is counted from there

    def _change(self, command: Command, record: ScanRecord, events: list[Event]) -> tuple[bool, str]:
        """Between two scans: the memory goes over to another program. Raises ``NotLoaded``."""
        loaded = self.loaded.get(bytes.fromhex(command.subject))
        if loaded is None:
            raise NotLoaded(f"scan {record.scan} changes to program {command.subject}, which is not loaded here")
        old, new = self.program, loaded.program
        events += self.engine.take_events()  # in the words of the old program
        transfer = loaded.transfer if loaded.came_from == old.key else Transfer(old.shape, new.plan)
        memory_before = self.engine.snapshot()
        after = transfer.apply(memory_before)
        new.engine.restore(after)
        if self._shadow is not None:
            self._shadow = np.frombuffer(transfer.apply(self._shadow.tobytes()), np.int64).copy()
        report = report_of(transfer, memory_before, applied=after)
        events += events_of(report, old, new, command, record)
        self.parting = {write.channel: write.value for write in transfer.parting(memory_before)}
        names = {scan_class.name: index for index, scan_class in enumerate(new.scan_classes)}
        self._last_time_ns = {
            names[old.scan_classes[index].name]: time_ns
            for index, time_ns in self._last_time_ns.items()
            if old.scan_classes[index].name in names
        }
        self._become(new)
        count = len(report.changes)
        return (
            True,
            f"version {new.version.number} runs since scan {record.scan}: {count} change{'' if count == 1 else 's'}",
        )

    def _become(self, program: Program) -> None:
        """Ways from the old program's memory are worth nothing now; the program itself may be wanted again."""
        self.loaded = {key: one for key, one in self.loaded.items() if key != program.key}
        self.program = program

    def _digest(self, replies: list[Reply]) -> bytes:
        """Outputs and replies of every scan, and the state in rolling parts: a silent one shows within 16 scans."""
        part = self.engine.digest(self.scan % DIGEST_PARTS, DIGEST_PARTS)
        said = b"".join(repr(reply).encode() for reply in replies)
        answers = hashlib.blake2b(said, digest_size=8).digest() if said else b""
        return self.engine.output_digest() + part + answers

    def freeze(self, copy: StateCopy) -> None:
        """The full copy: everything a standby needs to go on with the next scan. The caller holds the lock."""
        since_ns = max(self._last_time_ns.values(), default=0) - _LATE_EVENTS_NS
        newest = len(self.recent_events) - _LATE_EVENTS
        copy.take(
            self.engine.memory,
            Beside(
                self.scan,
                sorted(self._last_time_ns.items()),
                self._book.to_list(),
                self.program.key.hex(),
                self.parting,
                # Older ones can be read from the memory again, but not who was behind them.
                [
                    event
                    for at, event in enumerate(self.recent_events)
                    if event.user or (at >= newest and event.time_ns > since_ns)
                ],
                self.inputs,
            ),
        )

    def snapshot(self) -> bytes:
        """A full copy in room of its own."""
        copy = StateCopy()
        self.freeze(copy)
        return bytes(copy.packed())

    def restore(self, copy: bytes | memoryview) -> None:
        """Replace everything by a full copy. Raises ``ValueError`` when it is not one of a program that is loaded."""
        self._take(copy, None)
        # What the active has not got into the journal yet, we must be able to, should it die.
        known = {event.id for event in self.recent_events}
        older = [event for event in self.engine.recent_events(_KEPT_EVENTS) if event.id not in known]
        self.recent_events = deque(sorted([*older, *self.recent_events], key=_order), maxlen=_KEPT_EVENTS)

    def wake(self, copy: bytes, shape: Shape) -> Report | None:
        """Replace everything by a copy from a disk, whose memory has that shape; a report when the plan is another.

        Raises ``ValueError``.
        """
        report = self._take(copy, shape)
        self._last_time_ns = {}
        self.inputs = None
        self.parting = {}
        return report

    def _take(self, copy: bytes | memoryview, shape: Shape | None) -> Report | None:
        read = read_copy(copy)
        head, before = read.head, read.memory
        key = bytes.fromhex(head["program"])
        report = None
        if shape is not None and shape.digest != self.program.plan.digest:
            transfer = Transfer(shape, self.program.plan)
            self.engine.restore(transfer.apply(before))
            report = report_of(transfer, before)
        elif shape is not None:
            self.engine.restore(before)
        elif self.has(key):
            program = self.program if key == self.program.key else self.loaded[key].program
            program.engine.restore(before)
            self._become(program)
        else:
            raise NotLoaded(f"it belongs to program {head['program']}, which is not loaded here")
        self.parting = head["parting"]
        self.scan = head["scan"]
        self._last_time_ns = {int(index): time_ns for index, time_ns in head["times"]}
        self._book.load(head["commands"])
        if shape is None:  # a copy from a disk may have been written by other software, and its inputs are stale
            self.inputs = ScanRecord.from_bytes(bytes(read.inputs)).inputs if read.inputs else None
        self.recent_events.clear()
        self.recent_events.extend(Event(**raw) for raw in head.get("events", []))
        return report
