"""Events on their way to the bus: live at once, durable as soon as the bus takes them.

Called by   every node that writes to the journal.
Promise     control never waits for it; a bus that is away costs nothing until the bound is reached, and reaching the
            bound is itself an event.
"""

import asyncio
from collections import deque
from typing import Protocol

from dcs.bus.api import Bus
from dcs.bus.messages import EVENT_STREAM, Event, event_subject
from dcs.core.clock import Clock, sleep
from dcs.core.errors import LinkDown

_RETRY_S = 1.0


class EventSource(Protocol):
    """Makes the event that reports lost ones."""

    def __call__(self, kind: str, subject: str, text: str) -> Event: ...


class EventOutbox:
    """A bounded queue with store and forward; overflow drops the oldest and says so."""

    def __init__(self, plant: str, bus: Bus, clock: Clock, make_event: EventSource, bound: int = 10_000) -> None:
        self._plant = plant
        self._bus = bus
        self._clock = clock
        self._make_event = make_event
        self._waiting: deque[Event] = deque()
        self._bound = bound
        self._lost = 0
        self._filled = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Events that are not durable yet."""
        return len(self._waiting)

    def put(self, event: Event, live: bool = True) -> None:
        """Publish live (unless it is old news) and queue for the durable stream; returns at once."""
        if live:
            self._bus.publish(event_subject(self._plant, event.source), event.to_bytes())
        if len(self._waiting) >= self._bound:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(event)
        self._filled.set()

    async def run(self) -> None:
        """Forward for ever."""
        while True:
            await self._filled.wait()
            while self._waiting:
                await self._forward(self._waiting[0])
                if self._lost:
                    lost, self._lost = self._lost, 0
                    self.put(
                        self._make_event("system", "journal", f"{lost} events were lost: the bus was away too long")
                    )
            self._filled.clear()

    async def _forward(self, event: Event) -> None:
        subject = event_subject(self._plant, event.source)
        try:
            await self._bus.append(EVENT_STREAM, subject, event.to_bytes(), event.id)
        except LinkDown:
            await sleep(self._clock, _RETRY_S)
            return
        if self._waiting and self._waiting[0] is event:
            self._waiting.popleft()
