"""The simulated side of field.yaml: which plant variable lies behind a point, over which range.

Called by   ``dcs.config.field_check``, point by point.
Knows       units, which variables the plant has and in which role, what the registers of a point can hold.
"""

from dcs.config.field_schema import SignalSection
from dcs.config.instrument_check import build_instrument
from dcs.config.plant_config import PlantInfo, VariableInfo
from dcs.config.problems import Problems, did_you_mean, listed
from dcs.config.source import Document, KeyPath
from dcs.core.errors import ConfigError
from dcs.core.status import limits_of
from dcs.core.units import convert, fitting, parse_quantity, same_dimension
from field_io.registers import encode
from field_io.specs import PointSpec, SignalSpec

NS_PER_S = 1_000_000_000

READABLE_ROLES = ("output", "state", "input")  # an input is read as the position feedback of an actuator
WRITABLE_ROLES = ("input",)

_LIVE_ZERO = {"mA": (4.0, 20.0), "%": (0.0, 100.0)}
"""Field values at both ends of a range, for units that carry a share of it."""


class SignalCheck:
    """Signals of one file. ``plant`` = None: they are not checked, and none is built."""

    def __init__(self, document: Document, plant: PlantInfo | None, problems: Problems) -> None:
        self._document = document
        self._plant = plant
        self._problems = problems

    def build(self, tag: str, section: SignalSection, point: PointSpec, path: KeyPath) -> SignalSpec | None:
        variable = self._variable(tag, section.variable, point.direction, (*path, "variable"))
        if variable is None:
            return None
        low, high, unit = section.range
        range_place = self._document.place((*path, "range"))
        if not same_dimension(unit, variable.unit):
            self._problems.add(
                range_place,
                f"{tag}: the range of {variable.name} is given in {unit or 'plain numbers'}, "
                f"but the variable is in {variable.unit or 'plain numbers'}. Write it in {fitting(variable.unit)}.",
            )
            return None
        plant_low, plant_high = convert(low, unit, variable.unit), convert(high, unit, variable.unit)
        slack = 1e-9 * (variable.high - variable.low)
        if point.direction == "out" and not (variable.low - slack <= plant_low and plant_high <= variable.high + slack):
            self._problems.add(
                range_place,
                f"{tag}: the range {low:g} … {high:g} {unit} reaches beyond what {variable.name} can do "
                f"({variable.low:g} … {variable.high:g} {variable.unit}). Narrow the range.",
            )
            return None
        if point.type == "bool":
            field_low, field_high = 0.0, 1.0  # a switch: off at the low end, on at the high end
        elif point.unit in _LIVE_ZERO:
            field_low, field_high = _LIVE_ZERO[point.unit]
        elif same_dimension(unit, point.unit):
            field_low, field_high = convert(low, unit, point.unit), convert(high, unit, point.unit)
        else:
            self._problems.add(
                range_place,
                f"{tag}: the range of {variable.name} is given in {unit or 'plain numbers'}, but the point is in "
                f"{point.unit or 'plain numbers'}. Give the point the unit {unit or 'of a plain number'}, mA or %.",
            )
            return None
        return SignalSpec(
            variable=variable.name,
            plant_low=plant_low,
            plant_high=plant_high,
            field_low=field_low,
            field_high=field_high,
            noise=0.0 if point.type == "bool" else self._noise(tag, section, point, path),
            lag_s=section.lag / NS_PER_S,
            instrument=build_instrument(
                section.instrument, point, field_high - field_low, self._document, (*path, "instrument"), self._problems
            ),
        )

    def _variable(self, tag: str, name: str, direction: str, path: KeyPath) -> VariableInfo | None:
        if self._plant is None:
            return None
        roles = WRITABLE_ROLES if direction == "out" else READABLE_ROLES
        fitting_names = [v.name for role in roles for v in self._plant.variables if v.role == role]
        place = self._document.place(path)
        for variable in self._plant.variables:
            if variable.name != name:
                continue
            if variable.role in roles:
                return variable
            verb = "writes a plant input" if direction == "out" else "reads a plant output, state or input"
            self._problems.add(
                place,
                f"{tag}: {name} is a plant {variable.role}, but a point of direction {direction} {verb}. "
                f"Use one of {', '.join(fitting_names)}.",
            )
            return None
        hint = did_you_mean(name, fitting_names, "Variables that fit")
        self._problems.add(place, f"{tag}: the plant has no {listed(roles)} `{name}`. {hint}")
        return None

    def _noise(self, tag: str, section: SignalSection, point: PointSpec, path: KeyPath) -> float:
        place = self._document.place((*path, "noise"))
        try:
            value = (
                parse_quantity(section.noise, point.unit, difference=True)
                if isinstance(section.noise, str)
                else section.noise
            )
        except ConfigError as exc:
            self._problems.add(place, f"{tag}: noise {exc.message}")
            return 0.0
        if value < 0:
            self._problems.add(place, f"{tag}: noise {value:g} is negative. A standard deviation is at least 0.")
            return 0.0
        return value

    def check_fits(self, point: PointSpec, signal: SignalSpec, path: KeyPath) -> None:
        """Both ends of the range must be numbers that the registers can hold."""
        for value in (signal.field_low, signal.field_high):
            if not point.is_bit and limits_of(encode(point, value)[1]):
                raw = (value - point.offset) / point.scale
                self._problems.add(
                    self._document.place((*path, "scale" if point.scale != 1.0 else "type")),
                    f"{point.name}: {value:g} {point.unit} is the raw number {raw:g}, which {point.type} cannot hold. "
                    "Choose another type or scale.",
                )
                return
