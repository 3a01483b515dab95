"""What an online change does, item by item, in words: shown before it is applied and journalled when it is.

Made by     ``dcs.engine.change_report`` and ``dcs.config.diff``. Data only.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

ADDED, REMOVED, CHANGED, CONFLICT, STARTS, LIMITED, MOVED, OUTPUT, TEXT, KEPT = (
    "added", "removed", "changed", "conflict", "starts anew", "limited", "renumbered", "output", "text", "kept",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that changes (or, with kind ``kept``, that the change leaves as the operator set it)."""

    kind: str
    module: str
    what: str  # LIC-101.pid.gain
    old: str = ""
    new: str = ""
    consequence: str = ""

    @property
    def sentence(self) -> str:
        """``LIC-101.pid.gain: 2 → 3 (…)``."""
        change = f": {self.old or 'nothing'} → {self.new or 'nothing'}" if self.old or self.new else ""
        why = f" ({self.consequence})" if self.consequence and change else ""
        return f"{self.what}{change}{why or (f': {self.consequence}' if self.consequence else '')}"


@dataclass(frozen=True, slots=True)
class Report:
    """All items of one controller pair."""

    pair: str
    items: tuple[Item, ...]
    unchanged: int  # blocks and alarms that keep every byte
    old_plan: str  # digests, hexadecimal
    new_plan: str

    @property
    def changes(self) -> tuple[Item, ...]:
        """Without what only stays as it is."""
        return tuple(item for item in self.items if item.kind != KEPT)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "items": [{**asdict(item), "sentence": item.sentence} for item in self.items]}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Report":
        """Inverse of ``to_dict``. Raises ``KeyError`` or ``TypeError`` for anything else."""
        items = tuple(Item(**{key: value for key, value in item.items() if key != "sentence"}) for item in raw["items"])
        return cls(**{**raw, "items": items})

    def with_items(self, more: Sequence[Item]) -> "Report":
        """The same with more items."""
        return Report(self.pair, (*self.items, *more), self.unchanged, self.old_plan, self.new_plan)
