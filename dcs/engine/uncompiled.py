"""The same scan without the compiler: for debugging, and for tests that hold the two against each other.

Called by   the engine when compilation is switched off. Gives the same bits as the kernels, some hundred times slower.
Knows       block declarations and the layout; each record is unpacked into a plain object for the step to work on, so a
debugger shows every field, an undeclared one is an ``AttributeError`` and a float in an ``i8`` field an error.
"""

import struct
from functools import cache
from typing import Any

from dcs.blocks.declare import BlockType
from dcs.core.errors import DcsError
from dcs.engine import memory
from dcs.engine.plan import Plan, Run
from dcs.engine.sources import arguments_of, reads_whole, step_of


class UncompiledDriver:
    """Executes the runs of a plan in Python."""

    def __init__(self, plan: Plan, words: Any, numbers: Any) -> None:
        self._plan = plan
        self._words = words
        self._numbers = numbers
        self._bytes = memoryview(words).cast("B")

    def run_class(self, class_index: int, dt_s: float, elapsed_s: float, time_ns: int) -> None:
        """One scan of one class. Raises ``DcsError`` where a step fails, with the block's name."""
        for run in self._plan.runs[class_index]:
            pairs = self._plan.links[run.gather_from : run.gather_to]
            if len(pairs):
                for target, source in pairs.tolist():
                    self._words[target] = self._words[source]
            if run.type is not None:
                self._run(run, run.type, dt_s, elapsed_s, time_ns)

    def _run(self, run: Run, kind: BlockType, dt_s: float, elapsed_s: float, time_ns: int) -> None:
        view, packed = _view_of(kind)
        step = step_of(kind)
        names = arguments_of(kind)
        served: dict[str, float] = {"elapsed_s": elapsed_s, "now_ns": time_ns}
        reads = self._plan.reads[run.reads_from :].tolist()
        journals_mode = kind.has("mode") and kind.has("reason")
        code_kind = memory.BLOCK_EVENT if kind.events else memory.ALARM_EVENT
        for index in range(run.count):
            at = 8 * run.at + index * packed.size
            b = view(*packed.unpack_from(self._bytes, at))
            if kind.has("now_ns"):
                b.now_ns = time_ns
            if kind.has("elapsed_s"):
                b.elapsed_s = elapsed_s
            mode_before, reason_before = (b.mode, b.reason) if journals_mode else (0, 0)
            try:
                for place, name in enumerate(kind.reads):
                    memory_as = self._words if reads_whole(name) else self._numbers
                    served[name] = memory_as[reads[len(kind.reads) * index + place]].item()
                step(b, dt_s, *(served[name] for name in names))
                subject = run.first_subject + index
                if journals_mode and b.mode != mode_before:
                    memory.emit_mode(
                        self._words, self._numbers, time_ns, subject, mode_before, reason_before, b.mode, b.reason
                    )
                for code, value in _events_of(kind, b):
                    memory.emit(self._words, self._numbers, time_ns, code_kind, subject, code, 0.0, value)
                packed.pack_into(self._bytes, at, *b.words())
            except (ArithmeticError, AttributeError, TypeError, ValueError, struct.error) as exc:
                name = self._plan.records[run.first_subject + index].name
                raise DcsError(f"{name} ({kind.name}): its step failed: {exc}") from exc


def _events_of(kind: BlockType, b: Any) -> list[tuple[int, float]]:
    """Take the events (code, value) that a step has left in its record."""
    if not kind.has("event"):
        return []
    if kind.field("event").count == 1:
        found = [(b.event, b.event_value)] if b.event != 0 else []
        b.event = 0
        return found
    found = [(code, value) for code, value in zip(b.event, b.event_value, strict=True) if code != 0]
    b.event = [0] * len(b.event)
    return found


@cache
def _view_of(kind: BlockType) -> tuple[Any, struct.Struct]:
    """A class with the fields of a type as its only attributes, and how its words are packed."""
    names = tuple(f.name for f in kind.fields)
    places = tuple((f.name, kind.index[f.name], f.count) for f in kind.fields)

    class View:
        __slots__ = names

        def __init__(self, *values: float) -> None:
            for name, at, count in places:
                setattr(self, name, values[at] if count == 1 else list(values[at : at + count]))

        def words(self) -> list[float]:
            found: list[float] = []
            for name, _, count in places:
                value = getattr(self, name)
                if count == 1:
                    found.append(value)
                else:
                    found += value
            return found

    View.__name__ = View.__qualname__ = f"{kind.name}_record"
    letters = "".join(("q" if f.dtype == "i8" else "d") * f.count for f in kind.fields)
    return View, struct.Struct("<" + letters)
