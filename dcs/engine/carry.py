"""State of a block whose texts have changed, where only its type knows what becomes of it: the steps of a sequence.

Called by   ``dcs.engine.migrate``. Knows the words of both memories; the rule is the type's (``carry``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcs.blocks.declare import BlockType, ParamValue, Translation
from dcs.engine.shape import RecordShape, Shape


@dataclass(frozen=True)
class CarriedBlock:
    """One block that is asked."""

    old_shape: Shape
    old: RecordShape
    new: RecordShape
    kind: BlockType
    before: Translation
    after: Translation

    def problems(self, words: NDArray[np.int64]) -> tuple[str, ...]:
        """Why it should not be done with this memory, each with the name of the block."""
        return tuple(f"{self.new.name}: {sentence}" for sentence in self._ask(words).problems)

    def write(self, old: NDArray[np.int64], new: NDArray[np.int64]) -> None:
        """What the type says, into the new memory."""
        numbers = new.view(np.float64)
        for name, value in self._ask(old).fields.items():
            f = self.kind.field(name)
            at = self.new.at + self.kind.index[name]
            (new if f.dtype == "i8" else numbers)[at : at + f.count] = value

    def _ask(self, words: NDArray[np.int64]) -> Any:
        assert self.kind.carry is not None
        return self.kind.carry(_fields(self.old_shape, self.old, words), self.before, self.after)


def carried_block(
    old: Shape, new: Shape, pair: tuple[RecordShape, RecordShape], kind: BlockType
) -> CarriedBlock | None:
    """The block of that pair, when its type wants to be asked."""
    before, after = pair
    if kind.carry is None or not old.labels.get(before.name):
        return None
    translations = [
        Translation(_params(shape, record), shape.labels.get(record.name, {}))
        for shape, record in ((old, before), (new, after))
    ]
    return CarriedBlock(old, before, after, kind, *translations)


def _params(shape: Shape, record: RecordShape) -> Mapping[str, ParamValue]:
    """Every parameter as the file has it."""
    fields = _fields(shape, record, np.frombuffer(shape.image, np.int64), lambda role: role == "param")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _fields(
    shape: Shape, record: RecordShape, words: NDArray[np.int64], wanted: Callable[[str], bool] = lambda role: True
) -> dict[str, Any]:
    numbers = words.view(np.float64)
    found = {}
    for name, (at, one) in shape.index[record.type].items():
        if wanted(one.role):
            values = (words if one.dtype == "i8" else numbers)[record.at + at : record.at + at + one.words].tolist()
            found[name] = values if one.words > 1 else values[0]
    return found
