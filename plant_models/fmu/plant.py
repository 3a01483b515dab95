"""An FMU as a plant: inputs, outputs and parameters of its description, states that only it knows.

Called by   ``plant_models.library`` (the reader of the kind ``fmu``); then run like every plant.
Knows       the calls of ``plant_models.fmu.slave``. An FMU brings its own integrator: ``advance`` is its ``doStep``.
Promise     an FMU that fails, ends itself or gives a value that is not a number becomes an event; from then on the
            plant stands with its last finite outputs. Snapshots are exact where the FMU can serialise its state; where
            it cannot, ``snapshot`` raises ``NoSnapshot`` and everything else works.
"""

import json
import math
import struct
import weakref
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plant_models.fmu.description import Description, Signal, read_description
from plant_models.fmu.slave import DONE, FAILED, TERMINATED, Slave
from plant_models.model import (
    INPUT,
    OUT_OF_RANGE,
    OUTPUT,
    PARAMETER,
    Condition,
    NoSnapshot,
    PlantEvent,
    PlantModel,
    PlantType,
    Setting,
    Variable,
    Vector,
)

OWN_INTEGRATOR = "fmu"
SETTING = "start"
_MAGIC = b"FMUPLANT1"
_SAME_STEP = 1e-9


def read_fmu(file: Path) -> PlantType:
    """The plant that an FMU is. Raises ``ValueError`` with a sentence."""
    of = read_description(file)
    variables = tuple(
        Variable(signal.name, signal.unit, signal.low, signal.high, signal.meaning, signal.role)
        for signal in of.signals
    )
    names = [variable.name for variable in variables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{file.name}: these variables are declared twice: {', '.join(twice)}")
    starts = {role: {s.name: s.start or 0.0 for s in of.of_role(role)} for role in (INPUT, PARAMETER)}
    setting = Setting(SETTING, "start values of the FMU", {}, starts[INPUT], starts[PARAMETER])
    return PlantType(
        name=of.name,
        title=of.title,
        description=of.about or f"FMU {file.name}",
        reference=f"{file.name}, FMI {of.version}, co-simulation",
        variables=variables,
        settings=(setting,),
        create_model=partial(_create, of),
        conditions=(
            Condition(TERMINATED, "the FMU has ended its simulation"),
            Condition(FAILED, "a step of the FMU has failed"),
            *(Condition(OUT_OF_RANGE + s.name, f"{s.name} is outside its range") for s in of.of_role(OUTPUT)),
        ),
        step_s=of.step_s,
        integrator=OWN_INTEGRATOR,
    )


def _create(of: Description, plant: PlantType, setting: Setting, seed: int, integrator: str) -> PlantModel:
    if integrator != OWN_INTEGRATOR:
        raise KeyError(f"{of.file.name} brings its own integrator; {integrator!r} cannot be chosen")
    return FmuPlant(of, plant, setting)


class FmuPlant:
    """``PlantModel`` over an instance of an FMU."""

    def __init__(self, of: Description, plant: PlantType, setting: Setting) -> None:
        self._of, self._type, self._setting = of, plant, setting.name
        self._signals = {role: of.of_role(role) for role in (INPUT, OUTPUT, PARAMETER)}
        self.inputs = np.array([setting.inputs[s.name] for s in self._signals[INPUT]], np.float64)
        self.parameters = np.array([setting.parameters[s.name] for s in self._signals[PARAMETER]], np.float64)
        self.outputs = np.zeros(len(self._signals[OUTPUT]))
        self.states, self.disturbances = np.zeros(0), np.zeros(0)
        self._time_s = 0.0
        self._steps = 0
        self._step_s = 0.0
        self._stands = False
        self._flags = [False] * len(plant.condition_names)
        self._events: list[PlantEvent] = []
        self._slave = Slave(of, plant.name)
        weakref.finalize(self, self._slave.close)
        self._given = {s.name for s in of.signals if s.start is not None}
        self._slave.start(self._start_values())
        self._taken_inputs, self._taken_parameters = self.inputs.copy(), self.parameters.copy()
        self.measure()

    def _start_values(self) -> list[tuple[Signal, float]]:
        """What is set before the start: what the FMU gave start values for, and what was set since."""
        pairs = zip((*self._signals[PARAMETER], *self._signals[INPUT]), (*self.parameters, *self.inputs), strict=True)
        return [(signal, float(value)) for signal, value in pairs if signal.name in self._given]

    # --- what there is ----------------------------------------------------------------------------------------
    @property
    def type(self) -> PlantType:
        return self._type

    @property
    def setting(self) -> str:
        return self._setting

    @property
    def time_s(self) -> float:
        return self._time_s

    @property
    def frozen(self) -> bool:
        return self._stands

    def derivatives(self) -> Vector:
        """Empty: the states are the FMU's own."""
        return np.zeros(0)

    def get(self, name: str) -> float:
        role = self._type.variable(name).role
        return float(self._vector(role)[self._type.names(role).index(name)])

    def _vector(self, role: str) -> Vector:
        return {INPUT: self.inputs, PARAMETER: self.parameters, OUTPUT: self.outputs}[role]

    def set(self, name: str, value: float) -> None:
        variable = self._type.variable(name)
        if variable.role == OUTPUT:
            raise KeyError(f"plant {self._type.name}: {name} is an output; set an input or a parameter")
        if not (math.isfinite(value) and variable.low <= value <= variable.high):
            raise ValueError(
                f"plant {self._type.name}: {name} = {value} {variable.unit} lies outside "
                f"{variable.low} … {variable.high}"
            )
        at = self._type.names(variable.role).index(name)
        signal = self._signals[variable.role][at]
        if signal.fixed and self._steps and value != self.parameters[at]:
            raise ValueError(f"plant {self._type.name}: {name} is fixed in the FMU and can only be set before it runs")
        vector = self._vector(variable.role)
        before = float(vector[at])
        vector[at] = value
        try:
            if variable.role == PARAMETER and not self._steps:
                self._begin_again(name)
            self.measure()
        except ValueError:
            vector[at] = before
            if not self._steps:
                self._begin_again(name)
            raise

    def _begin_again(self, name: str) -> None:
        """At the start with the values that are set, ``name`` among them."""
        self._given.add(name)
        self._slave.start_again(self._start_values())
        self._taken_inputs[:], self._taken_parameters[:] = self.inputs, self.parameters

    # --- time -------------------------------------------------------------------------------------------------
    def advance(self, dt_s: float, steps: int = 1) -> None:
        if not dt_s > 0.0:
            raise ValueError(f"plant {self._type.name}: the step must be above 0 s, not {dt_s}")
        self._check_step(dt_s)
        start_s = self._time_s
        for number in range(steps):
            try:
                self._give()
                if not self._stands:
                    self._step(start_s + number * dt_s, dt_s)
                self._steps += 1
                self._time_s = start_s + (number + 1) * dt_s
                self._look()
            except ValueError:  # it does not take or tell its values any more
                self._break_down(FAILED, start_s + (number + 1) * dt_s)

    def _check_step(self, dt_s: float) -> None:
        inner_s = self._of.inner_step_s
        if inner_s:
            times = dt_s / inner_s
            if round(times) < 1 or abs(times - round(times)) > _SAME_STEP * times:
                raise ValueError(
                    f"plant {self._type.name}: the FMU steps inside by {inner_s:g} s, which does not divide {dt_s:g} s"
                )
        if not self._of.variable_step and self._steps and abs(dt_s - self._step_s) > _SAME_STEP * dt_s:
            raise ValueError(
                f"plant {self._type.name}: the FMU keeps the step it began with, {self._step_s:g} s; not {dt_s:g} s"
            )
        self._step_s = dt_s

    def _step(self, time_s: float, dt_s: float) -> None:
        result = self._slave.step(time_s, dt_s)
        if result != DONE:
            self._break_down(result, time_s + dt_s)

    def _break_down(self, how: str, time_s: float) -> None:
        """From now on it stands with the outputs that it has."""
        self._stands = True
        self._time_s = time_s
        self._note((TERMINATED, FAILED).index(how), True, time_s)

    def _give(self) -> None:
        """Hand over inputs and parameters that differ from what the FMU has; what is not a number is not given."""
        if self._stands:
            return
        for role, vector, taken in (
            (INPUT, self.inputs, self._taken_inputs),
            (PARAMETER, self.parameters, self._taken_parameters),
        ):
            changed = [int(at) for at in np.flatnonzero((vector != taken) & np.isfinite(vector))]
            if changed:
                signals = [self._signals[role][at] for at in changed]
                held = [float(min(max(vector[at], s.low), s.high)) for at, s in zip(changed, signals, strict=True)]
                self._slave.set(signals, held)
                taken[changed] = vector[changed]

    def measure(self) -> None:
        self._give()
        if not self._stands:
            values = self._slave.get(self._signals[OUTPUT])
            for at, value in enumerate(values):
                if math.isfinite(value):
                    self.outputs[at] = value

    def _look(self) -> None:
        """Fetch the outputs; leaving a range is an event, and a value that is not a number ends the plant's life."""
        if self._stands:
            return
        for at, value in enumerate(self._slave.get(self._signals[OUTPUT])):
            signal = self._signals[OUTPUT][at]
            self._note(2 + at, not signal.low <= value <= signal.high or not math.isfinite(value), value)
            if math.isfinite(value):
                self.outputs[at] = value
            else:
                self._stands = True

    def _note(self, condition: int, active: bool, value: float) -> None:
        if self._flags[condition] != active:
            self._flags[condition] = active
            self._events.append(PlantEvent(self._time_s, self._type.condition_names[condition], active, value))

    def active_conditions(self) -> tuple[str, ...]:
        return tuple(name for name, on in zip(self._type.condition_names, self._flags, strict=True) if on)

    def take_events(self) -> list[PlantEvent]:
        events, self._events = self._events, []
        return events

    # --- going back -------------------------------------------------------------------------------------------
    def snapshot(self) -> bytes:
        if not self._of.restorable:
            raise NoSnapshot(
                f"{self._of.file.name} cannot give away its state (canGetAndSetFMUState, canSerializeFMUState): "
                "no snapshot, no backtrack"
            )
        head = {
            "names": [v.name for v in self._type.variables],
            "time_s": self._time_s,
            "steps": self._steps,
            "step_s": self._step_s,
            "stands": self._stands,
            "flags": self._flags,
            "events": [[e.time_s, e.condition, e.active, e.value] for e in self._events],
            "given": sorted(self._given),
        }
        packed = json.dumps(head, separators=(",", ":")).encode()
        vectors = b"".join(v.astype("<f8").tobytes() for v in self._vectors())
        return _MAGIC + struct.pack("<I", len(packed)) + packed + vectors + self._slave.snapshot()

    def restore(self, snapshot: bytes) -> None:
        head, rest = self._unpack(snapshot)
        words = 0
        for vector in self._vectors():
            vector[:] = np.frombuffer(rest, "<f8", vector.size, words * 8)
            words += vector.size
        self._time_s, self._steps, self._step_s = head["time_s"], head["steps"], head["step_s"]
        self._stands, self._flags, self._given = head["stands"], list(head["flags"]), set(head["given"])
        self._events = [PlantEvent(*event) for event in head["events"]]
        self._slave.restore(rest[words * 8 :])

    def _unpack(self, snapshot: bytes) -> tuple[dict[str, Any], bytes]:
        start = len(_MAGIC) + 4
        if snapshot.startswith(_MAGIC) and len(snapshot) >= start:
            (length,) = struct.unpack_from("<I", snapshot, len(_MAGIC))
            head = json.loads(snapshot[start : start + length])
            if head["names"] == [v.name for v in self._type.variables]:
                return head, snapshot[start + length :]
        raise ValueError(
            f"this is not a snapshot of plant {self._type.name} with the variables it has now; "
            "take a new one with this version"
        )

    def _vectors(self) -> tuple[Vector, ...]:
        return self.inputs, self.parameters, self.outputs, self._taken_inputs, self._taken_parameters
