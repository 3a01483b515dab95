"""What a unit type declares: its ports, and its quantities with unit, range and meaning.

Called by   every unit's file; read by the flowsheet's checks, by the manual and by tests.
Knows       words. The numbers of a flowsheet are in ``plant_models.units.table``.
Promise     the order of ``parameters``, ``inputs``, ``disturbances`` is the order of a unit's slots in the table, so
            that the constants at the top of a unit's file name them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

REQUIRED = math.nan
"""The default of a parameter that has none."""

T_MIN_K, T_MAX_K = 200.0, 700.0
P_MIN_PA, P_MAX_PA = 0.0, 2e7
ATMOSPHERE_PA = 101325.0
FLOW_MAX_M3_S = 10.0


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a unit, SI. ``choices``: the file gives a word, the number is its place among them.

    ``key``: what the file calls a state under ``initial`` (states are named like the symbol in the equations).
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str
    default: float = 0.0
    choices: tuple[str, ...] = ()
    key: str = ""

    @property
    def required(self) -> bool:
        """The file must give it."""
        return math.isnan(self.default)


@dataclass(frozen=True, slots=True)
class Port:
    """Where a pipe ends: ``way`` is ``in`` or ``out`` (of the flow that counts positive).

    ``many``: several pipes may end there. ``needed``: one must. ``passage``: in and out ports of the same passage
    belong together, what enters at the one leaves at the other; "" = the port is a place with a pressure of its own.
    ``one_way``: nothing flows against the arrow there.
    """

    name: str
    way: str
    meaning: str
    many: bool = False
    needed: bool = True
    passage: str = ""
    one_way: bool = False
    node: int = 0  # which of the unit's places it is


@dataclass(frozen=True, slots=True)
class Fact:
    """A condition of a unit: it holds or not, and every change is an event."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class UnitType:
    """A kind of unit.

    ``cells`` are names of the well-mixed contents that it holds (``numbered``: as many as the parameter ``cells``
    says); each has a temperature and a mass fraction of every component.
    """

    number: int
    name: str
    title: str
    ports: tuple[Port, ...] = ()
    parameters: tuple[Quantity, ...] = ()
    inputs: tuple[Quantity, ...] = ()
    disturbances: tuple[Quantity, ...] = ()
    states: tuple[Quantity, ...] = ()
    outputs: tuple[Quantity, ...] = ()
    facts: tuple[Fact, ...] = ()
    cells: tuple[str, ...] = ()
    numbered: bool = False
    junction: bool = False  # its place has no volume: the pressure follows from the flows
    boundary: bool = False  # temperature and fractions are given, not balanced
    memory: int = 0  # words beyond states
    texts: tuple[str, ...] = ()  # keys of the file that are words: names of other units, of a component
    starts: tuple[Quantity, ...] = ()  # what a file may give under ``initial`` instead of states
    start: Callable[[Mapping[str, float]], dict[str, float]] | None = None  # states from these and everything else
    fractions_out: bool = False  # one more output per component, named like it: its mass fraction

    @property
    def slots(self) -> tuple[Quantity, ...]:
        """Everything that its kernels read, in the order of the table."""
        return (*self.parameters, *self.inputs, *self.disturbances)

    def port(self, name: str) -> Port | None:
        """The port of that name."""
        return next((port for port in self.ports if port.name == name), None)


def passage(name: str = "", before: str = "") -> tuple[Port, Port]:
    """The two ports of something that is flowed through."""
    kind = name or "through"
    return (
        Port(f"{before}inlet", "in", f"where {name or 'the'} liquid enters", passage=kind),
        Port(f"{before}outlet", "out", f"where {name or 'the'} liquid leaves", passage=kind),
    )


def share(name: str, meaning: str, default: float = 0.0) -> Quantity:
    """A number from 0 to 1; files write ``50 %``."""
    return Quantity(name, "1", 0.0, 1.0, meaning, default)


def temperature(name: str, meaning: str, default: float = 293.15, key: str = "") -> Quantity:
    """In K; files write ``25 degC``."""
    return Quantity(name, "K", T_MIN_K, T_MAX_K, meaning, default, key=key)


def pressure(name: str, meaning: str, default: float = ATMOSPHERE_PA) -> Quantity:
    """Absolute, in Pa; files write ``2 bar`` or, above the atmosphere, ``1 barg``."""
    return Quantity(name, "Pa", P_MIN_PA, P_MAX_PA, meaning, default)


def flow(name: str, meaning: str) -> Quantity:
    """Liquid, m3/s; negative against the arrow."""
    return Quantity(name, "m3/s", -FLOW_MAX_M3_S, FLOW_MAX_M3_S, meaning)
