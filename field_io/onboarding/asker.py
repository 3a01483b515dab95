"""One question at a time to a device that nobody knows yet: politely, and never one that writes.

Called by   ``onboarding.identify``, ``onboarding.scan``, ``onboarding.probe``.
Knows       a link and a clock; how many requests and how much time may be spent, and how far apart requests are.
Promise     only function codes of ``READING`` leave. Between an answer and the next request passes at least the
            spacing; a device that says that it is busy gets more room.
"""

from dataclasses import dataclass, field

from dcs.core.clock import NS_PER_MS, NS_PER_S, Clock
from dcs.core.errors import DcsError, LinkDown
from field_io.drivers.links.link import DeviceRefused, ModbusLink
from field_io.modbus import pdu as codes

REPORT_SERVER_ID = 17
READING = (*codes.READ_OF_TABLE.values(), REPORT_SERVER_ID, codes.ENCAPSULATED)
"""Function codes that change nothing in a device."""

BUSY_TRIES = 3
SPACING_MOST_NS = 2 * NS_PER_S


class Spent(DcsError):
    """The requests or the time that may be spent are used up."""


@dataclass(slots=True)
class Limits:
    """What may be asked of a device."""

    requests: int = 2000
    time_ns: int = 120 * NS_PER_S
    spacing_ns: int = 20 * NS_PER_MS


@dataclass(slots=True)
class Figures:
    """What was asked so far."""

    requests: int = 0
    refused: int = 0
    silent: int = 0
    longest_ns: int = 0  # longest wait for an answer
    exceptions: set[int] = field(default_factory=set)


class Asker:
    """Questions to one unit; connects when it has to."""

    def __init__(self, link: ModbusLink, clock: Clock, limits: Limits) -> None:
        self._link, self._clock = link, clock
        self._began_ns = clock.monotonic_ns()
        self._next_ns = self._began_ns
        self.limits = limits
        self.spacing_ns = limits.spacing_ns
        self.figures = Figures()

    @property
    def spent_ns(self) -> int:
        """Time since the first question."""
        return self._clock.monotonic_ns() - self._began_ns

    async def exchange(self, request: bytes) -> bytes:
        """The answer's PDU, an exception included. Raises ``LinkDown`` and ``Spent``."""
        assert request[0] in READING, "a probe never writes"
        if self.figures.requests >= self.limits.requests:
            raise Spent(f"{self.limits.requests} requests are spent")
        if self.spent_ns >= self.limits.time_ns:
            raise Spent(f"{self.limits.time_ns / NS_PER_S:g} s are spent")
        await self._clock.sleep_until(self._next_ns)
        if not self._link.connected:
            await self._link.connect()
        asked_ns = self._clock.monotonic_ns()
        self.figures.requests += 1
        try:
            answer = await self._link.exchange(request)
        except LinkDown:
            self.figures.silent += 1
            raise
        finally:
            now_ns = self._clock.monotonic_ns()
            self.figures.longest_ns = max(self.figures.longest_ns, now_ns - asked_ns)
            self._next_ns = now_ns + self.spacing_ns
        return answer

    async def ask(self, request: bytes) -> bytes:
        """What the answer carries. Raises ``DeviceRefused``, ``LinkDown`` and ``Spent``; waits for one that is busy."""
        for tries in range(BUSY_TRIES):
            answer = await self.exchange(request)
            try:
                return codes.data_of(request, answer)
            except codes.Malformed as malformed:
                self._link.abort()
                raise LinkDown(str(malformed)) from None
            except codes.Refused as refused:
                self.figures.refused += 1
                self.figures.exceptions.add(refused.code)
                if refused.code not in (codes.BUSY, 5) or tries == BUSY_TRIES - 1:
                    raise DeviceRefused(refused.code) from None
                self.spacing_ns = min(SPACING_MOST_NS, max(2 * self.spacing_ns, 100 * NS_PER_MS))
                self._next_ns = self._clock.monotonic_ns() + self.spacing_ns
        raise AssertionError("unreachable")

    async def read(self, table: str, address: int, count: int) -> bytes:
        """Registers or bits as ``modbus.pdu`` gives them. Raises as ``ask``."""
        return await self.ask(codes.read(table, address, count))

    def close(self) -> None:
        """Leave no connection behind."""
        self._link.abort()
