"""Events on their way to the bus: live at once, durable as soon as the bus takes them.

Called by   every node that writes to the journal.
Promise     control never waits for it; the journal has every event once, in order, under its own id and time, marked
            late when the bus was away. Reaching the bound is itself an event that says how many and from when to when.
Behaviour   decision 0017 (what is kept where while the bus is away).
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from dcs.bus.api import Bus
from dcs.bus.messages import EVENT_STREAM, Event, event_subject
from dcs.core.clock import NS_PER_S, Clock, sleep
from dcs.core.errors import LinkDown
from dcs.node.lost import Lost

EVENTS_MAX = 10_000
"""Events that wait; about 1 kB of memory each."""
LATE_NS = 5 * NS_PER_S
"""An event that waited longer is marked late: whoever read the journal meanwhile has not seen it."""
_RETRY_S = 1.0
_PACE_S = 0.002
"""Between two late ones: a cluster that has just come back is not flooded."""
_LOOK_BACK = 5000
"""How many of the newest entries of a source are compared with what a new holder has from the old one."""
_AT_ONCE = 200
"""Entries that are looked at in one go, two milliseconds: all of them, 60, would be a good part of a lease."""


class EventSource(Protocol):
    """Makes the event that reports lost ones."""

    def __call__(self, kind: str, subject: str, text: str) -> Event: ...


@dataclass(eq=False, slots=True)
class _Waiting:
    """One event and since when it waits (ns, monotonic); ``unheard``: nobody may have seen it live."""

    event: Event
    since_ns: int
    unheard: bool = False


class EventOutbox:
    """A bounded queue with store and forward; overflow drops the oldest and says so."""

    def __init__(self, plant: str, bus: Bus, clock: Clock, make_event: EventSource, bound: int = EVENTS_MAX) -> None:
        self._plant = plant
        self._bus = bus
        self._clock = clock
        self._make_event = make_event
        self._waiting: deque[_Waiting] = deque()
        self._sending: _Waiting | None = None
        self._inherited: list[Event] = []
        self._bound = bound
        self._lost = Lost()
        self._filled = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Events that are not durable yet."""
        return len(self._waiting) + (self._sending is not None)

    def put(self, event: Event) -> None:
        """Publish live and queue for the durable stream; returns at once."""
        self._bus.publish(event_subject(self._plant, event.source), event.to_bytes())
        self._queue(_Waiting(event, self._clock.monotonic_ns()))

    def inherit(self, events: Iterable[Event]) -> None:
        """Events of one source that another node may have put into the journal, or died before it could.

        The journal is asked first, because it recognises ids only for a while: what it has is not sent again.
        """
        waiting = {event.id for event in self._inherited}  # from takeovers before, while the bus is away
        self._inherited += [event for event in events if event.id not in waiting]
        self._filled.set()

    def _queue(self, waiting: _Waiting) -> None:
        if len(self._waiting) >= self._bound:
            self._lost.add(self._waiting.popleft().event.time_ns)
        self._waiting.append(waiting)
        self._filled.set()

    async def run(self) -> None:
        """Forward for ever."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._inherited or self._waiting or self._sending is not None:
                if not await self._forward():
                    await sleep(self._clock, _RETRY_S)

    async def _forward(self) -> bool:
        """One step; False when the bus does not answer."""
        try:
            if self._sending is None:
                await self._take_inherited()
                self._sending = self._next()
            if self._sending is not None:
                await self._send(self._sending)
                self._sending = None
        except LinkDown:
            return False
        return True

    async def _take_inherited(self) -> None:
        """What the journal does not have goes first: it is older than anything of our own. Raises ``LinkDown``."""
        if not self._inherited:
            return
        events = list(self._inherited)
        known: set[str] = set()
        for source in dict.fromkeys(event.source for event in events):
            entries = await self._bus.read(EVENT_STREAM, event_subject(self._plant, source), _LOOK_BACK)
            for first in range(0, len(entries), _AT_ONCE):
                known |= {_id_of(payload) for _, payload in entries[first : first + _AT_ONCE]}
                await asyncio.sleep(0)  # the lease of the new active is renewed in between
        del self._inherited[: len(events)]
        missing = [event for event in events if event.id not in known]
        own = {waiting.event.id for waiting in self._waiting}
        now_ns, utc_ns = self._clock.monotonic_ns(), self._clock.time_ns()
        self._waiting.extendleft(
            _Waiting(event, now_ns - max(0, utc_ns - event.time_ns), True)
            for event in reversed(missing)
            if event.id not in own
        )

    def _next(self) -> _Waiting | None:
        """The oldest; before all of them the news of what was lost."""
        if self._lost.count:
            lost, self._lost = self._lost, Lost()
            text = lost.text("events", "How many are kept is `store_events` of the bus in plant.yaml.")
            return _Waiting(self._make_event("system", "journal", text), self._clock.monotonic_ns())
        return self._waiting.popleft() if self._waiting else None

    async def _send(self, waiting: _Waiting) -> None:
        event = waiting.event
        late = self._clock.monotonic_ns() - waiting.since_ns > LATE_NS
        if late:
            event = replace(event, late=True)
        subject = event_subject(self._plant, event.source)
        await self._bus.append(EVENT_STREAM, subject, event.to_bytes(), event.id)
        if late or waiting.unheard:
            self._bus.publish(subject, event.to_bytes())  # whoever listens may have missed it as well
            await sleep(self._clock, _PACE_S)


def _id_of(payload: bytes) -> str:
    """Of an entry of the journal; "" when it is no event of ours: anybody may write there."""
    try:
        return Event.from_bytes(payload).id
    except (ValueError, TypeError):
        return ""
