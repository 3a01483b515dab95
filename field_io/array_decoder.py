"""Many points of one read -> values and statuses, as whole columns.

Used by     the Modbus driver for reads with many points; ``registers.BlockDecoder`` does the same point by point, is
            faster for a few, and a property test holds the two against each other to the last bit.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcs.core.status import BAD, SENSOR_FAILURE, STATUS_GOOD, make_status
from field_io.registers import byte_order_of, current_status
from field_io.specs import TYPES, PointSpec

ARRAY_FROM = 12
"""Points from which on columns are faster (measured)."""

_NOT_A_NUMBER = make_status(BAD, SENSOR_FAILURE)


_FLOATS = ("float32", "float64")


def _finite(point: PointSpec) -> bool:
    """True when no raw count of its type can overflow the scaling."""
    return abs(point.scale) < 1e280 and abs(point.offset) < 1e300


class _Column:
    """The points of one type."""

    def __init__(self, points: Sequence[PointSpec], places: Sequence[int], address: int, is_bit: bool) -> None:
        letter, words = ("B", 0) if is_bit else TYPES[points[0].type]
        if is_bit:
            pick = [point.address - address for point in points]
        else:
            pick = [2 * (point.address - address) + at for point in points for at in byte_order_of(point)]
        first = pick[0] if pick == list(range(pick[0], pick[0] + len(pick))) else -1
        together = list(places) == list(range(places[0], places[-1] + 1))
        self.at = slice(places[0], places[-1] + 1) if together else np.array(places, np.intp)
        self.dtype = np.dtype(f">u{max(1, 2 * words)}" if letter in "BHIQ" else np.dtype(">" + letter))
        self.pick = None if first >= 0 else np.array(pick, np.intp)
        self.first = max(first, 0)
        self.count = len(points)
        self.mask = (
            np.array([0xFFFF if point.bit < 0 else 1 << point.bit for point in points], np.uint16)
            if points[0].type == "bool"
            else None
        )
        scale = np.array([point.scale for point in points])
        offset = np.array([point.offset for point in points])
        self.scale = scale if (scale != 1.0).any() or (offset != 0.0).any() else None
        self.offset = offset
        self.shifted = bool((offset != 0.0).any())
        self.is_float = self.dtype.kind == "f"
        self.certain = not self.is_float and all(_finite(point) for point in points)

    def values(self, data: bytes, octets: NDArray[np.uint8]) -> NDArray[np.float64]:
        if self.pick is None:
            raw = np.frombuffer(data, self.dtype, self.count, self.first)
        else:
            raw = octets[self.pick].view(self.dtype)
        if self.mask is not None:
            on: NDArray[np.float64] = ((raw & self.mask) != 0).astype(np.float64)
            return on
        if self.certain:
            return self._scaled(raw)
        with np.errstate(all="ignore"):  # what is no number is said by its status
            return self._scaled(raw)

    def _scaled(self, raw: "NDArray[Any]") -> NDArray[np.float64]:
        values: NDArray[np.float64] = raw.astype(np.float64)
        if self.scale is not None:
            values = values * self.scale + self.offset
        elif self.is_float:
            values = values + 0.0  # no -0.0, as with a scale and an offset
        return values


class ArrayDecoder:
    """Bytes of one contiguous read -> values and statuses of the points in it. No strings."""

    def __init__(self, points: Sequence[PointSpec], address: int, count: int) -> None:
        """Registers or bits, as ``modbus.pdu`` gives them: two bytes a register, one a bit."""
        self.size = count if points[0].is_bit else 2 * count
        self._count = len(points)
        by_type: dict[str, list[int]] = {}
        for at, point in enumerate(points):
            by_type.setdefault(point.type, []).append(at)
        self._columns = [
            _Column([points[at] for at in places], places, address, points[0].is_bit) for places in by_type.values()
        ]
        self._currents = [at for at, point in enumerate(points) if point.unit == "mA"]
        self._certain = all(point.type not in _FLOATS and _finite(point) for point in points)
        first = self._columns[0]
        simple = len(self._columns) == 1 and first.pick is None and first.mask is None
        self._plain = first if simple and self._certain and not self._currents else None
        self._good = np.full(len(points), STATUS_GOOD, np.uint8)

    def decode_into(
        self, data: bytes, values: NDArray[np.float64], statuses: NDArray[np.uint8], all_good: bool
    ) -> bool:
        """Straight into a part of the image; ``all_good``: what is in ``statuses`` already. Returns that again."""
        column = self._plain
        if column is None:
            values[:], found = self.decode(data)
            statuses[:] = found
            return found is self._good
        raw = np.frombuffer(data, column.dtype, column.count, column.first)
        if column.scale is None:
            values[:] = raw
        else:
            np.multiply(raw, column.scale, out=values)
            if column.shifted:
                values += column.offset
        if not all_good:
            statuses[:] = STATUS_GOOD
        return True

    def decode(self, data: bytes) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Values in the points' units, and their statuses. A float that is no number is Bad, sensor failure."""
        octets = np.frombuffer(data, np.uint8)
        columns = self._columns
        if len(columns) == 1:
            values = columns[0].values(data, octets)
        else:
            values = np.empty(self._count)
            for column in columns:
                values[column.at] = column.values(data, octets)
        statuses = self._good
        if self._currents:
            statuses = statuses.copy()
            for at in self._currents:
                statuses[at] = current_status(float(values[at]))
        if self._certain:
            return values, statuses
        finite = np.isfinite(values)
        if not finite.all():
            statuses = statuses.copy()
            statuses[~finite] = _NOT_A_NUMBER
        return values, statuses
