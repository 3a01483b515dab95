"""Which reads fetch a register map, and which writes carry the outputs.

Called by   the Modbus driver once, when it is built.
Knows       the limits of the Modbus application protocol (V1.1b3, sections 6.1–6.4, 6.11, 6.12). Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from field_io.specs import TABLES, Forbidden, PointSpec

READ_REGISTERS_MAX = 125
WRITE_REGISTERS_MAX = 123
READ_BITS_MAX = 2000
WRITE_BITS_MAX = 1968


@dataclass(frozen=True, slots=True)
class Block:
    """One request: ``count`` addresses of ``table`` from ``address`` on, and the points wholly inside."""

    table: str
    address: int
    count: int
    points: tuple[PointSpec, ...]  # by address


def _pack(
    points: Sequence[PointSpec], count_max: int, gap_max: int, forbidden: Sequence[Forbidden] = ()
) -> list[Block]:
    """Greedy packing in address order; a point is never split over two requests."""
    blocks: list[Block] = []
    members: list[PointSpec] = []
    start = end = 0

    def close() -> None:
        if members:
            blocks.append(Block(members[0].table, start, end - start, tuple(members)))

    for point in sorted(points, key=lambda p: (p.address, p.end, p.name)):
        fits = members and point.address - end <= gap_max and max(end, point.end) - start <= count_max
        if fits and forbidden:
            fits = not any(one.first < point.address and one.last >= end for one in forbidden)
        if not fits:
            close()
            members = []
            start = end = point.address
        members.append(point)
        end = max(end, point.end)
    close()
    return blocks


def plan_reads(
    points: Sequence[PointSpec],
    gap_max: int = 16,
    registers_max: int = READ_REGISTERS_MAX,
    bits_max: int = READ_BITS_MAX,
    forbidden: Sequence[Forbidden] = (),
) -> list[Block]:
    """Reads that fetch every point once, in the order coil, discrete, input, holding, then by address.

    ``gap_max``: unused registers one read may span (bits: 16 times that); asking for what is not needed is cheaper
    than another request, but a device may refuse addresses it does not have: 0 never spans a gap. ``forbidden``
    addresses are in no read; a point that lies on one is not read at all.
    """
    blocks: list[Block] = []
    for table in TABLES:
        closed = [one for one in forbidden if one.table == table]
        in_table = [point for point in points if point.table == table and not touches(point, closed)]
        if table in ("coil", "discrete"):
            blocks += _pack(in_table, bits_max, 16 * gap_max, closed)
        else:
            blocks += _pack(in_table, registers_max, gap_max, closed)
    return blocks


def touches(point: PointSpec, forbidden: Sequence[Forbidden]) -> bool:
    """True when the point lies on a forbidden address of its table."""
    return any(one.table == point.table and one.first < point.end and one.last >= point.address for one in forbidden)


def plan_writes(
    points: Sequence[PointSpec],
    registers_max: int = WRITE_REGISTERS_MAX,
    bits_max: int = WRITE_BITS_MAX,
) -> list[Block]:
    """Writes that carry every point once; only addresses without a gap share a request, so nothing else is touched."""
    blocks: list[Block] = []
    for table in ("coil", "holding"):
        in_table = [point for point in points if point.table == table]
        blocks += _pack(in_table, bits_max if table == "coil" else registers_max, 0)
    return blocks


def plan_contiguous(points: Sequence[PointSpec]) -> list[Block]:
    """Runs of neighbours without a gap, of any length and in every table: what a device fills in one go."""
    return [block for table in TABLES for block in _pack([p for p in points if p.table == table], 65536, 0)]
