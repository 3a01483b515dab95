"""The vocabulary of faults: what can be wrong with a point, a device or a cable, and which number says how much.

Called by   configuration, scenarios, the command line, the operator station (check and list), ``faults`` (begins them).
Knows       names, units, ranges, sentences. Nothing here does anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from dcs.core.errors import ConfigError
from dcs.core.units import parse_duration, parse_quantity
from field_io.specs import OPC_UA, DeviceSpec, PointSpec

POINT, DEVICE, LINK = "point", "device", "link"

NO, MAY, MUST = "no", "may", "must"
"""Does a kind take a value?"""

CHANCE_PCT = 1.0
LISTED = 40
"""Most names that one sentence lists."""

HERE = "here"
"""As a value: where it stands now."""

PLACES = ("stuck", "check_function")
"""Kinds whose value is a place and not a difference (it matters for °C and °F)."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault. ``unit``: of its value; ``@`` is the unit of the point."""

    name: str
    scope: str
    meaning: str
    takes: str = NO
    value: str = ""  # what the value is
    unit: str = ""
    low: float = -1e30
    high: float = 1e30
    default: float | None = None  # of a value that may be left out; None = it depends on the target
    whole: bool = False
    chance: bool = False  # takes a probability, in %
    on: tuple[str, ...] = ("in",)  # points: in, out, switch, register, words; devices: modbus, opc_ua, registers, card


_POINT_KINDS = (
    FaultKind("stuck", POINT, "says, or stays at, the same whatever happens; without a value: what it is now", MAY,
              "where", "@", on=("in", "out", "switch")),
    FaultKind("bias", POINT, "says so much too much, or goes so much too far", MUST, "error", "@", on=("in", "out")),
    FaultKind("drift", POINT, "an error that grows from nothing", MUST, "error per hour", "@", on=("in", "out")),
    FaultKind("noise", POINT, "noise on top", MUST, "standard deviation", "@", 0.0, on=("in", "out")),
    FaultKind("spike", POINT, "single values far up or down", MUST, "size", "@", 0.0, chance=True, on=("in", "out")),
    FaultKind("quantise", POINT, "moves in steps", MUST, "step", "@", 1e-9, on=("in", "out")),
    FaultKind("open_circuit", POINT, "a broken wire: 0 mA, no number, the far end of a whole number; an actuator goes "
              "where it `fails`", on=("in", "out", "switch")),
    FaultKind("short_circuit", POINT, "a shorted wire: 24 mA, no number, the near end of a whole number; an actuator "
              "goes where it `fails`", on=("in", "out", "switch")),
    FaultKind("swapped_bytes", POINT, "the bytes of each register change places", on=("in", "out", "register")),
    FaultKind("swapped_words", POINT, "the registers of the value change places", on=("in", "out", "words")),
    FaultKind("failure", POINT, "the instrument has failed: burn-out as NE 43 has it, NE 107 FAILURE"),
    FaultKind("check_function", POINT, "somebody works on it: says the same, NE 107 CHECK FUNCTION", MAY, "what", "@"),
    FaultKind("out_of_specification", POINT, "NE 107 OUT OF SPECIFICATION; its value goes on"),
    FaultKind("maintenance_required", POINT, "NE 107 MAINTENANCE REQUIRED; its value goes on"),
)  # fmt: skip

_LINK_TIMES = (
    ("latency", "is so much later", "time", "s", 0.0, 3600.0),
    ("jitter", "is later by a random time", "longest", "s", 0.0, 3600.0),
    ("drop", "is lost", "share", "%", 0.0, 100.0),
    ("duplicate", "comes twice", "share", "%", 0.0, 100.0),
)

