"""A running plant made of compiled kernels over one block of memory.

Called by   ``PlantType.create`` of every plant that is written as kernels.
Knows       the block of memory and who owns which part of it; the physics is in the kernels.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from plant_models.integrators import ADAPTIVE, FIXED_STEP, NAMES, RK4, STIFF, NoSolution, solve_adaptive
from plant_models.kernel import EVENT_WORDS, EVENTS_KEPT, Ends, Parts, finish_step, parts_of, sizes_of
from plant_models.model import (
    DISTURBANCE,
    INPUT,
    OUTPUT,
    PARAMETER,
    STATE,
    PlantEvent,
    PlantModel,
    PlantType,
    Setting,
    Vector,
)

_MAGIC = b"PLANT002"


@dataclass(frozen=True, slots=True)
class Kernels:
    """The physics of a plant, as compiled functions.

    ``advance(memory, ends, dt_s, steps, method)`` steps; ``derivatives(p)`` fills ``p.rates`` from the other parts;
    ``settle(p)`` applies what happens at limits (and ``note``-s it) after a step; ``measure(p)`` fills ``p.outputs``.
    Three for plants that remember more than states: ``begin(p, seed)`` fills ``p.kept`` before the first step,
    ``before(p, dt_s)`` does what happens once a step, before it (the compiled ``advance`` calls it by itself), and
    ``forget(p)`` makes delay lines as if all had always been as it is now.
    ``exact``: ``advance`` solves the equations exactly and there is nothing for an integrator to choose.
    """

    advance: Callable[..., None]
    derivatives: Callable[[Parts], None]
    settle: Callable[[Parts], None]
    measure: Callable[[Parts], None]
    begin: Callable[[Parts, int], None] | None = None
    before: Callable[[Parts, float], None] | None = None
    forget: Callable[[Parts], None] | None = None
    exact: bool = False


class CompiledPlant:
    """``PlantModel`` over kernels. Random streams, where a plant has any, follow from the seed alone."""

    def __init__(self, plant: PlantType, setting: Setting, kernels: Kernels, seed: int, integrator: str) -> None:
        if integrator not in NAMES:
            raise KeyError(f"there is no integrator {integrator!r}; there are {', '.join(NAMES)}")
        self._type = plant
        self._setting = setting.name
        self._kernels = kernels
        self._method = FIXED_STEP.get(integrator, RK4)
        self._adaptive = ADAPTIVE.get(integrator)
        roles = (STATE, INPUT, DISTURBANCE, PARAMETER, OUTPUT)
        self._ends = np.array(
            sizes_of(
                [len(plant.names(role)) for role in roles],
                len(plant.conditions),
                plant.kept,
                stiff=self._method == STIFF,
            ),
            np.int64,
        )
        self._memory = np.zeros(int(self._ends[-1]))
        self._parts = parts_of(self._memory, self._ends)
        self._where = {
            name: (self._vector(role), index) for role in roles for index, name in enumerate(plant.names(role))
        }
        self._events_taken = 0
        for values in (setting.states, setting.inputs, setting.disturbances, setting.parameters):
            for name, value in values.items():
                vector, index = self._where[name]
                vector[index] = value
        self._parts.low[:] = [v.low for v in plant.of_role(STATE)]
        self._parts.high[:] = [v.high for v in plant.of_role(STATE)]
        if kernels.begin is not None:
            kernels.begin(self._parts, seed)
        kernels.settle(self._parts)
        self.measure()

    def _vector(self, role: str) -> Vector:
        vectors = {
            STATE: self._parts.states,
            INPUT: self._parts.inputs,
            DISTURBANCE: self._parts.disturbances,
            PARAMETER: self._parts.parameters,
            OUTPUT: self._parts.outputs,
        }
        vector: Vector = vectors[role]
        return vector

    @property
    def type(self) -> PlantType:
        return self._type

    @property
    def setting(self) -> str:
        return self._setting

    @property
    def memory(self) -> Vector:
        """All of the plant's memory, for compiled calls that do more than ``advance``."""
        return self._memory

    @property
    def kept(self) -> Vector:
        """What the plant remembers beyond its states, a view."""
        kept: Vector = self._parts.kept
        return kept

    @property
    def ends(self) -> Ends:
        """Where the parts of ``memory`` end."""
        return self._ends

    @property
    def method(self) -> int:
        """The fixed-step integrator; raises ``ValueError`` for a plant that runs with one of SciPy's."""
        if self._adaptive:
            raise ValueError(f"plant {self._type.name}: use euler, rk4 or stiff here, not an adaptive integrator")
        return self._method

    @property
    def time_s(self) -> float:
        return float(self._memory[0])

    @property
    def frozen(self) -> bool:
        return bool(self._parts.clock[2] != 0.0)

    @property
    def states(self) -> Vector:
        return self._vector(STATE)

    @property
    def inputs(self) -> Vector:
        return self._vector(INPUT)

    @property
    def disturbances(self) -> Vector:
        return self._vector(DISTURBANCE)

    @property
    def parameters(self) -> Vector:
        return self._vector(PARAMETER)

    @property
    def outputs(self) -> Vector:
        return self._vector(OUTPUT)

    def advance(self, dt_s: float, steps: int = 1) -> None:
        if not dt_s > 0.0:
            raise ValueError(f"plant {self._type.name}: the step must be above 0 s, not {dt_s}")
        if self._adaptive and not self._kernels.exact:
            for _ in range(steps):
                self._advance_adaptively(dt_s)
        else:
            self._kernels.advance(self._memory, self._ends, dt_s, steps, self._method)

    def _advance_adaptively(self, dt_s: float) -> None:
        assert self._adaptive is not None
        if self._kernels.before is not None:
            self._kernels.before(self._parts, dt_s)
        start = self._parts.states.copy()
        end = start
        if not self.frozen and np.isfinite(start).all():
            try:
                end = solve_adaptive(self._rates_at, start, dt_s, self._adaptive)
            except NoSolution as given_up:
                end = self._beyond(start, given_up.states)
        np.copyto(self._parts.start, start, where=np.isfinite(start))
        self._parts.states[:] = end
        self._memory[0] += dt_s
        self._kernels.settle(self._parts)
        finish_step(self._parts)
        self.measure()

    def _beyond(self, start: Vector, last: Vector) -> Vector:
        """``start``, but the state that ran furthest is infinite: ``finish_step`` says so and freezes the plant."""
        ranges = np.maximum(self._parts.high - self._parts.low, 1e-300)
        furthest = int(np.nanargmax(np.where(np.isnan(last), np.inf, np.abs(last) / ranges)))
        end = start.copy()
        end[furthest] = math.copysign(math.inf, last[furthest])
        return end

    def _rates_at(self, states: Vector) -> Vector:
        self._parts.states[:] = states
        return self.derivatives()

    def measure(self) -> None:
        self._kernels.measure(self._parts)

    def derivatives(self) -> Vector:
        self._kernels.derivatives(self._parts)
        rates: Vector = self._parts.rates.copy()
        return rates

    def forget_past(self) -> None:
        """Let delay lines be full of what is now."""
        if self._kernels.forget is not None:
            self._kernels.forget(self._parts)

    def get(self, name: str) -> float:
        self._type.variable(name)  # a clear KeyError
        vector, index = self._where[name]
        return float(vector[index])

    def set(self, name: str, value: float) -> None:
        variable = self._type.variable(name)
        if variable.role == OUTPUT:
            raise KeyError(
                f"plant {self._type.name}: {name} is an output; set an input, disturbance, parameter or state"
            )
        if not (math.isfinite(value) and variable.low <= value <= variable.high):
            raise ValueError(
                f"plant {self._type.name}: {name} = {value} {variable.unit} lies outside "
                f"{variable.low} … {variable.high}"
            )
        vector, index = self._where[name]
        vector[index] = value
        self.measure()

    def active_conditions(self) -> tuple[str, ...]:
        return tuple(name for name, flag in zip(self._type.condition_names, self._parts.flags, strict=True) if flag)

    def take_events(self) -> list[PlantEvent]:
        count = int(self._memory[1])
        first = max(self._events_taken, count - EVENTS_KEPT)
        rows = self._parts.events.reshape(EVENTS_KEPT, EVENT_WORDS)
        self._events_taken = count
        names = self._type.condition_names
        return [
            PlantEvent(float(time_s), names[int(condition)], bool(active), float(value))
            for time_s, condition, active, value in (rows[number % EVENTS_KEPT] for number in range(first, count))
        ]

    def snapshot(self) -> bytes:
        return self._header() + struct.pack("<q", self._events_taken) + self._memory.astype("<f8").tobytes()

    def restore(self, snapshot: bytes) -> None:
        header = self._header()
        if not snapshot.startswith(header) or len(snapshot) != len(header) + 8 + self._memory.nbytes:
            raise ValueError(
                f"this is not a snapshot of plant {self._type.name} with the variables it has now; "
                "take a new one with this version"
            )
        (self._events_taken,) = struct.unpack_from("<q", snapshot, len(header))
        self._memory[:] = np.frombuffer(snapshot, "<f8", offset=len(header) + 8)

    def _header(self) -> bytes:
        names = " ".join(f"{v.role}:{v.name}" for v in self._type.variables).encode()
        conditions = " ".join(self._type.condition_names).encode()
        return _MAGIC + self._type.name.encode() + b"\0" + names + b"\0" + conditions + b"\0"


def compiled_factory(kernels: Kernels) -> Callable[[PlantType, Setting, int, str], PlantModel]:
    """The ``create_model`` of a plant type whose physics is ``kernels``."""

    def create(plant: PlantType, setting: Setting, seed: int, integrator: str) -> PlantModel:
        return CompiledPlant(plant, setting, kernels, seed, integrator)

    return create
