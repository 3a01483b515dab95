"""What the OPC UA driver needs of whatever carries its requests.

Called by   ``drivers.opc_ua``.
Peers       ``opc_ua.wire`` (asyncua over TCP) and ``opc_ua.memory`` (simulated devices in this process); one contract
            suite runs on both (tests/contracts/test_ua_sessions.py).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from field_io.drivers.gate import Gate
from field_io.drivers.links.link import LinkFaults
from field_io.opc_ua.messages import NodeInfo, UaSample

Value = bool | int | float | str
Change = tuple[int, UaSample]


class Watched(NamedTuple):
    """A point that a subscription is to carry."""

    at: int  # place in ``DeviceSpec.points``
    sampling_ns: int


class Subscribed(NamedTuple):
    """What the server made of a subscription."""

    codes: list[int]  # one a point
    keep_alive_ns: int  # it says something at least so often


class UaSink(Protocol):
    """Who hears of a subscription. Called from the event loop; none may raise or wait."""

    def notified(self, changes: Sequence[Change]) -> None:
        """A message came; without changes it was a keep-alive, and everything watched is as it was."""
        ...

    def lost(self, text: str) -> None:
        """Messages are missing; what is watched may be something else than was heard."""
        ...

    def ended(self, text: str) -> None:
        """The subscription is gone; nothing more will come."""
        ...


class UaSession(Protocol):
    """One session with one server, for the points of one device, which are named by their place in its spec."""

    faults: LinkFaults

    @property
    def connected(self) -> bool:
        """True from a successful ``connect`` until the session is lost or aborted."""
        ...

    async def connect(self) -> None:
        """Open a session. Raises ``LinkDown`` or ``SessionRefused`` with one sentence."""
        ...

    async def find(self) -> Sequence[NodeInfo]:
        """Every point's node, by the numbers that the namespaces have today; before anything else is asked of a point.

        Raises ``LinkDown`` or ``ServiceRefused``.
        """
        ...

    async def knock(self) -> bool:
        """Does an OPC UA server answer at the address? Cheap: no session."""
        ...

    async def ask(self) -> str:
        """Ask the server how it is: "" when it runs. Raises ``LinkDown`` or ``ServiceRefused``."""
        ...

    async def read(self, points: Sequence[int]) -> list[UaSample]:
        """Values now. Raises ``LinkDown`` or ``ServiceRefused``."""
        ...

    async def write(self, values: Mapping[int, Value], may_write: Gate, epoch: int = 0) -> dict[int, int]:
        """Write values of the nodes' own types; status code by point.

        ``epoch`` is the first node of every request to a device that checks epochs; when the device refuses that one,
        ``ServiceRefused`` is raised.

        ``may_write`` is asked at every send call, with nothing queued behind it: when it says no, not one byte leaves
        and ``GateClosed`` is raised. Raises ``LinkDown`` (whether the device got it is unknown) or ``ServiceRefused``.
        """
        ...

    async def read_epoch(self) -> int:
        """The highest epoch that the device has accepted. Raises ``LinkDown`` or ``ServiceRefused``."""
        ...

    async def subscribe(
        self, watched: Sequence[Watched], publishing_ns: int, keep_alive_ns: int, sink: UaSink
    ) -> Subscribed:
        """Be told of changes from now on; one subscription at a time. Raises ``LinkDown`` or ``ServiceRefused``."""
        ...

    async def unsubscribe(self) -> None:
        """End the subscription, if there is one. Never raises for field trouble."""
        ...

    def abort(self) -> None:
        """Drop the connection at once; what was not sent is not sent. Requests under way raise ``LinkDown``."""
        ...

    async def close(self) -> None:
        """End the session as a polite client does, so that the server need not wait for its time-out."""
        ...
