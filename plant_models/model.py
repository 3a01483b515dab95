"""What a plant model is: its variables, its settings, and the protocol by which it is run.

Called by   the field node (advance, inputs, outputs), the configuration checker (``PLANTS``: variables, settings),
            the manual (``docs/reference/plants``) and whoever studies a plant alone.
Knows       names, units and ranges of variables. The equations are in one module per plant; how they are stepped is in
            ``plant_models.compiled``.

Everything is in SI units (m, m3/s, K, Pa, …); electrical signals of actuators in V or A, split fractions as 1.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

STATE, INPUT, OUTPUT, DISTURBANCE, PARAMETER = "state", "input", "output", "disturbance", "parameter"
OUT_OF_RANGE = "out_of_range:"
ROLES = (STATE, INPUT, OUTPUT, DISTURBANCE, PARAMETER)


@dataclass(frozen=True, slots=True)
class Variable:
    """One number of a plant.

    ``low`` … ``high`` is the range in which the model holds. Inputs, disturbances and parameters outside of it are
    refused by ``PlantModel.set``; a state that leaves it is an event (``Condition`` ``out_of_range:NAME``).
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str
    role: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"variable {self.name}: the role must be one of {', '.join(ROLES)}, not {self.role!r}")
        if not self.low < self.high:
            raise ValueError(f"variable {self.name}: low {self.low} must be below high {self.high}")


@dataclass(frozen=True, slots=True)
class Setting:
    """A named operating point: parameters, and a start from which nothing moves unless somebody moves it.

    Values that are not named are 0. States are the exact steady state for these inputs.
    """

    name: str
    meaning: str
    states: Mapping[str, float]
    inputs: Mapping[str, float]
    parameters: Mapping[str, float]
    disturbances: Mapping[str, float] = field(default_factory=dict)
    drift: float = 1e-9  # of itself, the most that a state moves in 600 steps: more where published digits are few


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that happens to a plant and is either so or not: a tank that overflows, a pump that tripped."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class PlantEvent:
    """A condition became true or false, ``time_s`` seconds of plant time after the start.

    ``value`` is the number that made it so, in its variable's unit.
    """

    time_s: float
    condition: str
    active: bool
    value: float


class NoSnapshot(Exception):
    """A plant that comes from elsewhere cannot be copied; the text says why. It runs, but nothing goes back in time."""


