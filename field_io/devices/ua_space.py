"""The nodes of a simulated process instrument, shaped like PA-DIM: identification, health, one signal a point.

Called by   ``devices.opc_ua_device`` (values), ``devices.opc_ua_server`` (which shows the same nodes over TCP).
Knows       names, types, values. No library, no clock, no client.
Source      OPC 30081 (PA-DIM), clauses 7 and 8; OPC 10000-8 (EURange, EngineeringUnits); UN/ECE recommendation 20 for
            the codes of units; NAMUR NE 107 for the condition of a device.
"""

from dataclasses import dataclass, field

from field_io.ne107 import CHECK_FUNCTION, FAILURE, NORMAL, OUT_OF_SPECIFICATION
from field_io.opc_ua import variants
from field_io.opc_ua.nodes import NodeName, parse_node
from field_io.opc_ua.status import CODES
from field_io.specs import DeviceSpec, PointSpec

DI, PADIM = "http://opcfoundation.org/UA/DI/", "http://opcfoundation.org/UA/PADIM/"

HEALTH_NAMES = ("NORMAL", "FAILURE", "CHECK_FUNCTION", "OFF_SPEC", "MAINTENANCE_REQUIRED")
"""Condition of a device (NE 107), as DeviceHealth numbers it."""

CODE_OF_HEALTH = {
    FAILURE: CODES["BadDeviceFailure"],
    CHECK_FUNCTION: CODES["BadOutOfService"],  # somebody works on it: not to be controlled by (``field_io.ne107``)
    OUT_OF_SPECIFICATION: CODES["UncertainSensorNotAccurate"],
}
"""What the values of a device in that condition are worth."""

UNECE = {
    "%": "P1", "A": "AMP", "Hz": "HTZ", "K": "KEL", "Pa": "PAL", "V": "VLT", "W": "WTT", "bar": "BAR", "cm": "CMT",
    "cm3/s": "2J", "degC": "CEL", "kPa": "KPA", "kW": "KWT", "kg": "KGM", "kg/h": "E93", "kg/s": "KGS", "l": "LTR",
    "l/min": "L2", "m": "MTR", "m/s": "MTS", "m3": "MTQ", "m3/h": "MQH", "m3/s": "MQS", "mA": "4K", "mbar": "MBR",
    "min": "MIN", "mm": "MMT", "rpm": "RPM", "s": "SEC", "h": "HUR", "t": "TNE",
}  # fmt: skip
"""Our units -> common codes of UN/ECE recommendation 20."""


@dataclass(frozen=True, slots=True)
class Unit:
    """EUInformation: the unit's text and the number of its common code, 0 when it has none."""

    text: str

    @property
    def number(self) -> int:
        """The letters of the code as the bytes of a number."""
        return int.from_bytes(UNECE.get(self.text, "").encode(), "big")


@dataclass(frozen=True, slots=True)
class Range:
    """EURange."""

    low: float
    high: float


Content = bool | int | float | str | Unit | Range


@dataclass(slots=True)
class UaVariable:
    """A node with a value."""

    name: NodeName
    parent: str
    browse: tuple[str, str]  # URI of the namespace of its name, name
    type: str  # ``variants``, or Unit | Range
    value: Content
    code: int = 0
    source_ns: int = 0
    writable: bool = False
    is_property: bool = False
    point: str = ""  # the point of the spec that it is
    description: str = ""


@dataclass(frozen=True, slots=True)
class UaObject:
    """A node that groups others; ``parent`` "" = the folder of all objects."""

    name: NodeName
    parent: str
    browse: tuple[str, str]


@dataclass
class UaSpace:
    """All nodes of one device, by their names as texts."""

    uri: str
    root: NodeName
    objects: dict[str, UaObject] = field(default_factory=dict)
    variables: dict[str, UaVariable] = field(default_factory=dict)
    of_point: dict[str, UaVariable] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)  # variables to be shown anew to those who watch

    @property
    def health(self) -> UaVariable:
        """DeviceHealth."""
        return self.variables[str(self.root.below(f"{self.root.name}.DeviceHealth"))]

    def signal(self, point: str, part: str) -> UaVariable:
        """``ActualValue``, ``SimulationValue``, ``SimulationState`` of a point's signal. Raises ``KeyError``."""
        return self.variables[str(self.root.below(f"{self.root.name}.SignalSet.{point}.AnalogSignal.{part}"))]

    def set(self, variable: UaVariable, value: Content, code: int, now_ns: int) -> None:
        """A new value, or a new code; the same of both changes nothing, its source time neither."""
        if variable.value != value or variable.code != code:
            variable.value, variable.code, variable.source_ns = value, code, now_ns
            self.changed.add(str(variable.name))


