"""What a Modbus driver needs of whatever carries its requests.

Called by   ``drivers.modbus``.
Peers       ``wire`` (TCP) and ``memory`` (null modem, no sockets), both in ``drivers.modbus_client``;
            one contract suite runs on both (tests/contracts/test_modbus_links.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from dcs.core.errors import DcsError

EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}
"""Exception codes of the Modbus application protocol V1.1b3, section 7."""


class DeviceRefused(DcsError):
    """The device answered with an exception code: the link is fine, the request is not."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"device answered exception {code} ({EXCEPTION_NAMES.get(code, 'unknown')})")


class GateClosed(DcsError):
    """The write was not sent: at the moment of sending the gate was closed."""


@dataclass(slots=True)
class LinkFaults:
    """What an exercise or a test does to one cable; the same on every peer."""

    cut: bool = False  # nothing passes in either direction, and nobody is told
    latency_s: float = 0.0  # added before every request


class ModbusLink(Protocol):
    """One connection to one unit of one device; one request at a time."""

    faults: LinkFaults

    @property
    def connected(self) -> bool:
        """True from a successful ``connect`` until the connection is lost or aborted."""
        ...

    async def connect(self) -> None:
        """Open the connection. Raises ``LinkDown`` when nobody accepts within the timeout."""
        ...

    async def read(self, table: str, address: int, count: int) -> Sequence[int]:
        """Words or bits of one contiguous block. Raises ``LinkDown`` or ``DeviceRefused``."""
        ...

    async def write(self, table: str, address: int, words: Sequence[int], may_write: Callable[[], bool]) -> None:
        """Write contiguous words (holding) or bits (coil).

        ``may_write`` is asked at the send call, with nothing queued behind it: when it says no, not one byte leaves
        and ``GateClosed`` is raised. Otherwise returns when the device has acknowledged; raises ``LinkDown`` (whether
        the device got it is unknown) or ``DeviceRefused``.
        """
        ...

    def abort(self) -> None:
        """Drop the connection at once; what was not sent is not sent. A request in flight raises ``LinkDown``."""
        ...
