"""A map file for a device that is given by its URL.

Called by   ``dcs device watch --map``.
Knows       the keys of a map that say where registers are and how they are read; what else stands there is left out.
"""

from dataclasses import replace
from pathlib import Path

from dcs.config.field_check import build_devices
from dcs.config.field_schema import DeviceSection, FieldFile, PointSection
from dcs.config.problems import Problems
from dcs.config.source import parse_document
from dcs.config.validate import validate
from dcs.core.errors import ConfigError
from field_io.specs import DeviceSpec

_DEVICE = "PROBED"


def spec_with_map(name: str, base: DeviceSpec) -> DeviceSpec:
    """The device of a URL with the points and limits of a map file. Raises ``ConfigError``."""
    try:
        document = parse_document(Path(name).read_text(encoding="utf-8-sig"), name)
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"--map {name}: the file cannot be read ({exc}).") from None
    section = {key: value for key, value in document.data.items() if key in DeviceSection.model_fields}
    points = section.get("points")
    if not isinstance(points, dict):
        raise ConfigError(f"--map {name}: there are no points in it.")
    section["points"] = {
        tag: {key: value for key, value in point.items() if key in PointSection.model_fields}
        for tag, point in points.items()
        if isinstance(point, dict)
    }
    section["protocol"] = "modbus-tcp"
    document.data = {"devices": {_DEVICE: section}}
    problems = Problems()
    checked = validate(document, FieldFile, problems)
    problems.raise_if_any()
    assert checked is not None
    (device,) = build_devices(checked, document, None, problems)
    problems.raise_if_any()
    return replace(
        device,
        name=Path(name).stem,
        host=base.host,
        port=base.port,
        unit=base.unit,
        timeout_ns=base.timeout_ns,
        protocol=base.protocol,
        serial=base.serial,
        tls=base.tls,
        simulate=False,
    )
