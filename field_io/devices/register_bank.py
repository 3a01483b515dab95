"""The four tables of one Modbus unit, as the bytes that travel.

Called by   ``modbus.service`` (requests), ``devices.simulated`` (values without a request).
Knows       which addresses exist: spans of each table; anything else is exception 2. Registers are two bytes each, the
            high one first; bits one byte each, 0 or 1. A read is a slice: nothing is packed while a client waits.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from field_io.modbus.pdu import BIT_TABLES, ILLEGAL_ADDRESS, Refused, bytes_of, words_of
from field_io.specs import TABLES

Spans = Mapping[str, Sequence[tuple[int, int]]]
"""Table -> [(address, count)] that exist."""


class _Table:
    """Spans in order of address; neighbours are one span, so that a request may reach over both."""

    def __init__(self, spans: Sequence[tuple[int, int]], width: int) -> None:
        self.width = width
        self.starts: list[int] = []
        self.cells: list[bytearray] = []
        for address, count in merged(spans):
            self.starts.append(address)
            self.cells.append(bytearray(count * width))

    def find(self, address: int, count: int) -> tuple[bytearray, int, int]:
        """(cells, first byte, byte behind the last). Raises ``Refused``."""
        at = bisect_right(self.starts, address) - 1
        if at >= 0:
            cells = self.cells[at]
            first = (address - self.starts[at]) * self.width
            end = first + count * self.width
            if end <= len(cells):
                return cells, first, end
        raise Refused(ILLEGAL_ADDRESS)


class RegisterBank:
    """Registers and bits of one unit."""

    def __init__(self, spans: Spans) -> None:
        self._tables = {table: _Table(spans.get(table, ()), 1 if table in BIT_TABLES else 2) for table in TABLES}

    def read(self, table: str, address: int, count: int) -> bytes:
        """Raises ``Refused`` when one of the addresses does not exist."""
        cells, first, end = self._tables[table].find(address, count)
        return bytes(cells[first:end])

    def write(self, table: str, address: int, data: bytes) -> None:
        """Raises ``Refused``, and changes nothing, when one of the addresses does not exist."""
        kind = self._tables[table]
        cells, first, end = kind.find(address, len(data) // kind.width)
        cells[first:end] = data

    # --- as numbers -------------------------------------------------------------------------------------------
    def set_words(self, table: str, address: int, words: Sequence[int]) -> None:
        """Set contiguous registers."""
        self.write(table, address, bytes_of(words))

    def get_words(self, table: str, address: int, count: int) -> list[int]:
        """Contiguous registers."""
        return words_of(self.read(table, address, count))

    def set_bit(self, table: str, address: int, bit: bool) -> None:
        """Set one coil or discrete input."""
        self.write(table, address, b"\x01" if bit else b"\x00")

    def get_bit(self, table: str, address: int) -> bool:
        """One coil or discrete input."""
        return self.read(table, address, 1) != b"\x00"

    def spans(self) -> dict[str, list[tuple[int, int]]]:
        """What exists, table by table."""
        return {
            name: [(start, len(cells) // table.width) for start, cells in zip(table.starts, table.cells, strict=True)]
            for name, table in self._tables.items()
        }

    def snapshot(self) -> dict[str, str]:
        """All cells, as text that JSON can hold."""
        return {name: b"".join(table.cells).hex() for name, table in self._tables.items()}

    def restore(self, snapshot: Mapping[str, str]) -> None:
        """Inverse of ``snapshot``."""
        for name, text in snapshot.items():
            data, at = bytes.fromhex(text), 0
            for cells in self._tables[name].cells:
                cells[:] = data[at : at + len(cells)]
                at += len(cells)


def merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """(address, count) in order, with what touches or overlaps as one."""
    out: list[tuple[int, int]] = []
    for address, count in sorted(spans):
        if out and address <= out[-1][0] + out[-1][1]:
            start, size = out[-1]
            out[-1] = (start, max(size, address + count - start))
        else:
            out.append((address, count))
    return out
