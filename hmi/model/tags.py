"""The latest value of every tag, and how far it may still be believed.

Called by   ``hmi.model.session`` (writes, in the bus thread) and the view-models (read, in the Qt thread).
Knows       layouts, frames and the receiver's monotonic clock. No Qt, no bus.
Threads     one writer; readers see either the whole old frame or the whole new one, because a frame is swapped in
            by a single assignment.
"""

from dataclasses import dataclass
from enum import Enum

from dcs.bus.messages import Frame, Layout, ModuleInfo, TagInfo
from dcs.core.clock import NS_PER_S, Clock
from dcs.core.value import NEVER_READ, ProcessValue

STALE_PERIODS = 3
"""Frames that may be missing before a value is shown as stale."""
STALE_FLOOR_NS = NS_PER_S
"""Below this age nothing is called stale: an operator cannot see it, and a fast scan class would flicker."""


class Link(Enum):
    """How a value reached this station."""

    LIVE = "live"
    STALE = "stale"  # frames stopped: the value is old and shows its age
    COMM = "comm"  # no bus, or never received


@dataclass(frozen=True, slots=True)
class Reading:
    """One value as this station knows it now; ``age_s`` is the time since it was received."""

    pv: ProcessValue
    link: Link
    age_s: float

    @property
    def value(self) -> float:
        """The number itself; only to be shown together with ``link`` and the status."""
        return self.pv.value

    @property
    def believable(self) -> bool:
        """True for a fresh value that is not Bad."""
        return self.link is Link.LIVE and self.pv.usable


NEVER_RECEIVED = Reading(NEVER_READ, Link.COMM, 0.0)


@dataclass(frozen=True, slots=True)
class _Received:
    frame: Frame
    received_ns: int


class Group:
    """The tags of one scan class of one controller pair."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.column = {tag.name: number for number, tag in enumerate(layout.tags)}
        self.received: _Received | None = None

    @property
    def key(self) -> tuple[str, str]:
        """(pair, scan class)."""
        return self.layout.pair, self.layout.scan_class


class TagStore:
    """All tags of the plant by name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._groups: dict[tuple[str, str], Group] = {}
        self._where: dict[str, tuple[Group, int]] = {}
        self._modules: dict[str, ModuleInfo] = {}
        self.connected = False
        self.pace = 1.0
        """Seconds of plant time per second of ours; a plant paced slower sends its frames slower."""
        self.version = 0
        """Counts frames: a reader that saw this number has seen everything."""
        self.layout_version = 0

    # --- written by the session ---------------------------------------------------------------------------
    def put_layout(self, layout: Layout) -> Group:
        """Take (or replace) the columns of one scan class."""
        group = Group(layout)
        groups = {**self._groups, group.key: group}
        self._where = {
            tag.name: (member, number) for member in groups.values() for number, tag in enumerate(member.layout.tags)
        }
        self._modules = {module.name: module for member in groups.values() for module in member.layout.modules}
        self._groups = groups
        self.layout_version += 1
        self.version += 1
        return group

    def put_frame(self, group: Group, frame: Frame) -> bool:
        """Take the newest values; False for a frame of a controller that has lost its authority meanwhile.

        A lower epoch is believed again once the higher one has been silent: then the plant was started anew.
        """
        last = group.received
        if last is not None and frame.epoch < last.frame.epoch and not self._is_stale(group, last):
            return False
        group.received = _Received(frame, self._clock.monotonic_ns())
        self.version += 1
        return True

    # --- read by everybody --------------------------------------------------------------------------------
    @property
    def groups(self) -> tuple[Group, ...]:
        """Every scan class of every pair."""
        return tuple(self._groups.values())

    @property
    def modules(self) -> dict[str, ModuleInfo]:
        """Every control module by name."""
        return self._modules

    def names(self) -> list[str]:
        """Every tag, in the order of the layouts."""
        return list(self._where)

    def info(self, name: str) -> TagInfo | None:
        """What the layout says of a tag; None for an unknown one."""
        found = self._where.get(name)
        return found[0].layout.tags[found[1]] if found else None

    def group_of(self, name: str) -> Group | None:
        """The scan class that publishes a tag."""
        found = self._where.get(name)
        return found[0] if found else None

    def pair_of(self, name: str) -> str | None:
        """The pair that commands for this tag go to."""
        group = self.group_of(name)
        return group.layout.pair if group else None

    def read(self, name: str) -> Reading:
        """The tag's latest value. Never raises: an unknown tag was never received."""
        found = self._where.get(name)
        if found is None:
            return NEVER_RECEIVED
        group, column = found
        last = group.received
        if last is None:
            return NEVER_RECEIVED
        frame = last.frame
        age_ns = self._clock.monotonic_ns() - last.received_ns
        pv = ProcessValue(float(frame.values[column]), int(frame.statuses[column]), frame.time_ns)
        return Reading(pv, self._link(group, last), age_ns / NS_PER_S)

    def sampled(self) -> list[tuple[Layout, Frame]]:
        """The newest frame of every scan class that has sent one, with its layout."""
        return [(group.layout, group.received.frame) for group in self.groups if group.received is not None]

    def link(self, group: Group) -> Link:
        """Whether the frames of a scan class still arrive."""
        last = group.received
        return Link.COMM if last is None else self._link(group, last)

    def scan_of(self, pair: str) -> int:
        """Number of the newest scan seen of a pair, over its scan classes; -1 before the first."""
        scans = [g.received.frame.scan for g in self.groups if g.layout.pair == pair and g.received is not None]
        return max(scans, default=-1)

    def plant_time_ns(self) -> int:
        """UTC of the newest frame, 0 before the first."""
        return max((g.received.frame.time_ns for g in self.groups if g.received is not None), default=0)

    def _link(self, group: Group, last: _Received) -> Link:
        if not self.connected:
            return Link.COMM
        return Link.STALE if self._is_stale(group, last) else Link.LIVE

    def _is_stale(self, group: Group, last: _Received) -> bool:
        patience_ns = max(STALE_PERIODS * group.layout.period_ns / max(self.pace, 1e-3), STALE_FLOOR_NS)
        return self._clock.monotonic_ns() - last.received_ns > patience_ns
