"""A map as a device that has all of its points, for tools that know a device by its map and need no plant folder.

Called by   tools that read devices (``dcs device``); tests.
Knows       how field.yaml lays a map under a device; the points keep their names in the map.
"""

from pathlib import Path

from dcs.config.field_check import build_devices
from dcs.config.field_schema import FieldFile
from dcs.config.map_files import DeviceMap, is_file, map_text, parse_map
from dcs.config.map_use import lay_map
from dcs.config.problems import Problems
from dcs.config.source import Document
from dcs.config.validate import validate
from dcs.core.errors import Place
from field_io.specs import DeviceSpec

_NAME = "device"


def device_of_map(one: DeviceMap) -> DeviceSpec:
    """A device of that type with every point. Raises ``ConfigErrors`` for points that cannot be as they are said."""
    problems = Problems()
    section = {"map": one.name, "take": list(one.file.points), "points": {}}
    document = Document(one.document.file, {"devices": {_NAME: section}})
    document.places[("devices", _NAME)] = Place(one.document.file, 1)
    lay_map(document, _NAME, one, problems)
    checked = validate(document, FieldFile, problems)
    devices = build_devices(checked, document, None, problems) if checked else ()
    problems.raise_if_any()
    return devices[0]


def device_of(name: str) -> DeviceSpec:
    """The same for a name of the library, or the path of a file. Raises ``ConfigErrors`` with all that is wrong."""
    problems = Problems()
    path = Path(name)
    folder, wanted = (path.parent, path.name) if is_file(name) else (Path(), name)
    file, text = map_text(wanted, Place(name), folder, {})
    one = parse_map(name, text, file, problems)
    problems.raise_if_any()
    assert one is not None
    return device_of_map(one)
