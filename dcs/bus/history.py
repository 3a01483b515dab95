"""What travels on the bus when somebody asks what tags have been: a request for a window, packed samples back.

Called by   whoever keeps history (answers), the operator station and the command line (ask).
Knows       bytes and arrays; no bus, no store. One subject for a plant: who answers may change, the question does not.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcs.core.status import BAD

_HEADER = struct.Struct("<4sI")
_MAGIC = b"DCH2"
TAGS_MAX = 64
"""Tags in one request; with ``POINTS_MAX`` points each the answer stays within one message."""
POINTS_MAX = 6000


def history_subject(plant: str) -> str:
    """Request: ``HistoryRequest``, answered with ``HistoryAnswer.to_bytes()`` by whoever keeps the plant's history."""
    return f"dcs.{plant}.history"


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """Samples of ``tags`` from ``from_ns`` up to ``to_ns`` (UTC), at most about ``points`` of each."""

    tags: tuple[str, ...]
    from_ns: int
    to_ns: int
    points: int = POINTS_MAX

    def to_bytes(self) -> bytes:
        """JSON."""
        return json.dumps([list(self.tags), self.from_ns, self.to_ns, self.points]).encode()

    @classmethod
    def from_bytes(cls, payload: bytes) -> "HistoryRequest":
        """Inverse of ``to_bytes``. Raises ``ValueError`` on anything else; anybody may ask."""
        try:
            tags, from_ns, to_ns, points = json.loads(payload)
            if not all(isinstance(tag, str) for tag in tags) or len(tags) > TAGS_MAX:
                raise TypeError(f"at most {TAGS_MAX} names of tags")
            return cls(tuple(tags), int(from_ns), int(to_ns), min(max(int(points), 2), POINTS_MAX))
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"this is not a request for history: {error}") from None


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """Samples of one tag, oldest first; ``period_s``: usual time from one to the next.

    ``whole``: nothing that is kept was left out. Where it is False the samples are the smallest and largest of
    stretches of two periods.

    ``epochs``: (time of a sample, epoch of the authority that wrote it and those after it); 0 = before any authority.
    ``gaps``: pairs of times (UTC, ns) between which samples are missing. They are declared, never bridged.
    """

    time_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    statuses: NDArray[np.uint8]
    period_s: float
    whole: bool = True
    epochs: tuple[tuple[int, int], ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Which samples must not be used."""
        found: NDArray[np.bool_] = (self.statuses >> 6) == BAD
        return found


def joined(parts: Sequence[Series]) -> Series:
    """One series of several of one tag, oldest first; there is at least one."""
    runs = [run for one in parts for run in one.epochs]
    return Series(
        np.concatenate([one.time_ns for one in parts]),
        np.concatenate([one.values for one in parts]),
        np.concatenate([one.statuses for one in parts]),
        max(one.period_s for one in parts),
        all(one.whole for one in parts),
        tuple(run for at, run in enumerate(runs) if not at or run[1] != runs[at - 1][1]),
        tuple(sorted({gap for one in parts for gap in one.gaps})),
    )


@dataclass(frozen=True, eq=False, slots=True)
class HistoryAnswer:
    """One series per tag that is known; ``first_ns``: nothing older is kept (0: nothing is kept at all)."""

    series: dict[str, Series]
    first_ns: int = 0

    def to_bytes(self) -> bytes:
        """A JSON head, then times, values and status bytes of every series; little endian."""
        head = {
            "first_ns": self.first_ns,
            "series": [
                [tag, len(one.time_ns), one.period_s, one.whole, one.epochs, one.gaps]
                for tag, one in self.series.items()
            ],
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        parts = [_HEADER.pack(_MAGIC, len(text)), text]
        for one in self.series.values():
            parts += [one.time_ns.tobytes(), one.values.tobytes(), one.statuses.tobytes()]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, payload: bytes) -> "HistoryAnswer":
        """Inverse of ``to_bytes``. Raises ``ValueError`` on anything that is not a whole answer."""
        try:
            magic, size = _HEADER.unpack_from(payload)
            head: dict[str, Any] = json.loads(payload[_HEADER.size : _HEADER.size + size])
            at, series = _HEADER.size + size, {}
            for tag, count, period_s, whole, epochs, gaps in head["series"]:
                time_ns = np.frombuffer(payload, "<i8", count, at)
                values = np.frombuffer(payload, "<f8", count, at + 8 * count)
                statuses = np.frombuffer(payload, np.uint8, count, at + 16 * count)
                marks = (float(period_s), bool(whole), _pairs(epochs), _pairs(gaps))
                series[tag] = Series(time_ns, values, statuses, *marks)
                at += 17 * count
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"this is no answer about history: {error}") from None
        if magic != _MAGIC or at != len(payload):
            raise ValueError(f"this is no answer about history: {magic!r}, {len(payload)} bytes")
        return cls(series, int(head["first_ns"]))


def _pairs(raw: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(first), int(second)) for first, second in raw)
