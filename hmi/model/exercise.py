"""What can be made to fail in this run, and what has failed, as the plant says.

Called by   ``hmi.model.session`` (asks while somebody looks, fills it), the exercise page (looks, sends).
Knows       the desks for faults: the field node, and each controller for its cables where there is no box. No Qt.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from dcs.bus.messages import Reply

from .nodes import NodeList

FIELD = "field"
LINKS = "links"
MUST, NO = "must", "no"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault of one target."""

    name: str
    meaning: str
    takes: str  # no | may | must
    value: str  # what the value is
    unit: str
    default: float | None
    chance: bool


@dataclass(frozen=True, slots=True)
class Target:
    """A point, a device or a cable."""

    name: str
    scope: str
    description: str
    kinds: tuple[Kind, ...]
    desk: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """A fault that has begun."""

    target: str
    kind: str
    words: str
    began_ns: int
    ends_ns: int  # 0 = until it is cleared


@dataclass(slots=True)
class Exercise:
    """``allowed``: this run was started for exercises. ``watched``: somebody looks, so ask once a second."""

    allowed: bool = False
    watched: bool = False
    version: int = 0
    trouble: str = ""
    _targets: dict[str, tuple[Target, ...]] = field(default_factory=dict)  # by desk
    _wrong: dict[str, tuple[Wrong, ...]] = field(default_factory=dict)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Everything that can fail."""
        return tuple(target for desk in self._targets.values() for target in desk)

    @property
    def wrong(self) -> tuple[Wrong, ...]:
        """What has failed, the oldest first."""
        found = (wrong for desk in self._wrong.values() for wrong in desk)
        return tuple(sorted(found, key=lambda wrong: (wrong.began_ns, wrong.target, wrong.kind)))

    def target(self, name: str) -> Target | None:
        """The target of that name."""
        return next((target for target in self.targets if target.name == name), None)

    def desk_of(self, name: str) -> str:
        """Who takes commands for a target."""
        target = self.target(name)
        return target.desk if target else FIELD

    # --- what the session does ------------------------------------------------------------------------------
    def desks(self, nodes: NodeList) -> list[str]:
        """Whom to ask; in a box the field node knows the cables too."""
        in_box = bool(nodes.clock_note())
        controllers = [row.report.node for row in nodes.rows() if row.report.kind == "controller" and not in_box]
        return [FIELD, *(f"{node}.{LINKS}" for node in controllers)]

    def answered(self, desk: str, reply: Reply) -> None:
        """One desk has told what it has. Raises ``ValueError`` for an answer that cannot be read."""
        if not reply.ok:
            self.trouble = reply.text
            self.version += 1
            return
        try:
            raw = json.loads(reply.text)
            targets = tuple(_target(row, desk) for row in raw["targets"])
            wrong = tuple(
                Wrong(row["target"], row["kind"], row["words"], int(row["began_ns"]), int(row["ends_ns"]))
                for row in raw["active"]
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{desk} says nothing of faults") from error
        if (self._targets.get(desk), self._wrong.get(desk), self.trouble) != (targets, wrong, ""):
            self._targets[desk], self._wrong[desk], self.trouble = targets, wrong, ""
            self.version += 1


def asked(kind: Kind, value: str, duration: str, chance: str) -> str:
    """The fault as a command carries it; empty texts are left out."""
    texts = {"value": value, "for": duration, "probability": chance if kind.chance else ""}
    return json.dumps({"kind": kind.name, **{key: text.strip() for key, text in texts.items() if text.strip()}})


def _target(row: dict[str, Any], desk: str) -> Target:
    kinds = tuple(
        Kind(k["name"], k["meaning"], k["takes"], k["value"], k["unit"], k["default"], bool(k["chance"]))
        for k in row["kinds"]
    )
    return Target(row["name"], row["scope"], row["description"], kinds, desk)
