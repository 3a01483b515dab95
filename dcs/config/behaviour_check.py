"""Behaviours of simulated devices: which points play which roles, and the parameters.

Called by   ``dcs.config.field_check``, device by device.
Knows       the declarations of ``field_io.behaviours``; units. A role that nobody was named for is played by the point
            that is called like it, in the map or by its tag.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dcs.config.field_schema import DeviceSection
from dcs.config.fields import found
from dcs.config.problems import Problems, did_you_mean
from dcs.config.source import Document, KeyPath
from dcs.core.errors import ConfigError, Place
from dcs.core.units import find_unit, fitting, parse_quantity, same_dimension
from field_io.behaviours import ANY, KINDS, OWN, TOTALS, BehaviourKind, BehaviourSpec, Parameter
from field_io.specs import PointSpec

TYPE = "type"


class BehaviourCheck:
    """Behaviours of the devices of one file."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self._document = document
        self._problems = problems
        self.broken: frozenset[str] = frozenset()  # points of the device at hand that have errors of their own

    def build(self, device: str, section: DeviceSection, points: Sequence[PointSpec]) -> tuple[BehaviourSpec, ...]:
        """What is right; the rest goes to ``problems``. Nothing for a real device."""
        if not section.behaviour:
            return ()
        if not section.simulate:
            path: KeyPath = ("devices", device, "behaviour")
            if self._document.place(path).also == "":  # written for this device, not by its map
                self._problems.note(
                    self._document.place(path), f"device {device} is a real one: its `behaviour` has no effect."
                )
            return ()
        known = {point.name: point for point in points} | {point.of_map: point for point in points if point.of_map}
        made: dict[str, str] = {}
        specs = []
        written = (name for key in ("points", "untaken") for name in self._document.names(("devices", device, key)))
        self.broken = frozenset(name for name in written if name not in known)
        for number, item in enumerate(section.behaviour):
            spec = _Item(self, device, number, item, known).spec()
            if spec is not None:
                specs.append(spec)
                self._made_once(spec, known, made)
        return tuple(specs)

    def _made_once(self, spec: BehaviourSpec, known: Mapping[str, PointSpec], made: dict[str, str]) -> None:
        kind = KINDS[spec.type]
        for name, point in spec.roles:
            role = kind.role(name)
            if role is None or not role.made:
                continue
            if point in made:
                self._problems.add(
                    spec.place,
                    f"{point} is made by behaviour {made[point]} and by {spec.type}. Take it from one of them.",
                )
            made.setdefault(point, spec.type)
            if known[point].signal is not None:
                self._problems.add(
                    spec.place, f"{point} has a `signal` and is made by behaviour {spec.type}. Delete one of the two."
                )

    def place(self, device: str, number: int, key: str = "") -> Place:
        """Where a behaviour, or a key of it, stands: alone or in a list."""
        path: KeyPath = ("devices", device, "behaviour")
        inside: KeyPath = (*path, number) if (*path, number) in self._document.places else path
        return self._document.place((*inside, key) if key else inside)

    def add(self, place: Place, sentence: str) -> None:
        self._problems.add(place, sentence)


