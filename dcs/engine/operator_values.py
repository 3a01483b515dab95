"""Which parameters stand otherwise than in the configuration because an operator set them.

Called by   the report of an online change, ``dcs upload``. Knows the plan, its image (the values of the files) and the
            memory.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dcs.blocks.declare import Field
from dcs.core.modes import AUTO
from dcs.engine.plan import Plan, Record


class OperatorValue(NamedTuple):
    """One parameter of one block."""

    block: str
    name: str  # of the field
    tags: tuple[str, ...]  # under which operators write it
    word: int
    in_file: float
    now: float
    unit: str
    field: Field


def operator_values(plan: Plan, memory: NDArray[np.int64]) -> list[OperatorValue]:
    """Every parameter that can be written by operators and differs from the configuration, in the order of the tags.

    What a block writes itself is left out: the setpoint of a controller that follows a block above it.
    """
    image = np.frombuffer(plan.image, np.int64)
    numbers, image_numbers = memory.view(np.float64), image.view(np.float64)
    found: dict[int, OperatorValue] = {}
    for place in plan.tags:
        if place.record < 0 or not place.tag.writable:
            continue
        record = plan.records[place.record]
        name = "target" if place.field == "mode" else place.field
        f = record.type.field(name)
        word = record.at + record.type.index[name]
        if f.role != "param" or memory[word] == image[word]:
            continue
        if word in found:
            found[word] = found[word]._replace(tags=(*found[word].tags, place.tag.name))
            continue
        if not _is_operators(record, f, name.removeprefix(f.name), memory):
            continue
        is_whole = f.dtype == "i8"
        old, new = (float(words[word]) for words in ((image, memory) if is_whole else (image_numbers, numbers)))
        found[word] = OperatorValue(record.name, name, (place.tag.name,), word, old, new, place.tag.unit, f)
    return list(found.values())


_TRACKING = ("sp_track_pv", "sp_track_man")
"""Options with which a setpoint follows the measurement outside of Auto."""


def _is_operators(record: Record, f: Field, number: str, memory: NDArray[np.int64]) -> bool:
    """Is it the operator's in the mode that the block is asked for? ``number`` is ``_3`` for an element of an array."""
    index = record.type.index

    def is_zero(name: str) -> bool:
        element = f"{name}{number}" if record.type.field(name).count > 1 else name
        return not memory[record.at + index[element]]

    refused = any(
        (refusal.when and not is_zero(refusal.when)) or (refusal.unless and is_zero(refusal.unless))
        for refusal in f.refused_if
        if refusal.value is None
    )
    if refused:
        return False  # while nobody may write it, the block does
    if f.name == "sp" and any(name in index and not is_zero(name) for name in _TRACKING):
        return int(memory[record.at + index["target"]]) == AUTO
    if not f.write_in or "target" not in index:
        return True
    return int(memory[record.at + index["target"]]) in f.write_in


def shown(value: float, f: Field, unit: str) -> str:
    """A value as people write it: the name of a choice, or a number with its unit."""
    for name, code in f.choices:
        if code == value:
            return name
    return f"{value:.10g} {unit}".strip()
