"""Eight bytes that tell plans apart.

Called by   the plan compiler. Knows all that a plan is made of.
"""

import hashlib
import marshal
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from dcs.engine.plan import Record, Run, TagPlace
from dcs.engine.sources import source_hash
from dcs.engine.strategy import PublishedTag, Strategy

_all_of_tag = attrgetter(*(f.name for f in fields(PublishedTag)))


def plan_digest(
    strategy: Strategy,
    words: NDArray[np.int64],
    tables: Iterable[NDArray[np.int64]],
    runs: Iterable[tuple[Run, ...]],
    records: Sequence[Record],
    tags: Sequence[TagPlace],
) -> bytes:
    """Eight bytes that differ whenever two plans could behave or be read differently."""
    digest = hashlib.blake2b(digest_size=8)
    digest.update(words.data)
    for table in tables:
        digest.update(np.ascontiguousarray(table).data)
    for class_runs in runs:
        for run in class_runs:
            name = run.type.name if run.type else ""
            digest.update(repr((name, run.at, run.count, run.gather_from, run.gather_to)).encode())
    for kind in sorted({record.type for record in records}, key=lambda kind: kind.name):
        digest.update(source_hash(kind).encode())
    for scan_class in strategy.scan_classes:
        digest.update(repr(astuple(scan_class)).encode())
    digest.update(repr([(record.name, record.class_index) for record in records]).encode())
    digest.update(repr([(spec.name, sorted(spec.labels.items())) for spec in strategy.blocks if spec.labels]).encode())
    digest.update(np.array([place.word for place in tags], np.int64).data)
    digest.update(_bytes([_all_of_tag(place.tag) for place in tags]))
    channels = [(channel.name, channel.direction) for channel in strategy.channels]
    digest.update(repr(channels).encode())
    return digest.digest()


def _bytes(rows: list[tuple[object, ...]]) -> bytes:
    """Text and numbers as bytes. Version 0 of the format knows values only: nothing of how Python came by them."""
    try:
        return marshal.dumps(rows, 0)
    except ValueError:  # a kind of number that it does not know
        return repr(rows).encode()