class _Item:
    """One behaviour of one device."""

    def __init__(
        self, check: BehaviourCheck, device: str, number: int, item: dict[str, Any], known: Mapping[str, PointSpec]
    ) -> None:
        self._check = check
        self._device = device
        self._number = number
        self._item = item
        self._known = known
        self._failed = False

    def spec(self) -> BehaviourSpec | None:
        kind = self._kind()
        if kind is None:
            return None
        place = self._check.place(self._device, self._number)
        roles = self._roles(kind)
        first = next((roles[role.name] for role in kind.roles if role.name in roles), None)
        unit = first.unit if first else ""
        self._fit(kind, roles, unit)
        values = {
            parameter.name: value
            for parameter in kind.parameters
            if (value := self._value(kind, parameter, unit)) is not None
        }
        for key in self._item:
            if key != TYPE and kind.role(key) is None and key not in {one.name for one in kind.parameters}:
                keys = [*(role.name for role in kind.roles), *(one.name for one in kind.parameters)]
                self._add(key, f"behaviour {kind.name} has no `{key}`. {did_you_mean(key, keys, 'It has')}")
        if self._failed:
            return None
        named = tuple((name, point.name) for name, point in roles.items())
        return BehaviourSpec(kind.name, named, tuple(values.items()), place)

    def _add(self, key: str, sentence: str) -> None:
        self._failed = True
        self._check.add(self._check.place(self._device, self._number, key), f"device {self._device}: {sentence}")

    def _kind(self) -> BehaviourKind | None:
        name = self._item.get(TYPE)
        if name is None:
            self._add("", f"a behaviour has no `type`. Write one of {', '.join(KINDS)}.")
            return None
        if name not in KINDS:
            self._add(TYPE, f"there is no behaviour {found(name)}. {did_you_mean(str(name), KINDS, 'There are')}")
            return None
        return KINDS[name]

    # --- roles ----------------------------------------------------------------------------------------------------
    def _roles(self, kind: BehaviourKind) -> dict[str, PointSpec]:
        parameters = {parameter.name for parameter in kind.parameters}
        roles: dict[str, PointSpec] = {}
        for role in kind.roles:
            wanted = self._item.get(role.name)
            if role.name in parameters and not (isinstance(wanted, str) and wanted in self._known):
                wanted = None  # the number of that name is meant
            if wanted is None:
                if role.name in self._known:
                    roles[role.name] = self._known[role.name]
                elif role.name in self._check.broken:
                    self._failed = True
                elif role.needed:
                    self._add("", f"behaviour {kind.name} needs `{role.name}` ({role.meaning}). Name a point for it.")
            elif isinstance(wanted, str) and wanted in self._known:
                roles[role.name] = self._known[wanted]
            elif wanted in self._check.broken:
                self._failed = True
            else:
                hint = did_you_mean(str(wanted), self._known, "Points")
                self._add(
                    role.name, f"behaviour {kind.name}: there is no point {found(wanted)} for `{role.name}`. {hint}"
                )
        return roles

    def _fit(self, kind: BehaviourKind, roles: Mapping[str, PointSpec], first: str) -> None:
        """Directions and units."""
        for name, point in roles.items():
            role = kind.role(name)
            assert role is not None
            if point.is_text:
                self._add(
                    name, f"behaviour {kind.name}: {point.name} is a string and cannot be `{name}`. Choose another."
                )
            if role.command and point.direction != "out":
                self._add(name, f"behaviour {kind.name}: `{name}` is what clients write, but {point.name} is an input.")
            if role.made and point.direction != "in":
                self._add(name, f"behaviour {kind.name} makes `{name}`, but {point.name} is what clients write.")
            unit = first if role.unit == ANY else role.unit
            if role.unit == ANY:
                fits = find_unit(unit) == find_unit(point.unit)
            else:
                fits = unit == OWN or same_dimension(unit, point.unit)
            if not fits:
                wanted = (unit or "plain numbers") if role.unit == ANY else fitting(unit)
                self._add(
                    name,
                    f"behaviour {kind.name}: `{name}` is in {wanted}, but {point.name} is in "
                    f"{point.unit or 'plain numbers'}.",
                )
        if kind.name == "total" and {"source", "value"} <= set(roles):
            source, total = find_unit(roles["source"].unit), find_unit(roles["value"].unit)
            if TOTALS.get(source.dimension, ("", 0))[0] != total.dimension:
                self._add(
                    "value",
                    f"{roles['value'].name} is in {total.name or 'plain numbers'}, which is no total of "
                    f"{roles['source'].name} in {source.name or 'plain numbers'} over time.",
                )

    # --- parameters -----------------------------------------------------------------------------------------------
    def _value(self, kind: BehaviourKind, parameter: Parameter, first: str) -> float | None:
        given = self._item.get(parameter.name)
        if isinstance(given, str) and kind.role(parameter.name) is not None and given in self._known:
            given = None  # the role of that name is meant
        if given is None:
            if parameter.default is None:
                self._add("", f"behaviour {kind.name} needs `{parameter.name}` ({parameter.meaning}). Give it.")
            return parameter.default
        unit = first if parameter.unit == ANY else parameter.unit
        try:
            if isinstance(given, bool) or not isinstance(given, (int, float, str)):
                raise ConfigError(f"{found(given)} is not a number. Write a number.")
            value = parse_quantity(given, unit) if isinstance(given, str) else float(given)
        except ConfigError as exc:
            self._add(parameter.name, f"behaviour {kind.name}: {parameter.name}: {exc.message}")
            return None
        if parameter.low is not None and value < parameter.low:
            least = f"{parameter.low:g} {unit}".rstrip()
            self._add(
                parameter.name,
                f"behaviour {kind.name}: {parameter.name} is {value:g}, but it is at least {least}. Write more.",
            )
            return None
        return value
