"""field.yaml against itself and against the plant: devices with their points, ready for drivers and simulation.

Called by   ``dcs.config.load``.
Knows       register maps, units, which variables the plant has. No control strategy.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from dcs.config.access_check import access
from dcs.config.behaviour_check import BehaviourCheck
from dcs.config.epoch_check import check_epochs, epoch_of
from dcs.config.fault_check import check_statuses
from dcs.config.field_schema import DeviceSection, FieldFile, PointSection
from dcs.config.map_check import beside, gateways_agree, needs_map, note_unmoved, numbered_identity, plausible_range
from dcs.config.modbus_check import check_modbus
from dcs.config.plant_config import PlantInfo
from dcs.config.point_table import Row
from dcs.config.problems import Problems, did_you_mean
from dcs.config.signal_check import SignalCheck
from dcs.config.source import Document, KeyPath
from dcs.config.station_check import StationCheck, addresses_of_backups
from dcs.core.clock import NS_PER_MS
from field_io.specs import DIAGNOSIS, NODE, OPC_UA, DeviceSpec, PointSpec, overlaps, point_problems


def build_devices(
    file: FieldFile,
    document: Document,
    plant: PlantInfo | None,
    problems: Problems,
    tables: Mapping[str, Sequence[Row]] | None = None,
) -> tuple[DeviceSpec, ...]:
    """Every device as the drivers need it; what is wrong goes to ``problems``. ``plant`` = None: signals unchecked.

    ``tables`` are the points that stand in tables, by device.
    """
    check = _FieldCheck(document, plant, problems)
    tables = tables or {}
    devices = tuple(check.device(name, section, tables.get(name, ())) for name, section in file.devices.items())
    check.tags_once(devices)
    check.addresses_once(devices)
    addresses_of_backups(devices, document, problems)
    gateways_agree(devices, document, problems)
    check.fresh_long_enough(devices)
    check.repeated_often_enough(devices)
    check.inputs_driven_once(devices)
    check_statuses(devices, document, problems)
    check_modbus(devices, document, problems)
    check_epochs(devices, document, problems)
    return devices


OPC_UA_PORT = 4840


class _FieldCheck:
    def __init__(self, document: Document, plant: PlantInfo | None, problems: Problems) -> None:
        self._document = document
        self._plant = plant
        self._problems = problems
        self._signals = SignalCheck(document, plant, problems)

    def device(self, name: str, section: DeviceSection, rows: Sequence[Row] = ()) -> DeviceSpec:
        path: KeyPath = ("devices", name)
        if section.port == 0 and not section.simulate:
            self._problems.add(
                self._document.place((*path, "port")),
                f"device {name}: a free port can only be chosen for a simulated device. "
                "Write the port of the real device, or `simulate: true`.",
            )
        station = StationCheck(name, section, self._document, self._problems)
        needs_map(name, section, self._document, self._problems)
        written = station.points((row.tag, cast(PointSection, row.section)) for row in rows)
        points = tuple(self._points((*path, "points"), written.items(), section, station))
        loose = self._points((*path, "untaken"), section.untaken.items(), section, station)
        untaken = beside(points, [replace(point, name=f"{name}.{point.name}", of_map=point.name) for point in loose])
        behaviours = BehaviourCheck(self._document, self._problems).build(name, section, (*points, *untaken))
        if section.simulate:
            note_unmoved(name, points, behaviours, self._document, self._problems)
        return DeviceSpec(
            **access(name, section, self._document, self._problems),
            **station.fields(),
            name=name,
            host=section.host,
            port=section.port if section.protocol != OPC_UA or "port" in section.model_fields_set else OPC_UA_PORT,
            unit=section.unit,
            poll_ns=section.poll,
            timeout_ns=section.timeout,
            stale_ns=section.stale or 0,
            repeat_ns=section.repeat or 0,
            simulate=section.simulate,
            points=points,
            untaken=untaken,
            behaviours=behaviours,
            map=section.map,
            identity=numbered_identity(section.identity),
            description=section.description,
            protocol=section.protocol,
            gap_max=section.gap_max,
            alarm=section.alarm.spec,
            redundancy_alarm=section.redundancy_alarm.spec,
            epoch=epoch_of(name, section, self._document, self._problems),
            place=self._document.place(path),
        )

    def _points(
        self,
        path: KeyPath,
        written: Iterable[tuple[str, PointSection]],
        around: DeviceSection,
        station: StationCheck,
    ) -> Iterator[PointSpec]:
        """The points that are right."""
        for tag, section in written:
            point = self._point((*path, tag), tag, section, around, station)
            if point is not None:
                yield point

    def _point(
        self, path: KeyPath, tag: str, section: PointSection, around: DeviceSection, station: StationCheck
    ) -> PointSpec | None:
        is_bit = section.table in ("coil", "discrete")
        is_bit = is_bit or section.bit >= 0
        type_name = section.type
        if "type" not in section.model_fields_set:
            type_name = "bool" if is_bit else "float64" if around.protocol == OPC_UA else type_name
        if not self._located(tag, section, around, path):
            return None
        bare = PointSpec(
            name=tag,
            table=section.table or NODE,
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
            node=section.node,
            fail_value=station.fail_value(tag, section),
            bit=section.bit,
            length=section.length if section.type == "string" else 0,
            poll=self._poll(tag, section, around, path),
            verify=around.verify if section.verify is None else section.verify,
            write=section.write,
            status=section.status or "",
            ne107=section.ne107,
            choices=section.choices,
            plausible=plausible_range(tag, section, path, self._document, self._problems),
            of_map=section.use,
        )
        sentences = point_problems(bare)
        for sentence in sentences:
            key = next(
                (k for k in ("direction", "type", "scale", "address", "node") if sentence.startswith(k)), "address"
            )
            self._problems.add(self._document.place((*path, key)), f"{tag}: {sentence}.")
        if section.signal is None:
            return None if sentences else bare
        signal = self._signals.build(tag, section.signal, bare, (*path, "signal"))
        if sentences:
            return None
        if signal is not None:
            self._signals.check_fits(bare, signal, path)
        return replace(bare, signal=signal)

    def _located(self, tag: str, section: PointSection, around: DeviceSection, path: KeyPath) -> bool:
        """Every point says where it is, in the words of its protocol."""
        opc_ua = around.protocol == OPC_UA
        needed, foreign = ("node", "table") if opc_ua else ("table", "node")
        if not getattr(section, needed):
            example = "`nsu=urn:maker:device;s=PV.Value`" if opc_ua else "`input` or `holding`, and its address"
            self._problems.add(
                self._document.place(path),
                f"{tag}: `{needed}` is missing, and a point of a device with protocol {around.protocol} needs it. "
                f"Write it, such as {example}.",
            )
            return False
        if section.table != DIAGNOSIS and getattr(section, foreign):
            self._problems.add(
                self._document.place((*path, foreign)),
                f"{tag}: `{foreign}` means nothing for protocol {around.protocol}. Delete it.",
            )
            return False
        return True

    def _poll(self, tag: str, section: PointSection, around: DeviceSection, path: KeyPath) -> str:
        if section.poll is None or section.poll in around.polls:
            return section.poll or ""
        hint = did_you_mean(section.poll, list(around.polls), "Poll groups of this device")
        self._problems.add(
            self._document.place((*path, "poll")),
            f"{tag}: the device has no poll group `{section.poll}`. {hint} Add it to `polls`, or choose another.",
        )
        return ""

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
                        f"({self._where(other, point)}). Rename one.",
                    )
                first.setdefault(point.name, device)

    def _where(self, device: DeviceSpec, point: PointSpec) -> str:
        place = self._document.place(("devices", device.name, "points", point.name))
        return f"line {place.line}" if place.file == point.place.file else str(place)

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
            url = (*device.address, device.unit)
            if (device.port or device.serial) and url in where:
                same, at = "host, port and unit", f"{device.host}:{device.port}"
                if device.serial:
                    same, at = "line and unit", device.serial.port
                self._problems.add(
                    self._document.place(("devices", device.name, "unit")),
                    f"device {device.name} has the same {same} as device {where[url].name} "
                    f"({at}, unit {device.unit}). Change one of them.",
                )
            where.setdefault(url, device)

    def fresh_long_enough(self, devices: tuple[DeviceSpec, ...]) -> None:
        """A value must not be stale before it can have been read again."""
        for device in devices:
            slowest_ns = max(device.period_of(point.poll) for point in device.points) if device.points else 0
            if device.stale_ns and device.stale_ns < slowest_ns + device.timeout_ns:
                needed_ms = (slowest_ns + device.timeout_ns) / NS_PER_MS
                self._problems.add(
                    self._document.place(("devices", device.name, "stale")),
                    f"device {device.name}: a value is stale after {device.stale_ns / NS_PER_MS:g} ms, before it is "
                    f"read again. Write at least {needed_ms:g} ms (slowest poll + timeout), or `auto`.",
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
