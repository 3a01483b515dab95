"""One block on a bench: its step in plain Python, its fields as attributes."""

from typing import Any

from dcs.blocks.declare import BLOCK_TYPES, INTERNAL_TYPES
from dcs.blocks.library import LIBRARY
from dcs.core.errors import Place
from dcs.core.modes import MAN
from dcs.core.status import GOOD_CASCADE, IA, IR, NI, OK, STATUS_GOOD, make_status
from dcs.engine.image import initial_values
from dcs.engine.sources import arguments_of
from dcs.engine.uncompiled import _view_of

assert LIBRARY

CASCADE_OK = make_status(GOOD_CASCADE, OK)
CASCADE_IA = make_status(GOOD_CASCADE, IA)
CASCADE_IR = make_status(GOOD_CASCADE, IR)
CASCADE_NI = make_status(GOOD_CASCADE, NI)


class OnBench:
    """A block with its step; attributes are the fields of its record."""

    def __init__(self, type_name: str, dt_s: float = 1.0, started: bool = True, **values: float) -> None:
        kind = BLOCK_TYPES.get(type_name) or INTERNAL_TYPES[type_name]
        view, _ = _view_of(kind)
        served = {name: values.pop(name, 1.0 if name == "elapsed_s" else 0) for name in arguments_of(kind)}
        params = {name: value for name, value in values.items() if kind.field(name).role == "param"}
        fields = {
            "served": served,
            "kind": kind,
            "dt_s": dt_s,
            "record": view(*initial_values(kind, type_name, params, Place())),
        }
        self.__dict__.update(fields)
        if started and kind.has("mode"):
            self.record.mode = MAN  # not leaving out of service
        if kind.has("elapsed_s"):
            self.record.elapsed_s = dt_s
        for name, value in values.items():
            setattr(self.record, name, value)

    def step(self, count: int = 1, **values: float) -> Any:
        for name, value in values.items():
            OnBench.__setattr__(self, name, value)
        for _ in range(count):
            assert self.kind.step is not None
            self.kind.step(self.record, self.dt_s, *self.served.values())
        return self.record

    def __getattr__(self, name: str) -> Any:
        served = self.__dict__["served"]
        return served[name] if name in served else getattr(self.__dict__["record"], name)

    def __setattr__(self, name: str, value: float) -> None:
        if name in self.served:
            self.served[name] = value
            return
        setattr(self.record, name, value)
        if self.kind.has("settings_changed") and self.kind.field(name).role == "param":
            self.record.settings_changed = 1  # as the engine does it


def pid(dt_s: float = 1.0, **values: float) -> OnBench:
    """A PID with a good measurement in % and nothing below it, which has just been in Man with OUT 50 %."""
    return OnBench(
        "PID", dt_s, **{"pv": 50.0, "pv_status": STATUS_GOOD, "sp": 50.0, "sp_wrk": 50.0, "out": 50.0} | values
    )
