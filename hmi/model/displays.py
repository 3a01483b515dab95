"""Drawings: an SVG from any editor and a YAML file that binds its elements to tags.

Called by   ``hmi.app`` at start (and any checker of a plant folder); ``hmi.views.drawing`` paints what stands here.
Knows       files and element ids. No Qt.
Raises      ``ConfigError`` with file and line for everything that would not work on the screen.
"""

import xml.etree.ElementTree as ET
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dcs.core.errors import ConfigError, Place

KINDS: dict[str, tuple[str, ...]] = {
    "value": ("tag",),  # one number with its unit
    "loop": ("module",),  # tag, mode, PV, SP, OUT of a module
    "indicator": ("module",),  # analogue indicator: bar with band, limits, SP, PV
    "level": ("tag",),  # fill of a vessel
    "trend": ("tag",),  # embedded trend of the last hour
    "running": ("tag",),  # the element itself is shown while the tag is above `above`, or below `below`
    "link": ("display",),  # a click opens another display; the most urgent alarm of its modules is marked
}
"""Kinds of bindings and what each must name."""
_OPTIONAL = ("above", "below", "normal", "opens", "window_s", "label", "setpoint")


@dataclass(frozen=True, slots=True)
class Binding:
    """One element of the drawing and what it shows."""

    element: str
    kind: str
    tag: str = ""
    module: str = ""
    above: float = 0.0  # for `running`
    below: float | None = None  # for `running`, instead of `above`
    normal: tuple[float, float] | None = None  # normal band, in the tag's unit
    opens: str = ""  # module whose faceplate a click opens
    window_s: float = 3600.0  # for `trend`
    label: str = ""
    setpoint: str = ""  # a tag drawn dashed in a `trend`
    display: str = ""  # for `link`: name of a display file without .yaml
    place: Place = Place()

    def holds(self, value: float) -> bool:
        """Is a `running` element shown at that value?"""
        return value > self.above if self.below is None else value < self.below

    @property
    def target(self) -> str:
        """Module that a click on the element opens."""
        return self.opens or self.module or self.tag.rpartition(".")[0]


@dataclass(frozen=True)
class Display:
    """One drawing with its bindings."""

    name: str
    title: str
    drawing: Path
    bindings: tuple[Binding, ...]
    level: int = 2
    order: int = 100

    @property
    def modules(self) -> frozenset[str]:
        """What it shows: the modules that a click on its elements opens."""
        return frozenset(binding.target for binding in self.bindings if binding.target)

    def missing_tags(self, tags: Collection[str], modules: Collection[str]) -> list[ConfigError]:
        """One error for each binding to a tag or module that the plant does not have."""
        errors = []
        for binding in self.bindings:
            for wanted, known, what in (
                (binding.tag, tags, "tag"),
                (binding.setpoint, tags, "tag"),
                (binding.module, modules, "module"),
                (binding.opens, modules, "module"),
            ):
                if wanted and wanted not in known:
                    errors.append(
                        ConfigError(
                            f"element `{binding.element}`: there is no {what} {wanted} in this plant. "
                            f"Name one that control.yaml declares.",
                            binding.place,
                        )
                    )
        return errors


def load_displays(folder: Path) -> list[Display]:
    """Every display of a folder (``*.yaml``), in their ``order``; an absent folder has none.

    Raises ``ConfigError`` for a file that cannot be read, an unknown key or kind, or an element the SVG does not have.
    """
    if not folder.is_dir():
        return []
    displays = [load_display(path) for path in sorted(folder.glob("*.yaml"))]
    names = [display.name for display in displays]
    for display in displays:
        for binding in display.bindings:
            if binding.display and binding.display not in names:
                raise ConfigError(
                    f"element `{binding.element}`: there is no display `{binding.display}` in this folder. "
                    f"There are {', '.join(names)}.",
                    binding.place,
                )
    return sorted(displays, key=lambda display: (display.order, display.name))


