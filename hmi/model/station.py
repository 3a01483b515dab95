"""The operator station without a screen: everything it knows of the plant.

Called by   ``hmi.app`` (makes one), ``hmi.model.session`` (fills it), the view-models (read it).
Knows       its parts; no Qt, no bus.
"""

from dcs.core.clock import Clock

from .alarms import AlarmList
from .commands import CommandDesk, Request
from .events import EventLog
from .exercise import Exercise
from .nodes import NodeList
from .tags import TagStore
from .trends import TrendStore


class Station:
    """Tags, alarms, trends, nodes, events and commands of one plant."""

    def __init__(self, plant: str, clock: Clock, *, title: str = "", name: str = "HMI", user: str = "operator") -> None:
        self.plant = plant
        self.title = title or plant.replace("_", " ").capitalize()
        self.clock = clock
        self.tags = TagStore(clock)
        self.alarms = AlarmList()
        self.trends = TrendStore()
        self.nodes = NodeList(clock)
        self.events = EventLog()
        self.desk = CommandDesk(clock, name, user)
        self.exercise = Exercise()
        self.link_text = "connecting to the bus"
        """Why there is no bus, or "" when there is."""

    # --- what an operator does ----------------------------------------------------------------------------
    def write(self, tag: str, value: float | str) -> Request | None:
        """Ask the plant to set a tag; None when no pair publishes it."""
        pair = self.tags.pair_of(tag)
        return self.desk.submit("set", tag, pair, value) if pair else None

    def acknowledge(self, alarm: str) -> Request | None:
        """Acknowledge one alarm; None when it is not listed (any more)."""
        for row in self.alarms.rows:
            if row.name == alarm:
                return self.desk.submit("ack", alarm, row.pair)
        return None

    def switch_over(self, pair: str) -> Request:
        """Ask a pair to hand control to its standby."""
        return self.desk.submit("switchover", pair, pair)

    def take_standby_out(self, pair: str) -> Request:
        """Ask a pair's active to go on alone, for maintenance of the other one."""
        return self.desk.submit("standby_out", pair, pair)

    def bring_standby_back(self, pair: str) -> Request:
        """Ask a pair's active to let the other one back in."""
        return self.desk.submit("standby_in", pair, pair)
