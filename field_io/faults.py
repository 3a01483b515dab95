"""All faults of a field by name: begun, ended, listed; in time, and with labels when they are asked for.

Called by   the field node and every controller (commands, field.yaml), scenarios, tests.
Knows       targets through a protocol: simulated points and devices, and the cables of ``links.link``. What is wrong
            with a target is kept by the target alone: any number of these see the same, and a snapshot of the field
            has it.
Behaviour   ``RTU-1`` is a device, ``C1A>RTU-1`` the cable from a controller to it, ``LT-101`` a point.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from dcs.core.clock import NS_PER_S, Clock
from field_io.dice import key_of
from field_io.drivers.links.link import LinkFaults
from field_io.fault_kinds import LINK, POINT, Fault, PlannedFault, Subject, checked, unknown_target


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault that has begun."""

    fault: Fault
    began_ns: int  # UTC
    ends_ns: int  # UTC; 0 = when it is cleared
    key: int = 0  # of its random numbers


class FaultyDevice(Protocol):
    """A simulated device, or a part of it, as far as faults go that every one can have."""

    def cut(self, silent: bool = False) -> None:
        """Off the network: connections close and none is accepted; ``silent``: it accepts but never answers."""
        ...

    async def heal(self) -> None:
        """Back on the network, without latency. Raises ``Missing`` when its port is taken meanwhile."""
        ...

    def set_latency(self, latency_s: float) -> None:
        """Every answer is that late."""
        ...


class FaultTarget(Protocol):
    """A point or a device of the simulation."""

    @property
    def subject(self) -> Subject: ...
    @property
    def active(self) -> Mapping[str, ActiveFault]:
        """By kind."""
        ...

    def begin(self, fault: ActiveFault) -> ActiveFault:
        """Do it, from now on; returns it with what was left open filled in."""
        ...

    def end(self, kind: str) -> Coroutine[Any, Any, None] | None:
        """As if it had never been; a coroutine where that takes a moment."""
        ...


class LinkTarget:
    """A cable as a target; what it suffers is kept by the cable."""

    def __init__(self, name: str, link: LinkFaults) -> None:
        self.subject = Subject(name, LINK, description="cable")
        self._link = link

    @property
    def active(self) -> Mapping[str, ActiveFault]:
        return self._link.active

    def begin(self, fault: ActiveFault) -> ActiveFault:
        """See ``FaultTarget``."""
        self._link.active[fault.fault.kind] = fault
        self._link.key, self._link.passed = fault.key, 0
        self._set(fault.fault.kind, fault.fault.value or 0.0)
        return fault

    def end(self, kind: str) -> None:
        """See ``FaultTarget``."""
        self._link.active.pop(kind, None)
        self._set(kind, 0.0)

    def _set(self, kind: str, value: float) -> None:
        match kind:
            case "cut":
                self._link.cut = "cut" in self._link.active
            case "latency":
                self._link.latency_s = value
            case "jitter":
                self._link.jitter_s = value
            case "drop":
                self._link.drop = value / 100.0
            case "duplicate":
                self._link.duplicate = value / 100.0


Tell = Callable[[ActiveFault, bool], None]
"""Hears of every fault that begins (True) and ends (False)."""


