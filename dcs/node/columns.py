"""A column of an input image as few bytes, exactly: neighbouring channels mostly say the same.

Called by   ``dcs.node.scan_record``.
Knows       that the channels of a device are read, stamped and lost together; nothing of what the numbers mean.

A column is sent as runs (where each begins, and its value) or, where that is longer, as it is.
"""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COUNT = struct.Struct("<I")
_AS_IT_IS = 0xFFFFFFFF


def _starts(column: NDArray[Any]) -> NDArray[np.intp]:
    """Where the runs begin."""
    if not len(column):
        return np.zeros(0, np.intp)
    return np.append(np.intp(0), np.flatnonzero(column[1:] != column[:-1]) + 1)


def pack_column(column: NDArray[Any], dtype: str) -> bytes:
    """Whole numbers that fit into ``dtype``."""
    starts, itemsize = _starts(column), np.dtype(dtype).itemsize
    if len(starts) * (_COUNT.size + itemsize) >= len(column) * itemsize:
        return _COUNT.pack(_AS_IT_IS) + column.astype(dtype).tobytes()
    return b"".join((_COUNT.pack(len(starts)), starts.astype("<u4").tobytes(), column[starts].astype(dtype).tobytes()))


def unpack_column(payload: bytes, at: int, size: int, dtype: str) -> tuple[NDArray[Any], int]:
    """(``size`` numbers, where the next thing begins). Raises ``ValueError`` when they are not all there."""
    if len(payload) < at + _COUNT.size:
        raise ValueError(f"a scan record was cut to {len(payload)} bytes")
    (runs,) = _COUNT.unpack_from(payload, at)
    at += _COUNT.size
    count = size if runs == _AS_IT_IS else runs
    starts_bytes = 0 if runs == _AS_IT_IS else 4 * runs
    end = at + starts_bytes + count * np.dtype(dtype).itemsize
    if count > size or end > len(payload):
        raise ValueError(f"a scan record of {size} channels was cut to {len(payload)} bytes")
    values = np.frombuffer(payload, dtype, count, at + starts_bytes)
    if runs == _AS_IT_IS:
        return values, end
    starts = np.frombuffer(payload, "<u4", runs, at).astype(np.int64)
    lengths = np.append(starts[1:], size) - starts
    if runs and (lengths <= 0).any():
        raise ValueError("a scan record whose runs of equal values overlap")
    return np.repeat(values, lengths), end


def pack_times(times_ns: NDArray[np.int64], base_ns: int) -> bytes:
    """Times near ``base_ns``. Where each is another one: the fast and the slow half of their distances, apart."""
    packed = pack_column(times_ns, "<i8")
    if len(packed) <= _COUNT.size + len(times_ns) * 4:
        return b"\0" + packed
    apart = (np.int64(base_ns) - times_ns).view(np.uint64)
    return b"\1" + pack_column(apart & np.uint64(0xFFFFFFFF), "<u4") + pack_column(apart >> np.uint64(32), "<u4")


def unpack_times(payload: bytes, at: int, size: int, base_ns: int) -> tuple[NDArray[np.int64], int]:
    """Inverse of ``pack_times``, with where the next thing begins. Raises ``ValueError``."""
    if payload[at : at + 1] == b"\0":
        return unpack_column(payload, at + 1, size, "<i8")
    low, at = unpack_column(payload, at + 1, size, "<u4")
    high, at = unpack_column(payload, at, size, "<u4")
    apart = (high.astype(np.uint64) << np.uint64(32)) | low
    return np.int64(base_ns) - apart.view(np.int64), at
