"""field.yaml against itself and against the plant: devices with their points, ready for drivers and simulation.

Called by   ``dcs.config.load``.
Knows       register maps, units, which variables the plant has. No control strategy.
"""

from dcs.config.plant_config import PlantInfo, VariableInfo
from dcs.config.problems import Problems, did_you_mean, listed
from dcs.config.schema import DeviceSection, FieldFile, PointSection, SignalSection
from dcs.config.source import Document, KeyPath
from dcs.core.clock import NS_PER_MS
from dcs.core.errors import ConfigError
from dcs.core.status import limits_of
from dcs.core.units import convert, fitting, parse_quantity, same_dimension
from field_io.registers import DeviceSpec, PointSpec, SignalSpec, encode, overlaps, point_problems

NS_PER_S = 1_000_000_000

READABLE_ROLES = ("output", "state", "input")  # an input is read as the position feedback of an actuator
WRITABLE_ROLES = ("input",)

_LIVE_ZERO = {"mA": (4.0, 20.0), "%": (0.0, 100.0)}
"""Field values at both ends of a range, for units that carry a share of it."""


def build_devices(
    file: FieldFile, document: Document, plant: PlantInfo | None, problems: Problems
) -> tuple[DeviceSpec, ...]:
    """Every device as the drivers need it; what is wrong goes to ``problems``. ``plant`` = None: signals unchecked."""
    check = _FieldCheck(document, plant, problems)
    devices = tuple(check.device(name, section) for name, section in file.devices.items())
    check.tags_once(devices)
    check.addresses_once(devices)
    check.fresh_long_enough(devices)
    check.repeated_often_enough(devices)
    check.inputs_driven_once(devices)
    return devices