def build_space(spec: DeviceSpec) -> UaSpace:
    """The nodes that a device with these points has."""
    first = next((parse_node(point.node).uri for point in spec.points if point.node.startswith("nsu=")), "")
    uri = first or f"urn:dcs-emulator:device:{spec.name}"
    root = NodeName(uri, "s", spec.name)
    space = UaSpace(uri, root)
    _object(space, root, "", (uri, spec.name))
    nameplate = dict(spec.identity)
    for name, type_name, value in (
        ("Manufacturer", variants.LOCALIZED_TEXT, nameplate.get(0, "DCS emulator")),
        ("ProductCode", variants.STRING, nameplate.get(1, "simulated")),
        ("Model", variants.LOCALIZED_TEXT, nameplate.get(5, spec.description or spec.name)),
        ("SerialNumber", variants.STRING, f"{sum(spec.name.encode()) * 7919 % 1_000_000:06}"),
        ("AssetId", variants.STRING, spec.name),
    ):
        _property(space, root, (DI, name), type_name, value)
    _variable(space, root, root.below(f"{spec.name}.DeviceHealth"), (DI, "DeviceHealth"), "Int32", NORMAL)
    signals = root.below(f"{spec.name}.SignalSet")
    _object(space, signals, str(root), (PADIM, "SignalSet"))
    for point in spec.points:
        _signal(space, signals, point)
    if spec.epoch is not None:
        node, browse = parse_node(spec.epoch.node), (uri, "OutputEpoch")
        _variable(space, root, node, browse, "UInt32", 0).writable = True
    return space


def _signal(space: UaSpace, signals: NodeName, point: PointSpec) -> None:
    node = parse_node(point.node)
    known = space.variables.get(str(node))
    if known is not None:  # a point that reads what every device has: its health, its serial number
        space.of_point[point.name] = known
        return
    signal = signals.below(f"{signals.name}.{point.name}")
    _object(space, signal, str(signals), (space.uri, point.name))
    _property(space, signal, (PADIM, "SignalTag"), variants.STRING, point.name)
    type_name = variants.OF_POINT[point.type]
    empty: Content = "" if point.is_text else False if type_name == variants.BOOLEAN else 0
    is_number = type_name not in (variants.BOOLEAN, variants.STRING)
    browse = (PADIM, "AnalogSignal" if is_number else "DiscreteSignal" if not point.is_text else "TextSignal")
    variable = _variable(space, signal, node, browse, type_name, empty)
    variable.writable = point.direction == "out"
    variable.point, variable.description = point.name, point.description
    variable.code = CODES["UncertainInitialValue"] if point.signal is not None else 0
    space.of_point[point.name] = variable
    if not is_number:
        return
    inner = signal.below(f"{signal.name}.AnalogSignal")
    for part, part_type in (("ActualValue", type_name), ("SimulationValue", type_name), ("SimulationState", "Boolean")):
        value: Content = False if part_type == "Boolean" else 0
        below = _variable(space, node, inner.below(f"{inner.name}.{part}"), (PADIM, part), part_type, value)
        below.writable = part != "ActualValue" and point.direction == "in"
    if point.signal is not None:
        low, high = sorted((point.signal.field_low, point.signal.field_high))
        raw = ((low - point.offset) / point.scale, (high - point.offset) / point.scale)
        _property(space, node, ("", "EURange"), "Range", Range(min(raw), max(raw)), inner)
    _property(space, node, ("", "EngineeringUnits"), "Unit", Unit(point.unit), inner)


def _object(space: UaSpace, name: NodeName, parent: str, browse: tuple[str, str]) -> None:
    space.objects[str(name)] = UaObject(name, parent, browse)


def _variable(
    space: UaSpace, parent: NodeName, name: NodeName, browse: tuple[str, str], type_name: str, value: Content
) -> UaVariable:
    made = UaVariable(name, str(parent), browse, type_name, value)
    space.variables[str(name)] = made
    return made


def _property(
    space: UaSpace,
    parent: NodeName,
    browse: tuple[str, str],
    type_name: str,
    value: Content,
    below: NodeName | None = None,
) -> None:
    name = (below or parent).below(f"{(below or parent).name}.{browse[1]}")
    space.variables[str(name)] = UaVariable(name, str(parent), browse, type_name, value, is_property=True)