class PlantModel(Protocol):
    """A plant while it runs.

    The five vectors are views: they change under ``advance`` and keep their identity for the life of the plant, so a
    caller may hold them. Positions are those of ``type.names(role)``.
    """

    @property
    def type(self) -> "PlantType":
        """What kind of plant this is, with all its variables."""
        ...

    @property
    def setting(self) -> str:
        """Name of the setting it started from."""
        ...

    @property
    def time_s(self) -> float:
        """Plant time since the start, s."""
        ...

    @property
    def frozen(self) -> bool:
        """True once a state was not finite or the plant broke down: it stands still, and its conditions say why."""
        ...

    @property
    def states(self) -> Vector:
        """What the plant remembers."""
        ...

    @property
    def inputs(self) -> Vector:
        """What actuators do to it; written by the caller between two ``advance``."""
        ...

    @property
    def disturbances(self) -> Vector:
        """What the world does to it; written by the caller between two ``advance``."""
        ...

    @property
    def parameters(self) -> Vector:
        """Sizes and constants; may be changed while running (a malfunction)."""
        ...

    @property
    def outputs(self) -> Vector:
        """What transmitters see, as of the end of the last ``advance``, ``set``, ``measure`` or ``restore``."""
        ...

    def advance(self, dt_s: float, steps: int = 1) -> None:
        """Run ``steps`` integration steps of ``dt_s`` seconds with inputs held. Raises ``ValueError`` for dt_s ≤ 0."""
        ...

    def measure(self) -> None:
        """Compute the outputs from states and inputs as they are now, without letting time pass."""
        ...

    def derivatives(self) -> Vector:
        """Time derivatives of the states as they are now (a fresh vector), state units per s."""
        ...

    def get(self, name: str) -> float:
        """Value of any variable. Raises ``KeyError`` naming the known ones."""
        ...

    def set(self, name: str, value: float) -> None:
        """Set an input, disturbance, parameter or state. Raises ``KeyError``, or ``ValueError`` outside its range."""
        ...

    def active_conditions(self) -> tuple[str, ...]:
        """Names of the conditions that hold now, in declared order."""
        ...

    def take_events(self) -> list[PlantEvent]:
        """Changes of conditions since the last call, in order of time."""
        ...

    def snapshot(self) -> bytes:
        """Everything that decides the future of this plant. Raises ``NoSnapshot`` where that cannot be had."""
        ...

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot, bit for bit. Raises ``ValueError`` if it is of another plant or version."""
        ...


class ReferenceControl(Protocol):
    """Controllers that were published with a plant and drive it alone, without a control system."""

    @property
    def setpoint_names(self) -> tuple[str, ...]:
        """Names of the setpoints, in order."""
        ...

    @property
    def setpoints(self) -> Vector:
        """The setpoints, a view; a cascade moves those of its inner loops."""
        ...

    def step(self, plant: PlantModel) -> None:
        """One period of ``PlantType.control_period_s``: moves ``plant.inputs``; before the plant's steps of it."""
        ...

    def advance(self, plant: PlantModel, periods: int, dt_s: float) -> None:
        """``periods`` times ``step`` and the plant's steps of ``dt_s`` seconds, in one call."""
        ...


@dataclass(frozen=True, eq=False)
class PlantType:
    """Everything that can be said of a plant before it runs."""

    name: str
    title: str
    description: str
    reference: str
    variables: tuple[Variable, ...]
    settings: tuple[Setting, ...]
    create_model: Callable[["PlantType", Setting, int, str], PlantModel]
    conditions: tuple[Condition, ...] = ()
    step_s: float = 0.1  # integration step at which the default integrator is accurate
    integrator: str = "rk4"  # the default one
    kept: int = 0  # words of memory beyond the states
    reference_control: "Callable[[PlantModel], ReferenceControl] | None" = None  # for a plant at its start
    control_period_s: float = 1.0
    dead_times_s: Mapping[tuple[str, str], float] = field(default_factory=dict)  # by (output, input), as designed
    loops: tuple[tuple[str, str], ...] = ()  # (output, input): the control problem that the plant was published with

    def of_role(self, role: str) -> tuple[Variable, ...]:
        """The variables of one role, in order."""
        return tuple(v for v in self.variables if v.role == role)

    def names(self, role: str) -> tuple[str, ...]:
        """Names of the variables of one role, in order."""
        return tuple(v.name for v in self.variables if v.role == role)

    @cached_property
    def condition_names(self) -> tuple[str, ...]:
        """Names of the declared conditions, then ``out_of_range:NAME`` of every state."""
        return (*(c.name for c in self.conditions), *(OUT_OF_RANGE + name for name in self.names(STATE)))

    @cached_property
    def _by_name(self) -> dict[str, Variable]:
        return {v.name: v for v in self.variables}

    def variable(self, name: str) -> Variable:
        """The variable of that name. Raises ``KeyError`` naming the known ones."""
        if found := self._by_name.get(name):
            return found
        known = ", ".join(v.name for v in self.variables)
        raise KeyError(f"plant {self.name} has no variable {name!r}; it has {known or 'none'}")

    def find_setting(self, name: str) -> Setting:
        """The setting of that name ("" = the first). Raises ``KeyError`` naming the known ones."""
        for candidate in self.settings:
            if name in ("", candidate.name):
                return candidate
        known = ", ".join(s.name for s in self.settings)
        raise KeyError(f"plant {self.name} has no setting {name!r}; it has {known}")

    def create(self, setting: str = "", *, seed: int = 0, integrator: str = "") -> PlantModel:
        """A plant at rest in ``setting`` ("" = the first).

        ``integrator``: ``euler``, ``rk4``, ``stiff`` (fixed step), ``adaptive``, ``dop853``, ``radau``, ``bdf`` (SciPy,
        for reference), "" = the plant's own. ``seed`` starts the random streams of plants that have any. Raises
        ``KeyError`` for an unknown setting or integrator.
        """
        return self.create_model(self, self.find_setting(setting), seed, integrator or self.integrator)


