"""Devices from the text of a field.yaml and of other files, without a folder and without a plant."""

from pathlib import Path

from dcs.config.field_check import build_devices
from dcs.config.field_schema import FieldFile
from dcs.config.map_use import expand_field
from dcs.config.problems import Problems
from dcs.config.source import parse_document
from dcs.config.validate import validate
from field_io.specs import DeviceSpec


def devices_of(text: str, **files: str) -> tuple[dict[str, DeviceSpec], list[str]]:
    """(devices by name, messages); ``files`` are named with ``_dot_`` for a dot and ``_in_`` for a slash."""
    texts = {name.replace("_in_", "/").replace("_dot_", "."): content for name, content in files.items()}
    problems = Problems()
    document = parse_document(text, "field.yaml")
    tables = expand_field(document, Path(), problems, texts)
    checked = validate(document, FieldFile, problems)
    assert checked is not None
    devices = build_devices(checked, document, None, problems, tables.rows)
    return {device.name: device for device in devices}, [str(error) for error in sorted_errors(problems)]


def sorted_errors(problems: Problems) -> list[Exception]:
    """In file order."""
    return sorted(problems.errors, key=lambda error: error.place)
