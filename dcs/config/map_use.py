"""Lays maps under devices and gathers their tables of points, before field.yaml is held against its schema.

Called by   ``dcs.config.load``.
Knows       trees of documents. What comes out is checked like what somebody wrote; what stands in field.yaml holds
            before what stands in the map. A key of a map stands at its line there and names the device.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dcs.config.field_schema import PointSection
from dcs.config.map_files import DeviceMap, is_file, map_text, parse_map, read_text
from dcs.config.map_schema import DEVICE_KEYS
from dcs.config.point_table import FOLDER_TABLE, PointTables, Target, read_points, unknown_point
from dcs.config.problems import FOUND_IN, Problems
from dcs.config.source import Document, KeyPath
from dcs.config.tree import Node, merged, node_at, write
from dcs.core.errors import ConfigError, Place
from field_io.specs import OPC_UA


def expand_field(
    field: Document | None, folder: Path, problems: Problems, given: Mapping[str, str] | None = None
) -> PointTables:
    """Maps into the document, tables into what is returned (with the texts of both); ``given`` are texts that are here.

    ``field`` changes in place.
    """
    if field is None or not isinstance(field.data.get("devices"), dict):
        return PointTables()
    return _FieldExpansion(field, folder, problems, given).run()


def lay_map(field: Document, device: str, one: DeviceMap, problems: Problems) -> None:
    """Lay a map that is here already under one device of the document."""
    _FieldExpansion(field, Path(), problems, {}).lay(device, field.data["devices"][device], one)


class _FieldExpansion:
    def __init__(self, field: Document, folder: Path, problems: Problems, given: Mapping[str, str] | None) -> None:
        self._field = field
        self._folder = folder
        self._problems = problems
        self._given = given or {}
        self._all_given = given is not None
        self._tables = PointTables()
        self._maps: dict[str, DeviceMap | None] = {}
        self._broken: frozenset[str] = frozenset()  # points of the map at hand

    def run(self) -> PointTables:
        devices = {name: one for name, one in self._field.data["devices"].items() if isinstance(one, dict)}
        maps = {name: self._map(name, section) for name, section in devices.items()}
        points = {name: one.file.points if one else {} for name, one in maps.items()}
        for name, section in devices.items():
            if isinstance(section.get("points"), str):
                self._table(name, section, points)
        if self._exists(FOLDER_TABLE):
            self._read(FOLDER_TABLE, Place(str(self._folder / FOLDER_TABLE)), Target(self._field, points))
        for name, one in maps.items():
            if one is not None:
                self.lay(name, devices[name], one)
            elif devices[name].get("map"):
                self._forget_used(("devices", name, "points"), devices[name].get("points"))
        return self._tables

    def _forget_used(self, path: KeyPath, points: Any) -> None:
        """Without the map, whose error is told, nothing is known of the points that are in it."""
        for tag, point in list(points.items()) if isinstance(points, dict) else ():
            if isinstance(point, dict) and "use" in point:
                self._field.remove((*path, tag))

    def _exists(self, name: str) -> bool:
        return name in self._given if self._all_given else (self._folder / name).is_file()

    # --- tables -----------------------------------------------------------------------------------------------
    def _table(self, device: str, section: dict[str, Any], points: Mapping[str, Mapping[str, PointSection]]) -> None:
        path: KeyPath = ("devices", device, "points")
        name, place = section["points"], self._field.place(path)
        section["points"] = {}
        self._read(name, place, Target(self._field, points, device))

    def _read(self, name: str, asked_at: Place, target: Target) -> None:
        path = self._folder / name
        try:
            text = self._given[name] if name in self._given else read_text(path, name, asked_at)
        except ConfigError as exc:
            self._problems.take(exc)
            return
        self._tables.texts[name] = text
        read_points(text, str(path), target, self._tables, self._problems)

    # --- maps -------------------------------------------------------------------------------------------------
    def _map(self, device: str, section: dict[str, Any]) -> DeviceMap | None:
        name = section.get("map")
        if not isinstance(name, str) or not name:
            return None
        if name not in self._maps:
            self._maps[name] = None
            try:
                file, text = map_text(name, self._field.place(("devices", device, "map")), self._folder, self._given)
            except ConfigError as exc:
                self._problems.take(exc)
                return None
            if is_file(name):
                self._tables.texts[name] = text
            self._maps[name] = parse_map(name, text, file, self._problems)
        return self._maps[name]

    def lay(self, device: str, section: dict[str, Any], one: DeviceMap) -> None:
        """Put the map below what the device says itself."""
        path: KeyPath = ("devices", device)
        found = f"{FOUND_IN}device {device} ({self._field.place(path)})."
        for key in DEVICE_KEYS:
            if key in one.document.data:
                base = _marked(node_at(one.document, (key,)), found)
                own = node_at(self._field, (*path, key)) if key in section else None
                write(self._field, (*path, key), base if own is None else merged(base, own))
        if not section.get("description") and one.maker_and_model:
            section["description"] = one.maker_and_model
        points = section.get("points") or {}
        if not isinstance(points, dict):
            return
        section["points"] = points
        self._field.places.setdefault((*path, "points"), self._field.place(path))
        known = {name: _marked(node_at(one.document, ("points", name)), found) for name in one.file.points}
        for name in one.broken:
            self._field.places.setdefault((*path, "untaken", name), one.document.place(("points", name)))
        self._broken = frozenset(one.broken)
        taken = {str(row.section.__dict__.get("use", "")) for row in self._tables.rows.get(device, [])}
        taken |= self._own_points(path, points, known)
        taken |= self._taken(path, section, points, known, taken)
        if section.get("simulate") is True and section.get("protocol") != OPC_UA:
            self._serve_rest(path, section, {name: node for name, node in known.items() if name not in taken})

    def _own_points(self, path: KeyPath, points: dict[str, Any], known: Mapping[str, Node]) -> set[str]:
        """Points of field.yaml that say which one of the map they are."""
        taken = set()
        for tag in list(points):
            here: KeyPath = (*path, "points", tag)
            used = points[tag].get("use") if isinstance(points[tag], dict) else None
            if not isinstance(used, str):
                continue
            if used not in known:
                if used not in self._broken:
                    self._problems.add(self._field.place((*here, "use")), unknown_point(tag, used, known))
                self._field.remove(here)
                continue
            taken.add(used)
            write(self._field, here, merged(known[used], node_at(self._field, here)))
        return taken

    def _taken(
        self, path: KeyPath, section: dict[str, Any], points: dict[str, Any], known: Mapping[str, Node], gone: set[str]
    ) -> set[str]:
        """Points taken by ``prefix`` and ``take``; an output is taken by name only, because a block must drive it."""
        prefix, take = section.get("prefix"), section.get("take")
        if prefix is None and take is None:
            return set()
        if not isinstance(prefix, (str, type(None))) or not isinstance(take, (list, type(None))):
            return set()  # the schema says what is wrong with it
        names = []
        inputs = (name for name, node in known.items() if node.plain.get("direction") != "out")
        for at, name in enumerate(inputs if take is None else take):
            if name in known:
                names.append(name)
            elif isinstance(name, str) and name not in self._broken:
                place = self._field.place((*path, "take", at))
                self._problems.add(place, unknown_point(f"device {path[-1]}", name, known))
        for name in names:
            if name in gone:
                continue
            tag = f"{prefix or ''}{name}"
            here: KeyPath = (*path, "points", tag)
            place = self._field.place((*path, "take" if take is not None else "prefix"))
            base = Node({**known[name].value, "use": Node(name, place)}, place)
            own = node_at(self._field, here) if tag in points else None
            write(self._field, here, base if own is None else merged(base, own))
        return set(names)

    def _serve_rest(self, path: KeyPath, section: dict[str, Any], rest: Mapping[str, Node]) -> None:
        """What nobody takes is served all the same."""
        own = section.setdefault("untaken", {})
        if not isinstance(own, dict):
            return
        self._field.places.setdefault((*path, "untaken"), self._field.place(path))
        for name, node in rest.items():
            here: KeyPath = (*path, "untaken", name)
            write(self._field, here, merged(node, node_at(self._field, here)) if name in own else node)


def _marked(node: Node, also: str) -> Node:
    """The same tree; an error in it names the device as well."""
    place = Place(node.place.file, node.place.line, also)
    if isinstance(node.value, dict):
        return Node({key: _marked(one, also) for key, one in node.value.items()}, place)
    if isinstance(node.value, list):
        return Node([_marked(one, also) for one in node.value], place)
    return Node(node.value, place)
