"""Where a point, module, block, terminal, tag or device is used: in wires, alarms, displays, scenarios.

Called by   ``dcs where``.
Knows       the checked configuration and the texts of displays and scenarios; no running plant.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcs.config.plant_config import PlantConfig
from dcs.config.problems import did_you_mean
from dcs.config.source import Document, KeyPath, read_document
from dcs.core.errors import ConfigError, Place
from dcs.engine.strategy import Strategy


@dataclass(frozen=True)
class Use:
    """One place at which the name plays a part. ``kind``: point, module, block, tag, wire, alarm, display, scenario."""

    kind: str
    what: str
    place: Place


def where_used(config: PlantConfig, name: str) -> list[Use]:
    """Every use, in the order in which a value goes. Raises ``ConfigError`` for a name that is nowhere."""
    strategies = [controller.strategy for controller in config.controllers]
    meant = _meant(strategies, name)
    uses = [
        *_points(config, name),
        *(use for strategy in strategies for use in _in_strategy(strategy, name, meant)),
        *_in_texts(config.displays, "display", meant),
        *_in_texts(config.scenarios, "scenario", meant),
    ]
    if not uses:
        raise ConfigError(f"`{name}` is nowhere in this plant. {did_you_mean(name, _names(config), 'There are')}")
    return uses


def _meant(strategies: Iterable[Strategy], name: str) -> frozenset[str]:
    """The name, and what else stands for the same: the terminal of a tag, the tags of a terminal."""
    tags = [tag for strategy in strategies for tag in strategy.tags]
    terminals = {tag.source for tag in tags if tag.name == name} | {name}
    return frozenset(terminals | {tag.name for tag in tags if tag.source in terminals})


def _is_meant(text: str, meant: Iterable[str]) -> bool:
    """Is a text one of the names, or something below one: ``LIC-101.pid.out`` below ``LIC-101``?"""
    return any(text == name or text.startswith(f"{name}.") for name in meant)


def _points(config: PlantConfig, name: str) -> Iterator[Use]:
    for device in config.devices:
        if device.name == name:
            yield Use(
                "device",
                f"{device.protocol} {device.host}:{device.port}, {device.description}".rstrip(", "),
                device.place,
            )
        for point in device.points:
            if name in (point.name, device.name):
                address = f"{point.table} {point.node or point.address}"
                about = f", {point.description}" if point.description else ""
                yield Use("point", f"{point.name} in {device.name}, {address}, {point.direction}{about}", point.place)


def _in_strategy(strategy: Strategy, name: str, meant: frozenset[str]) -> Iterator[Use]:
    first_block = {block.name.partition(".")[0]: block for block in reversed(strategy.blocks)}
    for module in strategy.modules:
        if module.name == name:
            about = f", {module.description}" if module.description else ""
            yield Use("module", f"{module.name} ({module.kind}) on {strategy.name}{about}", first_block[name].place)
    for block in strategy.blocks:
        if _is_meant(block.name, meant):
            yield Use("block", f"{block.name} ({block.type})", block.place)
    for tag in strategy.tags:
        if tag.name in meant and tag.name != tag.source:
            owners = (one.place for one in strategy.blocks if tag.source.rpartition(".")[0] == one.name)
            place = next(owners, Place())
            yield Use("tag", f"{tag.name} = {tag.source}", place)
    for link in strategy.links:
        if _is_meant(link.source, meant) or _is_meant(link.target, meant):
            yield Use("wire", f"{link.source} → {link.target}", link.place)
    for alarm in strategy.alarms:
        watched = [text for text in (alarm.source, alarm.reference) if text and _is_meant(text, meant)]
        if watched or alarm.name in meant or alarm.module in meant:
            limit = "" if alarm.kind in ("BAD_PV", "ON", "OFF") else f" {alarm.limit:g}"
            yield Use("alarm", f"{alarm.name} ({alarm.kind}{limit}) watches {alarm.source}", alarm.place)


def _in_texts(paths: Iterable[Path], kind: str, meant: frozenset[str]) -> Iterator[Use]:
    for path in paths:
        document = read_document(path)
        for place, keys, text in _texts(document, (), document.data):
            if keys and keys[-1] == "element":
                continue  # the name of a shape in a drawing
            if _is_meant(text, meant):
                yield Use(kind, f"{path.stem}: {text}", place)


def _texts(document: Document, path: KeyPath, value: Any) -> Iterator[tuple[Place, KeyPath, str]]:
    """Every key and every text of a document with its place."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield document.place((*path, key)), path, key
            yield from _texts(document, (*path, key), child)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _texts(document, (*path, index), child)
    elif isinstance(value, str):
        yield document.place(path), path, value


def _names(config: PlantConfig) -> list[str]:
    strategies = [controller.strategy for controller in config.controllers]
    return [
        *(device.name for device in config.devices),
        *(point.name for device in config.devices for point in device.points),
        *(module.name for strategy in strategies for module in strategy.modules),
        *(block.name for strategy in strategies for block in strategy.blocks),
        *(tag.name for strategy in strategies for tag in strategy.tags),
        *(alarm.name for strategy in strategies for alarm in strategy.alarms),
    ]
