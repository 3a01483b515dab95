"""What a node may ask of the bus, whoever carries it.

Called by   controllers, field nodes, historian, HMI and the command line.
Peers       ``dcs.bus.memory`` (the box, tests) and ``dcs.bus.nats``; one contract suite runs on both.
Promise     control never waits for the bus: ``publish`` returns at once and a lost bus changes nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

Handler = Callable[[str, bytes], Awaitable[None]]
"""Called with (subject, payload), one message at a time and in order for one subscription."""

STORE_TIMEOUT_S = 5.0
"""How long whatever is durable may take before ``LinkDown``; a cluster that elects a leader is silent that long."""

Responder = Callable[[str, bytes], Awaitable[bytes]]
"""Called with (subject, payload); what it returns is the answer."""


class Subscription(Protocol):
    """A running subscription."""

    async def stop(self) -> None:
        """No handler call starts after this returned."""
        ...


class Bus(Protocol):
    """Subjects are dot-separated words; a subscription may use ``*`` (one word) and a trailing ``>`` (the rest)."""

    @property
    def connected(self) -> bool:
        """False while the bus cannot be reached; it is being reconnected meanwhile."""
        ...

    def publish(self, subject: str, payload: bytes) -> None:
        """Live message to whoever listens now; never waits. While disconnected it is dropped and counted."""
        ...

    def wanted(self, subject: str) -> bool:
        """False only when it is certain that nobody listens to this subject now, so that nobody need make a payload."""
        ...

    @property
    def dropped(self) -> int:
        """Live messages dropped so far, because the bus was away or a buffer was full."""
        ...

    async def confirm(self) -> int:
        """Return when everything published before is with the server; the number of the connection that took it.

        Another number than last time: what was published in between may be lost. Raises ``LinkDown``.
        """
        ...

    async def subscribe(self, subject: str, handler: Handler) -> Subscription:
        """Call ``handler`` for every live message from now on."""
        ...

    async def request(self, subject: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask whoever serves ``subject``. Raises ``LinkDown`` when nobody answers in time."""
        ...

    async def serve(self, subject: str, responder: Responder) -> Subscription:
        """Answer requests on ``subject``. A responder that raises sends no answer; the error is logged."""
        ...

    async def append(self, stream: str, subject: str, payload: bytes, message_id: str) -> None:
        """Durable append to ``stream``; returns when stored. The same id again is stored once. Raises ``LinkDown``."""
        ...

    async def read(self, stream: str, subject: str = ">", last: int = 1000) -> list[tuple[str, bytes]]:
        """The newest ``last`` entries of ``stream`` under ``subject``, oldest first; [] for an unknown stream."""
        ...

    async def put(self, bucket: str, key: str, payload: bytes) -> None:
        """Retain the newest value of ``key``. Raises ``LinkDown``."""
        ...

    async def get(self, bucket: str, key: str) -> bytes | None:
        """The retained value, or None. Raises ``LinkDown``."""
        ...

    async def close(self) -> None:
        """Leave the bus; stops every subscription."""
        ...
