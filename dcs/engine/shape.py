"""What a memory looks like: the part of a plan that its bytes can be read by, also when the plan itself is gone.

Made by     ``shape_of`` from a plan; kept beside a checkpoint, so that a memory written by an earlier version of the
            configuration, or of the block types, can still be read.
Read by     ``dcs.engine.migrate``. Data only.
"""

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from dcs.blocks.declare import BlockType
from dcs.engine.plan import Plan

VERSION = 1


class FieldShape(NamedTuple):
    """One field of a record: more than one word for an array."""

    name: str
    role: str  # input | state | output | param
    dtype: str  # f8 | i8
    words: int
    unit: str  # of the declaration: ``@pv_scale`` is the unit that the block gives with that scale


class RecordShape(NamedTuple):
    """One block or alarm in the buffer."""

    name: str
    type: str
    at: int  # first word
    scan_class: str
    is_alarm: bool


class AlarmShape(NamedTuple):
    """What makes an alarm the same alarm."""

    source: str
    kind: str
    reference: str


@dataclass(frozen=True)
class Shape:
    """Names and places of everything in one memory, and the memory as it was at the start (``image``)."""

    pair: str
    digest: bytes
    words: int
    records: tuple[RecordShape, ...]
    types: dict[str, tuple[FieldShape, ...]]
    classes: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    inputs_at: int
    outputs_at: int
    tags: tuple[str, ...]
    wires: tuple[tuple[str, str], ...]  # (source, target)
    units: dict[str, dict[str, str]]  # block -> scale -> unit
    labels: dict[str, dict[str, tuple[str, ...]]]  # block -> field -> names of the codes
    alarms: dict[str, AlarmShape]
    image: bytes = field(repr=False)

    @cached_property
    def record_index(self) -> dict[tuple[bool, str], int]:
        """Index of a record by (is it an alarm, name)."""
        return {(record.is_alarm, record.name): index for index, record in enumerate(self.records)}

    @cached_property
    def index(self) -> dict[str, dict[str, tuple[int, FieldShape]]]:
        """Per type: first word within a record, and the field, by name."""
        found: dict[str, dict[str, tuple[int, FieldShape]]] = {}
        for name, fields in self.types.items():
            at, found[name] = 0, {}
            for one in fields:
                found[name][one.name] = (at, one)
                at += one.words
        return found

    @cached_property
    def size(self) -> dict[str, int]:
        """Words of a record, per type."""
        return {name: sum(one.words for one in fields) for name, fields in self.types.items()}

    @cached_property
    def sources(self) -> dict[str, str]:
        """What a target of a wire is wired to."""
        return {target: source for source, target in self.wires}

    def word(self, record: RecordShape, name: str) -> int | None:
        """Word of a field of that record; None where its type has no such field."""
        found = self.index[record.type].get(name)
        return None if found is None else record.at + found[0]

    def to_bytes(self) -> bytes:
        """Compressed JSON."""
        raw = asdict(self)
        raw |= {"version": VERSION, "digest": self.digest.hex(), "image": b64encode(self.image).decode()}
        return zlib.compress(json.dumps(raw, separators=(",", ":")).encode(), 6)

    @classmethod
    def from_bytes(cls, payload: bytes) -> "Shape":
        """Inverse of ``to_bytes``. Raises ``ValueError`` for anything else."""
        try:
            raw: dict[str, Any] = json.loads(zlib.decompress(payload))
            if raw.pop("version") != VERSION:
                raise ValueError("it was written by another version")
            raw["digest"], raw["image"] = bytes.fromhex(raw["digest"]), b64decode(raw["image"])
            raw["records"] = tuple(RecordShape(*one) for one in raw["records"])
            raw["types"] = {name: tuple(FieldShape(*one) for one in fields) for name, fields in raw["types"].items()}
            for name in ("classes", "inputs", "outputs", "tags"):
                raw[name] = tuple(raw[name])
            raw["wires"] = tuple((source, target) for source, target in raw["wires"])
            raw["labels"] = {
                block: {name: tuple(names) for name, names in fields.items()} for block, fields in raw["labels"].items()
            }
            raw["alarms"] = {name: AlarmShape(*one) for name, one in raw["alarms"].items()}
            return cls(**raw)
        except (zlib.error, KeyError, TypeError) as error:
            raise ValueError(f"these {len(payload)} bytes are no shape of a memory: {error}") from error


def shape_of(plan: Plan) -> Shape:
    """The shape of the memory of that plan."""
    strategy = plan.strategy
    classes = tuple(scan.name for scan in strategy.scan_classes)
    kinds = {record.type.name: record.type for record in plan.records}
    return Shape(
        pair=strategy.name,
        digest=plan.digest,
        words=plan.words,
        records=tuple(
            RecordShape(r.name, r.type.name, r.at, classes[r.class_index], index in plan.alarm_of_record)
            for index, r in enumerate(plan.records)
        ),
        types={name: _fields(kind) for name, kind in sorted(kinds.items())},
        classes=classes,
        inputs=plan.input_channels,
        outputs=plan.output_channels,
        inputs_at=plan.inputs_at,
        outputs_at=plan.outputs_at,
        tags=tuple(place.tag.name for place in plan.tags),
        wires=tuple((link.source, link.target) for link in strategy.links),
        units={spec.name: dict(spec.units) for spec in strategy.blocks if spec.units},
        labels={spec.name: dict(spec.labels) for spec in strategy.blocks if spec.labels},
        alarms={spec.name: AlarmShape(spec.source, spec.kind, spec.reference) for spec in strategy.alarms},
        image=plan.image,
    )


def _fields(kind: BlockType) -> tuple[FieldShape, ...]:
    return tuple(FieldShape(f.name, f.role, f.dtype, f.count, f.unit) for f in kind.fields)
