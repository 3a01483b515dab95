"""A computed past: what a plant did before it was started, so that its operators do not sit before empty trends.

Made by     ``dcs.node.past_run``; kept by ``dcs.node.past_store``; the field node serves it and goes on from its end.
Knows       samples, events, and how field and controllers stood at the end. All times are ns before the end, because
            when the end is, only the start of a run says.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import Event

MARK = "computed past"
"""Station of every event of a computed past."""

_HEADER = struct.Struct("<4sIII")  # magic, length of the head, length of the rest, CRC of both
_MAGIC = b"DCP1"


@dataclass(frozen=True, eq=False, slots=True)
class PastGroup:
    """Samples of one scan class; ``time_ns`` (rows,) before the end, ``values`` and ``bad`` (rows, tags)."""

    pair: str
    scan_class: str
    layout_hash: bytes
    tags: tuple[str, ...]
    time_ns: NDArray[np.int64]
    values: NDArray[np.float32]
    bad: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PastController:
    """How a controller stood at the end: what its checkpoint is made of."""

    pair: str
    plan: str  # digest, hexadecimal
    scan: int
    shape: bytes
    copy: bytes  # full copy of the replica; its memory is the end of it
    memory_bytes: int
    time_words: tuple[int, ...]  # words of the memory that hold a time, as ns before the end


@dataclass(frozen=True, eq=False, slots=True)
class Past:
    """The whole of it."""

    length_ns: int
    sample_ns: int
    groups: tuple[PastGroup, ...]
    controllers: tuple[PastController, ...]
    field: bytes  # snapshot of the simulated field
    events: tuple[Event, ...]

    def events_at(self, end_ns: int) -> list[Event]:
        """What happened, with the times of a past that ends at ``end_ns`` (UTC), marked as computed."""
        return [replace(event, time_ns=event.time_ns + end_ns, station=MARK) for event in self.events]

    def to_bytes(self) -> bytes:
        """A head in JSON, then the arrays and copies one after the other."""
        blobs = [self.field]
        for group in self.groups:
            blobs += [group.time_ns.tobytes(), group.values.tobytes(), group.bad.tobytes()]
        for one in self.controllers:
            blobs += [one.shape, one.copy]
        head = json.dumps(
            {
                "length_ns": self.length_ns,
                "sample_ns": self.sample_ns,
                "groups": [[g.pair, g.scan_class, g.layout_hash.hex(), g.tags] for g in self.groups],
                "controllers": [[c.pair, c.plan, c.scan, c.memory_bytes, c.time_words] for c in self.controllers],
                "events": [asdict(event) for event in self.events],
                "sizes": [len(blob) for blob in blobs],
            }
        ).encode()
        rest = b"".join(blobs)
        return _HEADER.pack(_MAGIC, len(head), len(rest), zlib.crc32(rest, zlib.crc32(head))) + head + rest

    @classmethod
    def from_bytes(cls, packed: bytes) -> "Past":
        """Inverse of ``to_bytes``. Raises ``ValueError`` for one that is not whole."""
        try:
            magic, head_size, rest_size, crc = _HEADER.unpack_from(packed)
            at = _HEADER.size + head_size
            if magic != _MAGIC or len(packed) != at + rest_size or zlib.crc32(packed[_HEADER.size :]) != crc:
                raise ValueError("it was not written whole")
            head = json.loads(packed[_HEADER.size : at])
            blobs = []
            for size in head["sizes"]:
                blobs.append(packed[at : at + size])
                at += size
            field, *rest = blobs
            count = len(head["groups"])
            groups = tuple(_group(raw, rest[3 * number : 3 * number + 3]) for number, raw in enumerate(head["groups"]))
            copies = rest[3 * count :]
            controllers = tuple(
                PastController(pair, plan, scan, copies[2 * n], copies[2 * n + 1], memory_bytes, tuple(words))
                for n, (pair, plan, scan, memory_bytes, words) in enumerate(head["controllers"])
            )
            events = tuple(Event(**raw) for raw in head["events"])
            return cls(head["length_ns"], head["sample_ns"], groups, controllers, field, events)
        except (struct.error, KeyError, TypeError, IndexError) as error:
            raise ValueError(f"it cannot be understood: {error}") from error


def _group(raw: Sequence[object], blobs: Sequence[bytes]) -> PastGroup:
    pair, scan_class, layout_hash, tags = raw
    assert isinstance(tags, list)
    times = np.frombuffer(blobs[0], np.int64)
    shape = (len(times), len(tags))
    return PastGroup(
        str(pair),
        str(scan_class),
        bytes.fromhex(str(layout_hash)),
        tuple(tags),
        times,
        np.frombuffer(blobs[1], np.float32).reshape(shape),
        np.frombuffer(blobs[2], np.bool_).reshape(shape),
    )