class _FieldCheck:
    def __init__(self, document: Document, plant: PlantInfo | None, problems: Problems) -> None:
        self._document = document
        self._plant = plant
        self._problems = problems

    def device(self, name: str, section: DeviceSection) -> DeviceSpec:
        path: KeyPath = ("devices", name)
        if section.port == 0 and not section.simulate:
            self._problems.add(
                self._document.place((*path, "port")),
                f"device {name}: a free port can only be chosen for a simulated device. "
                "Write the port of the real device, or `simulate: true`.",
            )
        points = (self._point(name, tag, point, section) for tag, point in section.points.items())
        return DeviceSpec(
            name=name,
            host=section.host,
            port=section.port,
            unit=section.unit,
            poll_ns=section.poll,
            timeout_ns=section.timeout,
            stale_ns=section.stale or 0,
            watchdog_ns=section.watchdog,
            repeat_ns=section.repeat or 0,
            simulate=section.simulate,
            points=tuple(point for point in points if point is not None),
            description=section.description,
            protocol=section.protocol,
            gap_max=section.gap_max,
            place=self._document.place(path),
        )

    def _point(self, device: str, tag: str, section: PointSection, around: DeviceSection) -> PointSpec | None:
        path: KeyPath = ("devices", device, "points", tag)
        is_bit = section.table in ("coil", "discrete")
        type_name = "bool" if is_bit and "type" not in section.model_fields_set else section.type
        bare = PointSpec(
            name=tag,
            table=section.table,
            address=section.address,
            type=type_name,
            direction=section.direction,
            unit=section.unit,
            scale=section.scale,
            offset=section.offset,
            word_order=section.word_order or around.word_order,
            byte_order=section.byte_order or around.byte_order,
            description=section.description,
            place=self._document.place(path),
        )
        sentences = point_problems(bare)
        for sentence in sentences:
            key = next((k for k in ("direction", "type", "scale", "address") if sentence.startswith(k)), "address")
            self._problems.add(self._document.place((*path, key)), f"{tag}: {sentence}.")
        if section.signal is None:
            if around.simulate:
                self._problems.note(bare.place, f"{tag} has no `signal`: the simulated device keeps it at 0.")
            return None if sentences else bare
        signal = self._signal(tag, section.signal, bare, (*path, "signal"))
        if sentences:
            return None
        if signal is not None:
            self._check_fits(bare, signal, path)
        return PointSpec(**{name: getattr(bare, name) for name in PointSpec.__slots__} | {"signal": signal})

    # --- the simulated side -------------------------------------------------------------------------------
    def _signal(self, tag: str, section: SignalSection, point: PointSpec, path: KeyPath) -> SignalSpec | None:
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

    def _check_fits(self, point: PointSpec, signal: SignalSpec, path: KeyPath) -> None:
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

    # --- devices among themselves -------------------------------------------------------------------------
    def tags_once(self, devices: tuple[DeviceSpec, ...]) -> None:
        first: dict[str, DeviceSpec] = {}
        for device in devices:
            for point in device.points:
                if point.name in first:
                    other = first[point.name]
                    self._problems.add(
                        point.place,
                        f"the tag {point.name} is already in device {other.name} "
                        f"(line {self._line(other, point.name)}). Rename one.",
                    )
                first.setdefault(point.name, device)

    def _line(self, device: DeviceSpec, tag: str) -> int:
        return self._document.place(("devices", device.name, "points", tag)).line

    def addresses_once(self, devices: tuple[DeviceSpec, ...]) -> None:
        where: dict[tuple[str, int, int], DeviceSpec] = {}
        for device in devices:
            for first, second in overlaps(device.points):
                place = self._document.place(("devices", device.name, "points", second.name, "address"))
                at = f"{first.table} {first.address}" + (f" to {first.end - 1}" if first.count > 1 else "")
                self._problems.add(
                    place,
                    f"{second.name}: its register is already taken by {first.name} ({at}) in device {device.name}. "
                    f"Correct one of the addresses; {first.end} is the next behind {first.name}.",
                )
            url = (device.host, device.port, device.unit)
            if device.port and url in where:
                self._problems.add(
                    self._document.place(("devices", device.name, "unit")),
                    f"device {device.name} has the same host, port and unit as device {where[url].name} "
                    f"({device.host}:{device.port}, unit {device.unit}). Change one of them.",
                )
            where.setdefault(url, device)
        self._listeners_once([device for device in devices if device.simulate and device.port])

    def _listeners_once(self, simulated: list[DeviceSpec]) -> None:
        """A simulated device has its port for itself; several units behind one address are a real gateway's matter."""
        by_address: dict[tuple[str, int], DeviceSpec] = {}
        for device in simulated:
            other = by_address.setdefault((device.host, device.port), device)
            if other is not device and other.unit != device.unit:
                self._problems.add(
                    self._document.place(("devices", device.name, "port")),
                    f"device {device.name} is simulated on {device.host}:{device.port}, as is device {other.name}; a "
                    "simulated device needs a port of its own. Give one of them another, or `auto`.",
                )

    def fresh_long_enough(self, devices: tuple[DeviceSpec, ...]) -> None:
        """A value must not be stale before it can have been read again."""
        for device in devices:
            if device.stale_ns and device.stale_ns < device.poll_ns + device.timeout_ns:
                needed_ms = (device.poll_ns + device.timeout_ns) / NS_PER_MS
                self._problems.add(
                    self._document.place(("devices", device.name, "stale")),
                    f"device {device.name}: a value is stale after {device.stale_ns / NS_PER_MS:g} ms, before it is "
                    f"read again. Write at least {needed_ms:g} ms (poll + timeout), or `auto`.",
                )

    def repeated_often_enough(self, devices: tuple[DeviceSpec, ...]) -> None:
        """A device with a watchdog is written at least twice in its time, so that one lost write does no harm."""
        for device in devices:
            if device.watchdog_ns and 2 * device.repeat_ns > device.watchdog_ns:
                self._problems.add(
                    self._document.place(("devices", device.name, "repeat")),
                    f"device {device.name}: outputs are repeated every {device.repeat_ns / NS_PER_MS:g} ms, but its "
                    f"watchdog waits {device.watchdog_ns / NS_PER_MS:g} ms. Write at most "
                    f"{device.watchdog_ns / 2 / NS_PER_MS:g} ms, or `auto`.",
                )

    def inputs_driven_once(self, devices: tuple[DeviceSpec, ...]) -> None:
        first: dict[str, PointSpec] = {}
        for device in devices:
            for point in device.points:
                if point.direction != "out" or point.signal is None:
                    continue
                variable = point.signal.variable
                if variable in first:
                    self._problems.add(
                        self._document.place(("devices", device.name, "points", point.name, "signal", "variable")),
                        f"{point.name}: the plant input {variable} is already moved by {first[variable].name}. "
                        "Choose another variable, or delete one point.",
                    )
                first.setdefault(variable, point)
