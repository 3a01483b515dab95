"""What every node shows of itself on the bus: its report and its events.

Called by   controller, field and witness nodes.
Behaviour   the report is published every second, at once on a change, and whenever asked; events get ids that no
            other start of the node can have.
"""

import asyncio
from collections.abc import Callable

from dcs.bus.api import Bus
from dcs.bus.messages import Event, LinkReport, NodeReport, node_subject, status_subject
from dcs.core.clock import Clock, sleep
from dcs.node.event_outbox import EVENTS_MAX, EventOutbox

_PERIOD_S = 1.0


class NodeFace:
    """One node's name, clock and bus, and what it says on it."""

    def __init__(
        self,
        plant: str,
        node: str,
        bus: Bus,
        clock: Clock,
        pid: int,
        endpoints: dict[str, str],
        events_max: int = EVENTS_MAX,
    ) -> None:
        self.plant = plant
        self.node = node
        self.bus = bus
        self.clock = clock
        self.pid = pid
        self.endpoints = endpoints
        self.outbox = EventOutbox(plant, bus, clock, self.make_event, events_max)
        self._started_ns = clock.time_ns()
        self._event_number = 0
        self._make_report: Callable[[], NodeReport] | None = None

    def make_event(self, kind: str, subject: str, text: str, user: str = "", station: str = "") -> Event:
        """An event of this node, at this moment."""
        self._event_number += 1
        return Event(
            id=f"{self.node}:{self._started_ns}:{self._event_number}",
            time_ns=self.clock.time_ns(),
            source=self.node,
            kind=kind,
            subject=subject,
            text=text,
            user=user,
            station=station,
        )

    def event(self, kind: str, subject: str, text: str, user: str = "", station: str = "") -> None:
        """Into the journal."""
        self.outbox.put(self.make_event(kind, subject, text, user, station))

    def publish_report(self) -> None:
        """Tell everybody now; never waits."""
        subject = node_subject(self.plant, self.node)
        if self._make_report is not None and self.bus.wanted(subject):
            self.bus.publish(subject, self._make_report().to_bytes())

    def bus_link(self) -> LinkReport:
        """The bus as this node sees it."""
        detail = f"{self.outbox.waiting} events wait" if self.outbox.waiting else ""
        return LinkReport("bus", "bus", "up" if self.bus.connected else "down", "", detail, None, self.bus.dropped)

    async def run(self, make_report: Callable[[], NodeReport]) -> None:
        """Forward events, answer and publish reports, for ever."""
        self._make_report = make_report

        async def answer(subject: str, payload: bytes) -> bytes:
            return make_report().to_bytes()

        await self.bus.serve(status_subject(self.plant, self.node), answer)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.outbox.run())
            while True:
                self.publish_report()
                await sleep(self.clock, _PERIOD_S)
