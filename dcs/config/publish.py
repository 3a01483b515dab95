"""What a controller shows to the world: tags with ranges and decimals, modules with their parts.

Called by   ``dcs.config.control_check``.
Knows       declarations of block types; nothing is configured for it beyond the blocks themselves.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dcs.blocks.declare import Field
from dcs.config.block_check import Block
from dcs.config.problems import Problems, did_you_mean
from dcs.config.schema import ModuleSection
from dcs.core.modes import MODE_CHOICES, RCAS, ROUT, modes_in
from dcs.engine.strategy import Link, ModuleSpec, PublishedTag, RestartPolicy
from field_io.specs import PointSpec

SIGNIFICANT_DIGITS = 4
"""Digits that a value at the end of its range shows: 20 cm as 20.00, 100 % as 100.0."""

PARAMETER_DECIMALS = 2


MoreParts = Mapping[str, tuple[Block, str]]
"""Parts of a module beyond those of its main block: name -> block, published part of it."""


def more_parts(
    module: str, blocks: Mapping[str, Block], main: Block | None, publish: Mapping[str, str], problems: Problems
) -> MoreParts:
    """What ``publish:`` of a module means; what is wrong goes to ``problems``."""
    found: dict[str, tuple[Block, str]] = {}
    for name, text in publish.items():
        short_name, _, part = text.strip().rpartition(".")
        block = blocks.get(short_name)
        document = next(iter(blocks.values())).document if blocks else None
        if document is None:
            return {}
        place = document.place(("modules", module, "publish", name))
        if main is not None and name in main.type.published:
            problems.add(
                place, f"{module}: the main block {main.label} has a part {name} already. Choose another name."
            )
        elif block is None:
            if short_name not in document.names(("modules", module, "blocks")):
                hint = did_you_mean(short_name, blocks, "Its blocks")
                problems.add(place, f"{module}: `{text}` is no part of a block of this module. {hint}")
        elif part not in block.type.published:
            hint = did_you_mean(part, block.type.published, "Its parts")
            problems.add(place, f"{module}: {block.label} has no published part `{part}`. {hint}")
        else:
            found[name] = (block, part)
    return found


def published_tags(
    blocks: Iterable[Block], main: Block | None, section: ModuleSection, more: MoreParts
) -> list[PublishedTag]:
    """``LIC-101.PV`` for the main block's parts, ``LIC-101.ai.PV`` for those of the others, then ``publish``."""
    tags = [
        _tag(block, part, name, section.description, is_main=block is main)
        for block in blocks
        for part, name in block.type.published.items()
        if _is_used(block, name)
    ]
    for name, (block, part) in more.items():
        tag = _tag(block, part, block.type.published[part], section.description, is_main=False)
        tags.append(replace(tag, name=f"{block.module}.{name}"))
    return tags


def _is_used(block: Block, name: str) -> bool:
    """False for what is said to and by a host where no host is permitted, and for a bypass that cannot be used."""
    if name == "bypass" and block.type.has("bypass_enable"):
        return block.value("bypass_enable") != 0
    mode = {"rcas": RCAS, "rout": ROUT}.get(name[:4])
    return mode is None or not block.type.has("permitted") or bool((int(block.value("permitted")) >> mode) & 1)


def tag_name(block: Block, part: str, *, is_main: bool) -> str:
    """Name under which a part is published."""
    return f"{block.module}.{part}" if is_main else f"{block.name}.{part}"


def _tag(block: Block, part: str, name: str, module_description: str, *, is_main: bool) -> PublishedTag:
    item = block.type.field(name)
    low, high = tag_range(block, item)
    kind = tag_kind(item)
    about = block.section.description or module_description
    return PublishedTag(
        name=tag_name(block, part, is_main=is_main),
        source=f"{block.name}.{name}",
        unit=block.unit_text(item),
        low=low,
        high=high,
        description=f"{about}: {item.meaning}" if about else item.meaning,
        decimals=decimals_for(block, item) if kind == "float" else 0,
        kind=kind,
        writable=part in block.type.writable,
        choices=tag_choices(block, item) if kind == "int" else (),
    )


def tag_kind(item: Field) -> str:
    """float | mode | bool | int."""
    if item.is_flag:
        return "bool"
    if item.dtype == "f8":
        return "int" if item.coded else "float"
    if item.choices and set(item.choices) <= set(MODE_CHOICES):
        return "mode"
    return "int"


def tag_choices(block: Block, item: Field) -> tuple[str, ...]:
    """Names of the codes 0, 1, 2 … of a field: those that the configuration gave, else the declared ones."""
    if item.name in block.labels:
        return block.labels[item.name]
    names = {code: name for name, code in item.choices}
    return tuple(names.get(code, "") for code in range(max(names) + 1)) if names else ()


def tag_range(block: Block, item: Field) -> tuple[float, float]:
    """Range for bars and trends: that of the scale which gives the unit, else the declared limits where they end."""
    scale = item.unit[1:]
    if item.unit.startswith("@") and scale in block.type.scales:
        return block.value(f"{scale}_low"), block.value(f"{scale}_high")
    if item.choices:
        codes = [code for _, code in item.choices]
        return float(min(codes)), float(max(codes))
    low = item.low if math.isfinite(item.low) else 0.0
    high = item.high if math.isfinite(item.high) else max(low + 100.0, 10.0 * abs(item.default))
    return low, high


def decimals_for(block: Block, item: Field) -> int:
    """Decimals with which a value of that range is worth showing."""
    if not item.unit.startswith("@"):
        return PARAMETER_DECIMALS
    low, high = tag_range(block, item)
    return decimals_of(min(max(abs(low), abs(high)), high - low))


def decimals_of(largest: float) -> int:
    """Decimals so that a number of that size, or a range that is narrower, has four digits; 0 to 6."""
    if largest <= 0.0 or not math.isfinite(largest):
        return PARAMETER_DECIMALS
    return min(6, max(0, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(largest))))


def module_spec(
    main: Block,
    section: ModuleSection,
    scan_class: str,
    links: Sequence[Link],
    points: Mapping[str, PointSpec],
    more: MoreParts,
) -> ModuleSpec:
    """The module as a faceplate needs it, and how it wakes."""
    published = main.type.published.items()
    parts = {part: tag_name(main, part, is_main=True) for part, name in published if _is_used(main, name)}
    parts.update({name: f"{main.module}.{name}" for name in more})
    permitted = modes_in(int(main.value("permitted"))) if main.type.has("permitted") else ()
    restart = RestartPolicy(section.restart.start, section.restart.then, section.restart.longest_outage or 0)
    kind = _module_kind(main, links, points)
    return ModuleSpec(main.module, section.description, kind, scan_class, parts, permitted, restart)


def _module_kind(main: Block, links: Sequence[Link], points: Mapping[str, PointSpec]) -> str:
    """loop: it controls something; output: it moves something in the field; device: it has states; else indicator."""
    main_part = next((part for part in ("PV", "OUT", "STATE") if part in main.type.published), "")
    if main_part and (main.type.field(main.type.published[main_part]).choices or main_part == "STATE"):
        return "device"
    to_field = any(link.source.rpartition(".")[0] == main.name and link.target in points for link in links)
    if "SP" not in main.type.published:
        return "output" if to_field else "indicator"
    return "output" if to_field and "GAIN" not in main.type.published else "loop"
