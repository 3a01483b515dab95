"""The journal as this station has seen it: alarms, operator actions, system events.

Called by   ``hmi.model.session`` (writes); journal page and trend marks (read).
Knows       events and their identity: one event is listed once, however often it arrives.
"""

import re
from bisect import insort
from collections.abc import Sequence

from dcs.bus.messages import Event

_TAKES_OVER = re.compile(r" is active with epoch (\d+)\b")
KEPT = 5000
"""Events kept in memory; the journal itself is kept elsewhere."""


class EventLog:
    """The newest events, oldest first."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._ids: set[str] = set()
        self._events: list[Event] = []
        self.version = 0

    def put(self, event: Event) -> bool:
        """Take an event; False when it was here already."""
        if event.id in self._ids:
            return False
        events = self._events.copy()
        insort(events, event, key=lambda listed: (listed.time_ns, listed.id))
        while len(events) > self._kept:
            self._ids.discard(events.pop(0).id)
        self._ids.add(event.id)
        self._events = events  # swapped whole: readers in another thread keep the list they hold
        self.version += 1
        return True

    @property
    def events(self) -> list[Event]:
        """Oldest first; not to be changed."""
        return self._events

    def between(self, start_ns: int, end_ns: int) -> list[Event]:
        """Events of a time window."""
        return [event for event in self._events if start_ns <= event.time_ns <= end_ns]

    def holder(self, members: Sequence[str], epoch: int) -> str:
        """Which of these controllers took an epoch, as the journal tells; "" when it does not."""
        for event in reversed(self._events):
            if event.kind == "redundancy" and event.source in members:
                found = _TAKES_OVER.search(event.text)
                if found is not None and int(found[1]) == epoch:
                    return event.source
        return ""
