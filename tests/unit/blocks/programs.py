"""Blocks with programs on a bench: compiled from their texts, stepped in plain Python."""

from typing import Any

from dcs.blocks.declare import BLOCK_TYPES
from dcs.blocks.library import LIBRARY
from dcs.core.errors import Place
from dcs.core.status import STATUS_GOOD
from dcs.engine.image import initial_values
from dcs.engine.sources import arguments_of
from dcs.engine.uncompiled import _events_of, _view_of

assert LIBRARY


class Programmed:
    """A block of that type with its text parameters; IN1 … are written with ``reads``, outputs are read by number."""

    def __init__(self, type_name: str, texts: dict[str, Any], dt_s: float = 1.0) -> None:
        self.kind = BLOCK_TYPES[type_name]
        assert self.kind.translate is not None
        self.translation = self.kind.translate(texts)
        view, _ = _view_of(self.kind)
        self.record = view(*initial_values(self.kind, type_name, self.translation.params, Place()))
        for f in self.kind.fields:  # as in the buffer: whole numbers are whole
            if f.dtype == "i8":
                value = getattr(self.record, f.name)
                setattr(self.record, f.name, int(value) if f.count == 1 else [int(one) for one in value])
        self.dt_s = dt_s
        self.events: list[str] = []

    def reads(self, *values: float, **statuses: int) -> "Programmed":
        """IN1, IN2 … as given, Good unless ``in2=STATUS_BAD`` says otherwise."""
        for i, value in enumerate(values):
            self.record.inp[i] = float(value)
            self.record.inp_status[i] = statuses.get(f"in{i + 1}", STATUS_GOOD)
        return self

    def scan(self, count: int = 1) -> "Programmed":
        arguments = [{"elapsed_s": self.dt_s}[name] for name in arguments_of(self.kind)]
        for _ in range(count):
            assert self.kind.step is not None
            self.kind.step(self.record, self.dt_s, *arguments)
            names = self.translation.labels.get("event", ())
            for code, value in _events_of(self.kind, self.record):
                name = names[int(value)] if 0 <= value < len(names) else ""
                self.events.append(self.kind.events[code].format(name=name, value=value))
        return self

    def out(self, number: int = 1) -> float:
        return self.record.out[number - 1]

    def status(self, number: int = 1) -> int:
        return self.record.out_status[number - 1]
