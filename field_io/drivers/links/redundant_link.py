"""Two links to one device, of which one carries the requests: a dead link costs a time-out and no poll.

Called by   ``drivers.modbus`` as any other link; ``modbus.redundant`` runs ``watch`` beside it and shows the state.
Knows       two links (couplers, network cards, addresses) to the same registers, and which of them is in use.
Behaviour   both connections are kept up, and the idle one is asked something small every ``health_ns``, so that a
            change goes to a link that is proven. A change comes of a failure or of a command alone: a link that
            answers again becomes the spare, and nothing changes back by itself.
Promise     a request that one link does not answer is repeated on the other within the same call. That holds for a
            write whose outcome is unknown as well: it carries absolute values, so that to repeat it changes nothing.
            The gate is asked again at that send; what we dropped because the authority was lost is not repeated.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from dcs.core.clock import NS_PER_MS, NS_PER_S, Clock
from dcs.core.errors import LinkDown
from field_io.drivers.backoff import Backoff, Rng
from field_io.drivers.gate import Gate
from field_io.drivers.links.link import LinkFaults, ModbusLink
from field_io.modbus import pdu as codes

_LOOK_NS = 200 * NS_PER_MS
_NO_WAY = (codes.NO_PATH, codes.NO_ANSWER)


@dataclass(eq=False)
class Member:
    """One of the two links and what is known of it."""

    name: str  # A | B
    url: str
    link: ModbusLink
    backoff: Backoff
    state: str = "unknown"  # unknown (not tried yet) | up | down
    trouble: str = ""
    errors: int = 0
    tried_ns: int = -(2**62)  # when it was last asked something
    round_trip_ns: int | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def up(self) -> bool:
        """It answered when it was last asked, and is connected."""
        return self.state == "up" and self.link.connected


class RedundantLink(ModbusLink):
    """``ModbusLink`` over two of them. ``on_event`` hears a sentence when a link is lost, comes back or changes."""

    def __init__(
        self,
        links: Sequence[ModbusLink],
        urls: Sequence[str],
        clock: Clock,
        rng: Rng,
        probe: bytes,
        health_ns: int = NS_PER_S,
        backoff_ns: int = 10 * NS_PER_S,
    ) -> None:
        """``probe``: the request that tests the idle link, every ``health_ns``."""
        self.members = tuple(
            Member(name, url, link, Backoff(rng, cap_ns=backoff_ns))
            for name, url, link in zip("AB", urls, links, strict=True)
        )
        self.on_event: Callable[[str], None] = lambda text: None
        self.changes = 0
        self._clock = clock
        self._probe = probe
        self._health_ns = health_ns
        self._active = 0
        self._aborts = 0
        for member in self.members:
            member.link.on_lost = partial(self._member_lost, member)

    @property
    def faults(self) -> LinkFaults:  # type: ignore[override]
        """The cable of the link in use."""
        return self.in_use.link.faults

    @property
    def in_use(self) -> Member:
        """The link that carries the requests."""
        return self.members[self._active]

    @property
    def spare(self) -> Member:
        """The other one."""
        return self.members[1 - self._active]

    @property
    def lost(self) -> tuple[Member, ...]:
        """Links that are down; one of them is a loss of redundancy, both of the device."""
        return tuple(member for member in self.members if member.state == "down")

    def prefer(self, name: str) -> bool:
        """Use link ``name`` from now on, on command; False when it is not up, and then nothing changes."""
        member = next(member for member in self.members if member.name == name)
        if member is not self.in_use:
            if not member.up:
                return False
            self._change("on command")
        return True

    # --- as a link --------------------------------------------------------------------------------------------
    @property
    def connected(self) -> bool:
        return any(member.link.connected for member in self.members)

    async def connect(self) -> None:
        """One of the two is enough; ``watch`` sees to the other."""
        if not self.connected:
            aborts = self._aborts
            for member in (self.in_use, self.spare):
                if await self._open(member):
                    return
                if aborts != self._aborts:
                    break
            raise LinkDown("; ".join(f"link {m.name}: {m.trouble or 'not connected'}" for m in self.members))

    async def exchange(self, request: bytes, may_write: Gate | None = None) -> bytes:
        aborts = self._aborts
        if not self.in_use.link.connected and self.spare.up:
            self._change(self.in_use.trouble or "not connected")
        first = self.in_use
        try:
            return await self._ask(first, request, may_write)
        except LinkDown as lost:
            if aborts != self._aborts:
                raise  # we dropped it: what was on its way is not sent again
            second = next(member for member in self.members if member is not first)
            if not await self._open(second):  # it may have come back since it was asked last
                said = sorted((f"link {first.name}: {lost}", f"link {second.name}: {second.trouble}"))
                raise LinkDown("; ".join(said)) from None
            if aborts != self._aborts:
                raise
        answer = await self._ask(second, request, may_write)
        if self.in_use is first:
            self._change(first.trouble)
        return answer

    def abort(self) -> None:
        self._aborts += 1
        for member in self.members:
            member.link.abort()
            if member.state == "up":
                member.state = "unknown"  # we dropped it: that says nothing of it

    # --- the members ------------------------------------------------------------------------------------------
    async def _ask(self, member: Member, request: bytes, may_write: Gate | None = None) -> bytes:
        """Raises ``LinkDown`` for whatever makes the other link worth a try."""
        aborts, asked_ns = self._aborts, self._clock.monotonic_ns()
        member.tried_ns = asked_ns
        try:
            answer = await member.link.exchange(request, may_write)
            try:
                codes.data_of(request, answer)
            except codes.Refused as refused:
                if refused.code in _NO_WAY:
                    raise LinkDown(str(refused)) from None
            except codes.Malformed as malformed:
                raise LinkDown(str(malformed)) from None
        except LinkDown as lost:
            if aborts == self._aborts:
                self._down(member, str(lost))
            raise
        member.round_trip_ns = self._clock.monotonic_ns() - asked_ns
        self._up(member)
        return answer

    async def _open(self, member: Member) -> bool:
        async with member.opening:
            if member.link.connected:
                return True
            aborts = self._aborts
            try:
                await member.link.connect()
            except LinkDown as lost:
                if aborts == self._aborts:
                    self._down(member, str(lost))
                return False
            try:
                await self._ask(member, self._probe)
            except LinkDown:
                return False
            return True

    def _down(self, member: Member, trouble: str) -> None:
        member.link.abort()
        member.trouble, member.errors = trouble, member.errors + 1
        was, member.state = member.state, "down"
        member.backoff.failed(self._clock.monotonic_ns())
        if was != "down":
            self.on_event(f"link {member.name} ({member.url}) is lost: {trouble}")

    def _up(self, member: Member) -> None:
        member.backoff.answered()
        was, member.state = member.state, "up"
        if was == "down":
            self.on_event(f"link {member.name} ({member.url}) answers again")
            for other in self.members:
                other.backoff.try_now()  # what was wrong with one may have been wrong with both

    def _change(self, reason: str) -> None:
        self._active = 1 - self._active
        self.changes += 1
        self.on_event(f"changed to link {self.in_use.name} ({self.in_use.url}): {reason}")

    def _member_lost(self, member: Member, reason: str) -> None:
        """A connection ended while nobody asked, or with a request on its way: change at once."""
        if member.state == "up":
            self._down(member, reason)
            member.backoff.try_now()
        if member is self.in_use and self.spare.up:
            self._change(reason)
        elif not self.connected and self.on_lost is not None:
            self.on_lost(reason)

    async def watch(self) -> None:
        """Keep both connections up and the idle one proven, until cancelled."""
        while True:
            now_ns = self._clock.monotonic_ns()
            for member in self.members:
                if not member.link.connected:
                    if now_ns >= member.backoff.attempt_ns and (member is self.spare or self.connected):
                        await self._open(member)
                elif member is self.spare and now_ns - member.tried_ns >= self._health_ns:
                    try:
                        await self._ask(member, self._probe)
                    except LinkDown:
                        continue
            if not self.in_use.link.connected and self.spare.up:
                self._change(self.in_use.trouble or "not connected")
            await self._clock.sleep_until(self._clock.monotonic_ns() + _LOOK_NS)
