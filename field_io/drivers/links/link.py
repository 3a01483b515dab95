"""What a Modbus driver needs of whatever carries its requests.

Called by   ``drivers.modbus``.
Peers       ``wire`` (TCP, TLS, serial lines) and ``memory`` (no sockets), both in ``links.choice``;
            one contract suite runs on all (tests/contracts/test_modbus_links.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dcs.core.errors import DcsError, LinkDown
from field_io.dice import uniform
from field_io.drivers.gate import Gate
from field_io.modbus import pdu as codes


class DeviceRefused(DcsError):
    """The device answered with an exception code: the link is fine, the request is not."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"device answered exception {code} ({codes.EXCEPTION_NAMES.get(code, 'unknown')})")


@dataclass(slots=True)
class LinkFaults:
    """What an exercise or a test does to one cable; the same on every peer."""

    cut: bool = False  # nothing passes in either direction, and nobody is told
    latency_s: float = 0.0  # added before every request
    jitter_s: float = 0.0  # and a random time up to that
    drop: float = 0.0  # share of requests that are lost
    duplicate: float = 0.0  # share of requests that arrive twice
    key: int = 0  # of the random numbers
    passed: int = 0  # requests so far
    active: dict[str, Any] = field(default_factory=dict)  # what ``field_io.faults`` has begun, by kind

    def passage(self) -> tuple[float, int]:
        """(delay in s, copies) with which the next request arrives; no copy when it is lost."""
        if self.cut:
            return 0.0, 0
        if not (self.jitter_s or self.drop or self.duplicate):
            return self.latency_s, 1
        number = 3 * self.passed
        self.passed += 1
        delay_s = self.latency_s + self.jitter_s * uniform(self.key, number)
        if uniform(self.key, number + 1) < self.drop:
            return delay_s, 0
        return delay_s, 2 if uniform(self.key, number + 2) < self.duplicate else 1


class ModbusLink(ABC):
    """One unit of one device; requests in order. A link implements ``connect``, ``exchange``, ``abort``."""

    faults: LinkFaults
    on_lost: Callable[[str], None] | None = None
    """Hears, with a reason, of a connection that the device or the network ended; not of one that we aborted."""

    @property
    @abstractmethod
    def connected(self) -> bool:
        """True from a successful ``connect`` until the connection is lost or aborted."""

    @abstractmethod
    async def connect(self) -> None:
        """Open the connection. Raises ``LinkDown`` when nobody accepts within the timeout."""

    @abstractmethod
    async def exchange(self, request: bytes, may_write: Gate | None = None) -> bytes:
        """A request's PDU out, its answer's PDU back.

        ``may_write`` is asked at the send call, with nothing queued behind it: when it says no, not one byte leaves
        and ``GateClosed`` is raised. Otherwise returns when the device has answered; raises ``LinkDown`` (whether
        the device got it is unknown), and then the link is not connected any more: no late answer meets another.
        """

    @abstractmethod
    def abort(self) -> None:
        """Drop the connection at once; what was not sent is not sent. A request in flight raises ``LinkDown``."""

    async def read(self, table: str, address: int, count: int) -> bytes:
        """One contiguous block: two bytes a register, the high one first, or one byte, 0 or 1, a bit.

        Raises ``LinkDown`` or ``DeviceRefused``.
        """
        return await self.ask(codes.read(table, address, count))

    async def write(self, table: str, address: int, data: bytes, may_write: Gate, single: bool = False) -> None:
        """Write contiguous registers (holding) or bits (coil), ``data`` as ``read`` gives it.

        ``single``: function codes 5 and 6 instead of 15 and 16. Raises ``GateClosed``, ``LinkDown``, ``DeviceRefused``.
        """
        await self.ask(codes.write(table, address, data, single), may_write)

    async def ask(self, request: bytes, may_write: Gate | None = None) -> bytes:
        """Exchange, and take out of the answer what it carries. Raises ``LinkDown`` or ``DeviceRefused``."""
        answer = await self.exchange(request, may_write)
        try:
            return codes.data_of(request, answer)
        except codes.Refused as refused:
            raise DeviceRefused(refused.code) from None
        except codes.Malformed as malformed:
            self.abort()  # whatever follows on this connection cannot be trusted either
            raise LinkDown(str(malformed)) from None