_DEVICE_KINDS = (
    FaultKind("latency", DEVICE, "an answer is so much later", MUST, "time", "s", 0.0, 3600.0, on=("modbus", "opc_ua")),
    *(FaultKind(name, DEVICE, f"an answer {what}", MUST, value, unit, low, high, on=("modbus",))
      for name, what, value, unit, low, high in _LINK_TIMES[1:]),
    FaultKind("exception", DEVICE, "answers every request with an exception code", MUST, "code", "", 1, 11, whole=True,
              on=("modbus",)),
    FaultKind("garbage", DEVICE, "an answer is random bytes", MAY, "share", "%", 0.0, 100.0, 100.0, on=("modbus",)),
    FaultKind("slow", DEVICE, "answers a byte at a time (slow loris)", MAY, "time per byte", "s", 0.001, 60.0, 0.05,
              on=("modbus",)),
    FaultKind("disconnect", DEVICE, "is off the network: connections close, none is accepted", on=("modbus", "opc_ua")),
    FaultKind("silent", DEVICE, "accepts connections and never answers", on=("modbus", "opc_ua")),
    FaultKind("reboot", DEVICE, "is off for that time, then on with the registers it was switched on with", MAY,
              "time", "s", 0.1, 3600.0, 5.0, on=("registers",)),
    FaultKind("clock_wrong", DEVICE, "its own timestamps are off by that", MUST, "offset", "s", -1e9, 1e9,
              on=("opc_ua",)),
    FaultKind("dead", DEVICE, "the card in a slot is dead; cleared, a good one is put in and tests itself",
              on=("card",)),
)  # fmt: skip

_LINK_KINDS = (
    FaultKind("cut", LINK, "nothing passes, and nobody is told"),
    *(FaultKind(name, LINK, f"a request {what}", MUST, value, unit, low, high)
      for name, what, value, unit, low, high in _LINK_TIMES),
)  # fmt: skip

KINDS: Mapping[str, Mapping[str, FaultKind]] = {
    POINT: {kind.name: kind for kind in _POINT_KINDS},
    DEVICE: {kind.name: kind for kind in _DEVICE_KINDS},
    LINK: {kind.name: kind for kind in _LINK_KINDS},
}
"""Kinds by scope and name."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that can have faults, for checks and for lists."""

    name: str
    scope: str
    unit: str = ""
    traits: tuple[str, ...] = ()  # see ``FaultKind.on``
    description: str = ""

    @property
    def kinds(self) -> tuple[FaultKind, ...]:
        """What it can have."""
        return tuple(kind for kind in KINDS[self.scope].values() if self.scope == LINK or self._fits(kind))

    def _fits(self, kind: FaultKind) -> bool:
        if self.scope == DEVICE:
            return any(trait in self.traits for trait in kind.on)
        nature = next(trait for trait in self.traits if trait in ("in", "out", "switch"))
        return nature in kind.on and all(trait in self.traits for trait in kind.on if trait in ("register", "words"))


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, as it was asked for; ``value`` in the unit of its kind (``unit``)."""

    target: str
    kind: str
    value: float | None = None
    chance_pct: float = CHANCE_PCT
    for_ns: int = 0  # 0 = until it is cleared
    unit: str = ""

    @property
    def words(self) -> str:
        """``bias 0.5 mA``."""
        if self.value is None:
            return self.kind
        return " ".join(part for part in (self.kind, f"{self.value:g}", self.unit) if part)


def unknown_target(name: str, known: Iterable[str]) -> str:
    """There is nothing of that name that could fail; a point that no plant moves is a frequent reason."""
    told = unknown(name, known, "simulated point, device or cable")
    return told if ">" in name else f"{told} Points can fail that have a `signal`; of others, make the device fail."


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault of the configuration."""

    fault: Fault
    at_ns: int  # after the start


def unknown(name: str, known: Iterable[str], what: str) -> str:
    """``There is no X `name`. Did you mean …?``, or all that is known."""
    names = list(known)
    near = get_close_matches(name, names, n=3)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    known_names = f"Known: {', '.join(names[:LISTED]) or 'none'}{more}."
    hint = f"Did you mean {' or '.join(near)}?" if near else known_names
    return f"there is no {what} {name}. {hint}"


def checked_target(name: str, subjects: Iterable[Subject]) -> Subject:
    """The target of that name. Raises ``ConfigError`` with the known ones."""
    by_name = {subject.name: subject for subject in subjects}
    if name not in by_name:
        raise ConfigError(unknown_target(name, by_name))
    return by_name[name]


def subjects_of(devices: Iterable[DeviceSpec], controllers: Iterable[str]) -> list[Subject]:
    """Everything of a plant that can have faults; ``controllers``: the nodes that have cables to the devices."""
    found, links = [], []
    nodes = list(controllers)
    for device in devices:
        links += [Subject(f"{node}>{device.name}", LINK, description="cable") for node in nodes]
        if device.simulate:
            found += [point_subject(point) for point in device.points if point.signal is not None]
            found += device_subjects(device)
    return found + links


