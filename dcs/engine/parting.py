"""What is sent, once, to a point of the field that an online change leaves without a block.

Called by   ``dcs.engine.migrate``. Knows the words of the old memory.
Rule        an output block with ``fault_state: VALUE`` has declared what is safe: its ``fault_value`` is sent. Every
            other point stays as it is in the field.
"""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from dcs.blocks.io.ao import FAULT_VALUE
from dcs.engine.plan import Plan
from dcs.engine.shape import RecordShape, Shape


class PartingWrite(NamedTuple):
    """One last value for one point, in the unit of the point."""

    channel: str
    value: float


def parted(old: Shape, plan: Plan) -> list[tuple[str, RecordShape | None]]:
    """Points that are no longer driven, each with the block that drove it."""
    kept = set(plan.output_channels)
    found = []
    for channel in old.outputs:
        if channel not in kept:
            source = old.sources.get(channel, "")
            index = old.record_index.get((False, source.rpartition(".")[0]))
            found.append((channel, None if index is None else old.records[index]))
    return found


def parting_writes(old: Shape, plan: Plan, words: NDArray[Any]) -> tuple[PartingWrite, ...]:
    """Last values of the points whose block has declared one."""
    writes = []
    for channel, record in parted(old, plan):
        value = None if record is None else declared_value(old, record, words)
        if value is not None:
            writes.append(PartingWrite(channel, value))
    return tuple(writes)


def declared_value(old: Shape, record: RecordShape, words: NDArray[Any]) -> float | None:
    """The demand that stands for the block's declared fault value; None where it declares none."""
    numbers = words.view("f8")
    at = {
        name: old.word(record, name)
        for name in ("fault_state", "fault_value", "pv_scale_low", "pv_scale_high", "xd_scale_low", "xd_scale_high")
    }
    if any(word is None for word in at.values()) or int(words[at["fault_state"]]) != FAULT_VALUE:
        return None
    value, low, high, out_low, out_high = (float(numbers[word]) for name, word in at.items() if name != "fault_state")
    part = (value - low) / (high - low)
    inverted = old.word(record, "increase_to_close")
    if inverted is not None and words[inverted]:
        part = 1.0 - part
    return out_low + min(1.0, max(0.0, part)) * (out_high - out_low)
