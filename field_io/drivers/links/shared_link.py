"""One connection for all units behind a gateway, or on a serial line.

Called by   ``links.choice``: every unit of one address has a ``SharedLink`` of the same ``SharedConnection``.
Promise     a dead unit never delays the others, and its time-outs do not cost them the connection. It is dropped when
            it is the connection that is dead: when every unit that has asked since the last answer timed out.
"""

import asyncio

from dcs.core.errors import LinkDown
from field_io.drivers.backoff import COSTLY_NS, FIRST_NS
from field_io.drivers.gate import Gate
from field_io.drivers.links.connection import ModbusConnection, TimedOut
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.links.openers import Opener, new_connection
from field_io.drivers.links.unit_link import UnitLink
from field_io.specs import DeviceSpec

IN_FLIGHT = 8
"""Requests under way on a shared connection, unless one of its devices allows fewer."""


class SharedConnection:
    """The connection and which units use it. It is closed when nobody does."""

    def __init__(self, spec: DeviceSpec, opener: Opener) -> None:
        self.members: list[DeviceSpec] = []
        self._spec = spec  # whichever came first: address and framing are those of all
        self._opener = opener
        self._connection: ModbusConnection | None = None
        self._attached: set[int] = set()
        self._opening: asyncio.Task[ModbusConnection] | None = None
        self._lost: set[int] = set()  # units that answered before, and have timed out since the last answer
        self._answers = 0  # when ``_lost`` was last empty

    @property
    def in_flight(self) -> int:
        """The least that a member allows."""
        return min((spec.limits.in_flight for spec in self.members if spec.limits.in_flight), default=IN_FLIGHT)

    @property
    def one_at_a_time(self) -> bool:
        """True where requests cannot be told apart: the time-out of a dead unit is lost for all."""
        return self._spec.protocol in ("modbus-rtu", "modbus-rtu-over-tcp") or self.in_flight == 1

    def connection_of(self, unit: int) -> ModbusConnection | None:
        """The connection, while this unit is attached to it."""
        connection = self._connection
        return connection if connection is not None and connection.open and unit in self._attached else None

    async def attach(self, unit: int) -> None:
        """Use the connection; whoever comes first opens it, and the others wait with him. Raises ``LinkDown``."""
        if self._connection is None or not self._connection.open:
            self._attached.clear()
            self._connection = await self._opened()
            self._lost.clear()
            self._answers = 0
        self._attached.add(unit)

    async def _opened(self) -> ModbusConnection:
        if self._opening is None:
            opening = new_connection(self._spec, self._opener, self.in_flight)
            self._opening = asyncio.get_running_loop().create_task(opening)
            self._opening.add_done_callback(self._opening_done)
        try:
            return await asyncio.shield(self._opening)
        except LinkDown as exc:
            raise LinkDown(str(exc)) from None  # one failure, told to each of those who waited

    def _opening_done(self, task: "asyncio.Task[ModbusConnection]") -> None:
        self._opening = None
        if not task.cancelled() and task.exception() is None:
            # Those who waited take it in the turns of the loop that follow; when all were cancelled nobody does.
            asyncio.get_running_loop().call_later(1.0, self._close_unused, task.result())

    def _close_unused(self, connection: ModbusConnection) -> None:
        if connection is not self._connection:
            connection.abort()

    def detach(self, unit: int) -> None:
        """The unit does not use it any more; the last one closes it."""
        if unit not in self._attached:
            return
        self._attached.discard(unit)
        if self._connection is not None:
            self._connection.give_up(unit, "connection aborted")
        if not self._attached:
            self.drop("connection aborted")

    def drop(self, reason: str) -> None:
        """Close it for all; whoever needs it opens another."""
        connection, self._connection = self._connection, None
        self._attached.clear()
        if connection is not None:
            connection.abort(reason)

    def timed_out(self, unit: int, connection: ModbusConnection, how: TimedOut) -> None:
        """A unit has not answered: detach it, and drop the connection when that is what is dead."""
        if connection is not self._connection:
            return
        if connection.answers != self._answers:
            self._answers = connection.answers
            self._lost.clear()
        since = how.sent_at == connection.answers  # nobody has been answered since it was asked
        if since and how.trusted:
            self._lost.add(unit)
        suspects = connection.slots.suspects
        others_wait = any(
            sent_at == connection.answers and other not in suspects for other, sent_at in connection.pending
        )
        if since and len(self._lost) > 1 and not others_wait:
            self.drop("no unit behind it answers")
        else:
            self.detach(unit)


class SharedLink(UnitLink):
    """One unit's use of a shared connection."""

    def __init__(self, spec: DeviceSpec, shared: SharedConnection, faults: LinkFaults | None = None) -> None:
        super().__init__(spec, faults)
        self._shared = shared
        self._unanswered_write: ModbusConnection | None = None  # on which it was sent
        shared.members.append(spec)

    @property
    def connected(self) -> bool:
        return self._shared.connection_of(self._spec.unit) is not None

    async def connect(self) -> None:
        self._shared.detach(self._spec.unit)
        await self._through_the_cable()
        await self._shared.attach(self._spec.unit)

    async def _exchange(self, request: bytes, may_write: Gate | None) -> bytes:
        unit, shared = self._spec.unit, self._shared
        connection = shared.connection_of(unit)
        if connection is None:
            raise LinkDown("not connected")
        try:
            answer = await connection.request(unit, request, self._timeout_s, may_write, self.faults)
        except TimedOut as exc:
            if may_write is not None:
                self._unanswered_write = connection
            shared.timed_out(unit, connection, exc)
            if shared.one_at_a_time and len(shared.members) > 1:
                timeout_ms = self._timeout_s * 1000
                raise LinkDown(f"{exc}; each attempt holds up the other units for {timeout_ms:g} ms") from None
            raise
        except LinkDown:
            if connection is shared.connection_of(unit):
                shared.detach(unit)
            raise
        self._unanswered_write = None
        return answer

    def abort(self) -> None:
        """Only a write that may still be on its way is worth the connection of all."""
        unit, shared = self._spec.unit, self._shared
        connection = shared.connection_of(unit) or self._unanswered_write
        if connection is None or not connection.open:
            return
        if connection is self._unanswered_write or connection.writing(unit):
            shared.drop("connection aborted")
            connection.abort()
        else:
            shared.detach(unit)
        self._unanswered_write = None


def connection_key(spec: DeviceSpec) -> tuple[str, int] | None:
    """What units must have in common to share a connection; None: this one has a connection for itself."""
    if spec.serial is not None:
        return spec.serial.port, -1  # a serial port can be opened once
    return (spec.host, spec.port) if spec.shared else None


def starts_backing_off_at_ns(spec: DeviceSpec) -> int:
    """First pause after a failure. Where a dead unit's time-out is lost for others, up to four times that."""
    rtu = spec.protocol in ("modbus-rtu", "modbus-rtu-over-tcp")
    return min(4 * spec.timeout_ns, COSTLY_NS) if connection_key(spec) is not None and rtu else FIRST_NS
