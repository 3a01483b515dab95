"""One connection to a NATS server, from its start to its end.

Called by   ``dcs.bus.nats``, which makes a new one whenever the last is lost.
Knows       the library's client and its habits. Each connection is a fresh client that may not reconnect by itself:
            the library gives up for good on some server errors, keeps requests waiting on a dead connection, and logs
            every attempt.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import nats.errors
from nats.aio.client import Client

from dcs.bus.api import STORE_TIMEOUT_S
from dcs.bus.jetstream import JetStore
from dcs.core.errors import LinkDown

CONNECT_TIMEOUT_S = 2.0
LIBRARY_TROUBLE = (nats.errors.Error, OSError, TimeoutError, ValueError, AttributeError, AssertionError)
"""What the library raises when a server is away, goes away in the middle, or answers nonsense."""
_CLOSE_TIMEOUT_S = 1.0
_LOOK_S = 1.0
_PING_S = 2.0  # a server that hangs is noticed after two to three of these


class NatsLink:
    """A client that is connected until ``lost`` is done."""

    def __init__(self, on_error: Callable[[Exception], None], copies: int = 1) -> None:
        """``copies``: servers of the cluster; 1 is no cluster."""
        self.client = Client()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_error = on_error
        self.store = JetStore(self.client.jetstream(timeout=STORE_TIMEOUT_S), copies)

    @property
    def alive(self) -> bool:
        """Whether the server can be reached, as far as is known."""
        return not self.lost.done() and bool(self.client.is_connected)

    @property
    def server(self) -> str:
        """Host and port of the server."""
        return str(self.client.connected_url.netloc)

    async def open(self, server: str, node: str) -> None:
        """Connect. Raises ``LinkDown``; the link is of no use then, but must still be closed."""

        async def on_closed() -> None:
            if not self.lost.done():
                self.lost.set_result(None)

        async def on_error(error: Exception) -> None:
            self._on_error(error)

        try:
            async with asyncio.timeout(2.0 * CONNECT_TIMEOUT_S):
                await self.client.connect(
                    server,
                    name=node,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=CONNECT_TIMEOUT_S,
                    ping_interval=_PING_S,
                    max_outstanding_pings=2,
                    pending_size=0,  # no buffering while away, no hidden wait when full
                    error_cb=on_error,
                    closed_cb=on_closed,
                )
        except LIBRARY_TROUBLE as error:
            raise LinkDown(describe(error)) from None

    async def wait_lost(self) -> None:
        """Return when the server is lost."""
        # The library tells, unless it hangs itself on the way out because the server takes no more bytes.
        while self.alive:
            await asyncio.wait({self.lost}, timeout=_LOOK_S)

    async def flush(self) -> None:
        """Wait until the server has taken everything sent so far. Raises ``LinkDown``."""
        try:
            # The library's ping overtakes what it has not yet handed to the socket; by the second, all of it has gone.
            await self.client.flush(timeout=CONNECT_TIMEOUT_S)
            await self.client.flush(timeout=CONNECT_TIMEOUT_S)
        except LIBRARY_TROUBLE as error:
            raise LinkDown(describe(error)) from None

    async def close(self) -> None:
        """Close in whatever state; trouble on the way out changes nothing, and nothing is left running."""
        # In a task of its own: the library swallows a cancellation that comes while it closes, and then nobody could
        # end it; and it would wait for ever for a server that takes no more bytes.
        closing = asyncio.ensure_future(self.client.close())
        closing.add_done_callback(forget_outcome)
        try:
            await asyncio.wait({closing}, timeout=_CLOSE_TIMEOUT_S)
        finally:
            closing.cancel()
            writer = getattr(self.client._transport, "_io_writer", None)
            if writer is not None:
                writer.transport.abort()
            left = [task for task in self._library_tasks() if task is not None]
            for task in left:
                task.cancel()
        await asyncio.wait([closing, *left], timeout=_CLOSE_TIMEOUT_S)

    def _library_tasks(self) -> list["asyncio.Task[None] | None"]:
        """What the client may leave behind: it cancels its tasks without waiting, or not at all."""
        client = self.client
        return [
            client._reading_task,
            client._ping_interval_task,
            client._flusher_task,
            *(subscription._wait_for_msgs_task for subscription in client._subs.values()),
        ]


def forget_outcome(task: "asyncio.Future[Any]") -> None:
    """Nobody waits for it any more; without this asyncio would complain about an error never looked at."""
    if not task.cancelled():
        task.exception()


def describe(error: Exception) -> str:
    """The library's words, or the kind of error when it has none."""
    return str(error) or type(error).__name__
