"""The text of a cause-and-effect matrix, and what it means in numbers.

Called by   CAUSE_EFFECT, when the configuration is checked.
Knows       rows and marks. Reports ``ConfigError`` with row and column.
"""

import re
from collections.abc import Mapping
from typing import Any

from dcs.blocks.declare import Translation
from dcs.core.errors import ConfigError
from dcs.core.units import parse_duration

CAUSES, EFFECTS, GROUPS = 16, 16, 4
NO_MARK, TRIPS, FIRST_GROUP = 0, 1, 2
EXAMPLE = (
    "Write a list of rows, the first with the effects: `[[cause, XV-1, P-1], [PSHH-1, T, T 5 s], [LSLL-1, V2, ]]`."
)

_MARK = re.compile(r"(T|V([1-9][0-9]?)(?: ?([A-D]))?)(?: (.+))?")
PAIRS_AT = 1 + CAUSES + EFFECTS
"""Where in the names of events the pairs (effect, first-out cause) begin."""


def translate_matrix(given: Mapping[str, Any]) -> Translation:
    """``matrix`` and ``auto_reset`` to marks, delays and group sizes; the names go into the labels."""
    if "matrix" not in given:
        raise ConfigError(f"the key `matrix` is missing. {EXAMPLE}")
    effects, causes, rows = _rows(given["matrix"])
    mark = [NO_MARK] * (CAUSES * EFFECTS)
    delay_s = [0.0] * (CAUSES * EFFECTS)
    need = [0] * (EFFECTS * GROUPS)
    group_delay_s: dict[int, float] = {}
    for c, cells in enumerate(rows):
        for e, cell in enumerate(cells):
            where = f"matrix, row {causes[c]}, column {effects[e]}"
            kind, votes, group, delay = _mark(cell, where)
            mark[c * EFFECTS + e] = kind if kind != FIRST_GROUP else FIRST_GROUP + group
            delay_s[c * EFFECTS + e] = delay
            if kind != FIRST_GROUP:
                continue
            at = e * GROUPS + group
            if need[at] not in (0, votes) or group_delay_s.setdefault(at, delay) != delay:
                raise ConfigError(
                    f"{where}: `{cell}` differs from the other votes of group {'ABCD'[group]} in this column. "
                    "Write the same number and time in all of them, or another group: `V2 B`."
                )
            need[at] = votes
    _check_groups(mark, need, effects)
    for e, effect in enumerate(effects):
        if not any(mark[c * EFFECTS + e] for c in range(len(causes))):
            raise ConfigError(f"matrix: no cause trips {effect}. Write a mark into its column, or delete it.")
    for c, cause in enumerate(causes):
        if not any(mark[c * EFFECTS + e] for e in range(len(effects))):
            raise ConfigError(f"matrix: {cause} trips nothing. Write a mark into its row, or delete it.")
    auto = _auto_reset(given.get("auto_reset", []), effects)
    params: dict[str, float | tuple[float, ...]] = {
        "mark": tuple(float(one) for one in mark),
        "delay_s": tuple(delay_s),
        "need": tuple(float(one) for one in need),
        "auto": auto,
        "causes": float(len(causes)),
        "effects": float(len(effects)),
    }
    return Translation(params, _labels(causes, effects))


def _rows(given: Any) -> tuple[list[str], list[str], list[list[Any]]]:
    """Effects, causes, cells."""
    if not isinstance(given, list) or len(given) < 2 or not all(isinstance(row, list) and row for row in given):
        raise ConfigError(f"matrix: this is no list of rows. {EXAMPLE}")
    header, *rows = given
    effects = [_name(cell, "the first row") for cell in header[1:]]
    causes = [_name(row[0], f"row {number + 2}") for number, row in enumerate(rows)]
    for names, most, what in ((effects, EFFECTS, "effects"), (causes, CAUSES, "causes")):
        if not 1 <= len(names) <= most:
            raise ConfigError(f"matrix: {len(names)} {what}, but there can be 1 to {most}. Use a second block.")
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ConfigError(f"matrix: `{twice[0]}` stands twice among the {what}. Rename one.")
    for cause, row in zip(causes, rows, strict=True):
        if len(row) - 1 > len(effects):
            raise ConfigError(f"matrix, row {cause}: {len(row) - 1} marks for {len(effects)} effects. Delete some.")
    return effects, causes, [[*row[1:], *[None] * (len(effects) - len(row) + 1)] for row in rows]


def _name(cell: Any, where: str) -> str:
    if not isinstance(cell, str) or not cell.strip():
        raise ConfigError(f"matrix, {where}: `{cell}` is no name. Write the name of a cause or an effect.")
    return cell.strip()


def _mark(cell: Any, where: str) -> tuple[int, int, int, float]:
    """(kind, votes, group, delay in s)."""
    if cell is None or cell in ("", "-", "."):
        return NO_MARK, 0, 0, 0.0
    match = _MARK.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if match is None:
        raise ConfigError(
            f"{where}: `{cell}` is no mark. Write T (trip), T 5 s (after 5 s), V2 (when 2 of the column's V2 ask), "
            "V2 B (of group B), or nothing."
        )
    delay_s = 0.0
    if match[4]:
        try:
            delay_s = parse_duration(match[4]) / 1e9
        except ConfigError as exc:
            raise ConfigError(f"{where}: {exc.message}") from None
        if delay_s < 0.0:
            raise ConfigError(f"{where}: a time cannot be negative. Correct it.")
    if match[1] == "T":
        return TRIPS, 0, 0, delay_s
    return FIRST_GROUP, int(match[2]), "ABCD".index(match[3] or "A"), delay_s


def _check_groups(mark: list[int], need: list[int], effects: list[str]) -> None:
    for e, effect in enumerate(effects):
        for group in range(GROUPS):
            votes = need[e * GROUPS + group]
            members = sum(mark[c * EFFECTS + e] == FIRST_GROUP + group for c in range(CAUSES))
            if votes > members:
                raise ConfigError(
                    f"matrix, column {effect}: V{votes} stands {members} times in group {'ABCD'[group]}, so it could "
                    "never trip. Add causes to the group, or lower the number."
                )


def _auto_reset(given: Any, effects: list[str]) -> tuple[float, ...]:
    if not isinstance(given, list):
        raise ConfigError("auto_reset is no list. Write the effects that need no reset: `auto_reset: [P-101]`.")
    for name in given:
        if name not in effects:
            raise ConfigError(f"auto_reset: `{name}` is no effect of the matrix. Effects: {', '.join(effects)}.")
    return tuple(float(effect in given) for effect in effects)


def _labels(causes: list[str], effects: list[str]) -> dict[str, tuple[str, ...]]:
    causes = [*causes, *(f"cause {number + 1}" for number in range(len(causes), CAUSES))]
    effects = [*effects, *(f"effect {number + 1}" for number in range(len(effects), EFFECTS))]
    first_out = ("none", *causes)
    pairs = [f"{effect}, first out: {cause}" for effect in effects for cause in first_out]
    return {"first_out": first_out, "event": (*first_out, *effects, *pairs)}
