"""Which commands were applied lately, and how they were answered.

Called by   ``dcs.node.replica``; it is part of the mirrored state, so a command that is repeated after a takeover is
            answered and not applied twice.
"""

from collections import OrderedDict
from typing import Any

from dcs.bus.messages import Reply

_KEPT = 256


class CommandBook:
    """The last 256 replies by command id."""

    def __init__(self) -> None:
        self._replies: OrderedDict[str, Reply] = OrderedDict()

    def find(self, command_id: str) -> Reply | None:
        """The reply to a command that was applied before."""
        return self._replies.get(command_id)

    def add(self, reply: Reply) -> None:
        """Remember; the oldest is forgotten."""
        self._replies[reply.id] = reply
        while len(self._replies) > _KEPT:
            self._replies.popitem(last=False)

    def to_list(self) -> list[Reply]:
        """For the full copy, the oldest first."""
        return list(self._replies.values())

    def load(self, rows: list[dict[str, Any]]) -> None:
        """Replace the content by a copy."""
        self._replies = OrderedDict((row["id"], Reply(**row)) for row in rows)