class PlantFileError(ValueError):
    """A file that describes no plant.

    ``problems`` are (line, sentence); ``str()`` has one ``file:line: sentence`` a line.
    """

    def __init__(self, file: str, problems: list[tuple[int, str]]) -> None:
        super().__init__("\n".join(f"{file}:{line}: {sentence}" for line, sentence in problems))
        self.file = file
        self.problems = tuple(problems)


class Catalogue(dict[str, PlantType]):
    """Plants by name, and readers of files that describe one: ``catalogue.open("flowsheet", path)``.

    ``text_readers`` are those whose file is a text that may come from elsewhere (a version of a running plant).
    ``stand_ins`` are kinds that a configuration may have, but that are no plants to be studied or listed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.readers: dict[str, Callable[[Path], PlantType]] = {}
        self.text_readers: dict[str, Callable[[str, Path], PlantType]] = {}
        self.stand_ins: dict[str, PlantType] = {}

    def open(self, kind: str, file: Path | None = None, text: str | None = None) -> PlantType:
        """The plant of that name; with ``file``, the plant that the file describes; ``text`` is what the file says.

        Raises ``KeyError`` for an unknown kind, ``ValueError`` with a sentence for a file that is no such plant
        (``PlantFileError`` with lines for a text).
        """
        if file is None:
            return self.stand_ins[kind] if kind in self.stand_ins else self[kind]
        if text is not None and kind in self.text_readers:
            return self.text_readers[kind](text, file)
        return self.readers[kind](file)


PLANTS = Catalogue()
"""Every plant by name; filled at import of ``plant_models.library``."""


def register(plant: PlantType) -> PlantType:
    """Add a plant to ``PLANTS`` after checking that its settings name its own variables, in range."""
    names = [v.name for v in plant.variables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"plant {plant.name}: declared twice: {', '.join(twice)}. Rename one of each.")
    for setting in plant.settings:
        _check_setting(plant, setting)
    for pair in plant.loops:
        if tuple(plant.variable(name).role for name in pair) != (OUTPUT, INPUT):
            raise ValueError(f"plant {plant.name}, loops: {pair} is not an output and an input")
    PLANTS[plant.name] = plant
    return plant


def _check_setting(plant: PlantType, setting: Setting) -> None:
    groups: tuple[tuple[str, Mapping[str, Any]], ...] = (
        (STATE, setting.states),
        (INPUT, setting.inputs),
        (PARAMETER, setting.parameters),
        (DISTURBANCE, setting.disturbances),
    )
    for role, values in groups:
        for name, value in values.items():
            variable = plant.variable(name)
            if variable.role != role:
                raise ValueError(
                    f"plant {plant.name}, setting {setting.name}: {name} is a {variable.role}, not a {role}"
                )
            if not (math.isfinite(value) and variable.low <= value <= variable.high):
                raise ValueError(
                    f"plant {plant.name}, setting {setting.name}: {name} = {value} {variable.unit} lies outside "
                    f"{variable.low} … {variable.high}"
                )
        missing = [name for name in plant.names(role) if name not in values and role in (STATE, INPUT, PARAMETER)]
        if missing:
            raise ValueError(f"plant {plant.name}, setting {setting.name}: no value for {', '.join(missing)}")