def load_display(path: Path) -> Display:
    """One display; raises ``ConfigError``."""
    file = str(path)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 0
        raise ConfigError(f"this is not YAML: {exc.problem}. Correct the line.", Place(file, line)) from exc
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError("a display has the keys title, drawing and bindings; this file has none.", Place(file))
    raw: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    unknown = [
        key.value for key, _ in node.value if key.value not in ("title", "drawing", "bindings", "level", "order")
    ]
    if unknown:
        line = next(key.start_mark.line + 1 for key, _ in node.value if key.value == unknown[0])
        raise ConfigError(
            f"unknown key `{unknown[0]}`. A display has title, drawing, level, order and bindings.", Place(file, line)
        )
    drawing = path.parent / str(raw.get("drawing", path.stem + ".svg"))
    ids = element_ids(drawing, Place(file))
    lines = _binding_lines(node)
    bindings = []
    for number, entry in enumerate(raw.get("bindings") or []):
        bindings.append(_binding(entry, Place(file, lines[number]), ids, drawing.name))
    return Display(
        path.stem,
        str(raw.get("title", path.stem.replace("_", " ").capitalize())),
        drawing,
        tuple(bindings),
        int(raw.get("level", 2)),
        int(raw.get("order", 100)),
    )


def element_ids(drawing: Path, place: Place) -> set[str]:
    """Ids of all elements of an SVG; raises ``ConfigError`` when it is missing or broken."""
    try:
        root = ET.parse(drawing).getroot()
    except OSError as exc:
        raise ConfigError(f"the drawing {drawing.name} cannot be read ({exc.strerror}). Put it there.", place) from exc
    except ET.ParseError as exc:
        raise ConfigError(f"the drawing is not SVG: {exc}.", Place(str(drawing), exc.position[0])) from exc
    return {element.attrib["id"] for element in root.iter() if "id" in element.attrib}


def _binding_lines(node: yaml.MappingNode) -> list[int]:
    for key, value in node.value:
        if key.value == "bindings" and isinstance(value, yaml.SequenceNode):
            return [item.start_mark.line + 1 for item in value.value]
    return []


def _binding(entry: Any, place: Place, ids: set[str], drawing: str) -> Binding:
    if not isinstance(entry, dict) or "element" not in entry or "kind" not in entry:
        raise ConfigError("a binding names an `element` of the drawing and a `kind`.", place)
    element, kind = str(entry["element"]), str(entry["kind"])
    if element not in ids:
        raise ConfigError(
            f"{drawing} has no element with the id `{element}`. Give one that id, or bind another.", place
        )
    if kind not in KINDS:
        raise ConfigError(f"element `{element}`: unknown kind `{kind}`. Known kinds: {', '.join(KINDS)}.", place)
    for needed in KINDS[kind]:
        if not entry.get(needed):
            raise ConfigError(f"element `{element}`: kind `{kind}` needs a `{needed}`.", place)
    allowed = {"element", "kind", *KINDS[kind], *_OPTIONAL}
    for key in entry:
        if key not in allowed:
            raise ConfigError(
                f"element `{element}`: unknown key `{key}`. Known here: {', '.join(sorted(allowed))}.", place
            )
    normal = entry.get("normal")
    if normal is not None and not _is_range(normal):
        raise ConfigError(f"element `{element}`: `normal` is two numbers [low, high], not {normal!r}.", place)
    return Binding(
        element,
        kind,
        tag=str(entry.get("tag", "")),
        module=str(entry.get("module", "")),
        above=float(entry.get("above", 0.0)),
        below=float(entry["below"]) if "below" in entry else None,
        normal=(float(normal[0]), float(normal[1])) if normal else None,
        opens=str(entry.get("opens", "")),
        window_s=float(entry.get("window_s", 3600.0)),
        label=str(entry.get("label", "")),
        setpoint=str(entry.get("setpoint", "")),
        display=str(entry.get("display", "")),
        place=place,
    )


def _is_range(raw: Any) -> bool:
    return isinstance(raw, list) and len(raw) == 2 and all(isinstance(x, int | float) for x in raw) and raw[0] < raw[1]