def device_subjects(device: DeviceSpec) -> list[Subject]:
    """A device and what in it can fail by a name of its own: couplers (``NODE-1.A``), cards (``NODE-1.S3``)."""
    if device.protocol == OPC_UA:
        return [Subject(device.name, DEVICE, "", ("opc_ua",), device.description or "device")]
    found = [Subject(device.name, DEVICE, "", ("modbus", "registers"), device.description or "device")]
    if device.backup is not None or device.station is not None:
        couplers = ("A", "B") if device.backup is not None else ("A",)
        found += [Subject(f"{device.name}.{name}", DEVICE, "", ("modbus",), "coupler") for name in couplers]
    if device.station is not None:
        slots = [slot for card in device.station.cards for slot in card.slots]
        found += [Subject(f"{device.name}.S{slot}", DEVICE, "", ("card",), "card") for slot in slots]
    return found


def point_subject(point: PointSpec) -> Subject:
    """A point as something that can have faults."""
    nature = "switch" if point.type == "bool" else point.direction
    traits = [nature]
    if point.table in ("input", "holding") and point.type != "bool":
        traits += ["register", "words"] if point.count > 1 else ["register"]
    return Subject(point.name, POINT, point.unit, tuple(traits), point.description)


def checked(subject: Subject, kind: str, value: Any = None, chance: Any = None, duration: Any = None) -> Fault:
    """A fault that makes sense. Raises ``ConfigError`` with one sentence; a value may be a text with a unit."""
    known = {each.name: each for each in subject.kinds}
    found = known.get(kind)
    if found is None:
        if kind in KINDS[subject.scope]:
            raise ConfigError(f"{subject.name} cannot have the fault {kind}. It can have {', '.join(known)}.")
        raise ConfigError(f"{subject.name}: {unknown(kind, known, 'fault')}")
    unit = subject.unit if found.unit == "@" else found.unit
    for_ns = 0
    if duration is not None:
        try:
            for_ns = parse_duration(str(duration))
        except ConfigError as error:
            raise ConfigError(f"{subject.name}: how long: {error.message}") from None
    number = _number(subject.name, found, unit, value)
    shown_unit = f"{unit}/h" if found.name == "drift" else unit
    return Fault(subject.name, kind, number, _chance(subject.name, found, chance), for_ns, shown_unit)


def _number(target: str, kind: FaultKind, unit: str, value: Any) -> float | None:
    what = f"{target}: {kind.name}"
    if value is None or value in ("", HERE):
        if kind.takes == MUST:
            raise ConfigError(f"{what} needs its {kind.value}{f', in {unit}' if unit else ''}.")
        return kind.default
    if kind.takes == NO:
        raise ConfigError(f"{what} takes no value; found `{value}`.")
    number = _parsed(what, unit, value, difference=kind.name not in PLACES)
    if not kind.low <= number <= kind.high:
        between = f"{kind.low:g} to {kind.high:g}" if kind.high < 1e30 else f"at least {kind.low:g}"
        raise ConfigError(f"{what}: the {kind.value} is {number:g}, but must be {between}{f' {unit}' if unit else ''}.")
    if kind.whole and number != int(number):
        raise ConfigError(f"{what}: the {kind.value} is a whole number, not {number:g}.")
    return number


def _parsed(what: str, unit: str, value: Any, difference: bool = True) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ConfigError(f"{what}: `{value}` is not a number.")
    try:
        number = float(parse_quantity(value, unit, difference=difference) if isinstance(value, str) else value)
    except ConfigError as error:
        raise ConfigError(f"{what}: {error.message}") from None
    if number != number or abs(number) == float("inf"):
        raise ConfigError(f"{what}: `{value}` is not a number.")
    return number


def _chance(target: str, kind: FaultKind, chance: Any) -> float:
    if chance is None:
        return CHANCE_PCT
    if not kind.chance:
        raise ConfigError(f"{target}: {kind.name} takes no probability.")
    percent = _parsed(f"{target}: probability", "%", chance)
    if not 0.0 < percent <= 100.0:
        raise ConfigError(f"{target}: the probability is {percent:g}, but must be above 0 and at most 100 %.")
    return percent
