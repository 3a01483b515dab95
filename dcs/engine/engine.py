"""The scan engine: a plan, one buffer, and what may be done with them.

Called by   a controller: inputs in, ``scan``, outputs, columns and events out; commands between two scans.
Knows       words and kernels. No clock, no bus, no field, no redundancy: time and inputs are given, so that the same
            inputs and commands give the same bytes on every engine with the same plan.

One caller at a time; nothing here waits. A scan of a compiled engine runs without the interpreter lock.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import ALARM_DTYPE, Command, Event, Layout
from dcs.core.errors import DcsError, NotAuthorised
from dcs.core.status import BAD, STATUS_GOOD
from dcs.engine import kernels, memory
from dcs.engine.commands import Commands
from dcs.engine.journal import Author, Journal
from dcs.engine.layouts import layouts
from dcs.engine.plan import Plan
from dcs.engine.tables import tables
from dcs.engine.uncompiled import UncompiledDriver
from dcs.engine.word_hash import hash_of

Floats = NDArray[np.float64]
Words = NDArray[np.int64]


class OtherPlan(DcsError, ValueError):
    """A snapshot that does not belong to the plan of this engine."""


class Engine:
    """Executes one plan. ``compiled=False`` (or ``NUMBA_DISABLE_JIT=1``) gives the same bits in plain Python.

    Raises ``ConfigError`` for a step that cannot be compiled, ``Missing`` when the kernel cache cannot be written.
    """

    def __init__(self, plan: Plan, compiled: bool = True, report: kernels.Report | None = None) -> None:
        self.plan = plan
        self.compiled = compiled and kernels.jit_enabled()
        self._memory = memory.aligned_bytes(8 * plan.words)
        self._memory[:] = np.frombuffer(plan.image, np.uint8)
        self._words: Words = self._memory.view(np.int64)
        self._numbers: Floats = self._memory.view(np.float64)
        self._base = int(self._memory.ctypes.data)
        self._dt_s = [period_ns / 1e9 for period_ns in plan.period_ns]
        self._journal = Journal(plan, self._words, self._numbers)
        self._commands = Commands(plan, self._words, self._numbers)
        self._authors: dict[int, Author] = {}
        self._taken = int(self._words[memory.EVENT_HEAD])
        self._lost = 0
        inputs, outputs = len(plan.input_channels), len(plan.output_channels)
        at = plan.inputs_at
        self._input_values = self._numbers[at : at + inputs]
        self._input_statuses = self._words[at + inputs : at + 2 * inputs]
        self._input_times_ns = self._words[at + 2 * inputs : at + 3 * inputs]
        at = plan.outputs_at
        self._output_values = self._numbers[at : at + outputs]
        self._output_statuses = self._words[at + outputs : at + 2 * outputs]
        self._columns = [_ColumnWords(plan, index) for index in range(len(plan.runs))]
        self._hash = hash_of(self._memory, self.compiled, report)
        if self.compiled:
            address = {kind.name: kernels.kernel_address(kind, report) for kind in plan.types}
            driver = kernels.driver(report)
            self._tables = tables(plan, address)
            self._run_class = [
                partial(
                    driver, self._base, plan.words, self._base, rows.ctypes.data, len(rows),
                    self._tables.wires.ctypes.data, len(self._tables.wires), self._tables.reads.ctypes.data,
                )
                for rows in self._tables.rows
            ]  # fmt: skip
        else:
            self._driver = UncompiledDriver(plan, self._words, self._numbers)

    # --- the scan -----------------------------------------------------------------------------------------
    def set_inputs(self, values: Floats, statuses: Words, times_ns: Words) -> None:
        """The input image for the next scans, in the order of ``plan.input_channels``."""
        self._input_values[:] = values
        self._input_statuses[:] = statuses
        self._input_times_ns[:] = times_ns

    def scan(self, class_index: int, time_ns: int, slips: int = 0) -> None:
        """Execute one scan class once. ``time_ns``: UTC of its due time. ``slips``: periods left out before it."""
        words = self._words
        words[memory.EVENT_MARK] = words[memory.EVENT_HEAD]
        dt_s = self._dt_s[class_index]
        elapsed_s = dt_s * (1 + slips)
        if self.compiled:
            self._run_class[class_index](dt_s, elapsed_s, time_ns)
        else:
            self._driver.run_class(class_index, dt_s, elapsed_s, time_ns)
        words[memory.SCANS] += 1
        words[memory.TIME_NS] = time_ns
        counters = memory.class_at(class_index)
        words[counters + memory.CLASS_SCANS] += 1
        words[counters + memory.CLASS_TIME_NS] = time_ns
        words[counters + memory.CLASS_SLIPS] += slips

    def scans(self, class_index: int) -> int:
        """How often that class has been executed since the cold start."""
        return int(self._words[memory.class_at(class_index) + memory.CLASS_SCANS])

    def outputs(self) -> tuple[Floats, Words, NDArray[np.bool_]]:
        """Values, statuses, and which may be sent, in the order of ``plan.output_channels``; copies.

        What may not be sent is left as it is in the field: nothing has been read back yet, or the block is out of
        service.
        """
        values = self._output_values.copy()
        statuses = self._output_statuses.copy()
        return values, statuses, (((statuses >> 6) & 3) != BAD) & np.isfinite(values)

    def columns(self, class_index: int) -> tuple[Floats, NDArray[np.uint8], NDArray[Any]]:
        """Values, statuses and alarms (``ALARM_DTYPE``) of a class, as ``layouts()`` names them; copies."""
        return self._columns[class_index].read(self._words, self._numbers)

    def layouts(self, plant: str) -> list[Layout]:
        """What the columns mean, one layout per scan class."""
        return layouts(self.plan, plant)

    # --- events and commands --------------------------------------------------------------------------------
    def take_events(self) -> list[Event]:
        """Events since the last call (or since ``restore``), oldest first. A loss is an event of its own."""
        head = int(self._words[memory.EVENT_HEAD])
        first = max(self._taken, head - int(self._words[memory.RING_SIZE]))
        dropped = int(self._words[memory.EVENTS_LOST]) - self._lost + first - self._taken
        if head == self._taken and not dropped:
            return []
        events = [self._journal.event(n, self._authors.pop(n, ("", ""))) for n in range(first, head)]
        if dropped:
            events.append(self._journal.lost(head, dropped, int(self._words[memory.TIME_NS])))
        self._forget_taken(head)
        return events

    def recent_events(self, count: int) -> list[Event]:
        """The newest events again, taken or not: a new active publishes what the old one may have kept to itself.

        Of earlier terms as well, whose numbers end far below those of this one: what is in the ring is looked at, not
        what was counted. Left out are events about something that an online change has removed.
        """
        words, size = self._words, int(self._words[memory.RING_SIZE])
        first = int(words[memory.RING_AT])
        ring = words[first : first + size * memory.EVENT_WORDS].reshape(size, memory.EVENT_WORDS)
        numbers = ring[:, memory.AT_SEQUENCE]
        kept = (ring[:, memory.AT_KIND] != memory.NO_EVENT) & (numbers > 0) & (numbers < words[memory.EVENT_HEAD])
        kept &= numbers % size == np.arange(size)
        newest = np.sort(numbers[kept])[-count:].tolist()
        return [self._journal.event(n, self._authors.get(n, ("", ""))) for n in newest]

    def apply(self, command: Command, time_ns: int) -> tuple[bool, str]:
        """Execute a command between two scans: (done?, what happened or why not). Refusals change nothing."""
        words = self._words
        mark = int(words[memory.EVENT_MARK])
        words[memory.EVENT_MARK] = first = int(words[memory.EVENT_HEAD])
        try:
            text = self._commands.apply(command, time_ns)
        except NotAuthorised as exc:
            words[memory.EVENT_MARK] = mark  # a refusal is not mirrored, so it must not show in the memory
            return False, str(exc)
        for sequence in range(first, int(words[memory.EVENT_HEAD])):
            self._authors[sequence] = (command.user, command.station)
        self._journal.note_author(command.subject, (command.user, command.station))
        return True, text

    # --- memory -------------------------------------------------------------------------------------------
    @property
    def memory(self) -> NDArray[np.uint8]:
        """All that changes while the engine runs, as bytes; a view, not a copy."""
        return self._memory

    def snapshot(self) -> bytes:
        """A copy of the memory."""
        return self._memory.tobytes()

    def restore(self, snapshot: bytes | memoryview) -> None:
        """Continue from a snapshot to the last bit. Its events count as taken. Raises ``OtherPlan``."""
        theirs = np.frombuffer(snapshot, np.int64) if len(snapshot) == 8 * self.plan.words else None
        if theirs is None or theirs[memory.MAGIC] != memory.MAGIC_VALUE:
            raise OtherPlan(
                f"this is no memory of plan {self.plan.digest.hex()}: {len(snapshot)} bytes, "
                f"{8 * self.plan.words} needed. Both controllers must run the same configuration."
            )
        if theirs[memory.PLAN_HASH] != self._words[memory.PLAN_HASH]:
            found = int(theirs[memory.PLAN_HASH]).to_bytes(8, "little", signed=True).hex()
            raise OtherPlan(
                f"this memory belongs to plan {found}, not to {self.plan.digest.hex()}. "
                "Both controllers must run the same configuration."
            )
        self._words[:] = theirs
        self.forget_events()

    def forget_events(self) -> None:
        """The memory was written from outside: its events count as taken."""
        self._authors.clear()
        self._forget_taken(int(self._words[memory.EVENT_HEAD]))

    def digest(self, part: int = 0, parts: int = 1) -> bytes:
        """Eight bytes of the memory, or of one of ``parts`` slices of it (to compare a large one bit by bit)."""
        size = -(-self.plan.words // parts)
        first = min(part * size, self.plan.words)
        return self._hash(first, min(size, self.plan.words - first)).to_bytes(8, "little")

    def output_digest(self) -> bytes:
        """Eight bytes of the output channels: values and statuses, as the last scan left them."""
        return self._hash(self.plan.outputs_at, 2 * len(self.plan.output_channels)).to_bytes(8, "little")

    @property
    def epoch(self) -> int:
        """Authority under which this memory was written; kept in it, set by the redundancy."""
        return int(self._words[memory.EPOCH])

    @epoch.setter
    def epoch(self, value: int) -> None:
        self._words[memory.EPOCH] = value

    @property
    def generation(self) -> int:
        """Generation of the memory; kept in it, set by the redundancy."""
        return int(self._words[memory.GENERATION])

    @generation.setter
    def generation(self, value: int) -> None:
        self._words[memory.GENERATION] = value

    def field(self, block: str, name: str) -> float:
        """One field of one block, for tests and diagnosis. Raises ``KeyError``."""
        for index, record in enumerate(self.plan.records):
            if record.name == block:
                word = self.plan.word_of(index, name)
                integer = record.type.field(name).dtype == "i8"
                return float(self._words[word] if integer else self._numbers[word])
        raise KeyError(block)

    def _forget_taken(self, head: int) -> None:
        self._taken = head
        self._lost = int(self._words[memory.EVENTS_LOST])


class _ColumnWords:
    """Which words make the columns of one class."""

    def __init__(self, plan: Plan, class_index: int) -> None:
        tags = [place for place in plan.tags if place.class_index == class_index]
        self._values = _words(place.word for place in tags)
        self._statuses = _words(place.status_word for place in tags)
        self._integers = _words(index for index, place in enumerate(tags) if place.integer)
        alarms = [place for place in plan.alarms if place.class_index == class_index]
        self._alarm_words = [
            _words(plan.word_of(place.record, name) for place in alarms)
            for name in ("alarm_state", "alarm_time_ns", "alarm_value")
        ]

    def read(self, words: Words, numbers: Floats) -> tuple[Floats, NDArray[np.uint8], NDArray[Any]]:
        values = numbers[self._values]
        values[self._integers] = words[self._values[self._integers]]
        statuses = words[self._statuses].astype(np.uint8)
        state, time_ns, value = self._alarm_words
        alarms = np.zeros(len(state), ALARM_DTYPE)
        alarms["state"] = words[state]
        alarms["time_ns"] = words[time_ns]
        alarms["value"] = numbers[value]
        return values, statuses, alarms


def _words(numbers: Any) -> NDArray[np.intp]:
    return np.array(list(numbers), np.intp)


def good_inputs(values: Sequence[float], time_ns: int) -> tuple[Floats, Words, Words]:
    """An input image in which everything is Good, for ``set_inputs``."""
    count = len(values)
    return (
        np.array(values, np.float64),
        np.full(count, STATUS_GOOD, np.int64),
        np.full(count, time_ns, np.int64),
    )
