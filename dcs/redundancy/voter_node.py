"""What a controller's redundancy and a witness share: the network's handler, and a failure that ends the node.

Called by   dcs.redundancy.runtime and dcs.redundancy.witness.
Knows       a clock and a network; bytes in, messages out to the subclass.
"""

import asyncio
from collections.abc import Callable

from dcs.core.clock import Clock
from dcs.redundancy.codec import Malformed, decode
from dcs.redundancy.messages import Message
from dcs.redundancy.transport import PairNetwork


class VoterNode:
    """A node with a vote. Subclasses take messages in ``_on_message``."""

    def __init__(self, name: str, clock: Clock, network: PairNetwork) -> None:
        self.name = name
        self.malformed = 0
        self._clock = clock
        self._network = network
        self._failure: asyncio.Future[None] | None = None
        self._is_stopped = False

    def _received(self, payload: bytes) -> None:
        if self._is_stopped:
            return
        try:
            pair, sender, message = decode(payload)
        except Malformed:
            self.malformed += 1
            return
        self._guarded(self._on_message, pair, sender, message)

    def _guarded(self, call: Callable[..., None], *args: object) -> None:
        """A bug or a full disk ends the node: the other one takes over."""
        try:
            call(*args)
        except Exception as exc:  # noqa: BLE001  # handed to run(), which raises it
            self._is_stopped = True
            if self._failure is not None and not self._failure.done():
                self._failure.set_exception(exc)

    def _on_message(self, pair: str, sender: str, message: Message) -> None:
        raise NotImplementedError

    def _started(self) -> None:
        """The network is open."""

    def _ended(self) -> None:
        """The network is about to close."""

    async def run(self) -> None:
        """Take part until cancelled; raises what went wrong inside."""
        self._failure = asyncio.get_running_loop().create_future()
        self._network.open(self._received)
        await self._network.start()
        try:
            self._guarded(self._started)
            await self._failure
        finally:
            self._is_stopped = True
            self._ended()
            await self._network.stop()
