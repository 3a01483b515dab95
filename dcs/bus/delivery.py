"""From the bus to a handler: bounded queues, one message at a time, requests answered side by side.

Called by   the bus peers.
Promise     a slow or failing handler costs its own subscription only. Overflow policy of ``Inbox``: the oldest live
            message is dropped and counted; of ``Desk``: a request too many is not answered, and counted.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from dcs.bus.api import Handler, Responder
from dcs.core.errors import LinkDown

INBOX_MESSAGES_MAX = 1000
REQUESTS_AT_ONCE_MAX = 256

_log = structlog.get_logger("dcs.bus")


class Inbox:
    """Messages of one subscription on their way to its handler."""

    def __init__(self, handler: Handler, count_drop: Callable[[], None], bound: int = INBOX_MESSAGES_MAX) -> None:
        self._handler = handler
        self._count_drop = count_drop
        self._bound = bound
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._filled = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._deliver())

    def put(self, subject: str, payload: bytes) -> None:
        """Queue one message; never waits."""
        if len(self._waiting) >= self._bound:
            self._waiting.popleft()
            self._count_drop()
        self._waiting.append((subject, payload))
        self._filled.set()

    async def _deliver(self) -> None:
        while True:
            await self._filled.wait()
            while self._waiting:
                subject, payload = self._waiting.popleft()
                try:
                    await self._handler(subject, payload)
                except Exception:  # noqa: BLE001  # what others publish must not take this node down
                    _log.exception("a bus handler failed", subject=subject)
            self._filled.clear()

    async def stop(self) -> None:
        """No call starts after this; a running one is cancelled (unless it is the one that asks)."""
        self._waiting.clear()
        self._task.cancel()
        if self._task is not asyncio.current_task():
            await asyncio.wait({self._task})


class Desk:
    """Requests of one service; each is answered by a call of its own, so that a slow one delays no other."""

    def __init__(self, responder: Responder, count_drop: Callable[[], None], bound: int = REQUESTS_AT_ONCE_MAX) -> None:
        self._responder = responder
        self._count_drop = count_drop
        self._bound = bound
        self._open: dict[asyncio.Task[None], None] = {}  # a dict keeps the order of arrival

    def put(self, subject: str, payload: bytes, answer: Callable[[bytes], None]) -> None:
        """Start to answer one request; ``answer`` is called once, or never when the responder fails."""
        if len(self._open) >= self._bound:
            self._count_drop()
            return
        task = asyncio.get_running_loop().create_task(self._respond(subject, payload, answer))
        self._open[task] = None
        task.add_done_callback(self._forget)

    async def _respond(self, subject: str, payload: bytes, answer: Callable[[bytes], None]) -> None:
        try:
            reply = await self._responder(subject, payload)
        except LinkDown as error:  # expected trouble: a controller that loses its authority, for example
            _log.info("a request gets no answer", subject=subject, cause=str(error))
            return
        except Exception:  # noqa: BLE001  # the asker gets no answer, which it must be ready for anyway
            _log.exception("a bus responder failed; its request gets no answer", subject=subject)
            return
        answer(reply)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task, None)

    async def stop(self) -> None:
        """Cancel what is being answered (unless it is the one that asks)."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        others = [task for task in tasks if task is not asyncio.current_task()]
        if others:
            await asyncio.wait(others)
