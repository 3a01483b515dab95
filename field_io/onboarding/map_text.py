"""What a probe found, as a map file that a person goes on with.

Called by   ``dcs device probe --out``.
Knows       the keys of a map file (``dcs.config.map_schema``). Every point says in its description how sure it is.
"""

from field_io.modbus.pdu import BIT_TABLES
from field_io.onboarding.evidence import ORDER_LETTERS, ORDERS, Order
from field_io.onboarding.guess import Guess
from field_io.onboarding.probe import Probed
from field_io.onboarding.scan import TableScan

_LETTER = {"holding": "H", "input": "I", "coil": "C", "discrete": "D"}
_BITS_MOST = 256
"""Coils and inputs of one table that get a point of their own; beyond, somebody must say which count."""


def map_text(found: Probed, date: str) -> str:
    """YAML; ``date`` is when it was probed."""
    identity, order = found.identity, found.order or ORDERS[0]
    protocol = found.target.spec.protocol
    lines = [
        f"# Found by `dcs device probe` on {date}: {found.target.url}, unit {found.unit}.",
        "# Types and orders are guesses from values; the score says how sure each is. Give points their names, units,",
        "# scales and descriptions, delete what you do not need, and use it with `map:` in field.yaml.",
    ]
    if found.ended:
        lines.append(f"# Not whole: {found.ended}.")
    lines += [
        "identity:",
        f"  maker: {quoted(identity.maker)}",
        f"  model: {quoted(identity.model)}",
        f"  revision: {quoted(identity.revision)}",
        f"  source: {quoted('probed at ' + found.target.url)}",
    ]
    if protocol != "modbus-tcp":
        lines.append(f"protocol: {protocol}")
    lines.append(f"word_order: {order[0]}" + ("" if found.order else "   # nothing in it tells; this is the usual one"))
    lines.append(f"byte_order: {order[1]}")
    lines.append(f"gap_max: {_gap_max(found)}")
    lines += _limits(found)
    lines += _forbidden(found)
    points = [line for table, scan in found.tables.items() for line in _table(table, scan, found, order)]
    return "\n".join([*lines, "points:" if points else "points: {}", *points]) + "\n"


def quoted(text: str) -> str:
    """A text in YAML, whatever is in it."""
    escaped = "".join(c if c.isprintable() else "?" for c in text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def point_name(table: str, address: int) -> str:
    """``H0100``: the table's letter and the address, counted from 0."""
    return f"{_LETTER[table]}{address:04d}"


def value_text(value: float | int | str) -> str:
    """As people write it."""
    return f"“{value}”" if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else str(value)


def samples_text(one: Guess) -> str:
    """``50.21 … 50.43, moves``."""
    if one.behaviour == "constant":
        return value_text(one.samples[0])
    numbers = [sample for sample in one.samples if not isinstance(sample, str)]
    return f"{value_text(min(numbers))} … {value_text(max(numbers))}, {one.behaviour}"


def _gap_max(found: Probed) -> int:
    """A read may span what is not used, but not what the device refuses."""
    return 0 if any(scan.absent or scan.silent for scan in found.tables.values()) else 16


def _limits(found: Probed) -> list[str]:
    registers = [scan.block_max for table, scan in found.tables.items() if table not in BIT_TABLES and scan.found]
    most = min(registers, default=125)
    spacing = f"  spacing: {found.spacing_ns / 1e6:g} ms" if found.spacing_ns > 50_000_000 else ""
    body = ([f"  registers_per_read: {most}"] if most < 125 else []) + ([spacing] if spacing else [])
    return ["limits:", *body] if body else []


def _forbidden(found: Probed) -> list[str]:
    rows = [
        f"  - {{table: {table}, first: {first}, last: {last}}}   # no answer at all"
        for table, scan in found.tables.items()
        for first, last in scan.silent
    ]
    return ["forbidden:", *rows] if rows else []


def _table(table: str, scan: TableScan, found: Probed, order: Order) -> list[str]:
    if table in BIT_TABLES:
        rows = [
            f"  {point_name(table, address)}: {{table: {table}, address: {address}, direction: in, "
            f"description: {quoted(f'was {bit}')}}}"
            for address, bit in sorted(scan.found.items())[:_BITS_MOST]
        ]
        if len(scan.found) > _BITS_MOST:
            rows.append(f"  # {len(scan.found) - _BITS_MOST} more in table {table}, to {max(scan.found)}")
        return rows
    rows = []
    for one in found.guesses.get(table, []):
        if one.type == "spare":
            continue
        keys = [f"table: {table}", f"address: {one.address}", f"type: {one.type}"]
        if one.type == "string":
            keys.append(f"length: {one.length}")
        if one.length > 1 and one.order[0] != order[0]:
            keys.append(f"word_order: {one.order[0]}")
        if one.order[1] != order[1]:
            keys.append(f"byte_order: {one.order[1]}")
        letters = f" {ORDER_LETTERS[one.order]}" if one.length > 1 and one.type != "string" else ""
        says = f"{one.type}{letters}, {one.score} %: {samples_text(one)}"
        rows.append(f"  {point_name(table, one.address)}: {{{', '.join(keys)}, direction: in,")
        rows.append(f"    description: {quoted(says)}}}")
    return rows