class FieldFaults:
    """The faults of some targets. ``links`` is looked at anew each time: cables come with the controllers."""

    def __init__(
        self,
        targets: Mapping[str, FaultTarget],
        links: Mapping[str, LinkFaults],
        clock: Clock,
        seed: int = 0,
        tell: Tell | None = None,
    ) -> None:
        self._targets = dict(targets)
        self._links = links
        self._clock = clock
        self._seed = seed
        self._tell = tell
        self._timers: set[asyncio.Handle] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- looking ----------------------------------------------------------------------------------------------
    @property
    def names(self) -> tuple[str, ...]:
        """Everything that can be named below."""
        return (*self._targets, *self._links)

    def target(self, name: str) -> FaultTarget:
        """Raises ``KeyError`` with one sentence."""
        if name in self._targets:
            return self._targets[name]
        if name in self._links:
            return LinkTarget(name, self._links[name])
        raise KeyError(unknown_target(name, self.names))

    def subjects(self) -> list[Subject]:
        """Everything that can have a fault."""
        return [self.target(name).subject for name in self.names]

    def active(self) -> list[ActiveFault]:
        """What is wrong now, the oldest first."""
        found = [fault for name in self.names for fault in self.target(name).active.values()]
        return sorted(found, key=lambda fault: (fault.began_ns, fault.fault.target, fault.fault.kind))

    # --- acting -----------------------------------------------------------------------------------------------
    def begin(self, name: str, kind: str, value: Any = None, chance: Any = None, duration: Any = None) -> ActiveFault:
        """Begin a fault now. Raises ``KeyError`` (no such target) or ``ConfigError`` (no such fault), one sentence."""
        return self.begin_checked(checked(self.target(name).subject, kind, value, chance, duration))

    def begin_checked(self, fault: Fault) -> ActiveFault:
        """The same, of a fault that was checked before. Raises ``KeyError``."""
        target, now_ns = self.target(fault.target), self._clock.time_ns()
        key = key_of(self._seed, fault.target, fault.kind, now_ns)
        ends_ns = now_ns + fault.for_ns if fault.for_ns else 0
        before = target.active.get(fault.kind)
        begun = target.begin(ActiveFault(fault, now_ns, ends_ns, key))
        if self._tell is not None:
            if before is not None:
                self._tell(before, False)
            self._tell(begun, True)
        if begun.ends_ns:
            self._at(begun.ends_ns, self._end_in_time, begun)
        return begun

    def arm(self) -> None:
        """Watch for the end of what has begun already: it came with a snapshot."""
        for fault in self.active():
            if fault.ends_ns:
                self._at(fault.ends_ns, self._end_in_time, fault)

    async def clear(self, name: str, kind: str = "") -> list[ActiveFault]:
        """End one kind of fault of a target, or all that it has; returns them. Raises ``KeyError``."""
        target = self.target(name)
        ended = [fault for fault in target.active.values() if kind in ("", fault.fault.kind)]
        for fault in ended:
            ending = target.end(fault.fault.kind)
            if ending is not None:
                await ending
            if self._tell is not None:
                self._tell(fault, False)
        return ended

    async def clear_all(self) -> list[ActiveFault]:
        """End everything."""
        return [fault for name in self.names for fault in await self.clear(name)]

    def plan(self, faults: Iterable[PlannedFault]) -> None:
        """Faults of the configuration: each at its time from now on, if it is of one of these targets then."""
        now_ns = self._clock.time_ns()
        for planned in faults:
            self._at(now_ns + planned.at_ns, self._begin_planned, planned.fault)

    def _begin_planned(self, fault: Fault) -> None:
        if fault.target in self.names:
            self.begin_checked(fault)

    def close(self) -> None:
        """Nothing begins or ends any more by itself."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # --- time -------------------------------------------------------------------------------------------------
    def _at(self, due_ns: int, call: Callable[..., Any], *arguments: Any) -> None:
        loop = asyncio.get_running_loop()

        def when_due() -> None:
            self._timers.discard(timer)
            # A clock may run faster or slower than the loop: what is early waits for the rest.
            if self._clock.time_ns() < due_ns:
                self._at(due_ns, call, *arguments)
            else:
                call(*arguments)

        delay_s = max(0, due_ns - self._clock.time_ns()) / NS_PER_S
        timer = loop.call_later(delay_s, when_due)
        self._timers.add(timer)

    def _end_in_time(self, begun: ActiveFault) -> None:
        name, kind = begun.fault.target, begun.fault.kind
        if name not in self.names or self.target(name).active.get(kind) != begun:
            return  # cleared, or begun anew, meanwhile
        task = asyncio.get_running_loop().create_task(self._end(name, kind))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self, name: str, kind: str) -> None:
        await self.clear(name, kind)

    # --- names of old, for what is done most -------------------------------------------------------------------
    def cut(self, name: str, silent: bool = False) -> None:
        """A device off the network, or (``silent``) dumb; a cable cut. Raises ``KeyError``."""
        subject = self.target(name).subject
        if "card" in subject.traits:
            kind = "dead"
        else:
            kind = "cut" if subject.scope == LINK else "silent" if silent else "disconnect"
        self.begin(name, kind)

    async def heal(self, name: str) -> None:
        """Undo whatever was done to a device or cable. Raises ``KeyError``."""
        await self.clear(name)

    async def heal_all(self) -> None:
        """Undo everything."""
        await self.clear_all()

    def set_latency(self, name: str, latency_s: float) -> None:
        """Slow down a device's answers or a cable by ``latency_s``. Raises ``KeyError``, ``ConfigError``."""
        self.begin(name, "latency", latency_s)

    def stick(self, name: str, value: float | None = None) -> str:
        """A valve that goes to ``value`` (None: stays) whatever is demanded; a transmitter that says nothing else."""
        if name not in self._targets or self.target(name).subject.scope != POINT:
            known = ", ".join(each for each in self._targets if self.target(each).subject.scope == POINT)
            raise KeyError(f"there is no simulated point {name}; there are {known}")
        fault = self.begin(name, "stuck", value).fault
        return f"{name} sticks at {fault.value:g} {fault.unit}".rstrip()


def with_value(active: ActiveFault, value: float | None) -> ActiveFault:
    """The same fault with its value filled in."""
    return replace(active, fault=replace(active.fault, value=value))
