"""Faults that field.yaml plans, and the status points of its measurements.

Called by   ``dcs.config.load`` (faults), ``dcs.config.field_check`` (status points).
Knows       the vocabulary of faults (``field_io.fault_kinds``), devices, controllers. Nothing begins here.
"""

from dcs.config.field_schema import FieldFile
from dcs.config.problems import Problems, did_you_mean
from dcs.config.schema import PlantFile
from dcs.config.source import Document
from dcs.core.errors import ConfigError
from field_io.fault_kinds import PlannedFault, checked, checked_target, subjects_of
from field_io.specs import DeviceSpec


def build_faults(
    file: FieldFile, document: Document, devices: tuple[DeviceSpec, ...], plant: PlantFile, problems: Problems
) -> tuple[PlannedFault, ...]:
    """Every fault that makes sense; what is wrong goes to ``problems``."""
    nodes = [member for controller in plant.controllers.values() for member in controller.members]
    subjects = subjects_of(devices, nodes)
    found = []
    for at, section in enumerate(file.faults):
        lasts = f"{section.lasts} ns" if section.lasts else None
        try:
            subject = checked_target(section.target, subjects)
            fault = checked(subject, section.kind, section.value, section.probability, lasts)
        except ConfigError as error:
            problems.add(document.place(("faults", at)), f"{error.message[0].upper()}{error.message[1:]}")
            continue
        found.append(PlannedFault(fault, section.at))
    return tuple(found)


def check_statuses(devices: tuple[DeviceSpec, ...], document: Document, problems: Problems) -> None:
    """A status point is a number that is read, in the same device as what it is about."""
    for device in devices:
        points = {point.name: point for point in device.points}
        for point in device.points:
            if not point.status:
                continue
            place = document.place(("devices", device.name, "points", point.name, "status"))
            status = points.get(point.status)
            if status is None:
                hint = did_you_mean(point.status, [name for name in points if name != point.name], "Points")
                problems.add(place, f"{point.name}: device {device.name} has no point `{point.status}`. {hint}")
            elif point.direction == "out":
                problems.add(place, f"{point.name}: `status` is for measurements. Delete it.")
            elif status is point or status.direction == "out" or status.is_text or status.signal is not None:
                problems.add(
                    place,
                    f"{point.name}: {point.status} cannot carry its NE 107 status: that is a number that is read, and "
                    "no `signal` moves it. Name another point.",
                )
