"""Maps of device types for the command line: list them, take one for a device, find the one that fits.

Called by   ``dcs device maps``, ``dcs device watch --map``, ``dcs device probe``.
Knows       maps of the library by name and map files by path (``dcs.config.map_files``). A map becomes points in the
            way in which field.yaml uses it.
"""

import json
from dataclasses import replace
from pathlib import Path

from dcs.cli.client import print_json
from dcs.cli.table import table
from dcs.config.field_check import build_devices
from dcs.config.field_schema import FieldFile
from dcs.config.map_files import DeviceMap, is_file, map_text, parse_map
from dcs.config.map_use import expand_field
from dcs.config.problems import Problems
from dcs.config.source import parse_document
from dcs.config.validate import validate
from dcs.core.errors import ConfigError, Place
from field_io.maps.library import library_names
from field_io.onboarding.known_maps import KnownMap, Match, matches
from field_io.onboarding.probe import Probed
from field_io.specs import DeviceSpec

_DEVICE = "PROBED"
MATCHES_SHOWN = 3


def read_map(name: str) -> tuple[DeviceMap, DeviceSpec]:
    """A map of the library or a file, and a device with all of its points. Raises ``ConfigError``."""
    problems = Problems()
    if is_file(name):
        try:
            file, text = name, Path(name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"--map {name}: the file cannot be read ({exc}).") from None
    else:
        file, text = map_text(name, Place(), Path(), {})
    found = parse_map(name, text, file, problems)
    problems.raise_if_any()
    assert found is not None
    names = json.dumps(list(found.file.points))  # JSON is YAML
    document = parse_document(
        f"devices: {{{_DEVICE}: {{protocol: modbus-tcp, map: {json.dumps(name)}, take: {names}}}}}", name
    )
    expand_field(document, Path(), problems, {name: text})
    checked = validate(document, FieldFile, problems)
    problems.raise_if_any()
    assert checked is not None
    (device,) = build_devices(checked, document, None, problems)
    problems.raise_if_any()
    return found, device


def spec_with_map(name: str, base: DeviceSpec) -> DeviceSpec:
    """The device of a URL with the points and limits of a map. Raises ``ConfigError``."""
    _, device = read_map(name)
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


def known_maps() -> list[KnownMap]:
    """The library, as a probe compares with it."""
    found = []
    for name in library_names():
        one, device = read_map(name)
        identity = one.file.identity
        plausible = {point.name: point.plausible for point in device.points if point.plausible is not None}
        found.append(KnownMap(name, identity.maker, identity.model, device.points, plausible))
    return found


def library_matches(found: Probed) -> list[Match]:
    """Maps of the library that fit what a probe found, the best first."""
    return matches(found.identity, found.tables, known_maps())[:MATCHES_SHOWN]


def list_maps(as_json: bool) -> int:
    """``dcs device maps``."""
    rows = []
    for name in library_names():
        one, device = read_map(name)
        identity = one.file.identity
        rows.append([name, one.maker_and_model, str(len(device.points)), identity.source])
    if as_json:
        keys = ("name", "device", "points", "source")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        print(table(["map", "device", ">points", "source"], rows))
    return 0
