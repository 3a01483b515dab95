"""``reference/devices.md``: the library of maps with their sources, the form of a map, and every behaviour.

Called by   ``docs/generate_reference.py``.
Knows       ``field_io.maps``, ``field_io.behaviours``, ``dcs.config.map_schema``.
"""

from collections.abc import Iterable

from dcs.config.map_files import DeviceMap, read_library
from dcs.config.map_schema import MapFile
from field_io.behaviours import ANY, KINDS, OWN, BehaviourKind, Parameter, Role
from field_io.maps.library import library_names
from generator.configuration_page import model_parts
from generator.markdown import code, number, page, section, sentence, table

_INTRODUCTION = (
    "A map says what a device of one type has in which registers. A device in field.yaml takes it with `map: NAME`; "
    "[Describe a device](../how-to/describe-a-device.md) shows how, and how to write one. "
    "Maps hold facts from public documents, in words of our own; what could not be established was left out. Compare "
    "with the manual of the revision that you have before you rely on one."
)
_BEHAVIOURS = (
    "What a simulated device does by itself: `behaviour: {type: TYPE, ROLE: POINT, PARAMETER: VALUE}`, or a list of "
    "such, in a map or in field.yaml. A role that nobody is named for is played by the point that is called like it."
)


def device_pages() -> dict[str, str]:
    """Text of the page by its path below ``reference``."""
    maps = [read_library(name) for name in library_names()]
    rows = [[code(one.name), one.maker_and_model, str(len(one.file.points)), _source(one)] for one in maps]
    return {
        "devices.md": page(
            "Device types",
            _INTRODUCTION,
            section("Library", table(("map", "device", "points", "from"), rows), *_notes(maps)),
            section("Map files", *model_parts(MapFile, ())),
            section("Behaviours", _BEHAVIOURS, *(_behaviour(kind) for kind in KINDS.values())),
        )
    }


def _source(one: DeviceMap) -> str:
    identity = one.file.identity
    return f"[{identity.source}]({identity.url})" if identity.url else identity.source


def _notes(maps: Iterable[DeviceMap]) -> list[str]:
    return [f"**{one.name}**: {sentence(' '.join(one.file.identity.note.split()))}" for one in maps]


def _behaviour(kind: BehaviourKind) -> str:
    first = kind.roles[0].name
    roles = [[code(role.name), _unit(role.unit, first), _who(role), role.meaning] for role in kind.roles]
    parameters = [
        [code(one.name), _unit(one.unit, first), _default(one), one.meaning + _least(one)] for one in kind.parameters
    ]
    return section(
        code(kind.name),
        kind.summary,
        table(("role", "unit", "whose", "meaning"), roles),
        table(("parameter", "unit", "default", "meaning"), parameters),
        level=3,
    )


def _unit(unit: str, first: str) -> str:
    return {ANY: f"that of `{first}`", OWN: "any", "": "–"}.get(unit, unit)


def _who(role: Role) -> str:
    whose = "made" if role.made else "written by clients" if role.command else "read"
    return f"{whose}, needed" if role.needed else whose


def _default(parameter: Parameter) -> str:
    return "needed" if parameter.default is None else number(parameter.default)


def _least(parameter: Parameter) -> str:
    return "" if parameter.low is None else f" (at least {number(parameter.low)})"
