"""What a device in field.yaml makes of its map, and what moves its points: checks beside those of single points.

Called by   ``dcs.config.field_check``, device by device.
Knows       devices and points that are built; no map file (``dcs.config.map_files``).
"""

from collections.abc import Sequence

from dcs.config.field_schema import DeviceSection, IdentitySection, PointSection
from dcs.config.point_table import unknown_point
from dcs.config.problems import Problems
from dcs.config.source import Document, KeyPath
from dcs.core.errors import ConfigError
from dcs.core.units import convert
from field_io.behaviours import BehaviourSpec
from field_io.specs import DIAGNOSIS, DeviceSpec, PointSpec, overlaps

STILL_NAMED = 50
"""So many points of a device that nothing moves are named one by one."""


def numbered_identity(identity: IdentitySection | None) -> tuple[tuple[int, str], ...]:
    """Objects of function code 43/14: vendor, product code, revision, product name (V1.1b3, section 6.21)."""
    if identity is None:
        return ()
    named = ((0, identity.maker), (1, identity.model), (2, identity.revision), (4, identity.model))
    return tuple((number, text) for number, text in named if text)


def beside(points: Sequence[PointSpec], untaken: Sequence[PointSpec]) -> tuple[PointSpec, ...]:
    """Points without a tag, less those in whose registers another point is."""
    hidden = {pair[1].name for pair in overlaps((*points, *untaken))}
    return tuple(point for point in untaken if point.name not in hidden)


def needs_map(name: str, section: DeviceSection, document: Document, problems: Problems) -> None:
    """What takes points of a map means nothing without one."""
    if section.map:
        return
    for key in ("prefix", "take"):
        if getattr(section, key) is not None:
            problems.add(
                document.place(("devices", name, key)),
                f"device {name}: `{key}` takes points of a map, but the device has none. Add `map`, or delete it.",
            )
    for tag, point in section.points.items():
        if point.use:
            problems.add(document.place(("devices", name, "points", tag, "use")), unknown_point(tag, point.use, {}))


def note_unmoved(
    name: str,
    points: Sequence[PointSpec],
    behaviours: Sequence[BehaviourSpec],
    document: Document,
    problems: Problems,
) -> None:
    """What a simulated device keeps at 0: no signal, no behaviour."""
    moved = {point for behaviour in behaviours for _, point in behaviour.roles}
    moved |= {point.status for point in points}  # what carries the status of another
    still = [p for p in points if p.signal is None and p.name not in moved and p.table != DIAGNOSIS]
    own = [point for point in still if not point.of_map]
    for point in own if len(own) <= STILL_NAMED else ():
        problems.note(point.place, f"{point.name} has no `signal`: the simulated device keeps it at 0.")
    for count, what in ((len(own) if len(own) > STILL_NAMED else 0, ""), (len(still) - len(own), " of its map")):
        if count:
            problems.note(
                document.place(("devices", name)),
                f"device {name}: nothing moves {_points(count)}{what}: the simulated device keeps "
                f"{'it' if count == 1 else 'them'} at 0.",
            )


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"


def plausible_range(
    tag: str, section: PointSection, path: KeyPath, document: Document, problems: Problems
) -> tuple[float, float] | None:
    """In the unit of the point."""
    if section.plausible is None:
        return None
    low, high, unit = section.plausible
    try:
        return (low, high) if not unit else (convert(low, unit, section.unit), convert(high, unit, section.unit))
    except ConfigError as exc:
        problems.add(document.place((*path, "plausible")), f"{tag}: plausible: {exc.message}")
        return None


def _at(device: DeviceSpec) -> str:
    return device.serial.port if device.serial else f"{device.host}:{device.port}"


def gateways_agree(devices: Sequence[DeviceSpec], document: Document, problems: Problems) -> None:
    """Simulated devices with one address are units behind a gateway: one server speaks for all of them."""
    by_address: dict[tuple[str, int], DeviceSpec] = {}
    for device in devices:
        if not (device.simulate and (device.serial or device.port)):
            continue
        other = by_address.setdefault(device.address, device)
        for key in ("protocol", "unknown_unit"):
            mine, its = getattr(device, key), getattr(other, key)
            if mine != its:
                problems.add(
                    document.place(("devices", device.name, key)),
                    f"device {device.name} is simulated behind {_at(device)}, as is device "
                    f"{other.name}, but its `{key}` is {mine} and not {its}. "
                    "Write the same, or choose another port.",
                )
