"""Commands on their way into a scan and answers on their way out.

Called by   ``dcs.node.controller``: the desk is open on the active only.
Promise     a command is answered only after the scan that applied it is mirrored (DESIGN rule 7). If authority is lost
            in between there is no answer, and whoever asked is told that the outcome is unknown.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from dcs.bus.api import Bus, Subscription
from dcs.bus.messages import Command, Reply, command_subject
from dcs.core.errors import LinkDown

_WAITING_MAX = 1000

Immediate = Callable[[Command], Awaitable[Reply]]


class OperatorDesk:
    """Serves the command subject of one controller pair while it is open."""

    def __init__(self, plant: str, pair: str, bus: Bus, immediate: dict[str, Immediate]) -> None:
        """``immediate`` verbs (switchover) are answered by their own function and enter no scan."""
        self._subject = command_subject(plant, pair)
        self._bus = bus
        self._immediate = immediate
        self._waiting: deque[Command] = deque()
        self._answers: dict[str, asyncio.Future[Reply]] = {}
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        """Take commands from now on."""
        if self._subscription is None:
            self._subscription = await self._bus.serve(self._subject, self._serve)

    async def close(self) -> None:
        """Take no more; what is not answered stays without an answer."""
        subscription, self._subscription = self._subscription, None
        self._waiting.clear()
        for answer in self._answers.values():
            answer.cancel()
        self._answers.clear()
        if subscription is not None:
            await subscription.stop()

    def take(self) -> list[Command]:
        """The commands for the next scan, in order of arrival; may be called from the scan's thread."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def put_back(self, commands: Sequence[Command]) -> None:
        """These come first in the next scan."""
        self._waiting.extendleft(reversed(commands))

    def answer(self, replies: list[Reply]) -> None:
        """The scan that applied these is mirrored."""
        for reply in replies:
            waiting = self._answers.pop(reply.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(reply)

    async def _serve(self, subject: str, payload: bytes) -> bytes:
        try:
            command = Command.from_bytes(payload)
        except (ValueError, TypeError) as error:
            return Reply("", False, f"This is not a command: {error}").to_bytes()
        if command.verb in self._immediate:
            return (await self._immediate[command.verb](command)).to_bytes()
        if len(self._waiting) >= _WAITING_MAX:
            return Reply(command.id, False, f"{_WAITING_MAX} commands wait already; try again.").to_bytes()
        answer = self._answers.get(command.id)
        if answer is None:
            answer = asyncio.get_running_loop().create_future()
            self._answers[command.id] = answer
            self._waiting.append(command)
        try:
            return (await asyncio.shield(answer)).to_bytes()
        except asyncio.CancelledError:
            if answer.cancelled():
                raise LinkDown("authority was lost before the command was mirrored") from None
            raise
