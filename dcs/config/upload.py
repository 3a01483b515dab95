"""Writes into the configuration files what operators have changed on the running plant.

Called by   ``dcs upload``.
Knows       the running values, the folder's files, who changed what and when (the journal's lines).
Promise     comments and formatting stay; a parameter that somebody has changed in the file meanwhile is left alone
            and told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dcs.bus.messages import Event
from dcs.config.edit import Edit, edited
from dcs.config.parts import joined, name_at, parse_parts
from dcs.config.plant_config import PlantConfig
from dcs.config.problems import Problems
from dcs.config.source import Document
from dcs.config.values import Parameter, blocks_of, number, parameter, written
from dcs.core.clock import utc_text


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One parameter of the running plant, and what becomes of it."""

    what: str  # LIC-101.pid.gain
    in_file: float
    now: float
    unit: str
    who: str  # anna at OS1, 2024-05-01 10:22
    left_alone: str = ""  # why it is not written


def plan_upload(
    config: PlantConfig, rows: Iterable[Mapping[str, Any]], journal: Iterable[Event]
) -> tuple[dict[str, str], list[Uploaded]]:
    """The new texts of the folder, and every parameter that differs. ``rows`` are those of the running controllers.

    Raises ``ConfigError`` for a value that cannot be edited line by line.
    """
    texts, problems = dict(config.texts), Problems()
    parts = parse_parts(config.folder, texts, problems)
    document = joined(parts, config.folder, problems)["control"]
    blocks = blocks_of([controller.strategy for controller in config.controllers])
    last = {event.subject: event for event in journal if event.kind == "operator"}
    edits: dict[str, list[Edit]] = {}
    found: list[Uploaded] = []
    for row in rows:
        what = f"{row['block']}.{row['name']}"
        who = _who([last[tag] for tag in row["tags"] if tag in last])
        if row["block"] not in blocks:
            found.append(Uploaded(what, row["in_file"], row["now"], row["unit"], who, "the file has no such block"))
            continue
        item = parameter(blocks[row["block"]], row["name"])
        why = _left_alone(item, row, document)
        if item.value == row["now"]:
            continue
        found.append(Uploaded(what, item.value, row["now"], row["unit"], who, why))
        if not why:
            was = f"was {number(item.value)} {item.unit}".strip()
            remark = f"{who}, {was}" if who else was
            part = name_at(parts.items(), document.place(item.path))
            edits.setdefault(part, []).append(Edit(item.path, written(item, row["now"], document), remark))
    for name, wanted in edits.items():
        texts[name] = edited(texts[name], wanted, parts[name].file)
    return texts, found


def _left_alone(item: Parameter, row: Mapping[str, Any], document: Document) -> str:
    if not document.has(item.path[:4]):
        return "it comes from a template. Change the template, or what this instance gives it"
    if item.value != row["in_file"]:
        return f"the file says {number(item.value)} by now; it said {number(row['in_file'])} when it was loaded"
    if item.name != item.field.name and not document.has(item.path[:5]):
        return "it is one element of a list that the file does not write. Write the list"
    return ""


def _who(events: list[Event]) -> str:
    if not events:
        return ""
    event = max(events, key=lambda event: event.time_ns)
    station = f" at {event.station}" if event.station else ""
    return f"{event.user}{station} {utc_text(event.time_ns)[:16].replace('T', ' ')}"
