"""Words within a record by name, worked out once per type: a plan asks for them hundreds of thousands of times.

Called by   the plan compiler. Knows block declarations.
"""

from functools import cache

from dcs.blocks.declare import BlockType
from dcs.core.errors import ConfigError
from dcs.engine.strategy import Link


@cache
def all_words(kind: BlockType) -> dict[str, tuple[int, int, bool]]:
    """Word, word of the status (-1 without one) and whether it is a whole number, of every name in a record."""
    return {
        name: (at, kind.index.get(kind.companion(name, "status"), -1), kind.field(name).dtype == "i8")
        for name, at in kind.index.items()
    }


@cache
def inputs_to_wire(kind: BlockType) -> tuple[tuple[str, int], ...]:
    """Inputs that must be wired, with their words."""
    return tuple((name, kind.index[name]) for name in kind.terminals("input") if not kind.is_optional(name))


@cache
def terminals(kind: BlockType, role: str) -> dict[str, tuple[int, int, int]]:
    """Ends of wires of one role: word of the value, of the status, and of ``linked`` (-1 without one)."""
    return {
        name: (
            kind.index[name],
            kind.index[kind.companion(name, "status")],
            kind.index.get(kind.companion(name, "linked"), -1),
        )
        for name in kind.terminals(role)
    }


def two_kinds(link: Link, target_is_whole: bool) -> ConfigError:
    """What is said of a wire between a whole number and a number with a fraction."""
    target, source = "a whole number", "a number with a fraction"
    if not target_is_whole:
        target, source = source, target
    return ConfigError(
        f"`{link.target}` is {target}, but is wired to a source of another kind: `{link.source}` is {source}. "
        "A wire copies and does not convert. Wire two ends of one kind.",
        link.place,
    )
